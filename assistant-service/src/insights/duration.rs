//! Times as a watch's file writes them: a whole number and its unit.

use std::ops::RangeInclusive;
use std::time::Duration;

use trust_core::Mistake;

use crate::section::Section;

const UNITS: [(&str, u64); 4] = [("d", 24 * 60 * 60), ("h", 60 * 60), ("m", 60), ("s", 1)];

/// The time behind a key, if it lies within bounds, in seconds.
pub(super) fn read(
    section: &Section<'_>,
    key: &str,
    bounds: RangeInclusive<u64>,
    mistakes: &mut Vec<Mistake>,
) -> Option<Duration> {
    if !section.at(key).is_there() {
        return None;
    }
    let seconds = section.text(key, mistakes).map(|text| seconds(&text).filter(|seconds| bounds.contains(seconds)))?;
    if seconds.is_none() {
        let (least, most) = (bounds.start(), bounds.end());
        let what = format!("a time such as 90s, 5m, 2h or 1d was expected, from {least}s to {most}s");
        section.at(key).mistake(what, mistakes);
    }
    seconds.map(Duration::from_secs)
}

fn seconds(text: &str) -> Option<u64> {
    let (number, factor) = UNITS.iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, factor)))?;
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    number.parse::<u64>().ok().filter(|_| is_number)?.checked_mul(*factor)
}
