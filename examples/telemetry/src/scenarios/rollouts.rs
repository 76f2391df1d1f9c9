//! Something new is rolled out to some of the consoles, and is not good.

use super::signs::{ELSEWHERE, HITCHES, LATENCY, MEMORY, NOW_AND_THEN, SLOW_FRAMES};
use crate::game::{HARBOUR, LOADING, NEW_BUILD, OLD_BUILD, TITLE};
use crate::sketch::{Signs, Sketch};
use diagnosis::detector::Kind;

/// A firmware that comes during the trace.
const NEW_FIRMWARE: &str = "10.0.26100.7231";

/// Half of the consoles get something new within two minutes; which ones, and when.
pub(super) fn rollout(sketch: &mut Sketch, build: &'static str, traits: &[(&str, &str)], at: f64) -> Vec<usize> {
    let half = sketch.devices.len() / 2;
    let struck = sketch.any(half, |_| true);
    for device in &struck {
        let at = at + sketch.dice.between(0.0, 120.0);
        sketch.restart(*device, at, build, traits);
    }
    struck
}

/// When one of these devices is for the first time in a scene of the new build for which something holds.
fn first_seen(sketch: &Sketch, struck: &[usize], is_it: impl Fn(&str) -> bool) -> f64 {
    let seen = struck
        .iter()
        .flat_map(|device| sketch.walk(*device))
        .filter(|it| it.build == NEW_BUILD && is_it(it.scene.name));
    seen.map(|stretch| stretch.from).fold(f64::INFINITY, f64::min)
}

pub(super) fn leak(seed: u64) -> Sketch {
    let mut sketch = Sketch::day(seed, 40.0);
    let struck = rollout(&mut sketch, NEW_BUILD, &[], 600.0);
    sketch.strike(&struck, (0.0, f64::INFINITY), |moment, condition| {
        if moment.build == NEW_BUILD {
            condition.leak = 800.0;
        }
    });
    let at = first_seen(&sketch, &struck, |_| true);
    let (shared, first) = (vec![("build", NEW_BUILD.to_owned())], MEMORY.to_vec());
    let (at_least, kinds) = (struck.len() / 2, ELSEWHERE.to_vec());
    sketch.expect(Signs {
        cause: "a build leaks",
        at,
        within: 720.0,
        struck,
        at_least,
        first,
        kinds,
        shared,
        ..Signs::default()
    });
    sketch
}

pub(super) fn stutter(seed: u64) -> Sketch {
    let mut sketch = Sketch::day(seed, 36.0);
    let struck = rollout(&mut sketch, NEW_BUILD, &[], 960.0);
    let is_played = |scene: &str| scene != TITLE.name && scene != LOADING.name;
    sketch.strike(&struck, (0.0, f64::INFINITY), move |moment, condition| {
        if moment.build == NEW_BUILD && is_played(moment.scene) {
            condition.hitches = 0.16;
            condition.hitch = (25.0, 90.0);
        }
    });
    let at = first_seen(&sketch, &struck, is_played);
    let (shared, first) = (vec![("build", NEW_BUILD.to_owned())], HITCHES.to_vec());
    let (at_least, kinds) = (struck.len() / 2, NOW_AND_THEN.to_vec());
    sketch.expect(Signs {
        cause: "shaders are compiled anew",
        at,
        within: 240.0,
        struck,
        at_least,
        first,
        kinds,
        shared,
        ..Signs::default()
    });
    sketch
}

pub(super) fn slow_scene(seed: u64) -> Sketch {
    let mut sketch = Sketch::day(seed, 36.0);
    // All know the harbour.
    for session in sketch.sessions.iter_mut().flatten() {
        session.scenes.retain(|scene| **scene != HARBOUR);
        session.scenes.insert(0, &HARBOUR);
        session.scenes.truncate(3);
    }
    let struck = rollout(&mut sketch, NEW_BUILD, &[], 960.0);
    // Testers of a new build share its scenes among them, so that there is always somebody in each.
    for (place, device) in struck.iter().enumerate() {
        if let Some(session) = sketch.sessions.get_mut(*device).and_then(|sessions| sessions.last_mut()) {
            session.scenes.rotate_left(place % 3);
        }
    }
    sketch.strike(&struck, (0.0, f64::INFINITY), |moment, condition| {
        if moment.build == NEW_BUILD && moment.scene == HARBOUR.name {
            condition.gpu = 1.8;
        }
    });
    let at = first_seen(&sketch, &struck, |scene| scene == HARBOUR.name);
    let shared = vec![("build", NEW_BUILD.to_owned())];
    let at_least = struck.len() / 2;
    let (first, kinds) = (SLOW_FRAMES.to_vec(), vec![Kind::LevelShift, Kind::Spike, Kind::Variance]);
    sketch.expect(Signs {
        cause: "a scene is too slow",
        scene: Some(HARBOUR.name),
        at,
        within: 240.0,
        struck,
        at_least,
        first,
        kinds,
        shared,
    });
    sketch
}

pub(super) fn firmware(seed: u64) -> Sketch {
    let mut sketch = Sketch::day(seed, 36.0);
    let struck = rollout(&mut sketch, OLD_BUILD, &[("firmware", NEW_FIRMWARE)], 960.0);
    let began: Vec<(usize, f64)> =
        struck.iter().filter_map(|it| Some((*it, sketch.sessions.get(*it)?.last()?.from))).collect();
    let at = began.iter().map(|(_, from)| *from).fold(f64::INFINITY, f64::min);
    for (device, from) in began {
        sketch.strike(&[device], (from, f64::INFINITY), |_, condition| {
            condition.display = 16.7;
            condition.system = 9_000.0;
        });
    }
    let shared = vec![("firmware", NEW_FIRMWARE.to_owned())];
    // What the firmware holds in memory for it shows at once.
    let first = LATENCY.into_iter().chain(["NonPagedPoolPages"]).chain(MEMORY).collect();
    let (at_least, kinds) = (struck.len() / 2, ELSEWHERE.to_vec());
    sketch.expect(Signs {
        cause: "a firmware delays",
        at,
        within: 240.0,
        struck,
        at_least,
        first,
        kinds,
        shared,
        ..Signs::default()
    });
    sketch
}
