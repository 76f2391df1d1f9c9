//! How much one source may have asked of a provider: whoever makes tokens up must not use up what is there for all.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use trust_core::network::subnet;

use crate::rate::{OverBound, Rate};

/// Counts each source's introspections in windows of a minute. When the table is full, the bound on the provider alone holds the rest.
pub(crate) struct Sources {
    began: Instant,
    rate: Rate<Option<IpAddr>>,
}

impl Sources {
    pub(crate) fn new(per_minute: u32) -> Self {
        Self { began: Instant::now(), rate: Rate::new(per_minute) }
    }

    /// Counts one introspection, unless the source has used up its share. Requests without an address are one source.
    pub(crate) fn take(&self, source: Option<IpAddr>) -> Result<(), OverBound> {
        self.take_at(source, self.began.elapsed())
    }

    fn take_at(&self, source: Option<IpAddr>, now: Duration) -> Result<(), OverBound> {
        self.rate.take(source.map(whole), now)
    }
}

/// All addresses that one customer holds are one source.
pub(crate) fn whole(address: IpAddr) -> IpAddr {
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
    fn a_customers_addresses_are_one_source_and_those_without_one_are_one() {
        let sources = Sources::new(1);
        let take = |source| sources.take_at(source, Duration::ZERO);
        assert_eq!(take(address("2001:db8:0:1::1")), Ok(()));
        assert!(take(address("2001:db8:0:1:ffff::2")).is_err());
        assert_eq!(take(address("2001:db8:0:2::1")), Ok(()));
        assert_eq!(take(None), Ok(()));
        assert!(take(None).is_err());
    }
}
