//! The wall clock as files say it: milliseconds since 1970.

use crate::clock::Clock;

/// Milliseconds since 1970.
pub(super) type UnixMillis = u64;

/// Now; a clock before 1970 stands at its beginning.
pub(super) fn now(clock: &dyn Clock) -> UnixMillis {
    u64::try_from(clock.now().unix_timestamp_nanos() / 1_000_000).unwrap_or(0)
}
