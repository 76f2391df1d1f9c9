//! Proofs of possession (RFC 9449), as the holder of a key makes them.

use anyhow::Result;
use serde_json::{Value, json};

use crate::forge::Draft;
use crate::hash::Hash;
use crate::keys::{Key, encoded};

/// A client's key.
#[derive(Clone, Debug)]
pub struct ProofKey {
    key: Key,
    algorithm: &'static str,
}

impl ProofKey {
    /// A key for ES256, the same on every run.
    pub fn new(seed: u8) -> Result<ProofKey> {
        Ok(ProofKey { key: Key::p256(seed)?, algorithm: "ES256" })
    }

    /// Any other.
    pub(crate) fn of(key: Key, algorithm: &'static str) -> ProofKey {
        ProofKey { key, algorithm }
    }

    /// What a token says that is bound to this key (section 6.1).
    pub fn confirmation(&self) -> Value {
        json!({"jkt": self.thumbprint()})
    }

    /// RFC 7638 with SHA-256.
    pub(crate) fn thumbprint(&self) -> String {
        let jwk = self.key.jwk();
        // In the order of their names, as serde_json writes them.
        let required = ["crv", "e", "kty", "n", "x", "y"].into_iter().filter_map(|name| Some((name, jwk.get(name)?)));
        let members: Vec<_> = required.map(|(name, value)| format!("\"{name}\":{value}")).collect();
        encoded(Hash::Sha256.digest(format!("{{{}}}", members.join(",")).as_bytes()))
    }

    /// A good proof but for what is changed in it: for this token, method and address, made at `now` under the name `jti`.
    pub fn draft(&self, token: &str, method: &str, url: &str, now: u64, jti: &str) -> Draft {
        Draft {
            header: json!({"typ": "dpop+jwt", "alg": self.algorithm, "jwk": self.key.jwk()}),
            claims: json!({
                "htm": method, "htu": url, "iat": now, "jti": jti, "ath": encoded(Hash::Sha256.digest(token.as_bytes())),
            }),
        }
    }

    /// Signed with this key.
    pub fn sign(&self, draft: &Draft) -> String {
        draft.signed_by(|signed| self.key.sign(self.algorithm, signed))
    }
}
