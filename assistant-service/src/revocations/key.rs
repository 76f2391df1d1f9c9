//! Under which key a revocation is kept, and under which keys the token of a caller would be found.

use std::fmt;

use sha2::{Digest, Sha256};
use trust_core::revocations::{Revocation, digest_from_text};
use trust_core::transaction_token::TransactionClaims;

/// The digest of what a revocation names, without what it says of it: revoking the same again finds the first one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RevocationKey([u8; 32]);

impl fmt::Display for RevocationKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl RevocationKey {
    /// The key that was written so.
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        let digits = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok());
        let bytes = digits.map(|pair| u8::from_str_radix(pair?, 16).ok()).collect::<Option<Vec<_>>>()?;
        bytes.try_into().ok().map(Self)
    }
}

impl From<&Revocation> for RevocationKey {
    fn from(revocation: &Revocation) -> Self {
        match revocation {
            Revocation::Token { digest } => Self::of("token", "", digest),
            Revocation::Id { issuer, jti } => Self::of("jti", issuer, jti.as_bytes()),
            Revocation::Session { issuer, sid } => Self::of("sid", issuer, sid.as_bytes()),
            Revocation::Subject { issuer, subject, .. } => Self::of("sub", issuer, subject.as_bytes()),
        }
    }
}

impl RevocationKey {
    /// The lengths keep one part from ending in the next.
    fn of(kind: &str, issuer: &str, name: &[u8]) -> Self {
        let parts = [kind.as_bytes(), issuer.as_bytes(), name];
        let whole = parts.iter().fold(Sha256::new(), |whole, part| {
            let length = u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes();
            whole.chain_update(length).chain_update(part)
        });
        Self(whole.finalize().into())
    }
}

/// All names under which a caller's own token can be revoked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    /// Revoked whenever they were issued: token, identifier, session, and the session in which that one was opened.
    pub(super) always: [Option<RevocationKey>; 4],
    /// Revoked when issued before a time.
    pub(super) subject: Option<RevocationKey>,
    /// Unix seconds; a token that does not say counts as issued before every time.
    pub(super) issued_at: Option<u64>,
}

impl Names {
    /// The names of a session that `issuer`'s `subject` has let in at `let_in_at`, in Unix seconds: its own, and that of the session with
    /// the issuer in which that was done.
    pub(crate) fn of_session(
        (issuer, subject): (&str, &str),
        session: &str,
        opened_in: Option<&str>,
        let_in_at: u64,
    ) -> Self {
        let named = |kind, name: &str| Some(RevocationKey::of(kind, issuer, name.as_bytes()));
        Self {
            always: [None, None, named("sid", session), opened_in.and_then(|sid| named("sid", sid))],
            subject: named("sub", subject),
            issued_at: Some(let_in_at),
        }
    }

    /// Nothing when a name is not what gates write: whoever cannot be looked up must not pass.
    pub(crate) fn of(claims: &TransactionClaims) -> Option<Self> {
        let context = &claims.rctx;
        let token = match context.digest.as_deref() {
            Some(text) => Some(RevocationKey::of("token", "", &digest_from_text(text)?)),
            None => None,
        };
        let named = |kind, name: &Option<String>| {
            Some(RevocationKey::of(kind, context.iss.as_deref()?, name.as_ref()?.as_bytes()))
        };
        Some(Self {
            always: [token, named("jti", &context.jti), named("sid", &context.sid), named("sid", &context.opened_in)],
            subject: named("sub", &claims.sub),
            issued_at: context.iat,
        })
    }
}
