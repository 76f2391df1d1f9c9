//! For how long this process has itself seen something unchanged. What one process ends because of another's silence, it ends
//! by this alone: a wall clock that is set, on whichever host, makes nobody silent, and whoever has just started or was cut off
//! has seen nothing yet.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What was seen, in which version, and since when by [`super::Clock::elapsed`].
pub(crate) struct Sightings<K, V>(Mutex<HashMap<K, Sighting<V>>>);

struct Sighting<V> {
    version: V,
    since: Duration,
}

impl<K, V> Default for Sightings<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash, V: Copy + PartialEq> Sightings<K, V> {
    /// Sees `key` in this version, and says for how long it has been seen so. Another version than the last begins anew.
    pub(crate) fn seen_for(&self, key: K, version: V, elapsed: Duration) -> Duration {
        let mut seen = self.lock();
        let sighting = seen.entry(key).or_insert(Sighting { version, since: elapsed });
        if sighting.version != version {
            *sighting = Sighting { version, since: elapsed };
        }
        elapsed.saturating_sub(sighting.since)
    }

    /// Whether `key` was last seen in this version.
    #[cfg(test)]
    pub(crate) fn knows(&self, key: &K, version: V) -> bool {
        self.lock().get(key).is_some_and(|sighting| sighting.version == version)
    }

    /// Forgets what is not there any more. What was first seen after `looked_at` may have come after the look.
    pub(crate) fn keep(&self, looked_at: Duration, is_there: impl Fn(&K) -> bool) {
        self.lock().retain(|key, sighting| sighting.since > looked_at || is_there(key));
    }

    /// Forgets everything, so that every time begins anew.
    pub(crate) fn forget_all(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Sighting<V>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn time_counts_from_the_first_sight_of_a_version_and_begins_anew_with_the_next() {
        let sightings = Sightings::default();
        assert_eq!(sightings.seen_for("a", 1, seconds(10)), seconds(0));
        assert_eq!(sightings.seen_for("a", 1, seconds(40)), seconds(30));
        assert_eq!(sightings.seen_for("b", 1, seconds(40)), seconds(0));
        assert_eq!(sightings.seen_for("a", 2, seconds(41)), seconds(0));
        assert_eq!(sightings.seen_for("a", 2, seconds(42)), seconds(1));
        assert!(sightings.knows(&"a", 2) && !sightings.knows(&"a", 1));
        sightings.keep(seconds(40), |_| false);
        assert_eq!(sightings.seen_for("a", 2, seconds(50)), seconds(9), "it came after the look");
        sightings.forget_all();
        assert_eq!(sightings.seen_for("a", 2, seconds(60)), seconds(0));
    }
}
