//! Parameters that nobody but the one who carries a command out may see. They are kept beside the command and not in it, so
//! that whatever tells of a command cannot tell them.

use std::collections::BTreeMap;
use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use rand_core::{OsRng, RngCore};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::problem::Problem;

/// What stands in a command in the place of a secret value.
pub(super) const HIDDEN: &str = "***";

/// The secret values of one call, and the key under which its digest tells them apart.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct SecretParameters {
    /// Random, and of this call alone: with it gone nobody can try values against the digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<[u8; 32]>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    values: BTreeMap<String, Value>,
    /// The names of those whose values nobody needs any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    forgotten: Vec<String>,
}

impl SecretParameters {
    /// Takes the members that `names` names out of `parameters`, where [`HIDDEN`] stays.
    pub(super) fn taken_from(parameters: &mut Value, names: impl IntoIterator<Item = String>) -> Result<Self, Problem> {
        let mut secrets = Self::default();
        for name in names {
            if let Some(value) = parameters.get_mut(&name) {
                secrets.values.insert(name, std::mem::replace(value, json!(HIDDEN)));
            }
        }
        if !secrets.is_empty() {
            let mut key = [0; 32];
            let drawn = OsRng.try_fill_bytes(&mut key);
            drawn.map_err(|error| Problem::mistake(format!("no random key could be drawn: {error}")))?;
            secrets.key = Some(key);
        }
        Ok(secrets)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.values.is_empty() && self.forgotten.is_empty()
    }

    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        self.values.keys().chain(&self.forgotten).cloned()
    }

    /// Keeps nothing but the names.
    pub(super) fn forget(&mut self) {
        self.key = None;
        self.forgotten.extend(std::mem::take(&mut self.values).into_keys());
    }

    /// Whether there were values that can be found in no text any more.
    pub(super) fn are_forgotten(&self) -> bool {
        !self.forgotten.is_empty()
    }

    /// The parameters as they were given.
    pub(super) fn put_back_into(&self, parameters: &Value) -> Value {
        self.replaced_in(parameters, Value::clone)
    }

    /// The parameters with a keyed digest (HMAC-SHA-256) in the place of each secret.
    pub(super) fn digested_in(&self, parameters: &Value) -> Value {
        self.replaced_in(parameters, |value| json!({"hmac_sha256": self.digest(value)}))
    }

    /// The values as texts, to be looked for in what a service says.
    pub(super) fn texts(&self) -> Vec<String> {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        self.values.values().map(text).collect()
    }

    fn replaced_in(&self, parameters: &Value, with: impl Fn(&Value) -> Value) -> Value {
        let mut replaced = parameters.clone();
        for (name, value) in &self.values {
            if let Some(place) = replaced.get_mut(name) {
                *place = with(value);
            }
        }
        replaced
    }

    fn digest(&self, value: &Value) -> Option<String> {
        let mut value = value.clone();
        value.sort_all_objects();
        // An HMAC takes a key of any length.
        let mac = Hmac::<Sha256>::new_from_slice(&self.key?).ok()?.chain_update(value.to_string());
        Some(mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

impl fmt::Debug for SecretParameters {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SecretParameters")
    }
}
