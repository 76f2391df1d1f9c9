//! What became of a token: which checks it passed, and at which it failed.

use serde::Serialize;
use serde_json::Value;

use super::SignatureCheck;
use crate::claims::VerifiedClaims;
use crate::denial::Denial;
use crate::issuer::Issuers;
use crate::time::UnixSeconds;
use crate::token::{InvalidToken, PresentedToken, UnverifiedToken};

/// What the token says of itself, and what the gate made of that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TokenNotes {
    /// Header members and claims that the checks look at, by their names; none when the token has no form. Nobody has
    /// vouched for them unless every check was passed.
    pub unverified: Vec<(String, Value)>,
    /// Every check, in the order in which they are made.
    pub checks: Vec<Check>,
    /// Why it was refused, where it was.
    pub refused: Option<String>,
}

/// One check of a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What is checked.
    pub name: &'static str,
    /// What came of it.
    pub outcome: CheckOutcome,
}

/// What came of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckOutcome {
    /// The token passed it.
    Passed,
    /// The token was refused here.
    Failed,
    /// The token was refused before.
    NotReached,
    /// Taken for passed, because the keys are not at hand.
    Assumed,
}

/// In the order of the walk.
const CHECKS: [&str; 14] = [
    "size",
    "form",
    "algorithm",
    "critical extensions",
    "issuer",
    "algorithm of this issuer",
    "type",
    "audience",
    "times",
    "binding",
    "subject",
    "key",
    "signature",
    "origin of an exchanged token",
];

/// Claims and header members that the checks look at.
const CLAIMS: [&str; 8] = ["iss", "aud", "sub", "exp", "nbf", "iat", "auth_time", "acr"];

/// The claims of a token with everything checked but the signature.
pub(super) fn assumed_claims(
    token: PresentedToken<'_>,
    issuers: &Issuers,
    now: UnixSeconds,
) -> Result<VerifiedClaims, Denial> {
    Ok(issuers.assume_verified(&token.read()?, now)?)
}

impl TokenNotes {
    pub(super) fn of(token: PresentedToken<'_>, refused: Option<&Denial>, signature: SignatureCheck) -> Self {
        let failed = refused.map(failed_check);
        let checks = CHECKS.into_iter().map(|name| Check { name, outcome: outcome(name, failed, signature) });
        let unverified = token.read().map(|token| said(&token)).unwrap_or_default();
        Self { unverified, checks: checks.collect(), refused: refused.map(Denial::reason) }
    }
}

fn outcome(name: &str, failed: Option<&str>, signature: SignatureCheck) -> CheckOutcome {
    let place = |name: &str| CHECKS.iter().position(|check| *check == name);
    let is_assumed = signature == SignatureCheck::Assumed && matches!(name, "key" | "signature");
    match failed.and_then(place) {
        Some(failed) if place(name) > Some(failed) => CheckOutcome::NotReached,
        Some(failed) if place(name) == Some(failed) => CheckOutcome::Failed,
        _ if is_assumed => CheckOutcome::Assumed,
        _ => CheckOutcome::Passed,
    }
}

/// The check at which a token was refused. Denials for other reasons come after all of them.
fn failed_check(denial: &Denial) -> &'static str {
    match denial {
        Denial::InvalidToken(invalid) => match invalid {
            InvalidToken::TooLong => "size",
            InvalidToken::Form => "form",
            InvalidToken::Algorithm => "algorithm",
            InvalidToken::CriticalExtension => "critical extensions",
            InvalidToken::IssuerForm | InvalidToken::UnknownIssuer => "issuer",
            InvalidToken::AlgorithmNotAllowed => "algorithm of this issuer",
            InvalidToken::Type => "type",
            InvalidToken::Audience => "audience",
            InvalidToken::TimeForm | InvalidToken::Expired | InvalidToken::NotYetValid => "times",
            InvalidToken::Bound | InvalidToken::WithoutProof | InvalidToken::NotBoundToKey => "binding",
            InvalidToken::Subject => "subject",
            InvalidToken::UnknownKey => "key",
            InvalidToken::Signature => "signature",
            InvalidToken::Origin => "origin of an exchanged token",
            // Nobody is asked what is revoked.
            InvalidToken::Revoked => "",
        },
        Denial::KeysUnavailable { .. } => "key",
        _ => "",
    }
}

fn said(token: &UnverifiedToken) -> Vec<(String, Value)> {
    let mut said = vec![("alg".to_owned(), Value::from(token.unverified_algorithm.name()))];
    let header = [("typ", &token.unverified_type), ("kid", &token.unverified_kid)];
    said.extend(header.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?.into()))));
    let claims =
        CLAIMS.into_iter().filter_map(|name| Some((name.to_owned(), token.unverified_claims.get(name)?.clone())));
    said.extend(claims);
    said
}
