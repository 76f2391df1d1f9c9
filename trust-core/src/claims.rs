//! What an issuer vouches for. Only [`crate::issuer`] makes it.

use serde_json::{Map, Value};

use crate::principal::Principal;
use crate::time::UnixSeconds;

/// The claims of a token whose signature, issuer, audience and times hold.
#[derive(Clone, Debug)]
pub(crate) struct VerifiedClaims {
    principal: Principal,
    expires_at: UnixSeconds,
    all: Map<String, Value>,
}

impl VerifiedClaims {
    pub(crate) fn new(principal: Principal, expires_at: UnixSeconds, all: Map<String, Value>) -> Self {
        Self { principal, expires_at, all }
    }

    /// Who the token speaks of.
    #[must_use]
    pub(crate) fn principal(&self) -> &Principal {
        &self.principal
    }

    /// When the token ends.
    #[must_use]
    pub(crate) fn expires_at(&self) -> UnixSeconds {
        self.expires_at
    }

    /// A claim by its top-level name.
    #[must_use]
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.all.get(name)
    }

    /// A claim that is a string.
    #[must_use]
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str)
    }

    /// Every scope: `scope` separated by spaces (RFC 8693, section 4.2), or the list or string `scp` that some issuers
    /// write in its place.
    pub(crate) fn scopes(&self) -> impl Iterator<Item = &str> {
        let spaced = [self.text("scope"), self.text("scp")].into_iter().flatten().flat_map(str::split_ascii_whitespace);
        let listed = self.get("scp").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        spaced.chain(listed)
    }

    /// Whether the token was given to a client for itself: its subject is the client (RFC 9068, section 2.2).
    #[must_use]
    pub(crate) fn is_of_client(&self) -> bool {
        let client = self.text("client_id").or_else(|| self.text("azp"));
        client.is_some_and(|client| client == self.principal.subject())
    }
}

/// A claim's value as rules compare it: a string by its content, any other scalar by its JSON text; lists and objects
/// equal nothing.
#[must_use]
pub(crate) fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) | Value::Null => Some(value.to_string()),
        Value::Array(_) | Value::Object(_) => None,
    }
}
