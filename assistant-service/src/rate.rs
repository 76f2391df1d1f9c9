//! How often somebody may do something in a minute. A table that is full refuses nobody: what comes from any more is held by other bounds.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

const WINDOW: Duration = Duration::from_secs(60);

/// Who are counted in one window.
const MAX_KEYS: usize = 16_384;

/// Counts in windows of a minute.
#[derive(Debug)]
pub(crate) struct Rate<K> {
    per_minute: u32,
    window: Mutex<Window<K>>,
}

#[derive(Debug)]
struct Window<K> {
    began: Duration,
    counts: HashMap<K, u32>,
}

/// Somebody has used up a share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OverBound {
    /// Until the next window.
    pub(crate) retry_after_seconds: u64,
}

impl<K: Eq + Hash> Rate<K> {
    pub(crate) fn new(per_minute: u32) -> Self {
        Self { per_minute, window: Mutex::new(Window { began: Duration::ZERO, counts: HashMap::new() }) }
    }

    /// Counts one more at `now`, by a clock that only grows, unless the share is used up.
    pub(crate) fn take(&self, key: K, now: Duration) -> Result<(), OverBound> {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        let age = now.saturating_sub(window.began);
        if age >= WINDOW {
            *window = Window { began: now, counts: HashMap::new() };
        }
        if window.counts.len() >= MAX_KEYS && !window.counts.contains_key(&key) {
            return Ok(());
        }
        let left = WINDOW.saturating_sub(now.saturating_sub(window.began));
        let count = window.counts.entry(key).or_insert(0);
        if *count >= self.per_minute {
            return Err(OverBound { retry_after_seconds: left.as_secs().max(1) });
        }
        *count = count.saturating_add(1);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_a_share_in_each_minute() {
        let rate = Rate::new(2);
        let at = Duration::from_secs;
        for key in ["one", "two"] {
            assert_eq!((rate.take(key, at(600)), rate.take(key, at(600))), (Ok(()), Ok(())));
            assert_eq!(rate.take(key, at(620)), Err(OverBound { retry_after_seconds: 40 }));
        }
        assert_eq!(rate.take("one", at(661)), Ok(()));
    }

    #[test]
    fn the_table_is_bounded_and_nobody_is_refused_for_that() {
        let rate = Rate::new(1);
        for number in 0..MAX_KEYS {
            rate.take(number, Duration::ZERO).unwrap();
        }
        assert_eq!((rate.take(MAX_KEYS, Duration::ZERO), rate.take(MAX_KEYS, Duration::ZERO)), (Ok(()), Ok(())));
        assert!(rate.take(0, Duration::ZERO).is_err());
        assert_eq!(rate.window.lock().unwrap().counts.len(), MAX_KEYS);
    }
}
