use super::noise::{Noise, Series};
use crate::detector::{Direction, Kind, Verdict};

/// Healthy samples before anything happens: an hour of one a second.
const HEALTHY: usize = 3600;

const SEEDS: std::ops::RangeInclusive<u64> = 1..=8;

/// What is said within `rows` after the cause, for each seed: the row of the first alarm, and every verdict that was one.
fn after(cause: impl Fn(&mut Noise, usize) -> f64, rows: usize) -> Vec<Vec<(usize, Verdict)>> {
    let of = |seed| {
        let (mut noise, mut series) = (Noise::seeded(seed), Series::every(1000));
        series.alarms(HEALTHY, |_| healthy(&mut noise));
        series.alarms(rows, |row| cause(&mut noise, row))
    };
    SEEDS.map(of).collect()
}

fn healthy(noise: &mut Noise) -> f64 {
    50.0 + 2.0 * noise.normal()
}

#[track_caller]
fn assert_noticed(found: &[Vec<(usize, Verdict)>], soon: usize, direction: Direction, kinds: &[Kind]) {
    for alarms in found {
        let Some((row, verdict)) = alarms.first() else { panic!("{found:?}") };
        assert!(*row <= soon, "at {row}: {verdict:?}");
        assert!(kinds.contains(&verdict.kind) && verdict.direction == direction, "{verdict:?}");
        assert!((verdict.usual - 50.0).abs() < 2.5 && (verdict.spread - 2.0).abs() < 1.0, "{verdict:?}");
    }
}

#[test]
fn a_spike_is_noticed_at_once() {
    for (by, direction) in [(20.0, Direction::Up), (-20.0, Direction::Down)] {
        let found = after(|noise, row| healthy(noise) + if row < 2 { by } else { 0.0 }, 60);
        assert_noticed(&found, 0, direction, &[Kind::Spike]);
    }
}

#[test]
fn another_level_is_noticed_soon_and_told_few_times() {
    for (by, direction) in [(6.0, Direction::Up), (-6.0, Direction::Down)] {
        for alarms in after(|noise, _| healthy(noise) + by, 600) {
            assert!(alarms.first().is_some_and(|(row, _)| *row <= 20), "{alarms:?}");
            assert!(alarms.len() <= 8, "{alarms:?}");
            // Of the first samples nobody can say yet whether it is wider or higher now.
            let is_named = |(_, verdict): &(usize, Verdict)| {
                matches!(verdict.kind, Kind::Spike | Kind::LevelShift) && verdict.direction == direction
            };
            assert!(alarms.iter().any(is_named), "{alarms:?}");
        }
    }
}

#[test]
fn what_lasts_stays_strange_until_it_is_usual() {
    for seed in SEEDS {
        let (mut noise, mut series) = (Noise::seeded(seed), Series::every(1000));
        series.alarms(HEALTHY, |_| healthy(&mut noise));
        let mut strange = |rows: usize| {
            let verdicts = (0..rows).map(|_| series.judge(healthy(&mut noise) + 8.0));
            verdicts.filter(|verdict| verdict.strangeness >= 0.5).count() as f64 / rows as f64
        };
        let (soon, _, later) = (strange(50), strange(4950), strange(1000));
        assert!(soon > 0.7 && later < 0.05, "{soon} {later}");
    }
}

#[test]
fn a_drift_is_noticed_before_it_has_gone_far() {
    // A hundredth of the usual deviation in each sample; no two of them differ by more than noise.
    for (slope, direction) in [(0.02, Direction::Up), (-0.02, Direction::Down)] {
        let found = after(|noise, row| healthy(noise) + slope * row as f64, 900);
        assert_noticed(&found, 500, direction, &[Kind::Spike, Kind::LevelShift, Kind::Drift]);
    }
}

#[test]
fn more_movement_is_noticed() {
    let found = after(|noise, _| 50.0 + 7.0 * noise.normal(), 60);
    for alarms in &found {
        assert!(alarms.first().is_some_and(|(row, _)| *row <= 30), "{found:?}");
    }
}

#[test]
fn hardly_any_movement_is_noticed() {
    let found = after(|noise, _| 50.0 + 0.1 * noise.normal(), 120);
    assert_noticed(&found, 60, Direction::Down, &[Kind::Variance]);
}

#[test]
fn the_same_value_again_and_again_is_noticed() {
    let found = after(|_, _| 51.0, 60);
    for alarms in &found {
        let flat = alarms.iter().find(|(_, verdict)| verdict.kind == Kind::Flatline);
        assert!(flat.is_some_and(|(row, _)| *row <= 30), "{found:?}");
    }
}

/// Five minutes apart, ten days: quiet nights, busy days.
fn day(noise: &mut Noise, row: usize) -> f64 {
    let is_busy = (96..216).contains(&(row % 288));
    if is_busy { 80.0 + 3.0 * noise.normal() } else { 20.0 + 2.0 * noise.normal() }
}

#[test]
fn a_day_without_its_busy_hours_is_noticed() {
    for seed in SEEDS {
        let (mut noise, mut series) = (Noise::seeded(seed), Series::every(300_000));
        series.alarms(288 * 10, |row| day(&mut noise, row));
        let alarms = series.alarms(288, |_| day(&mut noise, 0));
        let Some((row, verdict)) = alarms.first() else { panic!("nothing") };
        assert!((96..120).contains(row), "at {row}: {verdict:?}");
        assert_eq!((verdict.kind, verdict.direction), (Kind::Season, Direction::Down), "{verdict:?}");
        assert!((verdict.usual - 80.0).abs() < 5.0, "{verdict:?}");
    }
}

#[test]
fn busy_hours_at_night_are_noticed() {
    for seed in SEEDS {
        let (mut noise, mut series) = (Noise::seeded(seed), Series::every(300_000));
        series.alarms(288 * 10, |row| day(&mut noise, row));
        let alarms = series.alarms(288, |row| day(&mut noise, if row < 60 { 100 } else { row }));
        let Some((row, verdict)) = alarms.first() else { panic!("nothing") };
        assert!(*row <= 12, "at {row}: {verdict:?}");
        assert_eq!((verdict.kind, verdict.direction), (Kind::Season, Direction::Up), "{verdict:?}");
    }
}

#[test]
fn what_never_moved_is_noticed_when_it_moves() {
    for by in [0.5, -0.5] {
        let mut series = Series::every(1000);
        assert!(series.alarms(HEALTHY, |_| 7.0).is_empty());
        let alarms = series.alarms(10, |_| 7.0 + by);
        assert!(alarms.first().is_some_and(|(row, _)| *row == 0), "{alarms:?}");
    }
}
