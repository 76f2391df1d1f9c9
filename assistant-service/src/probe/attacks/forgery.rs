//! Tokens that look like the probe's own, and are not. They are signed, if at all, with keys that nobody trusts.

use std::sync::{Arc, OnceLock};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::command_line::keys::{generate, signing_key};
use crate::probe::credential::Token;

/// Longer than any leeway.
const LONG_AGO: i64 = 3600;

/// Keys that it makes when it first needs them: one for RSA takes a moment.
#[derive(Default)]
pub(in crate::probe) struct Forger {
    ed25519: OnceLock<Arc<EncodingKey>>,
    rsa: OnceLock<Arc<EncodingKey>>,
    p256: OnceLock<Arc<EncodingKey>>,
}

impl Forger {
    /// What the token says, said by somebody else's key. Without a token that can be read, an issuer that nobody trusts.
    pub(super) fn signed(&self, own: Option<&Token>, now: i64) -> anyhow::Result<String> {
        self.sign(own, &claims(own, now))
    }

    pub(super) fn for_another_audience(&self, own: Option<&Token>, now: i64) -> anyhow::Result<String> {
        self.sign(own, &with(claims(own, now), "aud", json!("urn:watchgate:probe:another-audience")))
    }

    pub(super) fn lapsed(&self, own: Option<&Token>, now: i64) -> anyhow::Result<String> {
        let claims = with(claims(own, now), "iat", json!(now.saturating_sub(LONG_AGO.saturating_mul(2))));
        self.sign(own, &with(claims, "exp", json!(now.saturating_sub(LONG_AGO))))
    }

    /// `alg: none` (RFC 7519, section 6.1).
    pub(super) fn unsigned(&self, own: Option<&Token>, now: i64) -> String {
        let header = with(header(own), "alg", json!("none"));
        format!("{}.{}.", encoded(&header), encoded(&claims(own, now)))
    }

    /// Another subject under the signature that was made for this one.
    pub(super) fn tampered(&self, own: Option<&Token>, now: i64) -> anyhow::Result<String> {
        let signed = match own.filter(|own| own.unverified_claims.is_some()) {
            Some(own) => own.text.to_string(),
            None => self.signed(None, now)?,
        };
        let mut parts = signed.split('.');
        let (first, signature) = (parts.next().unwrap_or_default(), parts.nth(1).unwrap_or_default());
        let payload = with(claims(own, now), "sub", json!("somebody-else"));
        Ok(format!("{first}.{}.{signature}", encoded(&payload)))
    }

    fn sign(&self, own: Option<&Token>, claims: &Value) -> anyhow::Result<String> {
        let said = header(own);
        let text = |name: &str| said.get(name).and_then(Value::as_str).map(str::to_owned);
        let named = text("alg").and_then(|name| name.parse().ok()).unwrap_or(Algorithm::EdDSA);
        let (algorithm, key) = self.key(named)?;
        let header = Header { typ: text("typ"), kid: text("kid"), ..Header::new(algorithm) };
        Ok(jsonwebtoken::encode(&header, claims, &key)?)
    }

    /// A key for this algorithm; for those that nobody can have here one for EdDSA.
    fn key(&self, algorithm: Algorithm) -> anyhow::Result<(Algorithm, Arc<EncodingKey>)> {
        match algorithm {
            Algorithm::RS256
            | Algorithm::RS384
            | Algorithm::RS512
            | Algorithm::PS256
            | Algorithm::PS384
            | Algorithm::PS512 => Ok((algorithm, once(&self.rsa, || made(Algorithm::RS256))?)),
            Algorithm::ES256 => {
                let make = || Ok(EncodingKey::from_ec_der(&rcgen::KeyPair::generate()?.serialize_der()));
                Ok((algorithm, once(&self.p256, make)?))
            }
            _ => Ok((Algorithm::EdDSA, once(&self.ed25519, || made(Algorithm::EdDSA))?)),
        }
    }
}

fn made(algorithm: Algorithm) -> anyhow::Result<EncodingKey> {
    signing_key(&generate(algorithm)?, algorithm)
}

fn once(
    cell: &OnceLock<Arc<EncodingKey>>,
    make: impl FnOnce() -> anyhow::Result<EncodingKey>,
) -> anyhow::Result<Arc<EncodingKey>> {
    if let Some(key) = cell.get() {
        return Ok(Arc::clone(key));
    }
    // Two at once make two; one of them stays.
    let key = Arc::new(make()?);
    Ok(Arc::clone(cell.get_or_init(|| key)))
}

fn header(own: Option<&Token>) -> Value {
    own.and_then(|own| own.header.clone()).unwrap_or_else(|| json!({"alg": "EdDSA", "typ": "at+jwt"}))
}

fn claims(own: Option<&Token>, now: i64) -> Value {
    let claims = own
        .and_then(|own| own.unverified_claims.clone())
        .unwrap_or_else(|| json!({"iss": "https://probe.watchgate.invalid", "sub": "probe", "aud": "watchgate"}));
    // Good for a minute: it must be refused for what is wrong with it.
    with(with(claims, "iat", json!(now)), "exp", json!(now.saturating_add(60)))
}

fn with(mut object: Value, name: &str, value: Value) -> Value {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), value);
    }
    object
}

fn encoded(part: &Value) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(part.to_string())
}
