//! Verified claims, kept so that a token's signature is checked once and not once a request.
//!
//! Two levels: a few tokens in this instance, by their exact text, and a file that all gates of the host share, by the
//! token's digest. Facts are cached, never decisions: what comes out of here still passes expiry and the rules.

mod recent;
mod slot;

use std::sync::Arc;

use crate::claims::{VerifiedClaims, Voucher};
use crate::gate_key::CacheSecrets;
use crate::shared_files::{SharedFile, SharedFiles};
use crate::time::UnixSeconds;
use recent::RecentTokens;
pub(crate) use slot::CONTEXT_BYTES;
use slot::{Digest, SLOT_BYTES, Slot};

/// Slots of a set. With 20,000 tokens in 32,768 slots, sets of 8 would lose 2 tokens in 100 to each other; sets of 16 lose
/// fewer than one in 200. Each token has a slot of its set where it is looked for first: nearly always that is all that is
/// read.
const WAYS: usize = 16;

const SET_BYTES: usize = WAYS.saturating_mul(SLOT_BYTES);

/// What verified a token: an issuer's policy, a key that is loaded at this moment, and the claims that are kept. What was
/// verified by anything else is as good as not verified.
#[derive(Clone, Debug)]
pub(crate) struct Verification {
    pub(crate) context: [u8; CONTEXT_BYTES],
    pub(crate) issuer: Arc<str>,
    /// The issuers that this one may speak for; none unless it is an exchange.
    pub(crate) speaks_for: Arc<[Arc<str>]>,
    pub(crate) leeway_seconds: u64,
}

impl Verification {
    /// Whose token it is that this voucher vouches for.
    pub(crate) fn issuer_of(&self, voucher: Voucher) -> Option<&Arc<str>> {
        match voucher {
            Voucher::Issuer => Some(&self.issuer),
            Voucher::Exchange(place) | Voucher::Deputy(place) => self.speaks_for.get(usize::from(place)),
        }
    }

    /// Whether claims that were verified at one time and end at another hold now. A clock that has moved back behind the
    /// verification revives nothing: the token has to be looked at again.
    fn holds(&self, verified_at: UnixSeconds, ends_at: UnixSeconds, now: UnixSeconds) -> bool {
        verified_at <= now && now < ends_at.plus(self.leeway_seconds)
    }
}

/// Both levels.
pub(crate) struct ClaimsCache {
    recent: RecentTokens,
    file: Option<FileCache>,
    file_bytes: u64,
}

/// Where a token that was not found belongs.
pub(crate) struct Vacancy {
    digest: Option<Digest>,
    offset: u64,
}

impl ClaimsCache {
    /// A cache whose shared file has `file_bytes`; 0 for no file.
    pub(crate) fn new(file_bytes: u64) -> Self {
        Self { recent: RecentTokens::default(), file: None, file_bytes }
    }

    pub(crate) fn file_bytes(&self) -> u64 {
        self.file_bytes
    }

    /// Takes the secrets under which the file is kept; without them there is no file.
    pub(crate) fn take_secrets(&mut self, secrets: Option<CacheSecrets>) {
        let sets = self.file_bytes.checked_div(SET_BYTES as u64).unwrap_or(0);
        self.file = secrets.filter(|_| sets > 0).map(|secrets| FileCache { secrets, sets, set: Vec::new() });
    }

    /// Forgets what this instance holds, after keys have changed.
    pub(crate) fn forget_recent(&mut self) {
        self.recent.clear();
    }

    /// The claims of a token that one of `verifications` has vouched for, or where to put them.
    pub(crate) fn find(
        &mut self,
        token: &[u8],
        verifications: &[Verification],
        now: UnixSeconds,
        shared: &dyn SharedFiles,
    ) -> Result<VerifiedClaims, Vacancy> {
        if let Some(claims) = self.recent.find(token, now) {
            return Ok(claims);
        }
        let Some(file) = &mut self.file else { return Err(Vacancy { digest: None, offset: 0 }) };
        let (slot, verification) = file.find(token, verifications, now, shared)?;
        if self.recent.asks_again(token) {
            self.recent.keep(token, &slot, verification);
        }
        Ok(slot.claims)
    }

    /// Keeps claims that were verified just now.
    pub(crate) fn keep(
        &mut self,
        token: &[u8],
        claims: &VerifiedClaims,
        verification: &Verification,
        vacancy: &Vacancy,
        now: UnixSeconds,
        shared: &dyn SharedFiles,
    ) {
        let slot = Slot { claims: claims.clone(), verified_at: now };
        let sealed = match (&self.file, &vacancy.digest) {
            (Some(file), Some(digest)) => slot.seal(digest, verification, &file.secrets),
            _ => None,
        };
        let is_shared = sealed.is_some_and(|bytes| shared.write_at(SharedFile::Claims, vacancy.offset, &bytes));
        if self.recent.asks_again(token) || !is_shared {
            self.recent.keep(token, &slot, verification);
        }
    }
}

struct FileCache {
    secrets: CacheSecrets,
    sets: u64,
    /// Where a set is read to; empty until one has to be.
    set: Vec<u8>,
}

impl FileCache {
    fn find<'a>(
        &mut self,
        token: &[u8],
        verifications: &'a [Verification],
        now: UnixSeconds,
        shared: &dyn SharedFiles,
    ) -> Result<(Slot, &'a Verification), Vacancy> {
        let digest = Digest::of(token, &self.secrets);
        let set = digest.number().checked_rem(self.sets).unwrap_or(0).saturating_mul(SET_BYTES as u64);
        let first = set.saturating_add(slot_offset(digest.first_way()));
        let opened = |bytes: &[u8]| {
            let (slot, verification) = Slot::open(bytes, &digest, verifications, &self.secrets)?;
            verification.holds(slot.verified_at, slot.claims.expires_at(), now).then_some((slot, verification))
        };
        let mut bytes = [0; SLOT_BYTES];
        let is_read = shared.read_at(SharedFile::Claims, first, &mut bytes);
        if let Some(found) = opened(&bytes).filter(|_| is_read) {
            return Ok(found);
        }
        self.set.resize(SET_BYTES, 0);
        if !is_read || !shared.read_at(SharedFile::Claims, set, &mut self.set) {
            return Err(Vacancy { offset: first, digest: Some(digest) });
        }
        let found = self.set.chunks_exact(SLOT_BYTES).find_map(opened);
        found.ok_or_else(|| Vacancy {
            offset: set.saturating_add(vacant(&self.set, &digest, now)),
            digest: Some(digest),
        })
    }
}

/// Where in its set a token's slot belongs: where there is one of the same token already, of no use; where it is looked for
/// first, if nothing that lasts stands there; else in the place of what ends first. An end that nobody vouches for is good
/// enough to choose by. What is empty ended in 1970.
fn vacant(set: &[u8], digest: &Digest, now: UnixSeconds) -> u64 {
    let end = |way: usize, bytes: &[u8]| match slot::unverified_end(bytes) {
        _ if slot::is_of(bytes, digest) => (0, way),
        end if way == digest.first_way() && end < now.0 => (1, way),
        end => (end.saturating_add(2), way),
    };
    let ends = set.chunks_exact(SLOT_BYTES).enumerate().map(|(way, bytes)| end(way, bytes));
    ends.min().map_or(0, |(_, way)| slot_offset(way))
}

fn slot_offset(way: usize) -> u64 {
    way.saturating_mul(SLOT_BYTES) as u64
}

#[cfg(test)]
mod tests;
