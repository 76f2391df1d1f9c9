//! One console is struck, and no other.

use diagnosis::detector::Kind;

use super::signs::{ELSEWHERE, HEAT, HITCHES, NOW_AND_THEN};
use crate::frames::{FRAME, PAD};
use crate::sketch::{Signs, Sketch};

/// A day on which one console is struck, which, and when.
fn struck(seed: u64) -> (Sketch, usize, f64) {
    let mut sketch = Sketch::day(seed, 36.0);
    let device = sketch.any(1, |_| true).first().copied().unwrap_or_default();
    let at = sketch.dice.between(1140.0, 1260.0);
    (sketch, device, at)
}

/// What one device has in common with itself.
pub(super) fn alone(sketch: &Sketch, device: usize) -> Vec<(&'static str, String)> {
    vec![("device", sketch.name(device))]
}

/// A fan runs down over a minute and a half.
pub(super) fn fan_stops(sketch: &mut Sketch, device: usize, at: f64) {
    sketch.strike(&[device], (at, f64::INFINITY), move |moment, condition| {
        condition.cooling = (1.0 - (moment.at - at) / 90.0).max(0.17);
    });
    let shared = alone(sketch, device);
    sketch.expect(Signs {
        cause: "a fan stops",
        at,
        within: 240.0,
        struck: vec![device],
        at_least: 1,
        first: HEAT.to_vec(),
        kinds: ELSEWHERE.to_vec(),
        shared,
        ..Signs::default()
    });
}

pub(super) fn thermal(seed: u64) -> Sketch {
    let (mut sketch, device, at) = struck(seed);
    fan_stops(&mut sketch, device, at);
    sketch
}

pub(super) fn disk(seed: u64) -> Sketch {
    let (mut sketch, device, at) = struck(seed);
    sketch.strike(&[device], (at, f64::INFINITY), |_, condition| {
        condition.disk = 0.12;
        condition.hitches = 0.12;
        condition.hitch = (50.0, 180.0);
    });
    let shared = alone(&sketch, device);
    let first = HITCHES.into_iter().chain(["IOReadSpeed"]).collect();
    let (struck, kinds) = (vec![device], NOW_AND_THEN.to_vec());
    sketch.expect(Signs {
        cause: "a disk fails",
        at,
        within: 180.0,
        struck,
        at_least: 1,
        first,
        kinds,
        shared,
        ..Signs::default()
    });
    sketch
}

pub(super) fn controller(seed: u64) -> Sketch {
    let (mut sketch, device, from) = struck(seed);
    let until = from + 480.0;
    // Some seconds without it, then some with it, until somebody changes its batteries.
    let (mut gone, mut at) = (Vec::new(), from);
    while at < until {
        let back = at + sketch.dice.between(4.0, 14.0);
        gone.push((at, back));
        at = back + sketch.dice.between(3.0, 12.0);
    }
    sketch.strike(&[device], (from, until), move |moment, condition| {
        condition.is_connected = !gone.iter().any(|(from, until)| (*from..*until).contains(&moment.at));
    });
    let (shared, first) = (alone(&sketch, device), PAD.to_vec());
    let kinds = vec![Kind::Spike, Kind::LevelShift, Kind::Variance, Kind::Flatline];
    let struck = vec![device];
    sketch.expect(Signs {
        cause: "a controller drops",
        at: from,
        within: 120.0,
        struck,
        at_least: 1,
        first,
        kinds,
        shared,
        ..Signs::default()
    });
    sketch
}

pub(super) fn frozen(seed: u64) -> Sketch {
    let (mut sketch, device, at) = struck(seed);
    let noticed = at + sketch.dice.between(300.0, 420.0);
    sketch.strike(&[device], (at, noticed), |_, condition| condition.is_frozen = true);
    // The tester sees it at last and starts the game again.
    sketch.restart(device, noticed, crate::game::OLD_BUILD, &[]);
    let shared = alone(&sketch, device);
    // Frames and input that do not move at all, and a console that has nothing to do.
    let idle = ["CpuLoad", "IOReadSpeed", "GPUData.AvailableAdapters[0].EnginesUtilization[0]"];
    let first = FRAME.into_iter().chain(PAD).chain(idle).chain(super::signs::NETWORK).collect();
    let kinds = vec![Kind::Flatline, Kind::LevelShift, Kind::Variance, Kind::Spike];
    let struck = vec![device];
    sketch.expect(Signs {
        cause: "the game freezes",
        at,
        within: 120.0,
        struck,
        at_least: 1,
        first,
        kinds,
        shared,
        ..Signs::default()
    });
    sketch
}

pub(super) fn silent(seed: u64) -> Sketch {
    let (mut sketch, device, at) = struck(seed);
    sketch.strike(&[device], (at, f64::INFINITY), |_, condition| condition.is_silent = true);
    let (shared, struck, kinds) = (alone(&sketch, device), vec![device], vec![Kind::Silence]);
    let first = Vec::new();
    sketch.expect(Signs {
        cause: "a console falls silent",
        at,
        within: 180.0,
        struck,
        at_least: 1,
        first,
        kinds,
        shared,
        ..Signs::default()
    });
    sketch
}
