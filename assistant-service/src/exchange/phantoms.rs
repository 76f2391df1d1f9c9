//! What is known of tokens at this moment: the phantom of a good one, or that it is none. Keys are digests, so that no token
//! stays in memory; every table is bounded in entries and bytes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use moka::Expiry;
use moka::future::Cache;
use time::OffsetDateTime;

use super::credential::Scheme;
use super::phantom::{Phantom, TokenDigest};
use super::refusal::Refusal;

const MAX_ENTRIES: u64 = 20_000;

/// For all phantoms together. An entry counts for at least its share, so that it bounds the entries too.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// How long a provider's "no" is believed. A client that comes with a bad token again and again costs one question in this time.
const REFUSED_FOR: Duration = Duration::from_secs(5);

/// How long a provider that gave no answer is left alone with the same token.
const UNANSWERED_FOR: Duration = Duration::from_secs(1);

/// How long it is remembered that a token was good: its renewal does not count against its source.
const GOOD_LATELY_FOR: Duration = Duration::from_secs(900);

/// A token of a provider: the provider's place in the configuration, and the token's digest.
pub(crate) type TokenKey = (usize, TokenDigest);

/// A phantom, and since when it is known.
pub(crate) struct Known {
    pub(crate) phantom: Phantom,
    /// How the original must be presented.
    pub(crate) scheme: Scheme,
    pub(crate) known_since: OffsetDateTime,
}

impl Known {
    /// Whether it may still be handed out. A clock that has been set back before its beginning makes it worthless: what
    /// would have ended must not live again.
    pub(crate) fn is_fresh(&self, now: OffsetDateTime) -> bool {
        self.known_since <= now && now.unix_timestamp() < self.phantom.renewed_at
    }
}

/// The tables.
pub(crate) struct Phantoms {
    pub(crate) known: Cache<TokenKey, Arc<Known>>,
    pub(crate) refused: Cache<TokenKey, Refusal>,
    pub(crate) good_lately: Cache<TokenKey, ()>,
}

impl Phantoms {
    pub(crate) fn new() -> Self {
        let share = u32::try_from(MAX_BYTES.div_ceil(MAX_ENTRIES)).unwrap_or(u32::MAX);
        let known = Cache::builder()
            .max_capacity(MAX_BYTES)
            .weigher(move |_, known: &Arc<Known>| {
                u32::try_from(known.phantom.token.len()).map_or(u32::MAX, |length| length.max(share))
            })
            .expire_after(Lifetimes)
            .build();
        Self {
            known,
            refused: Cache::builder().max_capacity(MAX_ENTRIES).expire_after(Lifetimes).build(),
            good_lately: Cache::builder().max_capacity(MAX_ENTRIES).time_to_live(GOOD_LATELY_FOR).build(),
        }
    }
}

/// By the clock that nobody sets: whatever the wall clock says, no entry lives longer than it was to.
struct Lifetimes;

impl Expiry<TokenKey, Arc<Known>> for Lifetimes {
    fn expire_after_create(&self, _: &TokenKey, known: &Arc<Known>, _: Instant) -> Option<Duration> {
        let seconds = known.phantom.renewed_at.saturating_sub(known.known_since.unix_timestamp());
        Some(Duration::from_secs(u64::try_from(seconds).unwrap_or_default()))
    }

    /// One phantom in another's place has a life of its own.
    fn expire_after_update(
        &self,
        key: &TokenKey,
        known: &Arc<Known>,
        at: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        self.expire_after_create(key, known, at)
    }
}

impl Expiry<TokenKey, Refusal> for Lifetimes {
    fn expire_after_create(&self, _: &TokenKey, refusal: &Refusal, _: Instant) -> Option<Duration> {
        Some(if matches!(refusal, Refusal::NotGood(_)) { REFUSED_FOR } else { UNANSWERED_FOR })
    }

    fn expire_after_update(
        &self,
        key: &TokenKey,
        refusal: &Refusal,
        at: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        self.expire_after_create(key, refusal, at)
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2027-01-15 08:00:00 UTC);

    fn known(lives_seconds: i64, length: usize) -> Arc<Known> {
        let renewed_at = NOW.unix_timestamp() + lives_seconds;
        let phantom = Phantom { token: "x".repeat(length), renewed_at };
        Arc::new(Known { phantom, scheme: Scheme::Bearer, known_since: NOW })
    }

    #[test]
    fn a_phantom_is_fresh_from_when_it_was_made_until_it_is_renewed() {
        for (milliseconds, is_fresh) in [(0, true), (49_999, true), (50_000, false), (-1, false), (-3_600_000, false)] {
            let then = NOW + time::Duration::milliseconds(milliseconds);
            assert_eq!(known(50, 1).is_fresh(then), is_fresh, "{milliseconds} ms");
        }
    }

    #[tokio::test]
    async fn the_tables_are_bounded_in_entries_and_in_bytes() {
        for length in [1, 12 * 1024] {
            let phantoms = Phantoms::new();
            for number in 0..30_000 {
                phantoms.known.insert((number, [0; 32]), known(50, length)).await;
            }
            phantoms.known.run_pending_tasks().await;
            assert!(phantoms.known.entry_count() <= MAX_ENTRIES);
            assert!(phantoms.known.weighted_size() <= MAX_BYTES);
        }
    }

    #[test]
    fn no_entry_lives_longer_than_it_was_to() {
        let now = Instant::now();
        let lives = |seconds| Lifetimes.expire_after_create(&(0, [0; 32]), &known(seconds, 1), now);
        assert_eq!(lives(50), Some(Duration::from_secs(50)));
        assert_eq!(lives(-1), Some(Duration::ZERO));
    }
}
