//! Public keys: which of a JWK Set's entries are fit to verify signatures.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::VerifyingKey;
use crate::signature::{Algorithm, Curve, SignatureKey};

/// Reads an entry of a JWK Set; nothing when it cannot, or must not, verify a token.
pub(super) fn verifying_key(entry: Value) -> Option<VerifyingKey> {
    // A name of another type is read as none by some, and would then fit tokens that name no key.
    let has_kid = match entry.get("kid") {
        Some(kid) => kid.is_string(),
        None => true,
    };
    let algorithm = match entry.get("alg") {
        Some(name) => Some(Algorithm::named(name.as_str()?)?),
        None => None,
    };
    let jwk: Jwk = serde_json::from_value(entry).ok()?;
    let is_for_signatures = jwk.common.public_key_use.is_none_or(|purpose| purpose == PublicKeyUse::Signature);
    let may_verify = jwk.common.key_operations.is_none_or(|operations| operations.contains(&KeyOperations::Verify));
    if !has_kid || !is_for_signatures || !may_verify {
        return None;
    }
    let (key, members) = signature_key(&jwk.algorithm)?;
    let is_matched = algorithm.is_none_or(|algorithm| key.serves(algorithm));
    let thumbprint = Sha256::digest(members).into();
    is_matched.then_some(VerifyingKey { kid: jwk.common.key_id, algorithm, thumbprint, key })
}

/// The key, and its required members as RFC 7638, section 3 spells them.
fn signature_key(parameters: &AlgorithmParameters) -> Option<(SignatureKey, String)> {
    match parameters {
        AlgorithmParameters::RSA(rsa) => {
            let (modulus, exponent) = (number(&rsa.n)?, number(&rsa.e)?);
            let (n, e) = (BASE64_URL_SAFE_NO_PAD.encode(&modulus), BASE64_URL_SAFE_NO_PAD.encode(&exponent));
            let members = format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#);
            Some((SignatureKey::rsa(&modulus, &exponent)?, members))
        }
        AlgorithmParameters::EllipticCurve(point) => {
            let (curve, name) = match point.curve {
                EllipticCurve::P256 => (Curve::P256, "P-256"),
                EllipticCurve::P384 => (Curve::P384, "P-384"),
                EllipticCurve::P521 => (Curve::P521, "P-521"),
                _ => return None,
            };
            // Decoding is strict, so what was read is the one spelling of these coordinates.
            let members = format!(r#"{{"crv":"{name}","kty":"EC","x":"{}","y":"{}"}}"#, point.x, point.y);
            Some((SignatureKey::ecdsa(curve, &decoded(&point.x)?, &decoded(&point.y)?)?, members))
        }
        AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => {
            let members = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, pair.x);
            Some((SignatureKey::ed25519(&decoded(&pair.x)?)?, members))
        }
        _ => None,
    }
}

fn decoded(encoded: &str) -> Option<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD.decode(encoded).ok()
}

/// A number without the zeros that some libraries put before it (RFC 7518, section 6.3.1.1).
fn number(encoded: &str) -> Option<Vec<u8>> {
    Some(decoded(encoded)?.into_iter().skip_while(|byte| *byte == 0).collect())
}
