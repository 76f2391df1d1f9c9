//! A revocation and for how long it must be remembered: one form in the store and in the keepers' feed.

use serde::{Deserialize, Serialize};
use trust_core::revocations::{Revocation, digest_from_text, digest_text};
use trust_core::time::UnixSeconds;
use utoipa::ToSchema;

/// A repetition that only moves the end by less is no change: whoever repeats it in a loop costs no commits.
const WORTH_KEEPING_LONGER_SECONDS: u64 = 24 * 60 * 60;

/// A revocation that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// What is revoked.
    pub(crate) revocation: Revocation,
    /// Unix seconds; after that every such token has ended by itself.
    pub(crate) keep_until: u64,
}

impl Entry {
    /// What this one and `other`, of the same key, revoke together; nothing when that is what this one revokes already.
    pub(crate) fn widened_by(&self, other: &Entry) -> Option<Entry> {
        let keep_until = self.keep_until.max(other.keep_until);
        let (before, later) = (issued_before(&self.revocation), issued_before(&other.revocation));
        let is_longer = keep_until.saturating_sub(self.keep_until) >= WORTH_KEEPING_LONGER_SECONDS;
        if later <= before && !is_longer {
            return None;
        }
        let revocation = if later > before { other.revocation.clone() } else { self.revocation.clone() };
        Some(Entry { revocation, keep_until })
    }

    /// What kind of revocation it is, for events and metrics.
    pub(crate) fn kind(&self) -> &'static str {
        match self.revocation {
            Revocation::Token { .. } => "token",
            Revocation::Id { .. } => "jti",
            Revocation::Session { .. } => "sid",
            Revocation::Subject { .. } => "sub",
        }
    }

    /// Who issued what is revoked; a token by itself does not say.
    pub(crate) fn issuer(&self) -> Option<&str> {
        match &self.revocation {
            Revocation::Token { .. } => None,
            Revocation::Id { issuer, .. } | Revocation::Session { issuer, .. } | Revocation::Subject { issuer, .. } => {
                Some(issuer)
            }
        }
    }

    /// Bytes of its texts: what it costs beside a fixed amount.
    pub(crate) fn text_bytes(&self) -> usize {
        match &self.revocation {
            Revocation::Token { .. } => 0,
            Revocation::Id { issuer, jti: name }
            | Revocation::Session { issuer, sid: name }
            | Revocation::Subject { issuer, subject: name, .. } => issuer.len().saturating_add(name.len()),
        }
    }
}

pub(super) fn issued_before(revocation: &Revocation) -> Option<u64> {
    match revocation {
        Revocation::Subject { issued_before, .. } => Some(issued_before.0),
        Revocation::Token { .. } | Revocation::Id { .. } | Revocation::Session { .. } => None,
    }
}

/// One revocation on the wire: `token`, or `iss` with one of `jti`, `sid`, `sub`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RevocationEntry {
    /// The token's digest in base64url: SHA-256 over `header.payload` of a JWT, over all of any other token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    /// The issuer of what is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    iss: Option<String>,
    /// The token with this identifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    jti: Option<String>,
    /// Every token of this session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sid: Option<String>,
    /// Every token of this subject that was issued before `before`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sub: Option<String>,
    /// Unix seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<u64>,
    /// Unix seconds; nobody needs to remember it longer.
    keep_until: u64,
}

impl From<&Entry> for RevocationEntry {
    fn from(entry: &Entry) -> Self {
        let blank = Self { keep_until: entry.keep_until, iss: entry.issuer().map(str::to_owned), ..Self::default() };
        match &entry.revocation {
            Revocation::Token { digest } => Self { token: Some(digest_text(digest)), ..blank },
            Revocation::Id { jti, .. } => Self { jti: Some(jti.clone()), ..blank },
            Revocation::Session { sid, .. } => Self { sid: Some(sid.clone()), ..blank },
            Revocation::Subject { subject, issued_before, .. } => {
                Self { sub: Some(subject.clone()), before: Some(issued_before.0), ..blank }
            }
        }
    }
}

impl RevocationEntry {
    /// The entry, if exactly one thing is named.
    pub(crate) fn into_entry(self) -> Option<Entry> {
        let revocation = match self {
            Self { token: Some(token), iss: None, jti: None, sid: None, sub: None, before: None, .. } => {
                Revocation::Token { digest: digest_from_text(&token)? }
            }
            Self { token: None, iss: Some(issuer), jti: Some(jti), sid: None, sub: None, before: None, .. } => {
                Revocation::Id { issuer, jti }
            }
            Self { token: None, iss: Some(issuer), jti: None, sid: Some(sid), sub: None, before: None, .. } => {
                Revocation::Session { issuer, sid }
            }
            Self {
                token: None,
                iss: Some(issuer),
                jti: None,
                sid: None,
                sub: Some(subject),
                before: Some(before),
                ..
            } => Revocation::Subject { issuer, subject, issued_before: UnixSeconds(before) },
            _ => return None,
        };
        Some(Entry { revocation, keep_until: self.keep_until })
    }
}
