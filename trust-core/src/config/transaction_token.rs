//! What the gate tells what stands behind it in a token of its own.

use super::reader::{Mistake, Reader};

/// For whom transaction tokens are, and what more than usual they say.
#[derive(Debug)]
pub(crate) struct TransactionTokenSetting {
    pub(crate) audience: String,
    /// Whether they tell the caller's roles.
    pub(crate) has_roles: bool,
}

pub(super) fn read(root: &Reader<'_>, mistakes: &mut Vec<Mistake>) -> Option<TransactionTokenSetting> {
    root.value("transactionToken")?;
    let reader = root.at("transactionToken");
    reader.only_keys(&["audience", "roles"], mistakes);
    let has_roles = reader.boolean("roles", mistakes).unwrap_or(false);
    let audience = reader.required_string("audience", mistakes)?;
    Some(TransactionTokenSetting { audience, has_roles })
}
