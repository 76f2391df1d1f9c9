//! Days on which nothing is to be raised, though much happens.

use super::rollouts::rollout;
use crate::delivery::Delivery;
use crate::game::{NEW_BUILD, PLAYED};
use crate::sketch::Sketch;
use crate::timetable::Session;

pub(super) fn noisy(seed: u64) -> Sketch {
    let mut sketch = Sketch::day(seed, 40.0);
    let all: Vec<usize> = (0..sketch.devices.len()).collect();
    sketch.strike(&all, (0.0, f64::INFINITY), |_, condition| {
        condition.restless = 1.7;
        condition.hitches = 0.004;
        condition.hitch = (6.0, 35.0);
    });
    sketch.delivery =
        Delivery { nulls: 0.005, late: 0.01, latest: 55.0, lost: 0.003, breaks: 600.0, ..Delivery::default() };
    sketch
}

pub(super) fn scenes(seed: u64) -> Sketch {
    let mut sketch = Sketch::day(seed, 36.0);
    for session in sketch.sessions.iter_mut().flatten() {
        session.scenes = PLAYED.to_vec();
        session.visit = (45.0, 110.0);
        sketch.dice.shuffle(&mut session.scenes);
    }
    sketch
}

pub(super) fn sessions(seed: u64) -> Sketch {
    let mut sketch = Sketch::day(seed, 40.0);
    let ends = sketch.ends;
    for sessions in &mut sketch.sessions {
        let Some(day) = sessions.pop() else { continue };
        let mut from = sketch.dice.between(0.0, 240.0);
        while from < ends - 180.0 {
            let until = (from + sketch.dice.between(300.0, 720.0)).min(ends);
            sessions.push(Session { from, until, visit: (90.0, 240.0), ..day.clone() });
            from = until + sketch.dice.between(60.0, 300.0);
        }
    }
    sketch
}

pub(super) fn update(seed: u64) -> Sketch {
    let mut sketch = Sketch::day(seed, 36.0);
    let updated = rollout(&mut sketch, NEW_BUILD, &[], 960.0);
    sketch.strike(&updated, (0.0, f64::INFINITY), |moment, condition| {
        if moment.build == NEW_BUILD {
            // A little faster, as the notes to the release say.
            condition.gpu = 0.985;
        }
    });
    sketch
}

pub(super) fn hiccup(seed: u64) -> Sketch {
    let mut sketch = Sketch::day(seed, 36.0);
    let all: Vec<usize> = (0..sketch.devices.len()).collect();
    let at = sketch.dice.between(1140.0, 1260.0);
    sketch.strike(&all, (at, at + 1.5), |_, condition| {
        condition.hitches = 0.8;
        condition.hitch = (40.0, 120.0);
        condition.received = 0.4;
    });
    sketch
}
