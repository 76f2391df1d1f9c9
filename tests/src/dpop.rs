//! Proofs of possession (RFC 9449) as a client makes them, good ones and, for attacks, any other.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::random;

/// A client's key (P-256), fresh for each client.
#[derive(Debug)]
pub struct DpopKey {
    key: SigningKey,
}

impl DpopKey {
    /// Makes one.
    pub fn generate() -> Result<DpopKey> {
        Ok(DpopKey { key: SigningKey::from_slice(&random::bytes())? })
    }

    /// Its public half as a JWK.
    pub fn jwk(&self) -> Value {
        let point = self.key.verifying_key().to_sec1_point(false);
        // 0x04, then both coordinates.
        let coordinates = point.as_bytes().get(1..).unwrap_or_default();
        let (x, y) = coordinates.split_at(coordinates.len() / 2);
        json!({"crv": "P-256", "kty": "EC", "x": encoded(x), "y": encoded(y)})
    }

    /// The `jkt` of tokens that are bound to it (RFC 7638: the members in the order of their names).
    pub fn thumbprint(&self) -> String {
        encoded(Sha256::digest(self.jwk().to_string()))
    }

    /// A proof for one request: its method, and its URL without query and fragment. Made now, with an id of its own.
    pub fn proof(&self, method: &str, url: &str) -> DpopProof<'_> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let claims = json!({"htm": method, "htu": url, "iat": now, "jti": random::text()});
        let header = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk()});
        DpopProof { key: self, header: members(header), claims: members(claims) }
    }
}

/// A proof before it is signed.
#[derive(Clone, Debug)]
pub struct DpopProof<'a> {
    key: &'a DpopKey,
    header: Map<String, Value>,
    claims: Map<String, Value>,
}

impl DpopProof<'_> {
    /// Names the access token that it goes with (`ath`).
    #[must_use]
    pub fn token(self, token: &str) -> Self {
        self.claim("ath", encoded(Sha256::digest(token)))
    }

    /// Repeats what the server has asked for (`nonce`).
    #[must_use]
    pub fn nonce(self, nonce: &str) -> Self {
        self.claim("nonce", nonce)
    }

    /// Any claim with any value; null takes it out.
    #[must_use]
    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        set(&mut self.claims, name, value.into());
        self
    }

    /// Any member of the header with any value; null takes it out.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        set(&mut self.header, name, value.into());
        self
    }

    /// The value of the header `DPoP`.
    pub fn sign(self) -> String {
        let signed = format!(
            "{}.{}",
            encoded(Value::Object(self.header).to_string()),
            encoded(Value::Object(self.claims).to_string())
        );
        let signature: Signature = self.key.key.sign(signed.as_bytes());
        format!("{signed}.{}", encoded(signature.to_bytes()))
    }
}

fn set(members: &mut Map<String, Value>, name: &str, value: Value) {
    match value {
        Value::Null => members.remove(name),
        value => members.insert(name.to_owned(), value),
    };
}

fn members(object: Value) -> Map<String, Value> {
    match object {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
