//! How much one source may have asked of a provider: whoever makes tokens up must not use up what is there for all.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use trust_core::network::subnet;

const WINDOW: Duration = Duration::from_secs(60);

/// Sources that are counted in one window. What comes from any more is held by the bound on the provider alone.
const MAX_SOURCES: usize = 16_384;

/// Counts each source's introspections in windows of a minute.
pub(crate) struct Sources {
    per_minute: u32,
    window: Mutex<Window>,
}

struct Window {
    began: Instant,
    counts: HashMap<Option<IpAddr>, u32>,
}

/// A source has used up its share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OverBound {
    /// Until the next window.
    pub(crate) retry_after_seconds: u64,
}

impl Sources {
    pub(crate) fn new(per_minute: u32) -> Self {
        Self { per_minute, window: Mutex::new(Window { began: Instant::now(), counts: HashMap::new() }) }
    }

    /// Counts one introspection, unless the source has used up its share. Requests without an address are one source.
    pub(crate) fn take(&self, source: Option<IpAddr>) -> Result<(), OverBound> {
        self.take_at(source, Instant::now())
    }

    fn take_at(&self, source: Option<IpAddr>, now: Instant) -> Result<(), OverBound> {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        let age = now.saturating_duration_since(window.began);
        if age >= WINDOW {
            *window = Window { began: now, counts: HashMap::new() };
        }
        let source = source.map(whole);
        if window.counts.len() >= MAX_SOURCES && !window.counts.contains_key(&source) {
            return Ok(());
        }
        let count = window.counts.entry(source).or_insert(0);
        if *count >= self.per_minute {
            return Err(OverBound { retry_after_seconds: WINDOW.saturating_sub(age).as_secs().max(1) });
        }
        *count = count.saturating_add(1);
        Ok(())
    }
}

/// All addresses that one customer holds are one source.
fn whole(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => subnet(address).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn each_source_has_its_share_in_each_minute() {
        let sources = Sources::new(2);
        let began = Instant::now();
        for source in [address("192.0.2.1"), address("192.0.2.2"), None] {
            assert_eq!(sources.take_at(source, began), Ok(()));
            assert_eq!(sources.take_at(source, began), Ok(()));
            let over = sources.take_at(source, began + Duration::from_secs(20)).unwrap_err();
            assert!((39..=40).contains(&over.retry_after_seconds), "{over:?}");
        }
        assert_eq!(sources.take_at(None, began + Duration::from_secs(61)), Ok(()));
    }

    #[test]
    fn a_customers_addresses_are_one_source() {
        let sources = Sources::new(1);
        assert_eq!(sources.take(address("2001:db8:0:1::1")), Ok(()));
        assert!(sources.take(address("2001:db8:0:1:ffff::2")).is_err());
        assert_eq!(sources.take(address("2001:db8:0:2::1")), Ok(()));
    }

    #[test]
    fn the_table_is_bounded_and_nobody_is_refused_for_that() {
        let sources = Sources::new(1);
        for number in 0..u32::try_from(MAX_SOURCES).unwrap() {
            sources.take(Some(IpAddr::from(number.to_be_bytes()))).unwrap();
        }
        let late = address("203.0.113.1");
        assert_eq!((sources.take(late), sources.take(late)), (Ok(()), Ok(())));
        assert!(sources.take(address("0.0.0.1")).is_err());
        assert_eq!(sources.window.lock().unwrap().counts.len(), MAX_SOURCES);
    }
}
