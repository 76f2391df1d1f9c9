//! Which consumers there are: one entry with all names, changed in the same step as the consumers themselves, so that a bound on
//! their number is one, and listing one's own costs no look at those of others.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use trust_core::principal::Principal;

use super::{MAX_CONSUMERS, MAX_CONSUMERS_OF_ONE};
use crate::problem::{FieldError, Problem};

/// A name must fit into a path and an event's subject as it is.
const MAX_NAME_BYTES: usize = 64;

/// The names by their owners' URIs.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Names(BTreeMap<String, BTreeSet<String>>);

impl Names {
    pub(super) fn of(&self, owner: &Principal) -> Vec<String> {
        self.0.get(&owner.uri()).into_iter().flatten().cloned().collect()
    }

    pub(super) fn add(&mut self, owner: &Principal, name: &str) -> Result<(), Problem> {
        let count: usize = self.0.values().map(BTreeSet::len).sum();
        let own = self.0.entry(owner.uri()).or_default();
        if count >= MAX_CONSUMERS || own.len() >= MAX_CONSUMERS_OF_ONE {
            return Err(Problem::TooManyConsumers);
        }
        own.insert(name.to_owned());
        Ok(())
    }

    pub(super) fn remove(&mut self, owner: &Principal, name: &str) {
        if let Some(own) = self.0.get_mut(&owner.uri()) {
            own.remove(name);
        }
        self.0.retain(|_, own| !own.is_empty());
    }
}

/// Where a consumer is kept: every owner has names of his own, and nobody learns of another's.
pub(super) fn key(owner: &Principal, name: &str) -> String {
    let digest = Sha256::digest(owner.uri());
    let mut key: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    key.push('/');
    key.push_str(name);
    key
}

pub(super) fn check(name: &str) -> Result<(), FieldError> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_' | b'.');
    let begins_well = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    if begins_well && name.len() <= MAX_NAME_BYTES && name.bytes().all(is_plain) {
        return Ok(());
    }
    let rule = format!("must have 1 to {MAX_NAME_BYTES} of a-z, 0-9, '-', '_' and '.', the first a letter or digit");
    Err(FieldError::new("name", rule))
}
