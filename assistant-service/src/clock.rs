//! The time as a port, so that a test can choose it.

mod sightings;

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use time::OffsetDateTime;

pub(crate) use sightings::Sightings;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Now, in UTC, to the millisecond. It may be set, forward or back.
    fn now(&self) -> OffsetDateTime;

    /// The time since some fixed moment of this process. It only grows, whatever is done to the wall clock.
    fn elapsed(&self) -> Duration;
}

/// The machine's own clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

/// How long it is from `now` until `then`; nothing when that is past.
pub(crate) fn until(then: OffsetDateTime, now: OffsetDateTime) -> Duration {
    let nanoseconds = then.unix_timestamp_nanos().saturating_sub(now.unix_timestamp_nanos());
    u64::try_from(nanoseconds).map_or(Duration::ZERO, Duration::from_nanos)
}

/// Milliseconds since the beginning of 1970; what lies beyond their range is taken for its end.
pub(crate) fn millis(time: OffsetDateTime) -> i64 {
    i64::try_from(time.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}

/// The same, back.
pub(crate) fn time_of(millis: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis).saturating_mul(1_000_000))
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);

impl Clock for SystemClock {
    fn now(&self) -> OffsetDateTime {
        let now = OffsetDateTime::now_utc();
        now.replace_millisecond(now.millisecond()).unwrap_or(now)
    }

    fn elapsed(&self) -> Duration {
        BEGUN.elapsed()
    }
}
