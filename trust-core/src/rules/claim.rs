//! Conditions on claims.

use super::parser::{Call, RuleMistake};
use super::request;
use crate::claims::VerifiedClaims;
use crate::claims::record::ClaimValue;
use crate::claims::selection::ClaimSelection;
use crate::suggestion::{nearest, suggestion};
use crate::time::UnixSeconds;

/// One condition on the claims of a verified token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ClaimMatcher {
    Scope(String),
    Role(String),
    Group(String),
    Acr(String),
    Issuer(String),
    Claim { name: String, value: String },
    ClaimContains { name: String, value: String },
    AuthenticatedWithin { seconds: u64 },
    BoundToClient,
}

/// Their names, as rules write them.
pub(super) const NAMES: [&str; 9] =
    ["Scope", "Role", "Group", "Acr", "Issuer", "Claim", "ClaimContains", "AuthenticatedWithin", "BoundToClient"];

/// How far in the future an `auth_time` may lie, for clocks that differ.
const CLOCK_SKEW_SECONDS: u64 = 30;

impl ClaimMatcher {
    /// Reads a call as a condition on claims.
    pub(crate) fn read(call: Call) -> Result<Self, RuleMistake> {
        let Call { name, arguments, column } = call;
        let mistake = |what: String| RuleMistake { column, what };
        let one = |make: fn(String) -> Self, value: &String| {
            if value.is_empty() { Err(mistake(format!("{name} needs a value"))) } else { Ok(make(value.clone())) }
        };
        match (name.as_str(), arguments.as_slice()) {
            ("Scope", [scope]) if scope.contains(|character: char| character.is_ascii_whitespace()) => {
                Err(mistake("a scope holds no space; write Scope for each, joined by && or ||".to_owned()))
            }
            ("Scope", [scope]) => one(Self::Scope, scope),
            ("Role", [role]) => one(Self::Role, role),
            ("Group", [group]) => one(Self::Group, group),
            ("Acr", [acr]) => one(Self::Acr, acr),
            ("Issuer", [issuer]) => one(Self::Issuer, issuer),
            ("Claim", [name, value]) => Ok(Self::Claim { name: name.clone(), value: value.clone() }),
            ("ClaimContains", [name, value]) => Ok(Self::ClaimContains { name: name.clone(), value: value.clone() }),
            ("AuthenticatedWithin", [span]) => span_seconds(span)
                .map(|seconds| Self::AuthenticatedWithin { seconds })
                .ok_or_else(|| mistake(format!("`{span}` is not a span of time such as `15m`, `30s` or `1h`"))),
            ("BoundToClient", []) => Ok(Self::BoundToClient),
            ("BoundToClient", _) => Err(mistake("BoundToClient takes no value".to_owned())),
            ("Scope" | "Role" | "Group" | "Acr" | "Issuer" | "AuthenticatedWithin", _) => {
                Err(mistake(format!("{name} takes one value; join several with && or ||")))
            }
            ("Claim" | "ClaimContains", _) => Err(mistake(format!("{name} takes a claim's name and a value"))),
            _ => Err(mistake(unknown(&name))),
        }
    }

    /// Whether it holds for these claims at `now`.
    pub(crate) fn holds(&self, claims: &VerifiedClaims, now: UnixSeconds) -> bool {
        match self {
            Self::Scope(scope) => claims.scopes().any(|held| held == scope),
            Self::Role(role) => claims.list_holds("roles", role),
            Self::Group(group) => claims.list_holds("groups", group),
            Self::Acr(acr) => claims.text("acr") == Some(acr),
            Self::Issuer(issuer) => claims.issuer() == issuer,
            Self::Claim { name, value } => claims.get(name).and_then(ClaimValue::scalar) == Some(value),
            Self::ClaimContains { name, value } => claims.list_holds(name, value),
            Self::AuthenticatedWithin { seconds } => {
                let authenticated_at = match claims.get("auth_time") {
                    Some(ClaimValue::Scalar(number)) => UnixSeconds::from_json(number),
                    _ => None,
                };
                authenticated_at.is_some_and(|at| at.plus(*seconds) >= now && at <= now.plus(CLOCK_SKEW_SECONDS))
            }
            // Whatever it is bound to, the client has shown it: the walk comes here with no other token.
            Self::BoundToClient => claims.get("cnf").is_some(),
        }
    }

    /// Asks for what [`ClaimMatcher::holds`] will look at.
    pub(crate) fn select(&self, selection: &mut ClaimSelection) {
        match self {
            Self::Scope(_) | Self::Issuer(_) | Self::BoundToClient => {}
            Self::Role(role) => selection.want("roles", Some(role)),
            Self::Group(group) => selection.want("groups", Some(group)),
            Self::Acr(_) => selection.want("acr", None),
            Self::Claim { name, .. } => selection.want(name, None),
            Self::ClaimContains { name, value } => selection.want(name, Some(value)),
            Self::AuthenticatedWithin { .. } => selection.want("auth_time", None),
        }
    }

    /// Whether it asks for a login of some kind, which a caller can make good by logging in again (RFC 9470).
    pub(crate) fn is_about_login(&self) -> bool {
        self.acr().is_some() || self.max_age_seconds().is_some()
    }

    /// The authentication context that it asks for.
    pub(crate) fn acr(&self) -> Option<&str> {
        match self {
            Self::Acr(acr) => Some(acr),
            _ => None,
        }
    }

    /// Most seconds since the login that it asks for.
    pub(crate) fn max_age_seconds(&self) -> Option<u64> {
        match self {
            Self::AuthenticatedWithin { seconds } => Some(*seconds),
            _ => None,
        }
    }

    /// The scope that it asks for.
    pub(crate) fn scope(&self) -> Option<&str> {
        match self {
            Self::Scope(scope) => Some(scope),
            _ => None,
        }
    }
}

fn unknown(name: &str) -> String {
    if request::NAMES.contains(&name) {
        return format!("{name} is a condition on requests: it belongs under match");
    }
    let none = format!("no condition on claims is called {name}");
    match (nearest(name, &NAMES), nearest(name, &request::NAMES)) {
        (None, Some(near)) => format!("{none}; did you mean {near}, under match?"),
        _ => none + &suggestion(name, &NAMES),
    }
}

fn span_seconds(text: &str) -> Option<u64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number: u64 = number.parse().ok()?;
    number.checked_mul(match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        _ => return None,
    })
}
