//! An issuer's keys, as a JWK Set gives them (RFC 7517), and the choice of the one that checks a token.
//!
//! Everything that can be wrong with a key is looked at here, once, when the set is read; what remains is fit for use. The
//! signatures themselves are checked in [`crate::signature`].

mod public;
mod secret;
mod unfit;

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use crate::json_object::Object;
use crate::signature::{Algorithm, SignatureKey};
use crate::token::{InvalidToken, UnverifiedToken};
pub use unfit::{Unfit, UnfitKey};

/// Largest JWK Set that is read, in bytes.
pub(crate) const MAX_JWKS_BYTES: usize = 256 * 1024;

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
    /// The issuer shares secrets with the gate, and the set holds keys that are no secrets.
    #[error("a JWK Set with shared secrets must hold nothing but keys of type oct")]
    SecretsAmongOthers,
    /// A shared secret that anybody may know.
    #[error("a shared secret in the JWK Set is a public key or a certificate, which anybody may know")]
    PublicSecret,
}

/// What an issuer's keys are for. It follows from the algorithms of its policy, never from the keys: else whoever writes a
/// key set could turn a public key into a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyPurpose {
    /// Signatures that only the issuer can make.
    PublicKeys,
    /// Signatures with a secret that the issuer shares with the gate.
    SharedSecrets,
}

impl KeyPurpose {
    /// What keys are for that serve these algorithms. Algorithms of both kinds never stand together.
    pub(crate) fn of(algorithms: &[Algorithm]) -> Self {
        let shares_secrets = algorithms.iter().any(|algorithm| algorithm.takes_shared_secret());
        if shares_secrets { Self::SharedSecrets } else { Self::PublicKeys }
    }
}

/// A key that is fit to verify tokens.
pub(crate) struct VerifyingKey {
    kid: Option<String>,
    /// The only algorithm that the key is meant for, if it says so.
    algorithm: Option<Algorithm>,
    thumbprint: [u8; 32],
    key: SignatureKey,
}

impl VerifyingKey {
    /// The key's own name, whatever its `kid`: RFC 7638 with SHA-256.
    #[must_use]
    pub(crate) fn thumbprint(&self) -> &[u8; 32] {
        &self.thumbprint
    }

    /// Checks a signature, as decoded, over `signed`.
    pub(crate) fn verify(&self, algorithm: Algorithm, signed: &[u8], signature: &[u8]) -> Result<(), InvalidToken> {
        let holds = self.serves(algorithm) && self.key.verifies(algorithm, signed, signature);
        if holds { Ok(()) } else { Err(InvalidToken::Signature) }
    }

    /// A key serves only the algorithms of its own kind, and only the one that it names, whatever a token's header asks for.
    fn serves(&self, algorithm: Algorithm) -> bool {
        self.algorithm.is_none_or(|named| named == algorithm) && self.key.serves(algorithm)
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

#[derive(Deserialize)]
struct JwkSet {
    keys: Vec<Value>,
}

impl KeySet {
    /// Reads a JWK Set. Public keys that cannot verify a token are passed over, as RFC 7517, section 5 asks; with shared
    /// secrets anything that is out of place is a mistake in the whole set.
    pub(crate) fn from_jwks(bytes: &[u8], purpose: KeyPurpose) -> Result<Self, InvalidJwks> {
        if bytes.len() > MAX_JWKS_BYTES {
            return Err(InvalidJwks::TooLarge);
        }
        let keys: Vec<_> = entries(bytes, purpose)?.into_iter().filter_map(Result::ok).collect();
        if keys.is_empty() { Err(InvalidJwks::NoUsableKey) } else { Ok(Self { keys }) }
    }

    /// Every key that is fit for use.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &VerifyingKey> {
        self.keys.iter()
    }

    /// The key that a token names; without a name, the one key that fits its algorithm. Where two fit, neither does.
    fn key_for(&self, token: &UnverifiedToken) -> Result<&VerifyingKey, InvalidToken> {
        let mut fitting = self.keys.iter().filter(|key| {
            let kid_fits = token.unverified_kid.is_none() || key.kid == token.unverified_kid;
            kid_fits && key.serves(token.unverified_algorithm)
        });
        let (Some(key), None) = (fitting.next(), fitting.next()) else { return Err(InvalidToken::UnknownKey) };
        Ok(key)
    }

    /// Whether the token names a key that is not in the set. Of a token that names none this says nothing.
    pub(crate) fn lacks_kid_of(&self, token: &UnverifiedToken) -> bool {
        token.unverified_kid.is_some() && self.keys.iter().all(|key| key.kid != token.unverified_kid)
    }

    /// Checks a token's signature with the key that it names, and says which key that was.
    pub(crate) fn check_signature(&self, token: &UnverifiedToken) -> Result<&VerifyingKey, InvalidToken> {
        let key = self.key_for(token)?;
        // Strict: no padding, no bits left over. Each signature has one spelling. Not each token has one signature: of an
        // ECDSA signature (r, s), (r, n - s) holds as well, so whoever tells tokens apart for good looks at what is signed.
        let signature = BASE64_URL_SAFE_NO_PAD.decode(&token.signature).map_err(|_| InvalidToken::Signature)?;
        key.verify(token.unverified_algorithm, token.signed.as_bytes(), &signature)?;
        Ok(key)
    }
}

/// The key that a proof of possession brings along (RFC 9449, section 4.2), if it is a public one that is fit for use. A
/// private part would be anybody's by now.
pub(crate) fn proof_key(jwk: &Value) -> Result<VerifyingKey, Unfit> {
    const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
    if PRIVATE.iter().any(|member| jwk.get(member).is_some()) {
        return Err(Unfit::Private);
    }
    public::verifying_key(jwk)
}

/// The keys of a set that [`KeySet::from_jwks`] passes over; none of a set that cannot be read.
pub(crate) fn unfit_keys(bytes: &[u8], purpose: KeyPurpose) -> Vec<UnfitKey> {
    let entries = if bytes.len() > MAX_JWKS_BYTES { Vec::new() } else { entries(bytes, purpose).unwrap_or_default() };
    entries.into_iter().filter_map(Result::err).collect()
}

fn entries(bytes: &[u8], purpose: KeyPurpose) -> Result<Vec<Result<VerifyingKey, UnfitKey>>, InvalidJwks> {
    match purpose {
        KeyPurpose::PublicKeys => public_keys(bytes),
        KeyPurpose::SharedSecrets => secret::verifying_keys(bytes),
    }
}

fn public_keys(bytes: &[u8]) -> Result<Vec<Result<VerifyingKey, UnfitKey>>, InvalidJwks> {
    let Object(set): Object<JwkSet> = serde_json::from_slice(bytes).map_err(|_| InvalidJwks::Form)?;
    let ambiguous = ambiguous_kids(&set.keys);
    let read = |(number, entry): (usize, &Value)| {
        let kid = entry.get("kid").and_then(Value::as_str);
        let is_ambiguous = kid.is_some_and(|kid| ambiguous.contains(&kid));
        let key = if is_ambiguous { Err(Unfit::AmbiguousKid) } else { public::verifying_key(entry) };
        key.map_err(|why| UnfitKey { number, kid: kid.map(str::to_owned), why })
    };
    Ok((1..).zip(&set.keys).map(read).collect())
}

/// Names that stand for keys of different types, fit for use or not: whose key is meant then depends on who reads the set.
fn ambiguous_kids(keys: &[Value]) -> Vec<&str> {
    let text = |key: &'_ Value, member: &str| key.get(member).and_then(Value::as_str).map(str::to_owned);
    let mut types = BTreeMap::new();
    let mut ambiguous = Vec::new();
    for key in keys {
        let Some(kid) = key.get("kid").and_then(Value::as_str) else { continue };
        let key_type = (text(key, "kty"), text(key, "crv"));
        if types.entry(kid).or_insert_with(|| key_type.clone()) != &key_type {
            ambiguous.push(kid);
        }
    }
    ambiguous
}

#[cfg(test)]
mod tests;
