use super::*;
use crate::series::{Series, Taken};

/// What is signalled of a second-by-second series: when it opens, and when it closes.
fn play(values: impl IntoIterator<Item = f64>) -> Vec<(i64, Signal)> {
    let mut series = Series::new(0);
    let (mut told, mut is_open) = (Vec::new(), false);
    for (second, value) in (0..).zip(values) {
        let Taken::Judged(verdict) = series.take(second * 1000, value) else { continue };
        let Some(signal) = series.watch(value, &verdict) else { continue };
        let opens = matches!(signal, Signal::Open(_));
        if opens != is_open {
            told.push((second, signal));
        }
        is_open = opens;
    }
    told
}

/// Noise of about one standard deviation around nothing, the same for the same seed.
fn noise(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    move || {
        (0..12).fold(-6.0, |sum, _| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            sum + (state >> 11) as f64 / (1_u64 << 53) as f64
        })
    }
}

fn with_noise(seed: u64, seconds: i64, value: impl Fn(i64, f64) -> f64) -> Vec<f64> {
    let mut noise = noise(seed);
    (0..seconds).map(|second| value(second, noise())).collect()
}

fn opened(told: &[(i64, Signal)]) -> (i64, Finding) {
    match told.first() {
        Some((second, Signal::Open(finding))) => (*second, *finding),
        _ => panic!("no alarm opened: {told:?}"),
    }
}

#[test]
fn noise_is_no_alarm() {
    for seed in 1..20 {
        assert_eq!(play(with_noise(seed, 3600, |_, noise| 16.7 + 0.5 * noise)), [], "seed {seed}");
        assert_eq!(play(with_noise(seed, 3600, |_, noise| 5e4 * (0.3 * noise).exp())), [], "seed {seed}");
    }
}

#[test]
fn a_level_that_stays_opens_an_alarm_and_its_return_closes_it() {
    for seed in 1..10 {
        let told = play(with_noise(seed, 900, |at, noise| {
            16.7 + 0.5 * noise + if (300..500).contains(&at) { 9.0 } else { 0.0 }
        }));
        let (second, finding) = opened(&told);
        assert!((307..=335).contains(&second), "{second}");
        assert_eq!((finding.kind, finding.direction), (Kind::LevelShift, Direction::Up));
        assert!((299_000..=301_000).contains(&finding.began_at), "{}", finding.began_at);
        assert!((16.0..17.5).contains(&finding.before) && finding.now > 23.0, "{finding:?}");
        assert!(matches!(told[1], (526..=600, Signal::Closed)), "{told:?}");
        assert_eq!(told.len(), 2, "{told:?}");
    }
}

#[test]
fn how_bad_it_was_is_said_until_the_end_and_follows_no_single_second() {
    fn last_finding(values: Vec<f64>) -> Finding {
        assert_eq!(play(values.clone()).len(), 2, "one alarm, which opens and closes");
        let (mut series, mut last) = (Series::new(0), None);
        for (second, value) in (0..).zip(values) {
            let Taken::Judged(verdict) = series.take(second * 1000, value) else { continue };
            if let Some(Signal::Open(finding)) = series.watch(value, &verdict) {
                last = Some(finding);
            }
        }
        last.unwrap()
    }
    for seed in 1..10 {
        let is_bad = |at: i64| (300..500).contains(&at);
        let up =
            last_finding(with_noise(seed, 900, |at, noise| 16.7 + 0.5 * noise + if is_bad(at) { 9.0 } else { 0.0 }));
        assert!((25.0..27.5).contains(&up.now), "{up:?}");
        let down =
            last_finding(with_noise(seed, 900, |at, noise| (16.7 + 0.5 * noise) * if is_bad(at) { 0.1 } else { 1.0 }));
        assert!((1.4..1.8).contains(&down.now), "{down:?}");
        let eases = |at: i64| if is_bad(at) { (500 - at) as f64 / 10.0 } else { 0.0 };
        let eased = last_finding(with_noise(seed, 900, |at, noise| 16.7 + 0.5 * noise + eases(at)));
        assert!((32.0..38.0).contains(&eased.now), "{eased:?}");
        let spikes = |at: i64| if is_bad(at) && at % 4 == 0 { 60.0 } else { 0.0 };
        let spiked = last_finding(with_noise(seed, 900, |at, noise| 16.7 + 0.5 * noise + spikes(at)));
        assert!((74.0..80.0).contains(&spiked.now), "{spiked:?}");
    }
}

#[test]
fn a_short_hiccup_is_no_alarm() {
    for seed in 1..10 {
        let told = play(with_noise(seed, 900, |at, noise| {
            16.7 + 0.5 * noise + if (300..303).contains(&at) { 300.0 } else { 0.0 }
        }));
        assert_eq!(told, [], "seed {seed}");
    }
}

#[test]
fn a_drift_is_noticed_and_dated_back() {
    for seed in 1..10 {
        let told = play(with_noise(seed, 1800, |at, noise| 40.0 + 0.7 * noise + (at - 600).max(0) as f64 / 30.0));
        let (second, finding) = opened(&told);
        assert!(second <= 1000, "{second}");
        assert_eq!((finding.kind, finding.direction), (Kind::Drift, Direction::Up));
        assert!((580_000..=850_000).contains(&finding.began_at), "{}", finding.began_at);
    }
}

#[test]
fn spikes_that_come_again_and_again_are_one_alarm() {
    for seed in 1..10 {
        let told = play(with_noise(seed, 900, |at, noise| {
            16.7 + 0.5 * noise + if (300..500).contains(&at) && at % 4 == 0 { 60.0 } else { 0.0 }
        }));
        let (second, finding) = opened(&told);
        assert!(second <= 400, "{second}");
        assert_eq!((finding.kind, finding.direction), (Kind::Spike, Direction::Up), "{finding:?}");
        assert_eq!(finding.began_at, 300_000);
        assert!(matches!(told[1], (550..=640, Signal::Closed)), "{told:?}");
        assert_eq!(told.len(), 2, "{told:?}");
    }
}

#[test]
fn a_value_that_drops_out_is_said_to_go_down() {
    let told = play((0..900).map(|at| if (300..500).contains(&at) && at % 10 < 4 { 0.0 } else { 1.0 }));
    let (_, finding) = opened(&told);
    assert_eq!((finding.kind, finding.direction), (Kind::Spike, Direction::Down));
    assert!(finding.before > 0.99, "{finding:?}");
}

#[test]
fn frames_that_come_unevenly_are_noticed() {
    for seed in 1..10 {
        let told = play(with_noise(seed, 900, |at, noise| 16.7 + noise * if at < 300 { 0.25 } else { 4.0 }));
        let (second, _) = opened(&told);
        assert!(second <= 360, "{second}");
    }
}

#[test]
fn a_value_that_stands_still_where_it_moved_is_a_flatline() {
    for seed in 1..10 {
        let told = play(with_noise(seed, 900, |at, noise| if at < 300 { 0.4 * noise } else { 0.137 }));
        let (second, finding) = opened(&told);
        assert!(second <= 420, "{second}");
        assert_eq!((finding.kind, finding.direction), (Kind::Flatline, Direction::Down));
    }
}

#[test]
fn a_level_that_has_lasted_for_an_hour_is_the_usual_one() {
    let told = play(with_noise(1, 9000, |at, noise| 16.7 + 0.5 * noise + if at >= 300 { 9.0 } else { 0.0 }));
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(matches!(told[1], (3900..=3940, Signal::Closed)), "{told:?}");
}

#[test]
fn what_comes_every_five_minutes_is_watched_in_its_own_pace() {
    let mut series = Series::new(0);
    let mut noise = noise(1);
    let mut opened = None;
    for sample in 0..400_i64 {
        let value = 16.7 + 0.5 * noise() + if sample >= 300 { 9.0 } else { 0.0 };
        let Taken::Judged(verdict) = series.take(sample * 300_000, value) else { continue };
        if let Some(Signal::Open(finding)) = series.watch(value, &verdict) {
            opened.get_or_insert((sample, finding));
        }
    }
    let (sample, finding) = opened.unwrap();
    assert!(sample <= 335, "{sample}");
    assert_eq!(finding.kind, Kind::LevelShift);
}

/// What is signalled of nine days of five minutes, of which the nights have a load and the way loses one sample in seventeen.
#[test]
fn nights_with_a_load_are_no_alarm_while_they_are_learnt() {
    for seed in 1..30 {
        let (mut series, mut noise) = (Series::new(0), noise(seed));
        for sample in 0..9 * 288_i64 {
            let is_night = !(48..264).contains(&(sample % 288));
            let value = if is_night { 7.0 + 0.2 * noise() } else { 14.6 + 0.1 * noise() };
            if noise() > 1.56 {
                continue;
            }
            let Taken::Judged(verdict) = series.take(sample * 300_000, value) else { continue };
            let signal = series.watch(value, &verdict);
            assert_eq!(signal, None, "seed {seed}, day {}, sample {}", sample / 288, sample % 288);
        }
    }
}

/// A level from second 300 on that is so many spreads away.
fn away_by(spreads: impl Fn(i64) -> f64) -> Vec<(i64, Signal)> {
    let mut noise = noise(1);
    play((0..600).map(|at| 16.7 * (0.03 * if at < 300 { noise() } else { spreads(at) }).exp()))
}

#[test]
fn a_level_that_reaches_five_spreads_now_and_then_is_noticed_when_all_of_a_minute_was_away() {
    let (second, finding) = opened(&away_by(|at| if at % 3 == 0 { 7.5 } else { 4.5 }));
    assert!((350..=375).contains(&second), "{second}");
    assert_eq!((finding.kind, finding.direction, finding.began_at), (Kind::LevelShift, Direction::Up, 300_000));
}

#[test]
fn a_level_that_jumped_and_was_a_little_nearer_for_a_while_has_not_drifted() {
    let (_, finding) = opened(&away_by(|at| if (301..330).contains(&at) { 4.5 } else { 7.5 }));
    assert_eq!((finding.kind, finding.began_at), (Kind::LevelShift, 300_000));
}

#[test]
fn what_is_strange_in_a_new_build_did_not_begin_in_a_short_visit_of_the_one_before() {
    let mut noise = noise(3);
    let (mut series, mut opened) = (Series::new(0), None);
    let visits = [(0..300, 0.0), (360..364, 0.0), (400..460, 9.0)];
    for (place, (visit, more)) in visits.into_iter().enumerate() {
        if place == 2 {
            series = Series::heir_of(&series, visit.start * 1000);
        }
        for second in visit {
            let value = 16.7 + 0.5 * noise() + more;
            let Taken::Judged(verdict) = series.take(second * 1000, value) else { continue };
            if let Some(Signal::Open(finding)) = series.watch(value, &verdict) {
                opened.get_or_insert(finding);
            }
        }
    }
    assert_eq!(opened.unwrap().began_at, 400_000);
}

/// What is signalled from second 400 on of a level that is bad from 300 to 400, after which the series is left for as many seconds.
fn after_a_gap(seed: u64, gap: i64, more: f64) -> Vec<(i64, Signal)> {
    let (mut series, mut noise, mut told) = (Series::new(0), noise(seed), Vec::new());
    for second in (0..400).chain(400 + gap..600 + gap) {
        let is_bad = (300..400).contains(&second);
        let value = 16.7
            + 0.5 * noise()
            + if is_bad {
                9.0
            } else if second >= 400 {
                more
            } else {
                0.0
            };
        let Taken::Judged(verdict) = series.take(second * 1000, value) else { continue };
        let signal = series.watch(value, &verdict);
        if second == 399 {
            assert!(matches!(signal, Some(Signal::Open(_))), "seed {seed}: {signal:?}");
        } else if second >= 400 {
            told.extend(signal.map(|signal| (second - 400 - gap, signal)));
        }
    }
    told
}

#[test]
fn what_was_bad_before_a_gap_and_is_well_after_it_is_not_told_again() {
    for seed in 1..10 {
        for gap in [15, 1200] {
            assert_eq!(after_a_gap(seed, gap, 0.0), [], "seed {seed}, {gap} s");
        }
    }
}

#[test]
fn what_is_still_bad_after_a_gap_is_told_as_soon_as_things_have_settled() {
    for seed in 1..10 {
        let (second, finding) = opened(&after_a_gap(seed, 1200, 9.0));
        assert!((10..=30).contains(&second), "seed {seed}: {second}");
        assert!(finding.began_at >= 1_600_000, "{finding:?}");
    }
}
