//! What an issuer vouches for. Only [`crate::issuer`] makes it, of a token or of what one left in the claims cache.

pub(crate) mod record;
pub(crate) mod roles;
pub(crate) mod selection;

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::Value;

use crate::principal::{Principal, principal_uri};
use crate::revocations::TOKEN_DIGEST_BYTES;
use crate::time::UnixSeconds;
use record::{ClaimRecord, ClaimValue};
use selection::ORIGIN_SESSION;

/// The claims of a token whose signature, issuer, audience and times hold, as far as the configuration asks for them.
#[derive(Clone, Debug)]
pub(crate) struct VerifiedClaims {
    identity: TokenIdentity,
    expires_at: UnixSeconds,
    record: ClaimRecord,
}

/// Which token claims are of, whoever has written them down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TokenIdentity {
    /// Whose token it is.
    pub(crate) issuer: Arc<str>,
    /// Who vouches for it.
    pub(crate) voucher: Voucher,
    /// The name by which it is revoked ([`crate::revocations::token_digest`]).
    pub(crate) digest: [u8; TOKEN_DIGEST_BYTES],
}

/// Who has signed what the gate has read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Voucher {
    /// The token's own issuer.
    Issuer,
    /// An exchange, in the place of an opaque token; the issuer is the one at this place of those it may speak for.
    Exchange(u8),
    /// Another issuer, by a token of its own that the client holds itself; the issuer is the one at this place of those it may
    /// speak for.
    Deputy(u8),
}

impl VerifiedClaims {
    pub(crate) fn new(identity: impl Into<TokenIdentity>, expires_at: UnixSeconds, record: ClaimRecord) -> Self {
        Self { identity: identity.into(), expires_at, record }
    }

    /// Which token these claims are of.
    #[must_use]
    pub(crate) fn identity(&self) -> &TokenIdentity {
        &self.identity
    }

    /// The name by which the token is revoked.
    #[must_use]
    pub(crate) fn digest(&self) -> &[u8; TOKEN_DIGEST_BYTES] {
        &self.identity.digest
    }

    /// The SHA-256 of the token that the client holds, where that is not the one that the gate has read.
    #[must_use]
    pub(crate) fn exchanged_digest(&self) -> Option<&[u8; TOKEN_DIGEST_BYTES]> {
        match self.identity.voucher {
            Voucher::Issuer | Voucher::Deputy(_) => None,
            Voucher::Exchange(_) => Some(&self.identity.digest),
        }
    }

    /// The session with its subject's issuer in which a deputy has made the token: when that is revoked, the token is.
    #[must_use]
    pub(crate) fn opened_in(&self) -> Option<&str> {
        self.text(ORIGIN_SESSION)
    }

    /// When the token was issued, if it says so.
    #[must_use]
    pub(crate) fn issued_at(&self) -> Option<UnixSeconds> {
        match self.get("iat")? {
            ClaimValue::Scalar(number) => UnixSeconds::from_json(number),
            _ => None,
        }
    }

    /// Who the token speaks of.
    #[must_use]
    pub(crate) fn principal(&self) -> Principal {
        Principal::new(self.issuer(), self.subject())
    }

    /// Who the token speaks of, as events name it.
    #[must_use]
    pub(crate) fn principal_uri(&self) -> String {
        principal_uri(self.issuer(), self.subject())
    }

    /// The issuer's identifier.
    #[must_use]
    pub(crate) fn issuer(&self) -> &str {
        &self.identity.issuer
    }

    /// The subject, unique within its issuer; never empty.
    #[must_use]
    pub(crate) fn subject(&self) -> &str {
        self.text("sub").unwrap_or_default()
    }

    /// When the token ends.
    #[must_use]
    pub(crate) fn expires_at(&self) -> UnixSeconds {
        self.expires_at
    }

    /// The claims in their compact form.
    #[must_use]
    pub(crate) fn record(&self) -> &ClaimRecord {
        &self.record
    }

    /// A claim by its top-level name.
    #[must_use]
    pub(crate) fn get(&self, name: &str) -> Option<ClaimValue<'_>> {
        self.record.get(name)
    }

    /// A claim that is a string.
    #[must_use]
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        match self.get(name)? {
            ClaimValue::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether a list claim holds `value`. Some issuers write a list of one as its member: that is compared whole, never a
    /// part of it.
    #[must_use]
    pub(crate) fn list_holds(&self, name: &str, value: &str) -> bool {
        self.get(name).is_some_and(|claim| {
            claim == ClaimValue::Text(value) || claim.members().filter_map(ClaimValue::scalar).any(|held| held == value)
        })
    }

    /// Every scope: `scope` separated by spaces (RFC 8693, section 4.2), or the list or string `scp` that some issuers
    /// write in its place.
    pub(crate) fn scopes(&self) -> impl Iterator<Item = &str> {
        let spaced = [self.text("scope"), self.text("scp")].into_iter().flatten().flat_map(str::split_ascii_whitespace);
        let listed = self.get("scp").into_iter().flat_map(ClaimValue::members);
        spaced.chain(listed.filter_map(|member| match member {
            // With a space in it, it would be two to whoever reads them in one.
            ClaimValue::Text(scope) if !scope.contains(|character: char| character.is_ascii_whitespace()) => {
                Some(scope)
            }
            _ => None,
        }))
    }

    /// Every scope, separated by spaces: as the token says it, where one claim says it all.
    pub(crate) fn scopes_in_one(&self) -> Cow<'_, str> {
        match (self.text("scope"), self.get("scp")) {
            (Some(scope), None) => scope.into(),
            _ => self.scopes().collect::<Vec<_>>().join(" ").into(),
        }
    }

    /// Whether the token was given to a client for itself: its subject is the client (RFC 9068, section 2.2).
    #[must_use]
    pub(crate) fn is_of_client(&self) -> bool {
        let client = self.text("client_id").or_else(|| self.text("azp"));
        client.is_some_and(|client| client == self.subject())
    }
}

/// For tests of what does not look at a token's digest.
#[cfg(any(test, feature = "fuzzing"))]
impl From<&str> for TokenIdentity {
    fn from(issuer: &str) -> Self {
        Self { issuer: issuer.into(), voucher: Voucher::Issuer, digest: [0; TOKEN_DIGEST_BYTES] }
    }
}

/// A claim's value as rules compare it: a string by its content, any other scalar by its JSON text; lists and objects
/// equal nothing.
#[must_use]
pub(crate) fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) | Value::Null => Some(value.to_string()),
        Value::Array(_) | Value::Object(_) => None,
    }
}
