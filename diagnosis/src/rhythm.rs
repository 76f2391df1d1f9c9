//! How long a device usually is not heard between two of its batches, and from which wait on it is missed: devices tell each second or
//! every five minutes, and ways lose a batch now and then.

use serde::{Deserialize, Serialize};

use crate::Millis;

/// A wait is a silence from so many half longest ones on. Batches come on time or are lost, so that a wait is a whole number of usual ones:
/// a bound in the middle of two of them is not a matter of who is a moment late.
const HALVES: Millis = 9;

/// Of few waits the longest is still to come: so many more of it are waited for, by the number of waits.
const FEW: Millis = 30;

/// After so many batches a long wait is forgotten but for a third. A way that loses one batch in twenty loses three in a row once in some
/// thousands.
const FORGETS: Millis = 2000;

/// A wait that is so many times as long as any before it is an accident, and no rhythm, as long as little is known.
const FAR: Millis = 10;

/// Unless another one came before it that this one is no more than so many times as long as: devices of five minutes send what they have in
/// one go, and ways lose a batch.
const LIKE: Millis = 3;

/// The waits between a device's batches.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Rhythm {
    waits: u32,
    longest: Millis,
    /// After which accident it began.
    begun_after: Millis,
}

impl Rhythm {
    /// One that begins anew after a wait that is none of it; or would be, if the next ones were like it.
    pub(crate) fn begun_after(wait: Millis) -> Self {
        Self { begun_after: wait, ..Self::default() }
    }

    /// Whether a wait is far longer than those before it, so that it says nothing of how often the device tells.
    pub(crate) fn is_accident(&self, wait: Millis) -> bool {
        wait > self.longest.saturating_mul(FAR) && wait > self.begun_after.saturating_mul(LIKE)
    }

    /// The next batch has come after so many milliseconds.
    pub(crate) fn take(&mut self, wait: Millis) {
        self.waits = self.waits.saturating_add(1);
        let forgotten = self.longest.saturating_sub(self.longest.checked_div(FORGETS).unwrap_or(0));
        self.longest = forgotten.max(wait);
    }

    /// How long nothing may come, in milliseconds, before it is a silence.
    pub(crate) fn patience(&self) -> Millis {
        let few = self.longest.saturating_mul(FEW).checked_div(self.waits.into()).unwrap_or(0);
        self.longest.saturating_mul(HALVES).saturating_div(2).saturating_add(few)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes what a way brings of two batches every five minutes, of which it loses one pair in `one_in`; how often that would have been
    /// missed.
    fn misses(seed: u64, one_in: u64, pairs: u64) -> usize {
        let (mut rhythm, mut wait, mut misses) = (Rhythm::default(), 0, 0);
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        for pair in 0..pairs {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            wait += 300_000;
            if (state >> 33).is_multiple_of(one_in) {
                continue;
            }
            let late = i64::try_from(state >> 50).unwrap() % 40;
            if pair >= 10 && wait + late > rhythm.patience() {
                misses += 1;
            }
            rhythm.take(wait + late);
            rhythm.take(5);
            wait = 0;
        }
        misses
    }

    #[test]
    fn a_device_of_five_minutes_on_a_way_that_loses_one_batch_in_fifteen_is_not_missed() {
        let misses: usize = (1..200).map(|seed| misses(seed, 15, 2600)).sum();
        assert_eq!(misses, 0);
    }

    #[test]
    fn what_is_missed_is_missed_within_a_few_of_its_own_waits() {
        let mut rhythm = Rhythm::default();
        (0..20).for_each(|_| rhythm.take(300_000));
        assert_eq!(rhythm.patience(), 1_800_000, "six of twenty equal ones");
        (0..400).for_each(|_| rhythm.take(300_000));
        assert!((1_350_000..1_400_000).contains(&rhythm.patience()), "{}", rhythm.patience());
        let mut quick = Rhythm::default();
        (0..60).for_each(|_| quick.take(1000));
        assert!(quick.patience() <= 5000, "{}", quick.patience());
    }

    #[test]
    fn a_long_wait_is_forgotten_in_time() {
        let mut rhythm = Rhythm::default();
        rhythm.take(60_000);
        let then = rhythm.patience();
        (0..5000).for_each(|_| rhythm.take(1000));
        assert!(rhythm.patience() < then / 10, "{then} {}", rhythm.patience());
    }

    #[test]
    fn a_far_longer_wait_is_an_accident_once() {
        let mut rhythm = Rhythm::default();
        (0..50).for_each(|_| rhythm.take(200));
        assert!(!rhythm.is_accident(2000) && rhythm.is_accident(3_000_000));
        let mut bursts = Rhythm::begun_after(300_000);
        bursts.take(5);
        assert!(!bursts.is_accident(600_000), "they come every five minutes, and one was lost");
        assert!(bursts.is_accident(3_000_000));
    }

    #[test]
    fn a_wait_of_any_length_is_counted() {
        let mut rhythm = Rhythm::default();
        rhythm.take(Millis::MAX);
        assert_eq!(rhythm.patience(), Millis::MAX);
    }
}
