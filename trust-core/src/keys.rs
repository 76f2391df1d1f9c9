//! An issuer's public keys, as a JWK Set gives them (RFC 7517), and the one place where a signature is checked.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use crate::token::{InvalidToken, UnverifiedToken};

/// Largest JWK Set that is read, in bytes.
pub(crate) const MAX_JWKS_BYTES: usize = 256 * 1024;

/// The smallest RSA modulus that is trusted (RFC 7518, section 3.3), and the largest that the verifier takes.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;

/// Why a JWK Set gives no keys at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidJwks {
    /// Over 256 KiB.
    #[error("the JWK Set is larger than 256 KiB")]
    TooLarge,
    /// Not `{"keys": [...]}`.
    #[error("not a JWK Set: an object with a list \"keys\" was expected (RFC 7517, section 5)")]
    Form,
    /// Nothing in it can verify a token.
    #[error("no key in the JWK Set can verify a token")]
    NoUsableKey,
}

#[derive(Deserialize)]
struct JwkSet {
    keys: Vec<Value>,
}

pub(crate) struct VerifyingKey {
    thumbprint: [u8; 32],
    kid: Option<String>,
    algorithm: Option<String>,
    kind: KeyKind,
    key: DecodingKey,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum KeyKind {
    Rsa,
    P256,
    P384,
    Ed25519,
}

impl KeyKind {
    /// A key serves only the algorithms of its own kind, whatever a token's header asks for.
    fn serves(self, algorithm: Algorithm) -> bool {
        match self {
            Self::Rsa => matches!(
                algorithm,
                Algorithm::RS256
                    | Algorithm::RS384
                    | Algorithm::RS512
                    | Algorithm::PS256
                    | Algorithm::PS384
                    | Algorithm::PS512
            ),
            Self::P256 => algorithm == Algorithm::ES256,
            Self::P384 => algorithm == Algorithm::ES384,
            Self::Ed25519 => algorithm == Algorithm::EdDSA,
        }
    }
}

impl VerifyingKey {
    pub(crate) fn thumbprint(&self) -> &[u8; 32] {
        &self.thumbprint
    }
}

/// The keys of one issuer.
pub(crate) struct KeySet {
    keys: Vec<VerifyingKey>,
}

impl std::fmt::Debug for KeySet {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_list().entries(self.keys.iter().map(|key| key.kid.as_deref())).finish()
    }
}

impl KeySet {
    /// Reads a JWK Set. Keys that cannot verify a token (of another use, symmetric, too short, of an unknown type) are
    /// passed over, as RFC 7517, section 5 asks.
    pub(crate) fn from_jwks(bytes: &[u8]) -> Result<Self, InvalidJwks> {
        if bytes.len() > MAX_JWKS_BYTES {
            return Err(InvalidJwks::TooLarge);
        }
        let set: JwkSet = serde_json::from_slice(bytes).map_err(|_| InvalidJwks::Form)?;
        let keys: Vec<_> = set.keys.into_iter().filter_map(verifying_key).collect();
        if keys.is_empty() { Err(InvalidJwks::NoUsableKey) } else { Ok(Self { keys }) }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &VerifyingKey> {
        self.keys.iter()
    }

    /// The key that a token names; without a name, the one key that fits its algorithm.
    pub(crate) fn key_for(&self, token: &UnverifiedToken) -> Result<&VerifyingKey, InvalidToken> {
        let algorithm = token.unverified_algorithm;
        let mut fitting = self.keys.iter().filter(|key| {
            let kid_fits = token.unverified_kid.is_none() || key.kid == token.unverified_kid;
            let named = key.algorithm.as_deref();
            kid_fits && key.kind.serves(algorithm) && named.is_none_or(|named| named == format!("{algorithm:?}"))
        });
        let (Some(key), None) = (fitting.next(), fitting.next()) else { return Err(InvalidToken::UnknownKey) };
        Ok(key)
    }

    /// Checks a token's signature with the key that it names; without a name, with the one key that fits its algorithm.
    pub(crate) fn check_signature(&self, token: &UnverifiedToken) -> Result<(), InvalidToken> {
        let key = self.key_for(token)?;
        match jsonwebtoken::crypto::verify(
            &token.signature,
            token.signed.as_bytes(),
            &key.key,
            token.unverified_algorithm,
        ) {
            Ok(true) => Ok(()),
            Ok(false) | Err(_) => Err(InvalidToken::Signature),
        }
    }
}

fn verifying_key(value: Value) -> Option<VerifyingKey> {
    let algorithm = value.get("alg").map(|name| name.as_str().unwrap_or_default().to_owned());
    let jwk: Jwk = serde_json::from_value(value).ok()?;
    let for_signatures = !matches!(jwk.common.public_key_use, Some(ref purpose) if *purpose != PublicKeyUse::Signature);
    let may_verify =
        jwk.common.key_operations.as_ref().is_none_or(|operations| operations.contains(&KeyOperations::Verify));
    let kind = match &jwk.algorithm {
        AlgorithmParameters::RSA(rsa) if is_rsa(&rsa.n, &rsa.e) => KeyKind::Rsa,
        AlgorithmParameters::EllipticCurve(point) if point.curve == EllipticCurve::P256 => {
            (has_bytes(&point.x, 32) && has_bytes(&point.y, 32)).then_some(KeyKind::P256)?
        }
        AlgorithmParameters::EllipticCurve(point) if point.curve == EllipticCurve::P384 => {
            (has_bytes(&point.x, 48) && has_bytes(&point.y, 48)).then_some(KeyKind::P384)?
        }
        // The verifier cuts its 32 bytes out of what is there, and panics when there are fewer.
        AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => {
            has_bytes(&pair.x, 32).then_some(KeyKind::Ed25519)?
        }
        _ => return None,
    };
    if !for_signatures || !may_verify {
        return None;
    }
    let key = DecodingKey::from_jwk(&jwk).ok()?;
    let thumbprint = <[u8; 32]>::from(<sha2::Sha256 as sha2::Digest>::digest(serde_json::to_vec(&jwk.algorithm).ok()?));
    Some(VerifyingKey { thumbprint, kid: jwk.common.key_id, algorithm, kind, key })
}

fn has_bytes(encoded: &str, length: usize) -> bool {
    BASE64_URL_SAFE_NO_PAD.decode(encoded).is_ok_and(|bytes| bytes.len() == length)
}

/// A modulus of a trusted size, and an odd exponent of at least 3.
fn is_rsa(modulus: &str, exponent: &str) -> bool {
    let exponent = BASE64_URL_SAFE_NO_PAD.decode(exponent).unwrap_or_default();
    let significant: Vec<_> = exponent.into_iter().skip_while(|byte| *byte == 0).collect();
    let is_odd = significant.last().is_some_and(|byte| byte & 1 == 1);
    is_odd && significant != [1] && RSA_BITS.contains(&modulus_bits(modulus))
}

fn modulus_bits(encoded: &str) -> usize {
    let Ok(modulus) = BASE64_URL_SAFE_NO_PAD.decode(encoded) else { return 0 };
    let mut significant = modulus.iter().skip_while(|byte| **byte == 0);
    let first = significant.next().map_or(0, |byte| 8_usize.saturating_sub(byte.leading_zeros() as usize));
    significant.count().saturating_mul(8).saturating_add(first)
}

#[cfg(test)]
mod tests;
