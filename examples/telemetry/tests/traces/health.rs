//! Before a cause, and where there is none, all is well.

use telemetry_traces::{SCENARIOS, scenario};

use crate::samples::{mean_of, played};

#[test]
fn before_the_cause_every_console_shows_sixty_frames_a_second_and_is_as_warm_as_others() {
    for name in SCENARIOS.iter().filter(|it| !it.is_of_days()).map(|it| it.name) {
        let trace = scenario(name, 11).unwrap();
        let cause_at = trace.expectation().incidents.iter().map(|it| it.cause_at).min().unwrap_or(i64::MAX);
        let (frames, heat) = (played(name, 11, "FrameTime"), played(name, 11, "GPUTemperature"));
        for device in trace.devices() {
            let (mean, _) = mean_of(&frames, |it| it.device == device.name && it.at < cause_at);
            assert!((16.5..17.2).contains(&mean), "{name}: {} takes {mean} ms", device.name);
            let (mean, spread) = mean_of(&heat, |it| it.device == device.name && it.at < cause_at);
            assert!((67.0..72.0).contains(&mean) && spread < 2.0, "{name}: {} has {mean} °C", device.name);
        }
    }
}

#[test]
fn healthy_scenarios_expect_nothing_and_the_others_something() {
    for it in SCENARIOS {
        assert_eq!(scenario(it.name, 1).unwrap().expectation().incidents.is_empty(), it.is_healthy, "{}", it.name);
    }
}

#[test]
fn a_good_build_is_no_slower_and_a_hiccup_is_over_in_two_seconds() {
    let frames = played("good-update", 12, "FrameTime");
    let ((old, _), (new, _)) =
        (mean_of(&frames, |it| it.build == "2026.11.2"), mean_of(&frames, |it| it.build != "2026.11.2"));
    assert!(new < old + 0.05, "{old} and {new}");
    let slow: Vec<i64> =
        played("short-hiccup", 12, "FrameTime").iter().filter(|it| it.value > 55.0).map(|it| it.at).collect();
    assert!(slow.len() >= 5, "it struck");
    assert!(slow.iter().max().unwrap() - slow.iter().min().unwrap() <= 2_000);
}

#[test]
fn the_soak_test_runs_each_night_and_not_by_day() {
    let load = played("regular-soak", 13, "CpuLoad");
    let hour = |at: i64| at / 3_600_000 % 24;
    let (night, _) = mean_of(&load, |it| hour(it.at) == 23 || hour(it.at) < 3);
    let (day, _) = mean_of(&load, |it| (5..21).contains(&hour(it.at)));
    assert!(night > 2.0 * day, "{night} and {day}");
}
