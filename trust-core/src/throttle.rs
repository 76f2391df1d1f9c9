//! Sources that bring too many bad tokens wait: a signature costs the gate far more to check than a client to invent.
//!
//! All gates of a host count together, in a file of small slots. A source has four slots where it may stand, chosen by a
//! keyed digest of its address, so that nobody can find out whom he would push out of them. There are no locks: of two that
//! count at the same moment one may be lost, and of two sources that fight for a slot the one with less to its name goes.
//! Both count too little, never too much, and a source is never counted for another unless 64 bits of their digests agree.
//! Whoever can write to the file could have anybody throttled; it is the gates' own, as the rest of `/gate`.

mod counts;

use std::cell::RefCell;
use std::net::IpAddr;

use crate::client_address::{ClientAddress, ClientAddresses};
use crate::denial::Denial;
use crate::keyed_hash::KeyedHash;
use crate::network::subnet;
use crate::shared_files::{SharedFile, SharedFiles};
use crate::time::UnixSeconds;
use crate::token::InvalidToken;
use counts::{OwnCounts, SET_BYTES, SlotSet};

/// Size of the shared file: room for 4,096 sources.
pub(crate) const BAD_TOKENS_BYTES: u64 = 64 * 1024;

/// How many bad tokens a source may bring within a minute unless configured.
pub(crate) const DEFAULT_BAD_TOKENS_PER_MINUTE: u32 = 60;

/// Counts bad tokens by source, and says who has to wait.
pub(crate) struct Throttle {
    /// 0 when nobody ever waits.
    most_per_minute: u32,
    /// Keeps slots from being aimed at. Without the gate's own key there is none, and nothing but that protection is lost.
    secret: KeyedHash,
    /// For a gate that has no shared files.
    own: RefCell<OwnCounts>,
}

impl Throttle {
    pub(crate) fn new(most_per_minute: u32) -> Self {
        Self { most_per_minute, secret: KeyedHash::default(), own: RefCell::default() }
    }

    /// Takes the gate's key, or the news that there is none.
    pub(crate) fn take_secret(&mut self, secret: Option<KeyedHash>) {
        self.secret = secret.unwrap_or_default();
    }

    /// Whether anybody is ever counted.
    pub(crate) fn is_on(&self) -> bool {
        self.most_per_minute > 0
    }

    /// Lets a token be looked at, unless its source has brought too many bad ones. To be asked before a signature is
    /// checked and only then: who brings a token that is known already goes on, whoever else shares the address.
    pub(crate) fn check(
        &self,
        source: ClientAddress,
        addresses: &ClientAddresses,
        now: UnixSeconds,
        shared: &dyn SharedFiles,
    ) -> Result<(), Denial> {
        let Some(digest) = self.digest(source, addresses) else { return Ok(()) };
        let Some(count) = self.read(&digest, shared).count_of(&digest) else { return Ok(()) };
        match count.seconds_above(self.most_per_minute, now) {
            0 => Ok(()),
            retry_after_seconds => Err(Denial::Throttled { retry_after_seconds }),
        }
    }

    /// Counts a bad token.
    pub(crate) fn count(
        &self,
        source: ClientAddress,
        addresses: &ClientAddresses,
        now: UnixSeconds,
        shared: &dyn SharedFiles,
    ) {
        let Some(digest) = self.digest(source, addresses) else { return };
        let set = self.read(&digest, shared);
        let (place, slot) = set.counted(&digest, now);
        let offset = set_offset(&digest, BAD_TOKENS_BYTES).saturating_add(place as u64);
        if !shared.write_at(SharedFile::BadTokens, offset, &slot) {
            self.own.borrow_mut().write(&digest, place, &slot);
        }
    }

    fn read(&self, digest: &Digest, shared: &dyn SharedFiles) -> SlotSet {
        let mut bytes = [0; SET_BYTES];
        if shared.read_at(SharedFile::BadTokens, set_offset(digest, BAD_TOKENS_BYTES), &mut bytes) {
            SlotSet::from(bytes)
        } else {
            self.own.borrow().read(digest)
        }
    }

    /// What a source is counted under; nothing for one that is never throttled: a trusted proxy speaks for many, and a peer
    /// without an address is a proxy on this machine.
    fn digest(&self, source: ClientAddress, addresses: &ClientAddresses) -> Option<Digest> {
        if !self.is_on() {
            return None;
        }
        let (kind, address) = match source {
            ClientAddress::Known(address) if addresses.is_trusted(address) => return None,
            ClientAddress::Unknown => return None,
            ClientAddress::Known(address) => (b'k', address),
            ClientAddress::Behind(proxy) => (b'b', proxy),
        };
        let hash = match address {
            IpAddr::V4(address) => self.secret.of([&[kind][..], &address.octets()]),
            IpAddr::V6(address) => self.secret.of([&[kind][..], &subnet(address).octets()]),
        };
        hash.first_chunk().copied()
    }
}

type Digest = [u8; 8];

/// Whether a token is one that its source should bring fewer of.
///
/// One that has been revoked is not: it is a good one, and known. One that has expired, or does not count yet, is not either: an honest client that was asleep brings such a one before it
/// fetches the next, it is refused before any signature is checked, and so nothing is saved by throttling it. All others
/// count, an unknown key among them: to invent a `kid` is as cheap as to invent a signature.
pub(crate) fn is_counted(invalid: InvalidToken) -> bool {
    !matches!(invalid, InvalidToken::Expired | InvalidToken::NotYetValid | InvalidToken::Revoked)
}

/// Where in a file of so many bytes the slots of a digest lie.
fn set_offset(digest: &Digest, file_bytes: u64) -> u64 {
    let sets = file_bytes.checked_div(SET_BYTES as u64).unwrap_or(1);
    let set = u64::from_le_bytes(*digest).checked_rem(sets).unwrap_or(0);
    set.saturating_mul(SET_BYTES as u64)
}

#[cfg(test)]
mod tests;
