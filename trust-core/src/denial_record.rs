//! What is kept of a denial: a line for people in Traefik's log, and a line of JSON in `/gate/denials` for whoever counts
//! them, makes events of them or blocks a source.
//!
//! Nothing that a client sent stands in the record as it was sent: names of keys, issuers, subjects and paths are digests,
//! by which a known value can be found again and an unknown one, which may be a secret in the wrong place, cannot be read.

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::client_address::ClientAddress;
use crate::denial::Denial;
use crate::digits::{push_hexadecimal, text};
use crate::request::RawRequest;
use crate::time::WallTime;
use crate::token::UnverifiedToken;

/// Longest record in bytes, the line's end included. A single write of that size does not tear.
pub(crate) const MAX_RECORD_BYTES: usize = 1024;

/// Bytes of a digest that are kept: enough to tell values apart.
const DIGEST_BYTES: usize = 16;

/// Longest part of a request that is written to the log, in bytes.
const MAX_LOGGED_BYTES: usize = 200;

/// Methods that are named in records; a client may invent others.
const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"];

/// Whether denials are carried out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// A denied request is answered by the gate.
    #[default]
    Enforce,
    /// It passes without any identity, and what would have become of it is written down.
    Observe,
}

/// One denial.
#[derive(Serialize)]
pub(crate) struct DenialRecord<'a> {
    time: String,
    mode: Mode,
    status: u16,
    reason: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    method: &'static str,
    path_digest: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid_digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iss_digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub_digest: Option<String>,
}

impl<'a> DenialRecord<'a> {
    pub(crate) fn new(denial: &Denial, status: u16, mode: Mode, at: WallTime, raw: &RawRequest) -> Self {
        let known = METHODS.into_iter().find(|method| method.as_bytes() == raw.method.as_slice());
        Self {
            time: at.rfc3339(),
            mode,
            status,
            reason: denial.code(),
            rule: None,
            source: None,
            method: known.unwrap_or("other"),
            path_digest: digest(path(&raw.target)),
            kid_digest: None,
            iss_digest: None,
            sub_digest: None,
        }
    }

    /// Adds the rule that would have decided.
    pub(crate) fn set_rule(&mut self, name: &'a str) {
        self.rule = Some(name);
    }

    /// Adds where the request came from: an address that was read as one, so nobody's free text.
    pub(crate) fn set_source(&mut self, source: ClientAddress) {
        self.source = match source {
            ClientAddress::Known(address) => Some(address.to_string()),
            ClientAddress::Behind(proxy) => Some(format!("behind {proxy}")),
            ClientAddress::Unknown => None,
        };
    }

    /// Adds what the token says of itself.
    pub(crate) fn set_token(&mut self, token: &UnverifiedToken) {
        let claim = |name: &str| token.unverified_claims.get(name).and_then(|claim| claim.as_str());
        let digest_of = |text: &str| digest(text.as_bytes());
        self.kid_digest = token.unverified_kid.as_deref().map(digest_of);
        self.iss_digest = claim("iss").map(digest_of);
        self.sub_digest = claim("sub").map(digest_of);
    }

    /// The line as it is appended: it begins with a newline, so that a line that another gate left half written spoils
    /// itself alone. Of a rule with an endless name the name is left out.
    pub(crate) fn line(mut self) -> String {
        let write = |record: &Self| format!("\n{}", serde_json::to_string(record).unwrap_or_default());
        let line = write(&self);
        if line.len() <= MAX_RECORD_BYTES {
            return line;
        }
        self.rule = None;
        write(&self)
    }
}

/// The line for Traefik's log.
pub(crate) fn log_line(denial: &Denial, status: u16, mode: Mode, raw: &RawRequest) -> String {
    let what = match mode {
        Mode::Enforce => "denied",
        Mode::Observe => "would be denied",
    };
    format!(
        "watchgate: {what} status={status} reason={:?} method={} path={} source={}",
        denial.reason(),
        quoted(&raw.method),
        quoted(path(&raw.target)),
        quoted(&raw.source_address),
    )
}

/// What follows `?` may hold secrets of the client.
fn path(target: &[u8]) -> &[u8] {
    target.split(|byte| *byte == b'?').next().unwrap_or_default()
}

/// Untrusted bytes, short and escaped, so that nobody can write lines of their own into the log.
fn quoted(bytes: &[u8]) -> String {
    let shown = bytes.get(..MAX_LOGGED_BYTES).unwrap_or(bytes);
    format!("{:?}", String::from_utf8_lossy(shown))
}

/// The beginning of the SHA-256 of a value, in hexadecimal. Without a key, so that an operator can look for a value
/// that he knows, by the first 32 characters of `printf %s VALUE | sha256sum`.
fn digest(value: &[u8]) -> String {
    let mut digits = Vec::with_capacity(DIGEST_BYTES.saturating_mul(2));
    push_hexadecimal(Sha256::digest(value).get(..DIGEST_BYTES).unwrap_or_default(), &mut digits);
    text(digits)
}

#[cfg(test)]
mod tests;
