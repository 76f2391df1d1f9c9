use super::noise::{Noise, Series};
use crate::detector::Detector;

fn used() -> Detector {
    let (mut noise, mut series) = (Noise::seeded(1), Series::every(60_000));
    series.alarms(50_000, |_| 1e9 * noise.normal());
    series.detector
}

#[test]
fn what_is_known_of_a_series_fits_in_its_bound() {
    assert!(size_of::<Detector>() <= 1700, "{}", size_of::<Detector>());
    let bytes = postcard::to_allocvec(&used()).unwrap();
    assert!(bytes.len() <= 1700, "{}", bytes.len());
}

#[test]
fn what_was_put_away_goes_on_as_if_it_had_not_been() {
    let mut one = used();
    let mut other: Detector = postcard::from_bytes(&postcard::to_allocvec(&one).unwrap()).unwrap();
    let mut noise = Noise::seeded(2);
    for row in 0..5000 {
        let (at, value) = (1_900_000_000_000 + row * 60_000, 1e9 * noise.normal());
        assert_eq!(one.judge(at, value), other.judge(at, value));
    }
}

#[test]
fn every_score_is_in_its_range_whatever_comes() {
    let extremes =
        [0.0, -0.0, 1.0, f64::MAX, f64::MIN, f64::MIN_POSITIVE, 1e-300, -1e300, 1e15, f64::NAN, f64::INFINITY];
    let (mut noise, mut series) = (Noise::seeded(3), Series::every(1));
    for _ in 0..100_000 {
        let which = (noise.uniform() * 20.0) as usize;
        let value = extremes.get(which).copied().unwrap_or_else(|| noise.normal());
        let verdict = series.judge(value);
        assert!((0.0..=1.0).contains(&verdict.score) && verdict.score <= verdict.strangeness, "{value}: {verdict:?}");
        assert!(verdict.usual.is_finite() && verdict.spread.is_finite(), "{value}: {verdict:?}");
    }
}

#[test]
fn what_is_no_number_changes_nothing() {
    let (mut one, mut other) = (used(), used());
    assert_eq!(one.judge(1_900_000_000_000, f64::NAN).score, 0.0);
    assert_eq!(one.judge(1_900_000_060_000, 5e9), other.judge(1_900_000_060_000, 5e9));
}

#[test]
fn scores_do_not_depend_on_unit_or_offset() {
    let (mut noise, mut one, mut other) = (Noise::seeded(4), Series::every(1000), Series::every(1000));
    for row in 0..5000 {
        let value = noise.normal() + if row % 1000 == 999 { 8.0 } else { 0.0 };
        let (plain, moved) = (one.judge(value), other.judge(1e6 + 1000.0 * value));
        assert!((plain.score - moved.score).abs() < 1e-3, "{row}: {plain:?} {moved:?}");
    }
}

#[test]
fn samples_that_are_usually_a_second_apart_are_known_to_be() {
    let mut detector = Detector::default();
    for row in 0..200 {
        let hiccup = if row >= 100 { 5000 } else { 0 };
        detector.judge(1_800_000_000_000 + row * 1000 + hiccup, 1.0);
    }
    let cadence = detector.cadence();
    assert!(cadence.usual().is_some_and(|usual| (usual - 1000.0).abs() < 100.0), "{cadence:?}");
    assert!(cadence.longest().is_some_and(|longest| (5500.0..=6000.0).contains(&longest)), "{cadence:?}");
    assert_eq!(Detector::default().cadence().usual(), None);
}
