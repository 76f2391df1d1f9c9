//! A moment, as somebody writes it on a command line.

use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, anyhow};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use trust_core::time::WallTime;

/// RFC 3339, or seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At(Duration);

impl At {
    pub(super) fn now() -> anyhow::Result<Self> {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
        Ok(Self(since_epoch.context("the clock stands before 1970; set it")?))
    }

    pub(super) fn wall_time(self) -> WallTime {
        WallTime::from_epoch(self.0)
    }
}

impl FromStr for At {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        if let Ok(seconds) = text.parse() {
            return Ok(Self(Duration::from_secs(seconds)));
        }
        let at = OffsetDateTime::parse(text, &Rfc3339);
        let at = at.map_err(|_| anyhow!("write it as 2027-01-15T08:00:00Z or as seconds since 1970"))?;
        let seconds = u64::try_from(at.unix_timestamp()).context("that is before 1970")?;
        Ok(Self(Duration::new(seconds, at.nanosecond())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_are_the_same_moment() {
        let at = |text: &str| At::from_str(text).unwrap();
        assert_eq!(at("1800000000"), at("2027-01-15T08:00:00Z"));
        assert_eq!(at("2027-01-15T09:00:00+01:00"), at("2027-01-15T08:00:00Z"));
        for wrong in ["", "tomorrow", "-1", "1969-12-31T23:59:59Z", "2027-01-15"] {
            assert!(At::from_str(wrong).is_err(), "{wrong}");
        }
    }
}
