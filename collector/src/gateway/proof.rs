//! Proofs that the token's key is ours (RFC 9449), one for each request.

use std::fmt;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Url;
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};

use super::GatewayError;

const COORDINATE_BYTES: usize = 32;

/// A private key for ES256.
pub struct ProofKey {
    key: EcdsaKeyPair,
    random: SystemRandom,
    x: String,
    y: String,
}

impl fmt::Debug for ProofKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("ProofKey").field(&self.thumbprint()).finish()
    }
}

impl ProofKey {
    /// Reads it from a PEM file.
    pub(super) fn read(file: &Path) -> Result<Self, GatewayError> {
        let pem = std::fs::read(file).map_err(|error| GatewayError::File(file.to_owned(), error))?;
        let key = PrivatePkcs8KeyDer::from_pem_slice(&zeroize::Zeroizing::new(pem)).ok();
        key.and_then(|key| Self::of(key.secret_pkcs8_der())).ok_or_else(|| GatewayError::Key(file.to_owned()))
    }

    /// Makes a new one; nothing without random numbers.
    #[must_use]
    pub fn generate() -> Option<Self> {
        let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).ok()?;
        Self::of(key.as_ref())
    }

    fn of(pkcs8: &[u8]) -> Option<Self> {
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8, &random).ok()?;
        // 0x04, then both coordinates.
        let (x, y) = key.public_key().as_ref().get(1..)?.split_at_checked(COORDINATE_BYTES)?;
        let (x, y) = (encoded(x), encoded(y));
        Some(Self { key, random, x, y })
    }

    /// RFC 7638: the members that must be there, in the order of their names.
    pub(super) fn thumbprint(&self) -> String {
        let Self { x, y, .. } = self;
        encoded(digest(&SHA256, format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#).as_bytes()))
    }

    /// The value of the header `DPoP` for one request made now, with this token if it comes with one; nothing without random numbers.
    #[must_use]
    pub fn proof(&self, method: &str, url: &Url, token: Option<&str>, nonce: Option<&str>) -> Option<String> {
        let mut id = [0_u8; 16];
        self.random.fill(&mut id).ok()?;
        let mut address = url.clone();
        address.set_query(None);
        address.set_fragment(None);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs();
        let mut claims = json!({"htm": method, "htu": address.as_str(), "iat": now, "jti": encoded(id)});
        let digest = token.map(|token| encoded(digest(&SHA256, token.as_bytes())));
        for (name, value) in [("ath", digest.as_deref()), ("nonce", nonce)] {
            if let (Some(value), Value::Object(claims)) = (value, &mut claims) {
                claims.insert(name.to_owned(), value.into());
            }
        }
        let jwk = json!({"crv": "P-256", "kty": "EC", "x": self.x, "y": self.y});
        let header = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk});
        let signed = format!("{}.{}", encoded(header.to_string()), encoded(claims.to_string()));
        let signature = self.key.sign(&self.random, signed.as_bytes()).ok()?;
        Some(format!("{signed}.{}", encoded(signature)))
    }
}

fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
