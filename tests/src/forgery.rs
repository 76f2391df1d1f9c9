//! Tokens that nobody should accept, and the means to make them: the attacker's half of the tests.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jsonwebtoken::{Algorithm, EncodingKey};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};
use sha2::Sha256;

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
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).context("an HMAC takes a key of any length")?;
    mac.update(parts.signing_input().as_bytes());
    parts.signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    Ok(parts.join())
}

/// What an attacker might take for "the public key": each key of a JWKS as its parameters, as JSON, and the whole file.
pub fn public_key_secrets(jwks: &Path) -> Result<Vec<Vec<u8>>> {
    let file = fs::read(jwks).with_context(|| format!("{} cannot be read", jwks.display()))?;
    let parsed: Value = serde_json::from_slice(&file).context("the JWKS is no JSON")?;
    let mut secrets = vec![file];
    for key in parsed.get("keys").and_then(Value::as_array).into_iter().flatten() {
        secrets.push(key.to_string().into_bytes());
        for text in ["x", "n"].iter().filter_map(|name| key.get(name).and_then(Value::as_str)) {
            secrets.push(text.as_bytes().to_vec());
            secrets.push(URL_SAFE_NO_PAD.decode(text).context("a key's parameter is no base64url")?);
        }
    }
    Ok(secrets)
}

/// Signs whatever it is told with an issuer's Ed25519 key: an identity provider gone wrong.
pub struct Signer {
    kid: String,
    key: EncodingKey,
}

impl Signer {
    /// Reads the issuer's folder, as `watchgate keys dev` made it.
    pub fn read(folder: &Path) -> Result<Signer> {
        let file = fs::read(folder.join("issuer.json")).context("the issuer's folder has no issuer.json")?;
        let issuer: Value = serde_json::from_slice(&file).context("issuer.json is no JSON")?;
        let keys = issuer.get("keys").and_then(Value::as_array).context("issuer.json names no keys")?;
        let key = keys.iter().find(|key| key["alg"] == "EdDSA").context("the issuer has no EdDSA key")?;
        let (Some(kid), Some(file)) = (key["kid"].as_str(), key["file"].as_str()) else {
            bail!("issuer.json names no kid or no file");
        };
        let der = PrivatePkcs8KeyDer::from_pem_file(folder.join(file)).context("the issuer's key is no PKCS#8 PEM")?;
        Ok(Signer { kid: kid.to_owned(), key: EncodingKey::from_ed_der(der.secret_pkcs8_der()) })
    }

    /// The key's id.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Signs header and claims as they are, whatever they say.
    pub fn sign(&self, header: &Value, claims: &Value) -> Result<String> {
        let mut parts = Parts { header: header.clone(), claims: claims.clone(), signature: String::new() };
        let input = parts.signing_input();
        parts.signature = jsonwebtoken::crypto::sign(input.as_bytes(), &self.key, Algorithm::EdDSA)?;
        Ok(parts.join())
    }
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
