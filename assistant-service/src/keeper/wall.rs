//! The wall clock as files say it: milliseconds since 1970.

use crate::clock::Clock;

#[cfg(test)]
pub(super) use standing::Standing;

/// Milliseconds since 1970.
pub(super) type UnixMillis = u64;

/// Now; a clock before 1970 stands at its beginning.
pub(super) fn now(clock: &dyn Clock) -> UnixMillis {
    u64::try_from(clock.now().unix_timestamp_nanos() / 1_000_000).unwrap_or(0)
}

#[cfg(test)]
mod standing {
    use std::sync::Mutex;

    use time::OffsetDateTime;

    use super::*;

    /// A clock that stands until a test moves it, in either direction.
    pub(in crate::keeper) struct Standing(Mutex<OffsetDateTime>);

    impl Standing {
        pub(in crate::keeper) fn new() -> Self {
            Self(Mutex::new(OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap()))
        }

        pub(in crate::keeper) fn step(&self, seconds: i64) {
            *self.0.lock().unwrap() += time::Duration::seconds(seconds);
        }

        pub(in crate::keeper) fn millis(&self) -> UnixMillis {
            now(self)
        }
    }

    impl Clock for Standing {
        fn now(&self) -> OffsetDateTime {
            *self.0.lock().unwrap()
        }

        fn elapsed(&self) -> std::time::Duration {
            std::time::Duration::ZERO
        }
    }
}
