//! Consoles are struck that share something which they always had: a site, a model, a firmware.

use diagnosis::detector::Kind;

use super::devices::fan_stops;
use super::signs::{ELSEWHERE, LATENCY, NETWORK};
use crate::lab::{FIRMWARES, MODELS, SITES};
use crate::sketch::{Signs, Sketch};

/// A site's network fails for some minutes.
fn network_fails(sketch: &mut Sketch, site: &str, at: f64, lasts: f64) {
    let struck = sketch.with("site", site);
    sketch.strike(&struck, (at, at + lasts), |_, condition| {
        condition.received = 0.1;
        condition.sent = 0.4;
        condition.late = 8.0;
    });
    let (shared, first) = (vec![("site", site.to_owned())], NETWORK.to_vec());
    let kinds = vec![Kind::LevelShift, Kind::Spike, Kind::Variance];
    let at_least = struck.len() / 2;
    sketch.expect(Signs {
        cause: "a network fails",
        at,
        within: 120.0,
        struck,
        at_least,
        first,
        kinds,
        shared,
        ..Signs::default()
    });
}

/// Any of a few.
fn any<'name>(sketch: &mut Sketch, mut names: Vec<&'name str>) -> &'name str {
    sketch.dice.shuffle(&mut names);
    names.first().copied().unwrap_or_default()
}

pub(super) fn network(seed: u64) -> Sketch {
    let mut sketch = Sketch::day(seed, 36.0);
    let (site, at) = (any(&mut sketch, SITES.to_vec()), sketch.dice.between(1140.0, 1260.0));
    network_fails(&mut sketch, site, at, 420.0);
    sketch
}

pub(super) fn pacing(seed: u64) -> Sketch {
    let mut sketch = Sketch::day(seed, 36.0);
    let (model, _) = MODELS[1];
    let (struck, at) = (sketch.with("model", model), sketch.dice.between(1140.0, 1260.0));
    sketch.strike(&struck, (at, f64::INFINITY), |_, condition| condition.pace = 4.0);
    let shared = vec![("model", model.to_owned())];
    let first = vec!["FrameTime", "DisplayedTime", "AnimationError", "CPUWait"];
    let kinds = vec![Kind::Variance, Kind::Spike, Kind::LevelShift];
    let at_least = struck.len() / 2;
    sketch.expect(Signs {
        cause: "frames are paced badly",
        at,
        within: 180.0,
        struck,
        at_least,
        first,
        kinds,
        shared,
        ..Signs::default()
    });
    sketch
}

pub(super) fn drift(seed: u64) -> Sketch {
    let mut sketch = Sketch::day(seed, 40.0);
    let (struck, at) = (sketch.with("firmware", FIRMWARES[1]), sketch.dice.between(780.0, 900.0));
    sketch.strike(&struck, (at, f64::INFINITY), move |moment, condition| {
        // A queue before the display grows by two milliseconds a minute.
        condition.display = (moment.at - at) / 30.0;
    });
    let (shared, first) = (vec![("firmware", FIRMWARES[1].to_owned())], LATENCY.to_vec());
    let (at_least, kinds) = (struck.len() / 2, ELSEWHERE.to_vec());
    sketch.expect(Signs {
        cause: "a queue grows",
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

pub(super) fn two(seed: u64) -> Sketch {
    let mut sketch = Sketch::day(seed, 36.0);
    let mut sites = SITES.to_vec();
    sketch.dice.shuffle(&mut sites);
    let (hot, cut_off) = (sites.first().copied().unwrap_or_default(), sites.last().copied().unwrap_or_default());
    let at = sketch.dice.between(1140.0, 1260.0);
    let at_site = sketch.any(1, |device| device.traits.get("site").is_some_and(|site| site == hot));
    for device in at_site {
        fan_stops(&mut sketch, device, at);
    }
    let soon = at + sketch.dice.between(10.0, 60.0);
    network_fails(&mut sketch, cut_off, soon, 420.0);
    sketch
}
