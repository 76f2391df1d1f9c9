//! Nine days in a soak lab: by day little happens, by night consoles play by themselves from ten to four.

use std::collections::BTreeMap;

use diagnosis::detector::Kind;

use crate::dice::Dice;
use crate::game::{OLD_BUILD, SOAK};
use crate::lab::SITES;
use crate::sketch::{Signs, Sketch};
use crate::timetable::Session;

const HOUR: f64 = 3600.0;
const DAY: f64 = 24.0 * HOUR;

/// When a night's soak test begins and ends, in seconds of the day.
const BEGINS: f64 = 22.0 * HOUR;
const ENDS: f64 = 4.0 * HOUR;

pub(super) fn regular(seed: u64) -> Sketch {
    let dice = Dice::seeded(seed, "the days");
    let mut sketch = Sketch::empty(seed, dice, Sketch::monday(), 9.0 * DAY + 6.0 * HOUR, 9);
    let ends = sketch.ends;
    for _ in 0..sketch.devices.len() {
        // Each tells at its own moment of the five minutes.
        let from = sketch.dice.between(0.0, 300.0);
        let (scenes, visit, traits) = (vec![&SOAK], (2.0 * ends, 2.0 * ends), BTreeMap::new());
        sketch.sessions.push(vec![Session { from, until: ends, build: OLD_BUILD, scenes, visit, traits }]);
    }
    let all: Vec<usize> = (0..sketch.devices.len()).collect();
    sketch.strike(&all, (0.0, f64::INFINITY), |moment, condition| {
        let of_day = moment.at % DAY;
        condition.activity = if (ENDS..BEGINS).contains(&of_day) { 0.2 } else { 1.0 };
    });
    sketch
}

pub(super) fn missing(seed: u64) -> Sketch {
    let mut sketch = regular(seed);
    let mut sites = SITES.to_vec();
    sketch.dice.shuffle(&mut sites);
    let site = sites.first().copied().unwrap_or_default();
    let (struck, at) = (sketch.with("site", site), 8.0 * DAY + BEGINS);
    sketch.strike(&struck, (at, f64::INFINITY), |_, condition| condition.activity = 0.2);
    let kinds = vec![Kind::Season, Kind::LevelShift, Kind::Variance, Kind::Flatline];
    let (shared, first, at_least) = (vec![("site", site.to_owned())], Vec::new(), struck.len().div_ceil(2));
    let within = 3.0 * HOUR;
    sketch.expect(Signs {
        cause: "the soak test does not start",
        at,
        within,
        struck,
        at_least,
        first,
        kinds,
        shared,
        ..Signs::default()
    });
    sketch
}
