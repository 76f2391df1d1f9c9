//! Secrets that an issuer shares with the gate. Whoever knows one can make tokens, so the gravest mistake is a secret that
//! is none: the public key of an issuer that somebody took for it.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::unfit::{Unfit, UnfitKey};
use super::{InvalidJwks, VerifyingKey};
use crate::json_object::Object;
use crate::signature::{Algorithm, Curve, SignatureKey};

/// The smallest hash that a secret can serve has as many bytes (RFC 7518, section 3.2).
const MIN_SECRET_BYTES: usize = 32;

/// Base64 as PEM and many consoles write keys, padded or not.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Read without a detour through `Value`, which would leave copies of the secrets in memory.
#[derive(Deserialize)]
struct SecretSet {
    keys: Vec<Object<SecretEntry>>,
}

#[derive(Deserialize)]
struct SecretEntry {
    kty: String,
    k: Option<Zeroizing<String>>,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    key_ops: Option<Vec<String>>,
}

/// Reads a JWK Set of secrets, and of nothing else.
pub(super) fn verifying_keys(bytes: &[u8]) -> Result<Vec<Result<VerifyingKey, UnfitKey>>, InvalidJwks> {
    let Object(set): Object<SecretSet> = serde_json::from_slice(bytes).map_err(|_| InvalidJwks::Form)?;
    if set.keys.iter().any(|Object(entry)| entry.kty != "oct") {
        return Err(InvalidJwks::SecretsAmongOthers);
    }
    let mut keys = Vec::new();
    for (number, Object(entry)) in (1..).zip(set.keys) {
        let kid = entry.kid.clone();
        let encoded = entry.k.as_ref().ok_or(InvalidJwks::Form)?;
        let secret = BASE64_URL_SAFE_NO_PAD.decode(encoded.as_bytes()).map_err(|_| InvalidJwks::Form)?;
        let secret = Zeroizing::new(secret);
        if is_public(&secret) {
            return Err(InvalidJwks::PublicSecret);
        }
        keys.push(verifying_key(entry, secret).map_err(|why| UnfitKey { number, kid, why }));
    }
    Ok(keys)
}

fn verifying_key(entry: SecretEntry, secret: Zeroizing<Vec<u8>>) -> Result<VerifyingKey, Unfit> {
    if entry.purpose.is_some_and(|purpose| purpose != "sig") {
        return Err(Unfit::Use);
    }
    if entry.key_ops.is_some_and(|operations| !operations.iter().any(|operation| operation == "verify")) {
        return Err(Unfit::Operations);
    }
    let algorithm = match entry.alg {
        Some(name) => Some(Algorithm::named(&name).ok_or(Unfit::Algorithm)?),
        None => None,
    };
    if secret.len() < MIN_SECRET_BYTES {
        return Err(Unfit::ShortSecret);
    }
    let thumbprint = thumbprint(&secret);
    let key = SignatureKey::shared_secret(secret);
    if algorithm.is_some_and(|algorithm| !key.serves(algorithm)) {
        return Err(Unfit::AlgorithmOfAnotherType);
    }
    Ok(VerifyingKey { kid: entry.kid, algorithm, thumbprint, key })
}

/// RFC 7638, section 3.2. It never leaves the gate: a secret that is easy to guess could be found by it (section 7).
fn thumbprint(secret: &[u8]) -> [u8; 32] {
    let encoded = Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(secret));
    let digest =
        Sha256::new().chain_update(r#"{"k":""#).chain_update(encoded.as_bytes()).chain_update(r#"","kty":"oct"}"#);
    digest.finalize().into()
}

/// Whether these bytes are what public keys and certificates are handed around as: PEM, DER, the base64 of DER, a JWK, or a
/// point of a curve.
fn is_public(secret: &[u8]) -> bool {
    let text: Zeroizing<Vec<u8>> =
        Zeroizing::new(secret.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect());
    let is_pem = secret.windows(10).any(|window| window == b"-----BEGIN");
    let is_jwk = text.starts_with(b"{") && text.windows(6).any(|window| window == br#""kty":"#);
    let is_base64_der = BASE64.decode(text.as_slice()).is_ok_and(|decoded| is_der_key(&Zeroizing::new(decoded)));
    is_pem || is_jwk || is_base64_der || is_der_key(secret) || is_point(secret)
}

/// A DER sequence that spans all the bytes and begins with a shorter sequence or integer, as certificates,
/// `SubjectPublicKeyInfo` and `RSAPublicKey` do (RFC 5280, RFC 8017). Random bytes do so once in millions of times.
fn is_der_key(bytes: &[u8]) -> bool {
    let Some((0x30, length, content)) = der_header(bytes) else { return false };
    let Some((0x30 | 0x02, inner_length, inner_content)) = der_header(content) else { return false };
    length == content.len() && inner_length < inner_content.len()
}

/// Tag, length, and all that follows.
fn der_header(bytes: &[u8]) -> Option<(u8, usize, &[u8])> {
    let (&[tag, first], rest) = bytes.split_first_chunk::<2>()?;
    if first < 0x80 {
        return Some((tag, usize::from(first), rest));
    }
    // Four bytes of length are more than any key has.
    let (length, content) = rest.split_at_checked(usize::from(first & 0x7f)).filter(|(length, _)| length.len() <= 3)?;
    Some((tag, length.iter().fold(0, |length, byte| (length << 8) | usize::from(*byte)), content))
}

/// An uncompressed point on a curve of NIST (SEC 1, section 2.3.3).
fn is_point(bytes: &[u8]) -> bool {
    let Some((&4, coordinates)) = bytes.split_first() else { return false };
    let (x, y) = coordinates.split_at(coordinates.len().wrapping_div(2));
    [Curve::P256, Curve::P384, Curve::P521].into_iter().any(|curve| SignatureKey::ecdsa(curve, x, y).is_some())
}
