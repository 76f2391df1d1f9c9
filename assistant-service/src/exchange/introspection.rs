//! What a provider's answer (RFC 7662, section 2.2) says of a token, held against what this provider may say.

use serde_json::{Map, Value};
use thiserror::Error;

use super::credential::Scheme;

/// The most that an answer may say about a token, as JSON: its claims go into a header of every request.
pub(crate) const MAX_CLAIMS_BYTES: usize = 8 * 1024;

/// How far a provider's clock may be ahead of ours when a token is not valid yet. Its end gets no such grace.
const LEEWAY_SECONDS: f64 = 30.0;

/// Members of an answer that a phantom token does not repeat: those about the answer itself, and those that the phantom
/// says of itself.
const OF_THE_ANSWER: [&str; 7] = ["active", "iss", "aud", "exp", "nbf", "token_type", "origin"];

/// Members that are texts wherever they stand. The gate revokes by some of them, and must not be led past that by a number.
const TEXTS: [&str; 6] = ["sub", "client_id", "scope", "jti", "sid", "username"];

/// What a provider may say.
#[derive(Clone, Debug)]
pub(crate) struct Expected {
    pub(crate) issuer: String,
    /// Of these an answer must name one.
    pub(crate) audiences: Vec<String>,
    /// Whether an answer may name no audience at all.
    pub(crate) audience_optional: bool,
    /// Whether `client_id` is the subject where an answer names none. Only right where no user can be called like a client:
    /// else whoever registers a client chooses whom he passes for (RFC 9068, section 5).
    pub(crate) subject_from_client_id: bool,
}

/// A token that its provider vouches for at this moment. Only [`judge`] makes it.
#[derive(Debug, PartialEq)]
pub(crate) struct ActiveToken {
    claims: Map<String, Value>,
    expires_at: Option<i64>,
    scheme: Scheme,
}

impl ActiveToken {
    /// What a phantom token says of it; there is a `sub`.
    pub(crate) fn into_claims(self) -> Map<String, Value> {
        self.claims
    }

    /// When it ends, in Unix seconds, if the provider says so.
    pub(crate) fn expires_at(&self) -> Option<i64> {
        self.expires_at
    }

    /// How it must be presented.
    pub(crate) fn scheme(&self) -> Scheme {
        self.scheme
    }
}

/// Why a token is not good. The client learns `invalid_token` and no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum NotGood {
    #[error("the provider says that it is not active")]
    Inactive,
    #[error("it has expired")]
    Expired,
    #[error("it is not valid yet")]
    NotYetValid,
    #[error("another issuer has issued it")]
    OtherIssuer,
    #[error("it was made for another audience")]
    OtherAudience,
    #[error("it is no access token")]
    NotAnAccessToken,
    #[error("it is called a DPoP token, and bound to no key")]
    Unbound,
    #[error("it is a client's own and has no subject, which subjectFromClientId would give it")]
    OfAClient,
}

/// Why an answer says nothing that can be believed. That is the provider's fault and no verdict on the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum InvalidAnswer {
    #[error("the answer is no JSON object")]
    NotAnObject,
    #[error("active is missing, or neither true nor false")]
    Active,
    #[error("{0} is of another type than it must be")]
    Member(&'static str),
    #[error("there is neither sub nor client_id")]
    NoSubject,
    #[error("the answer says more than 8 KiB about the token")]
    TooMuch,
}

/// Why there is no active token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum Judgement {
    #[error(transparent)]
    NotGood(#[from] NotGood),
    #[error(transparent)]
    Invalid(#[from] InvalidAnswer),
}

/// Judges an answer's body at `now`, in Unix seconds.
pub(crate) fn judge(body: &[u8], expected: &Expected, now: i64) -> Result<ActiveToken, Judgement> {
    // From a value, because a list would be read as the members of an object in their order.
    let Ok(Value::Object(mut members)) = serde_json::from_slice(body) else {
        return Err(InvalidAnswer::NotAnObject.into());
    };
    match members.get("active") {
        Some(Value::Bool(true)) => {}
        Some(Value::Bool(false)) => return Err(NotGood::Inactive.into()),
        _ => return Err(InvalidAnswer::Active.into()),
    }
    if text(&members, "iss")?.is_some_and(|issuer| issuer != expected.issuer) {
        return Err(NotGood::OtherIssuer.into());
    }
    let names_us = is_for_us(&members, expected)?;
    let scheme = scheme(&members, names_us)?;
    let expires_at = check_times(&members, now)?;
    for name in TEXTS {
        text(&members, name)?;
    }
    for name in OF_THE_ANSWER {
        members.remove(name);
    }
    name_subject(&mut members, expected)?;
    if serde_json::to_string(&members).map_or(true, |json| json.len() > MAX_CLAIMS_BYTES) {
        return Err(InvalidAnswer::TooMuch.into());
    }
    Ok(ActiveToken { claims: members, expires_at, scheme })
}

/// Whether the answer names an audience of ours; an error when it names only others, or none where one must be.
fn is_for_us(members: &Map<String, Value>, expected: &Expected) -> Result<bool, Judgement> {
    let invalid = InvalidAnswer::Member("aud");
    let is_ours = |value: &Value| value.as_str().map(|audience| expected.audiences.iter().any(|own| own == audience));
    let names_us = match members.get("aud") {
        None if expected.audience_optional => return Ok(false),
        None => false,
        Some(Value::Array(audiences)) => {
            let ours: Option<Vec<bool>> = audiences.iter().map(is_ours).collect();
            ours.ok_or(invalid)?.contains(&true)
        }
        Some(value) => is_ours(value).ok_or(invalid)?,
    };
    if names_us { Ok(true) } else { Err(NotGood::OtherAudience.into()) }
}

/// How the token must be presented. `cnf.jkt` decides (RFC 9449, section 6.2): providers call bound tokens `Bearer`, too.
///
/// The hint in our question binds nobody: a provider may find a refresh token and call it active. So an answer must show that
/// it speaks of an access token, by its type or by an audience of ours.
fn scheme(members: &Map<String, Value>, names_us: bool) -> Result<Scheme, Judgement> {
    let is_bound_to_key = match members.get("cnf") {
        None => false,
        Some(Value::Object(confirmation)) => match confirmation.get("jkt") {
            None => false,
            Some(Value::String(_)) => true,
            Some(_) => return Err(InvalidAnswer::Member("cnf").into()),
        },
        Some(_) => return Err(InvalidAnswer::Member("cnf").into()),
    };
    let kind = text(members, "token_type")?;
    let is = |scheme: Scheme| kind.is_some_and(|kind| kind.eq_ignore_ascii_case(scheme.name()));
    match kind {
        None if !names_us => Err(NotGood::NotAnAccessToken.into()),
        Some(_) if is(Scheme::Dpop) && !is_bound_to_key => Err(NotGood::Unbound.into()),
        Some(_) if !is(Scheme::Dpop) && !is(Scheme::Bearer) => Err(NotGood::NotAnAccessToken.into()),
        _ if is_bound_to_key => Ok(Scheme::Dpop),
        _ => Ok(Scheme::Bearer),
    }
}

/// Holds the times against the clock and gives the end, rounded down.
fn check_times(members: &Map<String, Value>, now: i64) -> Result<Option<i64>, Judgement> {
    let (expires_at, not_before) = (seconds(members, "exp")?, seconds(members, "nbf")?);
    seconds(members, "iat")?;
    let now = now as f64;
    let expires_at = expires_at.map(f64::floor);
    if expires_at.is_some_and(|expires_at| expires_at <= now) {
        return Err(NotGood::Expired.into());
    }
    if not_before.is_some_and(|not_before| not_before > now + LEEWAY_SECONDS) {
        return Err(NotGood::NotYetValid.into());
    }
    // Saturates where a provider writes a time that is none.
    Ok(expires_at.map(|expires_at| expires_at as i64))
}

/// A token of a client for itself has no user (RFC 6749, section 4.4).
fn name_subject(members: &mut Map<String, Value>, expected: &Expected) -> Result<(), Judgement> {
    let is_named = |name: &str| members.get(name).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
    if is_named("sub") {
        return Ok(());
    }
    if !is_named("client_id") {
        return Err(InvalidAnswer::NoSubject.into());
    }
    if !expected.subject_from_client_id {
        return Err(NotGood::OfAClient.into());
    }
    let client = members.get("client_id").cloned().ok_or(InvalidAnswer::NoSubject)?;
    members.insert("sub".to_owned(), client);
    Ok(())
}

fn text<'m>(members: &'m Map<String, Value>, name: &'static str) -> Result<Option<&'m str>, InvalidAnswer> {
    match members.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(InvalidAnswer::Member(name)),
    }
}

fn seconds(members: &Map<String, Value>, name: &'static str) -> Result<Option<f64>, InvalidAnswer> {
    match members.get(name) {
        None => Ok(None),
        Some(value) => value.as_f64().map(Some).ok_or(InvalidAnswer::Member(name)),
    }
}

#[cfg(test)]
mod tests;
