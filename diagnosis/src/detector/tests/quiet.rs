use super::noise::{Noise, Series};

const ROWS: usize = 100_000;

/// How many of 100,000 healthy samples score 0.9 or more, for each of four seeds.
fn alarms(step: i64, make: impl Fn(&mut Noise, usize, &mut f64) -> f64) -> Vec<usize> {
    let of = |seed| {
        let (mut noise, mut state) = (Noise::seeded(seed), 0.0);
        Series::every(step).alarms(ROWS, |row| make(&mut noise, row, &mut state)).len()
    };
    (1..=4).map(of).collect()
}

/// At most so many in one series.
fn assert_quiet(what: &str, counts: &[usize], most: usize) {
    println!("{what}: {counts:?}");
    assert!(counts.iter().all(|count| *count <= most), "{what}: {counts:?}");
}

#[test]
fn normal_noise_is_quiet() {
    assert_quiet("normal", &alarms(1000, |noise, _, _| 50.0 + 3.0 * noise.normal()), 25);
}

#[test]
fn skewed_noise_is_quiet() {
    assert_quiet("lognormal", &alarms(1000, |noise, _, _| (0.5 * noise.normal()).exp()), 25);
}

#[test]
fn noise_that_remembers_is_quiet() {
    let next = |noise: &mut Noise, _, state: &mut f64| {
        *state = 0.9 * *state + noise.normal();
        *state
    };
    assert_quiet("AR(1)", &alarms(1000, next), 25);
}

#[test]
fn days_that_are_alike_are_quiet() {
    let next = |noise: &mut Noise, row: usize, _: &mut f64| {
        100.0 + 30.0 * (row as f64 / 288.0 * std::f64::consts::TAU).sin() + 3.0 * noise.normal()
    };
    assert_quiet("seasonal", &alarms(300_000, next), 25);
}

#[test]
fn small_whole_numbers_are_quiet() {
    assert_quiet("discrete", &alarms(1000, |noise, _, _| (noise.uniform() * 5.0).floor()), 25);
}

#[test]
fn frames_are_quiet() {
    let next = |noise: &mut Noise, _, _: &mut f64| {
        16.67 + 0.3 * noise.normal() + if noise.uniform() < 0.002 { 16.67 } else { 0.0 }
    };
    assert_quiet("frames", &alarms(17, next), 25);
}

#[test]
fn what_never_moves_is_quiet() {
    assert_quiet("constant", &alarms(1000, |_, _, _| 7.0), 0);
}

#[test]
fn a_ramp_that_began_with_the_series_is_quiet() {
    assert_quiet("ramp", &alarms(1000, |noise, row, _| row as f64 * 0.01 + noise.normal()), 25);
}

#[test]
fn a_switch_that_is_mostly_off_is_quiet() {
    let next = |noise: &mut Noise, _, state: &mut f64| {
        if noise.uniform() < 0.01 {
            *state = 1.0 - *state;
        }
        *state
    };
    assert_quiet("switch", &alarms(1000, next), 25);
}
