//! Third step of the walk: a token becomes claims that its issuer vouches for.
//!
//! Cheap refusals come first; the signature, the one costly check, comes last.

use jsonwebtoken::Algorithm;
use serde_json::Value;

use crate::claims::VerifiedClaims;
use crate::keys::KeySet;
use crate::principal::Principal;
use crate::time::UnixSeconds;
use crate::token::{InvalidToken, UnverifiedToken};

/// What an issuer's tokens must be like.
#[derive(Clone, Debug)]
pub(crate) struct IssuerPolicy {
    /// The issuer's identifier, compared byte by byte with `iss`.
    pub(crate) issuer: String,
    /// A token must name one of these in `aud`.
    pub(crate) audiences: Vec<String>,
    /// Algorithms that the issuer may use.
    pub(crate) algorithms: Vec<Algorithm>,
    /// Values of `typ` that an access token may have, without regard to case (RFC 7515, section 4.1.9).
    pub(crate) token_types: Vec<String>,
    /// Allowance for clocks that differ.
    pub(crate) leeway_seconds: u64,
}

/// An issuer, with its keys where they are known.
#[derive(Debug)]
pub(crate) struct Issuer {
    pub(crate) policy: IssuerPolicy,
    pub(crate) keys: Option<KeySet>,
}

/// Why nobody vouches for a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unverified {
    /// The token is bad.
    Invalid(InvalidToken),
    /// The keys of its issuer are not known at this moment: the token may be good, nobody can tell.
    KeysUnavailable {
        /// The issuer in question.
        issuer: String,
    },
}

impl From<InvalidToken> for Unverified {
    fn from(invalid: InvalidToken) -> Self {
        Self::Invalid(invalid)
    }
}

/// All issuers that are trusted here.
#[derive(Debug, Default)]
pub(crate) struct Issuers {
    pub(crate) all: Vec<Issuer>,
}

impl Issuers {
    /// Vouches for a token, or says why not.
    pub(crate) fn verify(&self, token: &UnverifiedToken, now: UnixSeconds) -> Result<VerifiedClaims, Unverified> {
        let unverified_issuer = match token.unverified_claims.get("iss") {
            Some(Value::String(issuer)) => issuer,
            _ => return Err(InvalidToken::IssuerForm.into()),
        };
        let issuer = self
            .all
            .iter()
            .find(|issuer| issuer.policy.issuer == *unverified_issuer)
            .ok_or(InvalidToken::UnknownIssuer)?;
        let expires_at = issuer.policy.check(token, now)?;
        let subject = match token.unverified_claims.get("sub") {
            Some(Value::String(subject)) if !subject.is_empty() => subject,
            _ => return Err(InvalidToken::Subject.into()),
        };
        let Some(keys) = &issuer.keys else {
            return Err(Unverified::KeysUnavailable { issuer: issuer.policy.issuer.clone() });
        };
        keys.check_signature(token)?;
        let principal = Principal::new(issuer.policy.issuer.clone(), subject.clone());
        Ok(VerifiedClaims::new(principal, expires_at, token.unverified_claims.clone()))
    }
}

impl IssuerPolicy {
    /// Everything but the signature. Gives the token's end.
    fn check(&self, token: &UnverifiedToken, now: UnixSeconds) -> Result<UnixSeconds, InvalidToken> {
        if !self.algorithms.contains(&token.unverified_algorithm) {
            return Err(InvalidToken::AlgorithmNotAllowed);
        }
        let is_access_token = token.unverified_type.as_deref().is_some_and(|unverified_type| {
            let bare = unverified_type.strip_prefix("application/").unwrap_or(unverified_type);
            self.token_types.iter().any(|allowed| allowed.eq_ignore_ascii_case(bare))
        });
        if !is_access_token {
            return Err(InvalidToken::Type);
        }
        if !self.is_audience(token.unverified_claims.get("aud")) {
            return Err(InvalidToken::Audience);
        }
        let expires_at = numeric_date(token, "exp")?.ok_or(InvalidToken::TimeForm)?;
        if expires_at.plus(self.leeway_seconds) <= now {
            return Err(InvalidToken::Expired);
        }
        let not_before = numeric_date(token, "nbf")?;
        if not_before.is_some_and(|not_before| not_before > now.plus(self.leeway_seconds)) {
            return Err(InvalidToken::NotYetValid);
        }
        numeric_date(token, "iat")?;
        // A token that says it is bound is never taken unbound (RFC 7800, section 3), and this gate checks no proof yet.
        if token.unverified_claims.contains_key("cnf") {
            return Err(InvalidToken::Bound);
        }
        Ok(expires_at)
    }

    fn is_audience(&self, unverified_audience: Option<&Value>) -> bool {
        let is_ours = |name: &str| self.audiences.iter().any(|audience| audience == name);
        match unverified_audience {
            Some(Value::String(name)) => is_ours(name),
            Some(Value::Array(names)) => {
                names.iter().all(Value::is_string) && names.iter().filter_map(Value::as_str).any(is_ours)
            }
            _ => false,
        }
    }
}

/// A `NumericDate` claim (RFC 7519, section 2), rounded down; nothing when it is absent.
fn numeric_date(token: &UnverifiedToken, name: &str) -> Result<Option<UnixSeconds>, InvalidToken> {
    let Some(value) = token.unverified_claims.get(name) else { return Ok(None) };
    if let Some(seconds) = value.as_u64() {
        return Ok(Some(UnixSeconds(seconds)));
    }
    match value.as_f64() {
        Some(seconds) if (0.0..=9_007_199_254_740_992.0).contains(&seconds) => {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "held between 0 and 2^53 above"
            )]
            let whole = seconds as u64;
            Ok(Some(UnixSeconds(whole)))
        }
        _ => Err(InvalidToken::TimeForm),
    }
}
