//! What goes over the wire between a keeper and the service.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use trust_core::revocations::{Revocation, digest_from_text, digest_text};
use trust_core::time::UnixSeconds;

use super::key_sets::SharedKeySet;

/// The answer of `GET /v1/trust`.
#[derive(Debug, Deserialize)]
pub(super) struct TrustAnswer {
    pub(super) cursor: String,
    /// Whether this is everything, and not only what is newer than the cursor.
    pub(super) complete: bool,
    pub(super) revocations: Vec<KeptRevocation>,
    pub(super) gate_keys: Option<Box<RawValue>>,
    #[serde(default)]
    pub(super) key_sets: Vec<SharedKeySet>,
}

/// One revocation, in one of four forms, and until when it is kept.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeptRevocation {
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<u64>,
    pub(super) keep_until: u64,
}

impl KeptRevocation {
    /// What is revoked; nothing when this is none of the four forms.
    pub(super) fn revocation(&self) -> Option<Revocation> {
        let Self { token, iss, jti, sid, sub, before, .. } = self;
        match (token, iss, jti, sid, sub, before) {
            (Some(token), None, None, None, None, None) => Some(Revocation::Token { digest: digest_from_text(token)? }),
            (None, Some(issuer), Some(jti), None, None, None) => {
                Some(Revocation::Id { issuer: issuer.clone(), jti: jti.clone() })
            }
            (None, Some(issuer), None, Some(sid), None, None) => {
                Some(Revocation::Session { issuer: issuer.clone(), sid: sid.clone() })
            }
            (None, Some(issuer), None, None, Some(subject), Some(before)) => Some(Revocation::Subject {
                issuer: issuer.clone(),
                subject: subject.clone(),
                issued_before: UnixSeconds(*before),
            }),
            _ => None,
        }
    }

    pub(super) fn of(revocation: &Revocation, keep_until: u64) -> Self {
        let mut kept = Self { keep_until, ..Self::default() };
        match revocation.clone() {
            Revocation::Token { digest } => kept.token = Some(digest_text(&digest)),
            Revocation::Id { issuer, jti } => (kept.iss, kept.jti) = (Some(issuer), Some(jti)),
            Revocation::Session { issuer, sid } => (kept.iss, kept.sid) = (Some(issuer), Some(sid)),
            Revocation::Subject { issuer, subject, issued_before } => {
                (kept.iss, kept.sub, kept.before) = (Some(issuer), Some(subject), Some(issued_before.0));
            }
        }
        kept
    }
}
