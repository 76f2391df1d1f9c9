//! A trace while it is thought up: an ordinary day in the lab, to which a scenario adds what happens.

use std::collections::BTreeMap;
use std::sync::Arc;

use diagnosis::Millis;
use diagnosis::detector::Kind;

use crate::condition::{Condition, Fault, Moment};
use crate::delivery::Delivery;
use crate::dice::Dice;
use crate::expectation::{Expectation, Expected};
use crate::game::{OLD_BUILD, PLAYED, Scene};
use crate::lab::{Device, devices};
use crate::millis;
use crate::rate::Rate;
use crate::run::{Common, Run};
use crate::timetable::{Session, Stretch};
use crate::trace::Trace;

/// 2026-11-02T00:00:00Z, a Monday.
const MONDAY: Millis = 1_793_577_600_000;

/// A trace that is not played yet.
pub(crate) struct Sketch {
    seed: u64,
    pub(crate) dice: Dice,
    pub(crate) start: Millis,
    pub(crate) ends: f64,
    pub(crate) devices: Vec<Device>,
    pub(crate) sessions: Vec<Vec<Session>>,
    pub(crate) delivery: Delivery,
    faults: Vec<Fault>,
    expected: Vec<Expected>,
}

/// How a cause is to be seen.
#[derive(Default)]
pub(crate) struct Signs {
    pub(crate) cause: &'static str,
    /// When it first can be seen, in seconds since the trace began.
    pub(crate) at: f64,
    /// Within how many seconds it is to be raised.
    pub(crate) within: f64,
    pub(crate) struck: Vec<usize>,
    pub(crate) at_least: usize,
    pub(crate) first: Vec<&'static str>,
    pub(crate) kinds: Vec<Kind>,
    pub(crate) scene: Option<&'static str>,
    pub(crate) shared: Vec<(&'static str, String)>,
}

impl Sketch {
    /// Twelve to fifteen testers who play for so many minutes, each three scenes in turn.
    pub(crate) fn day(seed: u64, minutes: f64) -> Self {
        let mut dice = Dice::seeded(seed, "the day");
        let count = dice.between(12.0, 16.0) as usize;
        let start = MONDAY.saturating_add(millis(dice.between(9.0, 15.0) * 3600.0));
        let mut sketch = Self::empty(seed, dice, start, minutes * 60.0, count);
        for _ in 0..count {
            let mut scenes = PLAYED.to_vec();
            sketch.dice.shuffle(&mut scenes);
            scenes.truncate(3);
            let session = sketch.session(sketch.ends, scenes, (180.0, 330.0));
            sketch.sessions.push(vec![session]);
        }
        sketch
    }

    /// A lab in which nobody plays yet.
    pub(crate) fn empty(seed: u64, mut dice: Dice, start: Millis, ends: f64, count: usize) -> Self {
        let devices = devices(&mut dice, count);
        let (delivery, sessions, faults, expected) = (Delivery::default(), Vec::new(), Vec::new(), Vec::new());
        Self { seed, dice, start, ends, devices, sessions, delivery, faults, expected }
    }

    /// One session from the beginning to about the end.
    pub(crate) fn session(&mut self, until: f64, scenes: Vec<&'static Scene>, visit: (f64, f64)) -> Session {
        let (from, until) = (self.dice.between(0.0, 40.0), until - self.dice.between(0.0, 60.0));
        Session { from, until, build: OLD_BUILD, scenes, visit, traits: BTreeMap::new() }
    }

    /// Midnight of the first Monday.
    pub(crate) fn monday() -> Millis {
        MONDAY
    }

    /// Any of the devices for which something holds, as many as asked for.
    pub(crate) fn any(&mut self, count: usize, fits: impl Fn(&Device) -> bool) -> Vec<usize> {
        let mut found: Vec<usize> =
            self.devices.iter().enumerate().filter(|(_, device)| fits(device)).map(|(index, _)| index).collect();
        self.dice.shuffle(&mut found);
        found.truncate(count);
        found.sort_unstable();
        found
    }

    /// The devices with a trait.
    pub(crate) fn with(&mut self, what: &str, value: &str) -> Vec<usize> {
        self.any(usize::MAX, |device| device.traits.get(what).is_some_and(|has| has == value))
    }

    /// A device ends its session, and begins another one a minute or so later, of this build and with these changed traits.
    pub(crate) fn restart(&mut self, device: usize, at: f64, build: &'static str, traits: &[(&str, &str)]) {
        let pause = self.dice.between(35.0, 70.0);
        let Some(sessions) = self.sessions.get_mut(device) else { return };
        let Some(before) = sessions.last_mut() else { return };
        let mut after = Session { from: at + pause, build, ..before.clone() };
        after.traits.extend(traits.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        before.until = at;
        sessions.push(after);
    }

    /// Something strikes these devices from a moment on, until another one.
    pub(crate) fn strike(
        &mut self,
        struck: &[usize],
        (from, until): (f64, f64),
        change: impl Fn(&Moment<'_>, &mut Condition) + Send + Sync + 'static,
    ) {
        let struck = struck.to_vec();
        self.faults.push(Box::new(move |moment, condition| {
            if struck.contains(&moment.device) && moment.at >= from && moment.at < until {
                change(moment, condition);
            }
        }));
    }

    /// An incident that is to be raised.
    pub(crate) fn expect(&mut self, signs: Signs) {
        let name = |index: &usize| self.devices.get(*index).map(|device| device.name.clone());
        let at = |seconds| self.start.saturating_add(millis(seconds));
        self.expected.push(Expected {
            cause: signs.cause,
            cause_at: at(signs.at),
            by: at(signs.at + signs.within),
            devices: signs.struck.iter().filter_map(name).collect(),
            at_least: signs.at_least,
            first: signs.first,
            kinds: signs.kinds,
            scene: signs.scene,
            shared: signs.shared,
        });
    }

    /// A device's name.
    pub(crate) fn name(&self, device: usize) -> String {
        self.devices.get(device).map(|device| device.name.clone()).unwrap_or_default()
    }

    /// A device's walk through its scenes: the same whenever it is asked for.
    pub(crate) fn walk(&self, device: usize) -> Vec<Stretch> {
        let mut dice = Dice::seeded(self.seed, &format!("the walk of {device}"));
        self.sessions.get(device).into_iter().flatten().flat_map(|session| session.stretches(&mut dice)).collect()
    }

    /// The trace.
    pub(crate) fn trace(self, rate: Rate) -> Trace {
        let walks: Vec<Vec<Stretch>> = (0..self.devices.len()).map(|device| self.walk(device)).collect();
        let ends = walks.iter().flatten().map(|stretch| stretch.until).fold(0.0, f64::max);
        let common = Arc::new(Common { start: self.start, rate, delivery: self.delivery, faults: self.faults });
        let runs = self.devices.iter().cloned().zip(walks).enumerate();
        let runs = runs.map(|(index, (device, walk))| Run::new(Arc::clone(&common), index, device, walk, self.seed));
        let runs = runs.collect();
        let ends = self.start.saturating_add(millis(ends));
        Trace::new(self.start, ends, self.devices, Expectation { incidents: self.expected }, runs)
    }
}
