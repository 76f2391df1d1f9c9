//! What each cause changes, and for whom.

use telemetry_traces::scenario;

use crate::samples::{before_after_others, expected, mean_of, played};

const SEEDS: [u64; 2] = [21, 22];

/// How often frames take much longer than usual.
fn hitches(name: &str, seed: u64) -> (f64, f64) {
    let (cause, frames) = (expected(name, seed), played(name, seed, "FrameTime"));
    let share = |is_struck: bool| {
        let seen = frames
            .iter()
            .filter(|it| it.at > cause.cause_at + 180_000 && cause.devices.contains(&it.device) == is_struck);
        let (slow, all) =
            seen.fold((0.0, 0.0), |(slow, all), it| (slow + f64::from(u8::from(it.value > 30.0)), all + 1.0));
        slow / all
    };
    (share(true), share(false))
}

#[test]
fn a_console_without_a_fan_grows_hot_then_slow_and_only_that_one() {
    for seed in SEEDS {
        let [(cool, _), (hot, _), (others, _)] =
            before_after_others("thermal-throttling", seed, "GPUTemperature", 150_000);
        assert!(hot > cool + 20.0 && hot < 110.0 && others < cool + 2.0, "{cool}, {hot}, {others}");
        let [(fast, _), (slow, _), (clock, _)] =
            before_after_others("thermal-throttling", seed, "GPUFrequency", 150_000);
        assert!(slow < 0.8 * fast && clock > 0.99 * fast, "{fast}, {slow}, {clock}");
        let [(usual, _), (now, _), _] = before_after_others("thermal-throttling", seed, "FrameTime", 150_000);
        assert!(now > 1.15 * usual, "{usual}, {now}");
        // The temperature moves before the clock does.
        let cause = expected("thermal-throttling", seed);
        let heat = played("thermal-throttling", seed, "GPUTemperature");
        let (early, _) = mean_of(&heat, |it| {
            cause.devices.contains(&it.device) && (40_000..70_000).contains(&(it.at - cause.cause_at))
        });
        assert!(early > cool + 1.0 && early < 90.0, "{early}");
    }
}

#[test]
fn a_leak_takes_memory_for_long_before_frames_wait_for_pages() {
    for seed in SEEDS {
        let cause = expected("memory-leak", seed);
        let pages = played("memory-leak", seed, "CommittedPages");
        let frames = played("memory-leak", seed, "FrameTime");
        let minutes = |from: i64, until: i64| {
            let of = move |at: i64| (from * 60_000..until * 60_000).contains(&(at - cause.cause_at));
            (
                mean_of(&pages, |it| it.build == "2026.11.3" && of(it.at)).0,
                mean_of(&frames, |it| it.build == "2026.11.3" && of(it.at)).0,
            )
        };
        let ((first, usual), (then, still), (last, slow)) = (minutes(1, 4), minutes(7, 10), minutes(22, 26));
        assert!(then > first + 100_000.0 && last > then, "{first}, {then}, {last}");
        assert!(still < usual + 0.3 && slow > usual + 5.0, "{usual}, {still}, {slow}");
    }
}

#[test]
fn shaders_and_a_bad_disk_make_frames_wait_where_they_are_and_nowhere_else() {
    for seed in SEEDS {
        for name in ["shader-stutter", "bad-disk"] {
            let (struck, others) = hitches(name, seed);
            assert!(struck > 0.05 && others < 0.005, "{name}: {struck}, {others}");
        }
        let [(usual, _), (now, _), (others, _)] = before_after_others("bad-disk", seed, "IOReadSpeed", 10_000);
        assert!(now < 0.3 * usual && others > 0.6 * usual, "{usual}, {now}, {others}");
    }
}

#[test]
fn a_controller_comes_and_goes_and_has_no_sticks_while_it_is_gone() {
    for seed in SEEDS {
        let [(before, _), (after, _), (others, _)] =
            before_after_others("controller-drops", seed, "gamepad.connected", 0);
        assert!(before == 1.0 && (0.2..0.8).contains(&after) && others == 1.0, "{before}, {after}, {others}");
    }
}

#[test]
fn a_frozen_game_tells_the_same_frame_and_idles_until_it_is_started_again() {
    for seed in SEEDS {
        let [_, (_, frozen), (_, others)] = before_after_others("frozen-game", seed, "FrameTime", 5_000);
        assert!(frozen < 1e-9 && others > 0.1, "{frozen}, {others}");
        let [(busy, _), (idle, _), _] = before_after_others("frozen-game", seed, "CpuLoad", 5_000);
        assert!(idle < 0.5 * busy, "{busy}, {idle}");
        let (cause, load) = (expected("frozen-game", seed), played("frozen-game", seed, "CpuLoad"));
        let (again, _) = mean_of(&load, |it| cause.devices.contains(&it.device) && it.at > cause.cause_at + 600_000);
        assert!(again > 0.8 * busy, "{again}");
    }
}

#[test]
fn a_silent_device_tells_nothing_more() {
    for seed in SEEDS {
        let (cause, samples) = (expected("silent-device", seed), played("silent-device", seed, "CpuLoad"));
        let last = |struck: bool| {
            samples.iter().filter(|it| cause.devices.contains(&it.device) == struck).map(|it| it.at).max().unwrap()
        };
        assert!(last(true) <= cause.cause_at + 1_000 && last(false) > cause.cause_at + 600_000);
    }
}

#[test]
fn a_bad_build_is_slow_in_its_scene_alone() {
    for seed in SEEDS {
        let frames = played("bad-build", seed, "FrameTime");
        let of = |build: &'static str, harbour: bool| {
            mean_of(&frames, |it| it.build == build && (it.scene == "harbour") == harbour).0
        };
        assert!(of("2026.11.3", true) > 21.0, "{}", of("2026.11.3", true));
        for usual in [of("2026.11.3", false), of("2026.11.2", true), of("2026.11.2", false)] {
            assert!(usual < 17.0, "{usual}");
        }
    }
}

#[test]
fn a_bad_firmware_delays_the_picture_by_a_refresh_and_says_so_in_its_traits() {
    for seed in SEEDS {
        let [(usual, _), (late, _), (others, _)] = before_after_others("bad-firmware", seed, "DisplayLatency", 180_000);
        assert!((14.0..20.0).contains(&(late - usual)) && (others - usual).abs() < 2.0, "{usual}, {late}, {others}");
        let cause = expected("bad-firmware", seed);
        let (_, firmware) = cause.shared.first().unwrap().clone();
        for batch in scenario("bad-firmware", seed).unwrap().batches() {
            let is_new = batch.traits["firmware"] == firmware;
            assert!(!is_new || (cause.devices.contains(&batch.device) && batch.start >= cause.cause_at));
        }
    }
}

#[test]
fn a_site_without_a_network_receives_little_for_seven_minutes() {
    for seed in SEEDS {
        let [(usual, _), (now, _), (others, _)] =
            before_after_others("network-loss", seed, "NetworkingData.NetworkInBytes", 0);
        assert!(now < 0.2 * usual && others > 0.6 * usual, "{usual}, {now}, {others}");
        let [_, (again, _), _] = before_after_others("network-loss", seed, "NetworkingData.NetworkInBytes", 430_000);
        assert!(again > 0.6 * usual, "{again}");
    }
}

#[test]
fn bad_pacing_leaves_the_mean_and_widens_the_spread() {
    for seed in SEEDS {
        let [(before, narrow), (after, wide), (_, others)] = before_after_others("pacing-jitter", seed, "FrameTime", 0);
        assert!(
            (after - before).abs() < 0.6 && wide > 6.0 * narrow && others < 2.0 * narrow,
            "{before}, {after}, {narrow}, {wide}"
        );
    }
}

#[test]
fn latency_drifts_by_two_milliseconds_a_minute_on_one_firmware() {
    for seed in SEEDS {
        let [(usual, _), (soon, _), _] = before_after_others("latency-drift", seed, "DisplayLatency", 0);
        let [_, (later, _), (others, _)] = before_after_others("latency-drift", seed, "DisplayLatency", 600_000);
        assert!((1.0..5.0).contains(&(soon - usual)), "{usual}, {soon}");
        assert!((17.0..23.0).contains(&(later - soon)) && (others - usual).abs() < 2.0, "{soon}, {later}, {others}");
    }
}

#[test]
fn two_causes_strike_different_devices_within_a_minute() {
    for seed in SEEDS {
        let trace = scenario("two-causes", seed).unwrap();
        let [one, other] = trace.expectation().incidents.as_slice() else { panic!("two are expected") };
        assert!(one.devices.iter().all(|device| !other.devices.contains(device)));
        assert!((0..=60_000).contains(&(other.cause_at - one.cause_at)));
    }
}

#[test]
fn the_last_night_misses_its_soak_test_at_one_site() {
    for seed in SEEDS {
        let (cause, load) = (expected("missing-soak", seed), played("missing-soak", seed, "CpuLoad"));
        let night = |day: i64, struck: bool| {
            let from = cause.cause_at - day * 86_400_000;
            mean_of(&load, |it| {
                cause.devices.contains(&it.device) == struck && (from..from + 18_000_000).contains(&it.at)
            })
            .0
        };
        assert!(night(0, true) < 0.5 * night(1, true) && night(0, false) > 0.9 * night(1, false));
    }
}
