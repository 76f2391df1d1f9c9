//! Cells of a CSV file as times and values, for whoever reads one.

#[cfg(test)]
mod tests;

use time::{Date, Month, PrimitiveDateTime, Time, UtcOffset};

use crate::Millis;

/// From this size on a number is milliseconds since 1970, below it seconds: as seconds it would be the year 5138, as
/// milliseconds it is 1973.
const FIRST_MILLISECONDS: f64 = 1e11;

/// Reads `YYYY-MM-DD HH:MM:SS[.fraction]`, the same with `T` and `Z` or an offset, or a number of seconds or milliseconds since
/// 1970. Without an offset it is UTC. What is finer than a millisecond is left out.
pub fn parse_timestamp(text: &str) -> Option<Millis> {
    let text = text.trim();
    match text.parse::<f64>() {
        Ok(number) => from_number(number),
        Err(_) => from_calendar(text),
    }
}

/// Reads a number. An empty cell, and one that says that it is none, is NaN.
pub fn parse_value(text: &str) -> Option<f64> {
    let text = text.trim();
    if text.is_empty() || text.eq_ignore_ascii_case("null") { Some(f64::NAN) } else { text.parse().ok() }
}

fn from_number(number: f64) -> Option<Millis> {
    let millis = if number.abs() < FIRST_MILLISECONDS { number * 1000.0 } else { number };
    // Beyond it a day has no calendar date here either (the year 9999 ends at 253,402,300,799,999).
    (millis.abs() < 253_402_300_800_000.0).then_some(millis.floor() as Millis)
}

fn from_calendar(text: &str) -> Option<Millis> {
    let (date, rest) = text.split_at_checked(10)?;
    let clock = rest.strip_prefix([' ', 'T', 't'])?;
    let (hours, rest) = clock.split_at_checked(8)?;
    let (fraction, offset) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at_checked(rest.bytes().take_while(u8::is_ascii_digit).count())?,
        None => ("0", rest),
    };
    let [year, month, day] = numbers(date, '-')?;
    let [hour, minute, second] = numbers(hours, ':')?;
    let date = Date::from_calendar_date(i32::from(year), Month::try_from(u8::try_from(month).ok()?).ok()?, byte(day)?);
    let time = Time::from_hms_milli(byte(hour)?, byte(minute)?, byte(second)?, millis(fraction)?);
    let moment = PrimitiveDateTime::new(date.ok()?, time.ok()?).assume_offset(from_offset(offset)?);
    Millis::try_from(moment.unix_timestamp_nanos().div_euclid(1_000_000)).ok()
}

fn from_offset(text: &str) -> Option<UtcOffset> {
    if matches!(text, "" | "Z" | "z") {
        return Some(UtcOffset::UTC);
    }
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let [hours, minutes] = numbers(text.strip_prefix(['+', '-'])?, ':')?;
    let signed = |number: u16| i8::try_from(number).ok()?.checked_mul(sign);
    UtcOffset::from_hms(signed(hours)?, signed(minutes)?, 0).ok()
}

/// So many numbers of digits alone, with a separator between them.
fn numbers<const COUNT: usize>(text: &str, separator: char) -> Option<[u16; COUNT]> {
    let mut parts = text.split(separator);
    let mut numbers = [0; COUNT];
    for number in &mut numbers {
        let part = parts.next()?;
        if !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
}

fn byte(number: u16) -> Option<u8> {
    u8::try_from(number).ok()
}

fn millis(fraction: &str) -> Option<u16> {
    let digits = fraction.bytes().chain(std::iter::repeat(b'0')).take(3);
    let add = |sum: u16, digit: u8| sum.checked_mul(10)?.checked_add(u16::from(digit.checked_sub(b'0')?));
    if fraction.is_empty() { None } else { digits.into_iter().try_fold(0, add) }
}
