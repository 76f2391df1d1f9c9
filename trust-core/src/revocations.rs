//! What is revoked before its time. The keeper writes a table of it, and a gate looks tokens up by position: it reads a
//! few hundred bytes for a token that may be revoked, and for nearly all others none.
//!
//! ```text
//! table  = magic:8 seed:16 count:u64 buckets:u64 filter:4096 { bucket }     (numbers are little-endian)
//! bucket = { fingerprint:16 before:u64 } x 10, then 16 bytes of nothing
//! ```
//!
//! A fingerprint is a keyed hash of what is revoked, under the table's own seed, so that nobody can choose names that fall
//! into one bucket. `before` is compared with the token's `iat`: what is revoked whenever it was issued has the largest number.

mod table;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::claims::VerifiedClaims;
use crate::keyed_hash::{HASH_BYTES, KeyedHash};
use crate::time::UnixSeconds;
pub(crate) use table::Table;
pub use table::table;

/// Bytes of the digest that names a token for good.
pub const TOKEN_DIGEST_BYTES: usize = 32;

/// One thing that is revoked.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Revocation {
    /// A token by itself.
    Token {
        /// As [`token_digest`] makes it.
        digest: [u8; TOKEN_DIGEST_BYTES],
    },
    /// The token with this identifier.
    Id {
        /// Who issued it.
        issuer: String,
        /// Its `jti` (RFC 7519, section 4.1.7).
        jti: String,
    },
    /// Every token of a session.
    Session {
        /// Who issued them.
        issuer: String,
        /// Their `sid` (OpenID Connect Front-Channel Logout 1.0, section 3).
        sid: String,
    },
    /// Every token of a subject that was issued before a time, or does not say when.
    Subject {
        /// Who issued them.
        issuer: String,
        /// Their `sub`.
        subject: String,
        /// Tokens with a lower `iat` are revoked.
        issued_before: UnixSeconds,
    },
}

impl Revocation {
    /// What the table holds of it: under which name, and for tokens issued before when.
    fn entry(&self, hash: &KeyedHash) -> ([u8; HASH_BYTES], u64) {
        match self {
            Self::Token { digest } => (fingerprint(hash, Kind::Token, "", digest), u64::MAX),
            Self::Id { issuer, jti } => (fingerprint(hash, Kind::Id, issuer, jti.as_bytes()), u64::MAX),
            Self::Session { issuer, sid } => (fingerprint(hash, Kind::Session, issuer, sid.as_bytes()), u64::MAX),
            Self::Subject { issuer, subject, issued_before } => {
                (fingerprint(hash, Kind::Subject, issuer, subject.as_bytes()), issued_before.0)
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Token = 1,
    Id = 2,
    Session = 3,
    Subject = 4,
}

/// Under which a revocation stands in a table. The issuer's length keeps it apart from the name behind it.
fn fingerprint(hash: &KeyedHash, kind: Kind, issuer: &str, name: &[u8]) -> [u8; HASH_BYTES] {
    let length = u32::try_from(issuer.len()).unwrap_or(u32::MAX).to_le_bytes();
    hash.of([&[kind as u8][..], &length, issuer.as_bytes(), name])
}

/// Every name under which a token can be revoked.
fn fingerprints<'a>(hash: &'a KeyedHash, claims: &'a VerifiedClaims) -> impl Iterator<Item = [u8; HASH_BYTES]> + 'a {
    let named = [(Kind::Id, "jti"), (Kind::Session, "sid"), (Kind::Subject, "sub")].into_iter();
    // Some issuers number their sessions: what is revoked is named by the number's digits.
    let named = named.filter_map(|(kind, claim)| Some((kind, claims.get(claim)?.scalar()?)));
    let token = fingerprint(hash, Kind::Token, "", claims.digest());
    let named = named.map(|(kind, name)| fingerprint(hash, kind, claims.issuer(), name.as_bytes()));
    let opened_in = claims.opened_in().map(|sid| fingerprint(hash, Kind::Session, claims.issuer(), sid.as_bytes()));
    std::iter::once(token).chain(named).chain(opened_in)
}

/// What names a token for good: the SHA-256 of what is signed in a JWT, whose signature may be written in more than one way
/// (of an ECDSA signature (r, s), (r, n - s) holds as well); of any other token, the SHA-256 of all of it. Two dots make a JWT
/// (RFC 7515, section 3.1).
#[must_use]
pub fn token_digest(token: &[u8]) -> [u8; TOKEN_DIGEST_BYTES] {
    let is_jwt = token.iter().filter(|byte| **byte == b'.').count() == 2;
    let signature_at = token.iter().rposition(|byte| *byte == b'.').filter(|_| is_jwt);
    Sha256::digest(signature_at.and_then(|end| token.get(..end)).unwrap_or(token)).into()
}

/// A digest as texts carry it: base64url without padding (RFC 4648, section 5).
#[must_use]
pub fn digest_text(digest: &[u8; TOKEN_DIGEST_BYTES]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(digest)
}

/// Reads what [`digest_text`] writes.
#[must_use]
pub fn digest_from_text(text: &str) -> Option<[u8; TOKEN_DIGEST_BYTES]> {
    BASE64_URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests;
