//! Tokens that nobody should accept, made of good ones: the attacker's half of the tests.

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::hash::Hash;
use crate::keys::encoded;

/// A token taken apart.
#[derive(Clone, Debug)]
pub struct Parts {
    /// The JOSE header.
    pub header: Value,
    /// The claims.
    pub claims: Value,
    /// The signature, still encoded.
    pub signature: String,
}

impl Parts {
    /// Takes a token apart.
    pub fn of(token: &str) -> Result<Parts> {
        let mut parts = token.split('.');
        let (Some(header), Some(claims), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            bail!("a token has three parts");
        };
        Ok(Parts { header: decode(header)?, claims: decode(claims)?, signature: signature.to_owned() })
    }

    /// Puts it together again, with the signature it had.
    pub fn join(&self) -> String {
        format!("{}.{}", self.signing_input(), self.signature)
    }

    fn signing_input(&self) -> String {
        format!("{}.{}", encode(&self.header), encode(&self.claims))
    }
}

/// The same token with another claim under the old signature.
pub fn tampered(token: &str, claim: &str, value: Value) -> Result<String> {
    let mut parts = Parts::of(token)?;
    set(&mut parts.claims, claim, value);
    Ok(parts.join())
}

/// The same claims, signed by nobody.
pub fn unsigned(token: &str, algorithm: &str) -> Result<String> {
    let mut parts = Parts::of(token)?;
    set(&mut parts.header, "alg", json!(algorithm));
    parts.signature.clear();
    Ok(parts.join())
}

/// The same claims under an HMAC whose secret is `secret`: the classic is the public key, which everybody knows.
pub fn hmac_signed(token: &str, secret: &[u8]) -> Result<String> {
    let mut parts = Parts::of(token)?;
    set(&mut parts.header, "alg", json!("HS256"));
    parts.signature = URL_SAFE_NO_PAD.encode(Hash::Sha256.mac(secret, parts.signing_input().as_bytes()));
    Ok(parts.join())
}

/// What an attacker might take for "the public key": each key of a JWKS as its parameters, as JSON, and the whole file.
pub fn public_key_secrets(jwks: &[u8]) -> Result<Vec<Vec<u8>>> {
    let parsed: Value = serde_json::from_slice(jwks).context("the JWKS is no JSON")?;
    let mut secrets = vec![jwks.to_vec()];
    for key in parsed.get("keys").and_then(Value::as_array).into_iter().flatten() {
        secrets.push(key.to_string().into_bytes());
        for text in ["x", "n"].iter().filter_map(|name| key.get(name).and_then(Value::as_str)) {
            secrets.push(text.as_bytes().to_vec());
            secrets.push(URL_SAFE_NO_PAD.decode(text).context("a key's parameter is no base64url")?);
        }
    }
    Ok(secrets)
}

/// Sets a member of a JSON object; `null` removes it.
pub fn set(object: &mut Value, name: &str, value: Value) {
    if let Some(members) = object.as_object_mut() {
        match value {
            Value::Null => members.remove(name),
            value => members.insert(name.to_owned(), value),
        };
    }
}

fn encode(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn decode(part: &str) -> Result<Value> {
    let bytes = URL_SAFE_NO_PAD.decode(part).context("a part of the token is no base64url")?;
    serde_json::from_slice(&bytes).context("a part of the token is no JSON")
}

/// The same token with its ES256 signature (r, s) written as (r, n - s), which holds as well.
#[expect(clippy::arithmetic_side_effects, reason = "scalars are numbers modulo n")]
pub fn with_the_other_s(token: &str) -> Result<String> {
    let parts = Parts::of(token)?;
    let bytes = URL_SAFE_NO_PAD.decode(&parts.signature)?;
    let signature = p256::ecdsa::Signature::from_slice(&bytes)?;
    let other = p256::ecdsa::Signature::from_scalars(signature.r(), -*signature.s())?;
    let signed = token.rsplit_once('.').map_or(token, |(signed, _)| signed);
    Ok(format!("{signed}.{}", encoded(other.to_bytes())))
}
