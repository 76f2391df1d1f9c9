//! Public keys: which of a JWK Set's entries are fit to verify signatures.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::VerifyingKey;
use super::unfit::Unfit;
use crate::signature::{Algorithm, Curve, SignatureKey};

/// Reads an entry of a JWK Set, or says why it cannot, or must not, verify a token.
pub(super) fn verifying_key(entry: &Value) -> Result<VerifyingKey, Unfit> {
    // A name of another type is read as none by some, and would then fit tokens that name no key.
    if entry.get("kid").is_some_and(|kid| !kid.is_string()) {
        return Err(Unfit::Kid);
    }
    if entry.get("use").is_some_and(|purpose| !purpose.is_null() && *purpose != *"sig") {
        return Err(Unfit::Use);
    }
    let algorithm = match entry.get("alg") {
        Some(name) => Some(name.as_str().and_then(Algorithm::named).ok_or(Unfit::Algorithm)?),
        None => None,
    };
    let member = |name: &str| entry.get(name).and_then(Value::as_str);
    match (member("kty"), member("crv")) {
        (Some("RSA"), _) | (Some("EC"), Some("P-256" | "P-384" | "P-521")) | (Some("OKP"), Some("Ed25519")) => {}
        (Some("oct"), _) => return Err(Unfit::SharedSecret),
        _ => return Err(Unfit::Type),
    }
    let jwk = Jwk::deserialize(entry).map_err(|_| Unfit::Form)?;
    if jwk.common.key_operations.is_some_and(|operations| !operations.contains(&KeyOperations::Verify)) {
        return Err(Unfit::Operations);
    }
    let (key, members) = signature_key(&jwk.algorithm)?;
    if algorithm.is_some_and(|algorithm| !key.serves(algorithm)) {
        return Err(Unfit::AlgorithmOfAnotherType);
    }
    let thumbprint = Sha256::digest(members).into();
    Ok(VerifyingKey { kid: jwk.common.key_id, algorithm, thumbprint, key })
}

/// The key, and its required members as RFC 7638, section 3 spells them.
fn signature_key(parameters: &AlgorithmParameters) -> Result<(SignatureKey, String), Unfit> {
    match parameters {
        AlgorithmParameters::RSA(rsa) => rsa_key(&rsa.n, &rsa.e).ok_or(Unfit::Rsa),
        AlgorithmParameters::EllipticCurve(point) => curve_key(&point.curve, &point.x, &point.y).ok_or(Unfit::Point),
        AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => {
            let members = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, pair.x);
            let key = decoded(&pair.x).and_then(|point| SignatureKey::ed25519(&point));
            Ok((key.ok_or(Unfit::Point)?, members))
        }
        // Its type was looked at before, so the members do not fit it.
        _ => Err(Unfit::Form),
    }
}

fn rsa_key(modulus: &str, exponent: &str) -> Option<(SignatureKey, String)> {
    let (modulus, exponent) = (number(modulus)?, number(exponent)?);
    let (n, e) = (BASE64_URL_SAFE_NO_PAD.encode(&modulus), BASE64_URL_SAFE_NO_PAD.encode(&exponent));
    let members = format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#);
    Some((SignatureKey::rsa(&modulus, &exponent)?, members))
}

fn curve_key(curve: &EllipticCurve, x: &str, y: &str) -> Option<(SignatureKey, String)> {
    let (curve, name) = match curve {
        EllipticCurve::P256 => (Curve::P256, "P-256"),
        EllipticCurve::P384 => (Curve::P384, "P-384"),
        EllipticCurve::P521 => (Curve::P521, "P-521"),
        _ => return None,
    };
    // Decoding is strict, so what was read is the one spelling of these coordinates.
    let members = format!(r#"{{"crv":"{name}","kty":"EC","x":"{x}","y":"{y}"}}"#);
    Some((SignatureKey::ecdsa(curve, &decoded(x)?, &decoded(y)?)?, members))
}

fn decoded(encoded: &str) -> Option<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD.decode(encoded).ok()
}

/// A number without the zeros that some libraries put before it (RFC 7518, section 6.3.1.1).
fn number(encoded: &str) -> Option<Vec<u8>> {
    Some(decoded(encoded)?.into_iter().skip_while(|byte| *byte == 0).collect())
}
