//! The gate's secret, and the sub-keys made from it: one per use, so that no holder of one can forge for another.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hkdf::Hkdf;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::json_object::Object;
use crate::keyed_hash::KeyedHash;
use crate::transaction_token::TransactionKeys;

/// Bytes of a secret and of every sub-key.
pub const SECRET_BYTES: usize = 32;

/// A secret and the identifier by which tokens name it. Its `Debug` shows the identifier alone.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(crate) struct NamedSecret {
    #[zeroize(skip)]
    pub(crate) kid: String,
    pub(crate) secret: [u8; SECRET_BYTES],
}

impl std::fmt::Debug for NamedSecret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "NamedSecret({})", self.kid)
    }
}

/// Why the bytes of a key file are no keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidGateKeys {
    /// Not the JSON that `watchgate keys` writes.
    #[error("not a key file as `watchgate keys` writes it")]
    Form,
    /// A secret that is not 32 bytes in base64url.
    #[error("a secret that is not 32 bytes in base64url without padding")]
    Secret,
    /// No secret at all.
    #[error("no key in it")]
    Empty,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyEntry {
    kid: String,
    secret: Zeroizing<String>,
}

impl From<&NamedSecret> for KeyEntry {
    fn from(key: &NamedSecret) -> Self {
        Self { kid: key.kid.clone(), secret: Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(key.secret)) }
    }
}

impl TryFrom<KeyEntry> for NamedSecret {
    type Error = InvalidGateKeys;

    fn try_from(entry: KeyEntry) -> Result<Self, InvalidGateKeys> {
        let decoded = Zeroizing::new(
            BASE64_URL_SAFE_NO_PAD.decode(entry.secret.as_bytes()).map_err(|_| InvalidGateKeys::Secret)?,
        );
        let secret = decoded.as_slice().try_into().map_err(|_| InvalidGateKeys::Secret)?;
        Ok(Self { kid: entry.kid, secret })
    }
}

/// A file of keys: for one audience, or the gate's own.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyFile {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) audience: Option<String>,
    #[serde(deserialize_with = "entries")]
    keys: Vec<KeyEntry>,
}

fn entries<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<KeyEntry>, D::Error> {
    let entries = Vec::<Object<KeyEntry>>::deserialize(deserializer)?;
    Ok(entries.into_iter().map(|Object(entry)| entry).collect())
}

impl KeyFile {
    pub(crate) fn to_json(audience: Option<&str>, keys: &[NamedSecret]) -> Zeroizing<String> {
        let file = Self { audience: audience.map(str::to_owned), keys: keys.iter().map(KeyEntry::from).collect() };
        Zeroizing::new(serde_json::to_string_pretty(&file).unwrap_or_default())
    }

    pub(crate) fn from_json(bytes: &[u8]) -> Result<(Option<String>, Vec<NamedSecret>), InvalidGateKeys> {
        let Object(file): Object<Self> = serde_json::from_slice(bytes).map_err(|_| InvalidGateKeys::Form)?;
        let keys = file.keys.into_iter().map(NamedSecret::try_from).collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() { Err(InvalidGateKeys::Empty) } else { Ok((file.audience, keys)) }
    }
}

/// What `/trust/gate.key` holds: the current secret, then the one before it.
#[derive(Clone, Debug)]
pub struct GateKeys {
    keys: Vec<NamedSecret>,
}

impl GateKeys {
    /// Puts `secret` first and keeps the current one of `previous` behind it, so that what was made with it stays good
    /// until the next rotation.
    #[must_use]
    pub fn generate(kid: String, secret: [u8; SECRET_BYTES], previous: Option<&GateKeys>) -> GateKeys {
        let mut keys = vec![NamedSecret { kid, secret }];
        keys.extend(previous.and_then(|previous| previous.keys.first().cloned()));
        Self { keys }
    }

    /// Reads the JSON that [`GateKeys::to_json`] writes.
    pub fn from_json(bytes: &[u8]) -> Result<GateKeys, InvalidGateKeys> {
        match KeyFile::from_json(bytes)? {
            (None, keys) => Ok(Self { keys }),
            (Some(_), _) => Err(InvalidGateKeys::Form),
        }
    }

    /// The file's content: `{"keys": [{"kid", "secret"}]}`, the current one first.
    #[must_use]
    pub fn to_json(&self) -> Zeroizing<String> {
        KeyFile::to_json(None, &self.keys)
    }

    /// The identifier of the current secret.
    #[must_use]
    pub fn current_kid(&self) -> &str {
        self.keys.first().map_or("", |key| key.kid.as_str())
    }

    /// The identifier of the secret before the current one, which stays good until the next rotation.
    #[must_use]
    pub fn previous_kid(&self) -> Option<&str> {
        self.keys.get(1).map(|key| key.kid.as_str())
    }

    /// The sub-keys for transaction tokens to `audience`; whoever holds them can neither make tokens for another
    /// audience nor find the gate's secret (RFC 5869).
    #[must_use]
    pub fn transaction_keys(&self, audience: &str) -> TransactionKeys {
        let info = format!("watchgate/v1/transaction-token/{audience}");
        TransactionKeys::new(audience.to_owned(), self.keys.iter().map(|key| derive(key, info.as_bytes())).collect())
    }

    /// The sub-keys of the claims cache.
    #[must_use]
    pub(crate) fn cache_secrets(&self) -> Option<CacheSecrets> {
        let key = self.keys.first()?;
        let secret = |info: &[u8]| KeyedHash::new(&derive(key, info).secret);
        Some(CacheSecrets { digest: secret(b"watchgate/v2/claims-digest"), seal: secret(b"watchgate/v2/claims-seal") })
    }

    /// The sub-key that makes event identifiers hard to guess.
    #[must_use]
    pub(crate) fn tag_secret(&self) -> Option<KeyedHash> {
        self.keys.first().map(|key| KeyedHash::new(&derive(key, b"watchgate/v1/tags").secret))
    }

    /// The sub-keys of nonces, the current one first.
    #[must_use]
    pub(crate) fn nonce_secrets(&self) -> Vec<NamedSecret> {
        self.keys.iter().map(|key| derive(key, b"watchgate/v1/dpop-nonce")).collect()
    }

    /// The sub-key that keeps a source's place in the counts of bad tokens from being known.
    #[must_use]
    pub(crate) fn throttle_secret(&self) -> Option<KeyedHash> {
        self.keys.first().map(|key| KeyedHash::new(&derive(key, b"watchgate/v1/bad-tokens").secret))
    }
}

/// What the claims cache is kept under.
pub(crate) struct CacheSecrets {
    /// Makes digests of tokens.
    pub(crate) digest: KeyedHash,
    /// Makes and checks seals.
    pub(crate) seal: KeyedHash,
}

fn derive(key: &NamedSecret, info: &[u8]) -> NamedSecret {
    let mut secret = [0; SECRET_BYTES];
    let expanded = Hkdf::<Sha256>::new(None, &key.secret).expand(info, &mut secret);
    // One block of SHA-256 output; HKDF refuses only more than 255 of them.
    debug_assert!(expanded.is_ok());
    NamedSecret { kid: key.kid.clone(), secret }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_survives_the_round_trip_and_rotation_keeps_one_previous() {
        let first = GateKeys::generate("a".into(), [1; 32], None);
        let second = GateKeys::generate("b".into(), [2; 32], Some(&first));
        let third = GateKeys::generate("c".into(), [3; 32], Some(&second));
        let read = GateKeys::from_json(third.to_json().as_bytes()).unwrap();
        assert_eq!(read.keys.iter().map(|key| key.kid.as_str()).collect::<Vec<_>>(), ["c", "b"]);
        assert_eq!(read.keys[1].secret, [2; 32]);
    }

    #[test]
    fn broken_files_are_refused() {
        for (bytes, expected) in [
            ("", InvalidGateKeys::Form),
            ("{}", InvalidGateKeys::Form),
            (r#"{"keys":[]}"#, InvalidGateKeys::Empty),
            (r#"[null,[{"kid":"a","secret":"c2hvcnQ"}]]"#, InvalidGateKeys::Form),
            (r#"{"keys":[["a","c2hvcnQ"]]}"#, InvalidGateKeys::Form),
            (r#"{"keys":[{"kid":"a","secret":"c2hvcnQ"}]}"#, InvalidGateKeys::Secret),
            (r#"{"keys":[{"kid":"a","secret":"***"}]}"#, InvalidGateKeys::Secret),
        ] {
            assert_eq!(GateKeys::from_json(bytes.as_bytes()).unwrap_err(), expected, "{bytes}");
        }
        let for_audience = GateKeys::generate("a".into(), [1; 32], None).transaction_keys("x").to_json();
        assert_eq!(GateKeys::from_json(for_audience.as_bytes()).unwrap_err(), InvalidGateKeys::Form);
    }

    #[test]
    fn debug_shows_no_secret() {
        let keys = GateKeys::generate("a".into(), [7; 32], None);
        assert!(!format!("{keys:?} {:?}", keys.transaction_keys("x")).contains('7'));
    }
}
