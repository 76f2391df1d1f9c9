//! The form of `POST /v1/revocations`: exactly one thing to revoke, and no parameter that does nothing. A request that was
//! half understood would be answered 200, and the token would live on.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Deserialize;
use trust_core::revocations::{Revocation, token_digest};
use trust_core::time::UnixSeconds;

use super::entry::Entry;
use crate::problem::{FieldError, Problem};

/// The gate reads no longer ones.
const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// Longer names are in no token.
const MAX_NAME_BYTES: usize = 2048;

/// How long a token counts after its end at most: the largest leeway of a gate, and clocks that differ as much again.
const AFTER_EXPIRY_SECONDS: u64 = 600;

const PARAMETERS: [&str; 7] = ["token", "token_type_hint", "iss", "jti", "sid", "sub", "before"];

/// What stands where, and nothing twice.
struct Given(BTreeMap<&'static str, String>);

/// Reads the form at `now`; `keep_seconds` is how long an entry is kept whose tokens do not say when they end. One that does
/// is believed, however late that is: else it would be good again before its end. [`super::Index`] bounds how many are kept.
pub(super) fn read(pairs: Vec<(String, String)>, now: UnixSeconds, keep_seconds: u64) -> Result<Entry, Problem> {
    let mut given = Given::read(pairs)?;
    let keep_until = now.plus(keep_seconds);
    let revocation = match (given.take("token"), given.take("iss")) {
        (Some(token), None) => {
            given.0.remove("token_type_hint");
            let keep_until = ends_at(&token, now).unwrap_or(keep_until);
            given.nothing_else()?;
            let revocation = Revocation::Token { digest: token_digest(token.as_bytes()) };
            return Ok(Entry { revocation, keep_until: keep_until.0 });
        }
        (None, Some(issuer)) => match (given.take("jti"), given.take("sid"), given.take("sub")) {
            (Some(jti), None, None) => Revocation::Id { issuer, jti },
            (None, Some(sid), None) => Revocation::Session { issuer, sid },
            (None, None, Some(subject)) => {
                Revocation::Subject { issuer, subject, issued_before: given.take_before(now, keep_until)? }
            }
            _ => return Err(Problem::invalid("iss", "must stand with exactly one of jti, sid and sub")),
        },
        (Some(_), Some(_)) => return Err(Problem::invalid("iss", "must not stand with token, which needs no issuer")),
        (None, None) => {
            return Err(Problem::invalid("token", "or iss with one of jti, sid and sub must be there"));
        }
    };
    given.nothing_else()?;
    Ok(Entry { revocation, keep_until: keep_until.0 })
}

impl Given {
    fn read(pairs: Vec<(String, String)>) -> Result<Self, Problem> {
        let mut given = BTreeMap::new();
        let mut errors = Vec::new();
        for (name, value) in pairs {
            let Some(known) = PARAMETERS.iter().find(|known| **known == name) else {
                errors.push(FieldError::new(name, "is not a parameter of this request"));
                continue;
            };
            if let Some(wrong) = wrong(known, &value) {
                errors.push(FieldError::new(*known, wrong));
            }
            if given.insert(*known, value).is_some() {
                errors.push(FieldError::new(*known, "stands here more than once"));
            }
        }
        if errors.is_empty() { Ok(Self(given)) } else { Err(errors.into()) }
    }

    fn take(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }

    /// Tokens of now are among those that are meant where nothing is said. A time after the entry's own end would say more
    /// than is kept.
    fn take_before(&mut self, now: UnixSeconds, keep_until: UnixSeconds) -> Result<UnixSeconds, Problem> {
        let Some(text) = self.take("before") else { return Ok(now.plus(1)) };
        let before = text.parse().ok().map(UnixSeconds).filter(|before| *before <= keep_until);
        before.ok_or_else(|| {
            Problem::invalid("before", "must be a time in Unix seconds, not later than it is remembered")
        })
    }

    fn nothing_else(self) -> Result<(), Problem> {
        let errors: Vec<_> =
            self.0.into_keys().map(|name| FieldError::new(name, "says nothing about what is revoked here")).collect();
        if errors.is_empty() { Ok(()) } else { Err(errors.into()) }
    }
}

fn wrong(name: &str, value: &str) -> Option<String> {
    let max_bytes = if name == "token" { MAX_TOKEN_BYTES } else { MAX_NAME_BYTES };
    if value.is_empty() || value.len() > max_bytes {
        Some(format!("must have 1 to {max_bytes} bytes"))
    } else if name == "token" && !value.bytes().all(|byte| byte.is_ascii_graphic()) {
        Some("must be a token as it stands in a request, without spaces".to_owned())
    } else if value.chars().any(|character| character.is_control() || character == char::REPLACEMENT_CHARACTER) {
        Some("must be UTF-8 without control characters".to_owned())
    } else {
        None
    }
}

/// When nobody takes a JWT any more, by its own word. Nobody has checked its signature, but the digest covers this word.
/// One that has ended stays a moment: whose clock is right is not known here.
fn ends_at(token: &str, now: UnixSeconds) -> Option<UnixSeconds> {
    #[derive(Deserialize)]
    struct Payload {
        exp: serde_json::Number,
    }
    let mut parts = token.split('.');
    let (_, payload, _, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next()) else { return None };
    let payload: Payload = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
    // A fraction is rounded up (RFC 7519, section 2); the conversion saturates.
    let end = payload.exp.as_u64().or_else(|| payload.exp.as_f64().map(|end| end.ceil() as u64))?;
    Some(UnixSeconds(end).max(now).plus(AFTER_EXPIRY_SECONDS))
}
