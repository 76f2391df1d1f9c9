//! A slot of the shared file: claims under a seal that only gates of this host can make.
//!
//! ```text
//! seal:16  digest:16  context:16  ends_at:u64  verified_at:u64  token:32  voucher:u8  length:u16  record
//! ```
//!
//! Numbers are little-endian; `token` is the digest by which the token is revoked.
//!
//! The seal is a keyed hash over all that follows it. The digest is one of the whole token under another key: who does not
//! know the key cannot make a token that is taken for another one, and the file helps nobody to find a token. A slot that
//! two writers tore, that came out of an old copy of the disk with other keys, or that somebody else wrote, does not fit its
//! seal and counts as empty.

use std::sync::Arc;

use crate::claims::record::ClaimRecord;
use crate::claims::{TokenIdentity, VerifiedClaims, Voucher};
use crate::claims_cache::{Verification, WAYS};
use crate::gate_key::CacheSecrets;
use crate::keyed_hash::HASH_BYTES;
use crate::revocations::TOKEN_DIGEST_BYTES;
use crate::time::UnixSeconds;

/// Bytes of a slot.
pub(super) const SLOT_BYTES: usize = 512;

/// Bytes that name what verified a token.
pub(crate) const CONTEXT_BYTES: usize = 16;

const SEAL_BYTES: usize = HASH_BYTES;
const DIGEST_BYTES: usize = HASH_BYTES;

/// A token's digest under the host's own secret.
pub(super) struct Digest([u8; DIGEST_BYTES]);

impl Digest {
    pub(super) fn of(token: &[u8], secrets: &CacheSecrets) -> Self {
        Self(secrets.digest.of([token]))
    }

    /// Spreads tokens over sets.
    pub(super) fn number(&self) -> u64 {
        self.0.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
    }

    /// Spreads the tokens of a set over its slots.
    pub(super) fn first_way(&self) -> usize {
        self.0.last().map_or(0, |byte| usize::from(*byte).checked_rem(WAYS).unwrap_or(0))
    }
}

/// Claims and when they were verified.
pub(super) struct Slot {
    pub(super) claims: VerifiedClaims,
    pub(super) verified_at: UnixSeconds,
}

impl Slot {
    /// The bytes of a slot; nothing when the claims do not fit.
    pub(super) fn seal(
        &self,
        digest: &Digest,
        verification: &Verification,
        secrets: &CacheSecrets,
    ) -> Option<[u8; SLOT_BYTES]> {
        let record = self.claims.record().as_bytes();
        let length = u16::try_from(record.len()).ok()?;
        let numbers = [self.claims.expires_at().0, self.verified_at.0].map(u64::to_le_bytes);
        let mut body = Vec::with_capacity(SLOT_BYTES);
        body.extend_from_slice(&digest.0);
        body.extend_from_slice(&verification.context);
        body.extend_from_slice(numbers.as_flattened());
        let TokenIdentity { voucher, digest: token, .. } = self.claims.identity();
        body.extend_from_slice(token);
        body.push(voucher_byte(*voucher)?);
        body.extend_from_slice(&length.to_le_bytes());
        body.extend_from_slice(record);
        let mut bytes = [0; SLOT_BYTES];
        let (seal, rest) = bytes.split_first_chunk_mut::<SEAL_BYTES>()?;
        *seal = seal_of(&body, secrets);
        rest.get_mut(..body.len())?.copy_from_slice(&body);
        Some(bytes)
    }

    /// What a slot holds, if it is of this token, the seal fits and what verified it is among `verifications`.
    pub(super) fn open<'a>(
        bytes: &[u8],
        digest: &Digest,
        verifications: &'a [Verification],
        secrets: &CacheSecrets,
    ) -> Option<(Self, &'a Verification)> {
        if !is_of(bytes, digest) {
            return None;
        }
        let (seal, body) = bytes.split_first_chunk::<SEAL_BYTES>()?;
        let (_digest, rest) = body.split_first_chunk::<DIGEST_BYTES>()?;
        let (context, rest) = rest.split_first_chunk::<CONTEXT_BYTES>()?;
        let context = u128::from_ne_bytes(*context);
        let is_of_context = |verification: &&Verification| u128::from_ne_bytes(verification.context) == context;
        let verification = verifications.iter().find(is_of_context)?;
        let (ends_at, rest) = rest.split_first_chunk()?;
        let (verified_at, rest) = rest.split_first_chunk()?;
        let (token, rest) = rest.split_first_chunk::<TOKEN_DIGEST_BYTES>()?;
        let (voucher, rest) = rest.split_first()?;
        let (length, rest) = rest.split_first_chunk()?;
        let record = rest.get(..usize::from(u16::from_le_bytes(*length)))?;
        let sealed = body.len().checked_sub(rest.len())?.checked_add(record.len())?;
        if seal_of(body.get(..sealed)?, secrets) != *seal {
            return None;
        }
        let ends_at = UnixSeconds(u64::from_le_bytes(*ends_at));
        let record = ClaimRecord::from_bytes(record.to_vec());
        let voucher = voucher_of(*voucher);
        let issuer = Arc::clone(verification.issuer_of(voucher)?);
        let claims = VerifiedClaims::new(TokenIdentity { issuer, voucher, digest: *token }, ends_at, record);
        Some((Self { claims, verified_at: UnixSeconds(u64::from_le_bytes(*verified_at)) }, verification))
    }
}

/// Whether a slot says that it is of this token.
pub(super) fn is_of(bytes: &[u8], digest: &Digest) -> bool {
    let held = bytes.get(SEAL_BYTES..).and_then(|body| body.first_chunk::<DIGEST_BYTES>());
    held.is_some_and(|held| u128::from_ne_bytes(*held) == u128::from_ne_bytes(digest.0))
}

/// When a slot's claims end, as it says.
pub(super) fn unverified_end(bytes: &[u8]) -> u64 {
    let at = SEAL_BYTES.saturating_add(DIGEST_BYTES).saturating_add(CONTEXT_BYTES);
    bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |end| u64::from_le_bytes(*end))
}

fn voucher_byte(voucher: Voucher) -> Option<u8> {
    match voucher {
        Voucher::Issuer => Some(0),
        Voucher::Exchange(place) => place.checked_add(1).filter(|byte| *byte < 0x80),
        Voucher::Deputy(place) => (place < 0x80).then_some(place | 0x80),
    }
}

fn voucher_of(byte: u8) -> Voucher {
    match byte {
        0 => Voucher::Issuer,
        1..0x80 => Voucher::Exchange(byte.saturating_sub(1)),
        0x80.. => Voucher::Deputy(byte & 0x7f),
    }
}

/// Whoever can write the file cannot ask for the seal of anything, so there is nothing to learn from how long the
/// comparison takes.
fn seal_of(body: &[u8], secrets: &CacheSecrets) -> [u8; SEAL_BYTES] {
    secrets.seal.of([body])
}
