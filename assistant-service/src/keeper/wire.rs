//! What the service tells a keeper.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::key_sets::SharedKeySet;
use crate::revocations::RevocationEntry;

/// The answer of `GET /v1/trust`.
#[derive(Debug, Deserialize)]
pub(super) struct TrustAnswer {
    pub(super) cursor: String,
    /// Whether this is everything, and not only what is newer than the cursor.
    pub(super) complete: bool,
    pub(super) revocations: Vec<RevocationEntry>,
    pub(super) gate_keys: Option<Box<RawValue>>,
    #[serde(default)]
    pub(super) key_sets: Vec<SharedKeySet>,
}
