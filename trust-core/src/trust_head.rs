//! `/trust/head`: what the keeper of the trust directory says once a second. A gate that is told of a keeper believes
//! nothing of the directory unless this file is fresh.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::digits::{push_hexadecimal, text};
use crate::json_object::Object;

/// The file's name below `/trust`.
pub const TRUST_HEAD_FILE: &str = "head";

/// How old a head may be, and how far ahead of the gate's clock.
pub(crate) const MAX_AGE_MILLISECONDS: u64 = 10_000;

/// Bytes of an issuer's digest in the name of the file that asks for its keys.
const WANTED_BYTES: usize = 8;

/// The keeper's word on the state of the trust directory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustHead {
    /// Grows with every head, also across restarts of the keeper. A lower one than before is an old file put back.
    pub sequence: u64,
    /// When it was written, in milliseconds since 1970.
    pub time: u64,
    /// The host's name, where several hosts stand for one origin: proofs of possession must then name it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The number of the table that is in force, `/trust/revocations-<number>`; absent when nothing is revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocations: Option<u64>,
    /// For each file of keys that the keeper keeps: when its last successful fetch began, in milliseconds since 1970.
    #[serde(default)]
    pub key_sets: BTreeMap<String, u64>,
}

/// The bytes are no head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a head as `watchgate keeper` writes it")]
pub struct InvalidHead;

impl TrustHead {
    /// Reads what [`TrustHead::to_json`] writes. Members that are not known here are passed over: a newer keeper may say more.
    pub fn from_json(bytes: &[u8]) -> Result<Self, InvalidHead> {
        serde_json::from_slice(bytes).map(|Object(head)| head).map_err(|_| InvalidHead)
    }

    /// The file's content.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Numbers and strings alone: this has no way to fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The file below `/trust` with the revocations that are in force.
    #[must_use]
    pub fn revocations_file(&self) -> Option<String> {
        self.revocations.map(|number| format!("revocations-{number}"))
    }
}

/// The file below `/gate` by which a gate asks the keeper for an issuer's keys: `wanted-` and 16 hexadecimal digits.
#[must_use]
pub fn wanted_file(issuer: &str) -> String {
    let mut digits = Vec::with_capacity(WANTED_BYTES.saturating_mul(2));
    push_hexadecimal(Sha256::digest(issuer).get(..WANTED_BYTES).unwrap_or_default(), &mut digits);
    format!("wanted-{}", text(digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_survives_the_round_trip() {
        let head = TrustHead {
            sequence: 7,
            time: 1_795_000_000_123,
            host: Some("gw-1".into()),
            revocations: Some(3),
            key_sets: BTreeMap::from([("jwks/idp.json".into(), 1_795_000_000_000)]),
        };
        assert_eq!(TrustHead::from_json(head.to_json().as_bytes()), Ok(head.clone()));
        assert_eq!(head.revocations_file().as_deref(), Some("revocations-3"));
        let least = TrustHead::from_json(br#"{"sequence":1,"time":2,"of":"tomorrow"}"#).unwrap();
        assert_eq!((least.host, least.revocations, least.key_sets.len()), (None, None, 0));
    }

    #[test]
    fn what_is_no_head_is_none() {
        for bytes in ["", "{}", "[1,2]", r#"{"sequence":-1,"time":2}"#, r#"{"sequence":1,"time":"2"}"#] {
            assert_eq!(TrustHead::from_json(bytes.as_bytes()), Err(InvalidHead), "{bytes}");
        }
    }

    #[test]
    fn the_wish_for_keys_is_named_by_the_issuer_alone() {
        assert_eq!(wanted_file("https://idp.example.com"), wanted_file("https://idp.example.com"));
        assert_ne!(wanted_file("https://idp.example.com"), wanted_file("https://idp.example.com/"));
        assert_eq!(wanted_file("../../etc/passwd").len(), "wanted-".len() + 16);
    }
}
