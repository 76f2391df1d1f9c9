//! Wall-clock time as an argument: the core never asks a clock.

use serde::{Deserialize, Serialize};

use crate::digits::{push_two_digits, text};

/// Seconds since 1970-01-01T00:00:00Z, without leap seconds (RFC 7519, section 2, `NumericDate`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixSeconds(pub u64);

impl UnixSeconds {
    /// The time that a number of seconds names, rounded down; nothing before 1970 or beyond what a double holds exactly.
    pub(crate) fn of(seconds: &serde_json::Number) -> Option<Self> {
        if let Some(whole) = seconds.as_u64() {
            return Some(Self(whole));
        }
        let seconds = seconds.as_f64().filter(|seconds| (0.0..=9_007_199_254_740_992.0).contains(seconds))?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "held between 0 and 2^53 above")]
        let whole = seconds as u64;
        Some(Self(whole))
    }

    /// The same of a number's JSON text.
    pub(crate) fn from_json(number: &str) -> Option<Self> {
        serde_json::from_str(number).ok().and_then(|number| Self::of(&number))
    }

    /// This time and `seconds` more; stays at the largest value there is.
    #[must_use]
    pub fn plus(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds))
    }
}

/// A wall-clock reading, in nanoseconds since 1970-01-01T00:00:00Z, up to the year 2554.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WallTime {
    nanoseconds: u64,
}

impl WallTime {
    /// The reading whose distance from 1970 is `since_epoch`; the last that there is, for one beyond it.
    #[must_use]
    pub fn from_epoch(since_epoch: std::time::Duration) -> Self {
        let whole = since_epoch.as_secs().saturating_mul(1_000_000_000);
        Self { nanoseconds: whole.saturating_add(u64::from(since_epoch.subsec_nanos())) }
    }

    /// Whole seconds, rounded down.
    #[must_use]
    pub fn seconds(self) -> UnixSeconds {
        UnixSeconds(self.nanoseconds / 1_000_000_000)
    }

    /// Whole milliseconds, rounded down.
    #[must_use]
    pub fn milliseconds(self) -> u64 {
        self.nanoseconds / 1_000_000
    }

    /// All of the reading.
    #[must_use]
    pub fn nanoseconds(self) -> u64 {
        self.nanoseconds
    }

    /// RFC 3339 in UTC with milliseconds, such as `2026-03-01T12:00:00.250Z`.
    #[must_use]
    pub fn rfc3339(self) -> String {
        // A clock past the year 9999 shows 1970: RFC 3339 has no later year to write.
        let seconds = i64::try_from(self.seconds().0).unwrap_or_default();
        let at = ::time::OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(::time::OffsetDateTime::UNIX_EPOCH);
        let (year, month, day) = at.to_calendar_date();
        let (hour, minute, second) = at.to_hms();
        let part = |number: u64| u8::try_from(number % 100).unwrap_or_default();
        let (year, fraction) = (u64::from(year.unsigned_abs()), self.milliseconds() % 1_000);
        let mut out = Vec::with_capacity(24);
        push_two_digits(part(year / 100), &mut out);
        let parts =
            [(part(year), b'-'), (u8::from(month), b'-'), (day, b'T'), (hour, b':'), (minute, b':'), (second, b'.')];
        for (number, behind) in parts {
            push_two_digits(number, &mut out);
            out.push(behind);
        }
        push_two_digits(part(fraction / 10), &mut out);
        out.push(b'0'.wrapping_add(part(fraction % 10)));
        out.push(b'Z');
        text(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400, "2000-02-29T00:00:00.000Z"),
            (1_709_251_199, "2024-02-29T23:59:59.000Z"),
            (1_709_251_200, "2024-03-01T00:00:00.000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(WallTime::from_epoch(Duration::from_secs(seconds)).rfc3339(), expected);
        }
        assert_eq!(WallTime::from_epoch(Duration::from_millis(1_250)).rfc3339(), "1970-01-01T00:00:01.250Z");
    }
}
