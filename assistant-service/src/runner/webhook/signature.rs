//! Signatures of requests (RFC 9421) over what the receiver acts on, and the digest of the body (RFC 9530) among it.

use std::path::Path;

use anyhow::Context;
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey};
use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use sha2::{Digest, Sha256};

use crate::command_line::keys::{public_jwk, read_signing_key};

pub(super) const CONTENT_TYPE: &str = "application/json";

/// What is signed, in order.
const COMPONENTS: &str = r#"("@method" "@target-uri" "content-digest" "content-type")"#;

/// An Ed25519 key and its name.
pub(super) struct RequestSigner {
    key: EncodingKey,
    /// The key's thumbprint (RFC 7638): nobody has to agree on a name.
    keyid: String,
}

impl RequestSigner {
    /// Reads a key in PKCS#8 and PEM.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let key = read_signing_key(path, Algorithm::EdDSA)?;
        let keyid = public_jwk(&key, Algorithm::EdDSA)?.common.key_id.context("the key has no thumbprint")?;
        Ok(Self { key, keyid })
    }

    pub(super) fn keyid(&self) -> &str {
        &self.keyid
    }

    /// The headers of a POST with this body at this second of Unix time.
    pub(super) fn sign(&self, url: &Url, body: &[u8], created: u64) -> anyhow::Result<HeaderMap> {
        let digest = format!("sha-256=:{}:", BASE64_STANDARD.encode(Sha256::digest(body)));
        let parameters = format!("{COMPONENTS};created={created};keyid=\"{}\";alg=\"ed25519\"", self.keyid());
        let signature =
            jsonwebtoken::crypto::sign(base(url, &digest, &parameters).as_bytes(), &self.key, Algorithm::EdDSA)?;
        let signature = BASE64_STANDARD.encode(BASE64_URL_SAFE_NO_PAD.decode(signature)?);
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("content-digest", digest),
            ("signature-input", format!("watchgate={parameters}")),
            ("signature", format!("watchgate=:{signature}:")),
        ] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_str(&value)?);
        }
        Ok(headers)
    }
}

/// The signature base of section 2.5.
fn base(url: &Url, digest: &str, parameters: &str) -> String {
    format!(
        "\"@method\": POST\n\"@target-uri\": {url}\n\"content-digest\": {digest}\n\"content-type\": {CONTENT_TYPE}\n\"@signature-params\": {parameters}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_base_is_that_of_the_rfc() {
        let url = Url::parse("https://hooks.example.com/restart?a=1").unwrap();
        let expected = "\"@method\": POST
\"@target-uri\": https://hooks.example.com/restart?a=1
\"content-digest\": sha-256=:x:
\"content-type\": application/json
\"@signature-params\": (\"@method\" \"@target-uri\" \"content-digest\" \"content-type\");created=7;keyid=\"k\";alg=\"ed25519\"";
        assert_eq!(base(&url, "sha-256=:x:", &format!("{COMPONENTS};created=7;keyid=\"k\";alg=\"ed25519\"")), expected);
    }
}
