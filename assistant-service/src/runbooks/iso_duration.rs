//! Durations as ISO 8601 and Knative write them (`PT2S`, `PT1M30S`, `P1D`): days to seconds, without the calendar's years and months.

/// The seconds that a duration stands for; nothing for a text that is none.
pub(super) fn seconds(text: &str) -> Option<f64> {
    let (days, times) = match text.strip_prefix('P')?.split_once('T') {
        Some((_, "")) => return None,
        Some((days, times)) => (days, times),
        None => (text.strip_prefix('P')?, ""),
    };
    if days.is_empty() && times.is_empty() {
        return None;
    }
    let whole = parts(days, &[('D', 86_400.0)])? + parts(times, &[('H', 3600.0), ('M', 60.0), ('S', 1.0)])?;
    whole.is_finite().then_some(whole)
}

/// Numbers, each before its unit, in the order of the units. Only a second may be broken.
fn parts(mut text: &str, units: &[(char, f64)]) -> Option<f64> {
    let mut whole = 0.0;
    for (unit, factor) in units {
        let Some((number, rest)) = text.split_once(*unit) else { continue };
        whole += number_of(number, *unit == 'S')? * factor;
        text = rest;
    }
    text.is_empty().then_some(whole)
}

fn number_of(text: &str, may_be_broken: bool) -> Option<f64> {
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_number = match text.split_once('.') {
        Some((whole, fraction)) => may_be_broken && is_digits(whole) && is_digits(fraction),
        None => is_digits(text),
    };
    text.parse().ok().filter(|_| is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_iso_8601_writes_them() {
        for (text, expected) in [
            ("PT2S", 2.0),
            ("PT0.5S", 0.5),
            ("PT1M30S", 90.0),
            ("PT1H", 3600.0),
            ("P1D", 86_400.0),
            ("P1DT1H1M1.25S", 90_061.25),
            ("PT0S", 0.0),
        ] {
            assert_eq!(seconds(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_none() {
        for text in [
            "",
            "P",
            "PT",
            "P1DT",
            "2S",
            "PT2",
            "PTS",
            "PT2s",
            "PT-2S",
            "PT+2S",
            "PT1e3S",
            "PT.5S",
            "PT1.S",
            "PT1.5M",
            "PT1S1M",
            "PT1M1M",
            "P1H",
            "P1M",
            "P1Y",
            "P1W",
            "PT2S ",
            " PT2S",
            "PT\u{665}S",
            "PTinfS",
            "PTNaNS",
        ] {
            assert_eq!(seconds(text), None, "{text}");
        }
        assert_eq!(seconds(&format!("PT{}S", "9".repeat(400))), None);
    }
}
