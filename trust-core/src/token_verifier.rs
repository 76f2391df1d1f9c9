//! A token held against one issuer's keys outside of any gate, by the gate's own code: for test vectors of others, and for
//! whoever wonders why a token is refused.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;
use thiserror::Error;

use crate::issuer::{Issuer, IssuerPolicy, Issuers, Unverified};
use crate::keys::{InvalidJwks, KeyPurpose, KeySet, UnfitKey, unfit_keys};
use crate::signature::Algorithm;
use crate::suggestion::suggestion;
use crate::time::UnixSeconds;
use crate::token::{InvalidToken, UnverifiedToken};

/// The keys and algorithms that tokens are held against.
#[derive(Debug)]
pub struct TokenVerifier {
    algorithms: Vec<Algorithm>,
    keys: KeySet,
    unfit: Vec<UnfitKey>,
}

/// What a token must be like, beside its signature.
#[derive(Clone, Debug)]
pub struct ExpectedToken {
    /// Compared byte by byte with `iss`.
    pub issuer: String,
    /// `aud` must name one of these.
    pub audiences: Vec<String>,
    /// The values of `typ` that are taken, without regard to case.
    pub token_types: Vec<String>,
    /// Allowance for clocks that differ.
    pub leeway_seconds: u64,
}

/// Why no token can be held against these keys.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InvalidVerifier {
    /// An algorithm that is not taken.
    #[error("no algorithm is called {name}{meant}")]
    Algorithm {
        /// The name.
        name: String,
        /// What it was probably meant to be, or all that there are.
        meant: String,
    },
    /// Algorithms with public keys beside some with shared secrets.
    #[error("HS256, HS384 and HS512 stand alone: with a public key beside them it could be taken for the secret")]
    MixedAlgorithms,
    /// The keys cannot be read at all.
    #[error(transparent)]
    Unreadable(InvalidJwks),
    /// The keys are read and refused.
    #[error("{why}")]
    Refused {
        /// As a set.
        why: InvalidJwks,
        /// Each by itself.
        unfit: Vec<UnfitKey>,
    },
}

impl TokenVerifier {
    /// Reads a JWK Set, or a single JWK. Without `algorithms` all with public keys are taken; shared secrets only where
    /// theirs are named.
    pub fn new(jwks: &[u8], algorithms: &[String]) -> Result<Self, InvalidVerifier> {
        let algorithms = named(algorithms)?;
        let purpose = KeyPurpose::of(&algorithms);
        if purpose == KeyPurpose::SharedSecrets && !algorithms.iter().all(|algorithm| algorithm.takes_shared_secret()) {
            return Err(InvalidVerifier::MixedAlgorithms);
        }
        let jwks = as_set(jwks);
        let unfit = unfit_keys(&jwks, purpose);
        match KeySet::from_jwks(&jwks, purpose) {
            Ok(keys) => Ok(Self { algorithms, keys, unfit }),
            Err(why @ (InvalidJwks::TooLarge | InvalidJwks::Form)) => Err(InvalidVerifier::Unreadable(why)),
            Err(why) => Err(InvalidVerifier::Refused { why, unfit }),
        }
    }

    /// The keys that are passed over, with the reason for each.
    #[must_use]
    pub fn unfit_keys(&self) -> &[UnfitKey] {
        &self.unfit
    }

    /// Form, algorithm, key and signature alone; whatever is signed need not be claims.
    pub fn check_signature(&self, token: &str) -> Result<(), InvalidToken> {
        let token = UnverifiedToken::parse_signature(token)?;
        if !self.algorithms.contains(&token.unverified_algorithm) {
            return Err(InvalidToken::AlgorithmNotAllowed);
        }
        self.keys.check_signature(&token)?;
        Ok(())
    }

    /// All that a gate checks before it looks at its rules.
    pub fn verify(self, token: &str, expected: ExpectedToken, now: UnixSeconds) -> Result<(), InvalidToken> {
        let ExpectedToken { issuer, audiences, token_types, leeway_seconds } = expected;
        let algorithms = self.algorithms;
        let policy = IssuerPolicy {
            issuer: issuer.into(),
            audiences,
            algorithms,
            token_types,
            leeway_seconds,
            speaks_for: [].into(),
        };
        let mut issuers = Issuers::default();
        issuers.all.push(Issuer { policy, keys: Some(self.keys) });
        match issuers.verify(&UnverifiedToken::parse(token)?, now) {
            Ok(_) => Ok(()),
            Err(Unverified::Invalid(invalid)) => Err(invalid),
            Err(Unverified::KeysUnavailable { .. } | Unverified::UnknownKid { .. }) => Err(InvalidToken::UnknownKey),
        }
    }
}

fn named(names: &[String]) -> Result<Vec<Algorithm>, InvalidVerifier> {
    if names.is_empty() {
        return Ok(Algorithm::WITH_PUBLIC_KEY.to_vec());
    }
    let all: Vec<_> =
        Algorithm::WITH_PUBLIC_KEY.into_iter().chain(Algorithm::WITH_SHARED_SECRET).map(Algorithm::name).collect();
    let unknown = |name: &String| InvalidVerifier::Algorithm { name: name.clone(), meant: suggestion(name, &all) };
    names.iter().map(|name| Algorithm::named(name).ok_or_else(|| unknown(name))).collect()
}

/// A JWK Set as it is, and a single JWK as the set that holds it.
fn as_set(jwks: &[u8]) -> Cow<'_, [u8]> {
    let is_single =
        serde_json::from_slice::<Members>(jwks).is_ok_and(|found| found.kty.is_some() && found.keys.is_none());
    if is_single { Cow::Owned([br#"{"keys":["#, jwks, b"]}"].concat()) } else { Cow::Borrowed(jwks) }
}

/// What tells a JWK from a JWK Set. Values stay unread, so that no secret is copied.
#[derive(Deserialize)]
struct Members {
    kty: Option<IgnoredAny>,
    keys: Option<IgnoredAny>,
}
