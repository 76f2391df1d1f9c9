use super::*;

#[test]
fn every_spelling_of_a_moment_is_the_same_one() {
    let moment = 1_800_000_000_000;
    for text in [
        "2027-01-15 08:00:00",
        "2027-01-15 08:00:00.000000",
        "2027-01-15T08:00:00Z",
        "2027-01-15T08:00:00.000Z",
        "2027-01-15T09:30:00+01:30",
        "2027-01-15T03:00:00-05:00",
        "1800000000",
        "1800000000.0",
        "1800000000000",
        " 2027-01-15 08:00:00 ",
    ] {
        assert_eq!(parse_timestamp(text), Some(moment), "{text}");
    }
}

#[test]
fn fractions_are_kept_to_the_millisecond() {
    assert_eq!(parse_timestamp("1970-01-01 00:00:01.5"), Some(1500));
    assert_eq!(parse_timestamp("1970-01-01 00:00:01.123999"), Some(1123));
    assert_eq!(parse_timestamp("1.25"), Some(1250));
    assert_eq!(parse_timestamp("1969-12-31T23:59:59.250Z"), Some(-750));
}

#[test]
fn what_is_no_moment_is_none() {
    for text in [
        "",
        "yesterday",
        "2027-01-15",
        "2027-13-15 08:00:00",
        "2027-02-30 08:00:00",
        "2027-01-15 24:00:00",
        "2027-01-15 08:00:00.",
        "2027-01-15 08:00:00 or so",
        "2027-01-15T08:00:00+1",
        "2027-01-15T08:00:00+26:00",
        "2027/01/15 08:00:00",
        "NaN",
        "inf",
        "1e300",
        "+027-01-15 08:00:00",
        "2027-01-15\u{e9}08:00:00",
    ] {
        assert_eq!(parse_timestamp(text), None, "{text}");
    }
}

#[test]
fn an_empty_value_is_not_a_number_and_a_word_is_no_value() {
    assert!(parse_value("").is_some_and(f64::is_nan));
    assert!(parse_value(" NaN ").is_some_and(f64::is_nan));
    assert!(parse_value("null").is_some_and(f64::is_nan));
    assert_eq!(parse_value(" -1.5e3 "), Some(-1500.0));
    assert_eq!(parse_value("12,5"), None);
    assert_eq!(parse_value("high"), None);
}
