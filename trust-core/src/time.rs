//! Wall-clock time as an argument: the core never asks a clock.

use serde::{Deserialize, Serialize};

/// Seconds since 1970-01-01T00:00:00Z, without leap seconds (RFC 7519, section 2, `NumericDate`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixSeconds(pub u64);

impl UnixSeconds {
    /// This time and `seconds` more; stays at the largest value there is.
    #[must_use]
    pub fn plus(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds))
    }
}

/// A wall-clock reading, in nanoseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WallTime {
    nanoseconds: u128,
}

impl WallTime {
    /// The reading whose distance from 1970 is `since_epoch`.
    #[must_use]
    pub fn from_epoch(since_epoch: std::time::Duration) -> Self {
        Self { nanoseconds: since_epoch.as_nanos() }
    }

    /// Whole seconds, rounded down.
    #[must_use]
    pub fn seconds(self) -> UnixSeconds {
        UnixSeconds(u64::try_from(self.nanoseconds / 1_000_000_000).unwrap_or(u64::MAX))
    }

    /// Whole milliseconds, rounded down.
    #[must_use]
    pub fn milliseconds(self) -> u64 {
        u64::try_from(self.nanoseconds / 1_000_000).unwrap_or(u64::MAX)
    }

    /// All of the reading.
    #[must_use]
    pub fn nanoseconds(self) -> u128 {
        self.nanoseconds
    }

    /// RFC 3339 in UTC with milliseconds, such as `2026-03-01T12:00:00.250Z`.
    #[must_use]
    pub fn rfc3339(self) -> String {
        let milliseconds = self.milliseconds();
        let (days, in_day) = (milliseconds / 86_400_000, milliseconds % 86_400_000);
        let (year, month, day) = civil_from_days(days);
        let (hour, minute) = (in_day / 3_600_000, in_day / 60_000 % 60);
        let (second, fraction) = (in_day / 1_000 % 60, in_day % 1_000);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction:03}Z")
    }
}

/// Year, month and day of a day counted from 1970-01-01, in the proleptic Gregorian calendar
/// (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`).
fn civil_from_days(days_since_1970: u64) -> (u64, u64, u64) {
    let days = days_since_1970.saturating_add(719_468);
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let leap_corrected = day_of_era
        .saturating_sub(day_of_era / 1_460)
        .saturating_add(day_of_era / 36_524)
        .saturating_sub(day_of_era / 146_096);
    let year_of_era = leap_corrected / 365;
    let before_year = year_of_era.saturating_mul(365).saturating_add(year_of_era / 4).saturating_sub(year_of_era / 100);
    let day_of_year = day_of_era.saturating_sub(before_year);
    let month_from_march = day_of_year.saturating_mul(5).saturating_add(2) / 153;
    let day = day_of_year.saturating_sub(month_from_march.saturating_mul(153).saturating_add(2) / 5).saturating_add(1);
    let month =
        if month_from_march < 10 { month_from_march.saturating_add(3) } else { month_from_march.saturating_sub(9) };
    let year = year_of_era.saturating_add(era.saturating_mul(400)).saturating_add(u64::from(month <= 2));
    (year, month, day)
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
