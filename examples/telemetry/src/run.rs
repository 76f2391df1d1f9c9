//! One device's part of a trace: its batches in the order in which it makes them.

use std::collections::VecDeque;
use std::sync::Arc;

use diagnosis::batch::{Batch, Row};

use crate::condition::{Condition, Fault, Moment};
use crate::console::Console;
use crate::delivery::{Delivery, Way};
use crate::dice::Dice;
use crate::frames::{FRAME, Hands, PAD, frame};
use crate::gauges::{GAUGES, gauges};
use crate::lab::Device;
use crate::millis;
use crate::rate::Rate;
use crate::timetable::Stretch;

/// What all devices of a trace share.
pub(crate) struct Common {
    pub(crate) start: diagnosis::Millis,
    pub(crate) rate: Rate,
    pub(crate) delivery: Delivery,
    pub(crate) faults: Vec<Fault>,
}

/// Of one row.
type Values = Vec<Option<f64>>;

/// A device on its walk through its timetable.
pub(crate) struct Run {
    common: Arc<Common>,
    index: usize,
    device: Device,
    stretches: VecDeque<Stretch>,
    dice: Dice,
    console: Console,
    hands: Hands,
    way: Way,
    /// What is told next, in seconds since the trace began: a batch, a frame, a row of gauges.
    next: (f64, f64, f64),
    frozen: Option<(Values, Values)>,
    /// Until when it has told.
    told: f64,
}

impl Run {
    pub(crate) fn new(common: Arc<Common>, index: usize, device: Device, stretches: Vec<Stretch>, seed: u64) -> Self {
        let begins = stretches.first().map_or(f64::INFINITY, |stretch| stretch.from);
        Self {
            index,
            stretches: stretches.into(),
            dice: Dice::seeded(seed, &device.name),
            console: Console::new(&device),
            hands: Hands::default(),
            way: Way::new(seed, &device.name),
            next: (begins, begins, begins),
            frozen: None,
            told: begins,
            common,
            device,
        }
    }

    pub(crate) fn is_of(&self, device: &str) -> bool {
        self.device.name == device
    }

    /// Until when it has told what it has to tell; nothing that is still to come arrives before that.
    pub(crate) fn clock(&self) -> f64 {
        if self.stretches.is_empty() { f64::INFINITY } else { self.next.0 }
    }

    /// The batches of the time up to the next flush, each with when it arrives.
    pub(crate) fn flush(&mut self) -> Vec<(f64, Batch)> {
        let (made, condition) = self.tell();
        let (way, delivery, until) = (&mut self.way, &self.common.delivery, self.told);
        let sent = made.into_iter().filter_map(|batch| {
            let at = if batch.ends { Some(way.end(until)) } else { way.arrival(delivery, until, &condition) };
            at.map(|at| (at, batch))
        });
        sent.collect()
    }

    /// The batches of the time up to the next flush, as they leave the device.
    pub(crate) fn tell(&mut self) -> (Vec<Batch>, Condition) {
        let Some(stretch) = self.stretches.front().cloned() else { return (Vec::new(), Condition::default()) };
        let from = self.next.0;
        let until = (from + self.common.rate.flush).min(stretch.until);
        let moment = Moment { device: self.index, at: from, build: &stretch.build, scene: stretch.scene.name };
        let mut condition = Condition::default();
        self.common.faults.iter().for_each(|fault| fault(&moment, &mut condition));
        self.console.step(&mut self.dice, until - from, stretch.scene, &condition);
        let game = self.game(until, &condition);
        let portal = self.portal(until, &stretch, &condition);
        self.next.0 = until;
        let mut made = vec![self.batch(&stretch, from, FRAME.iter().chain(&PAD).copied(), game)];
        made.push(self.batch(&stretch, from, GAUGES.iter().copied(), portal));
        made.retain(|batch| !batch.rows.is_empty());
        if until >= stretch.until {
            self.stretches.pop_front();
            if stretch.is_last {
                // A session that ends in order says so.
                let last = self.batch(&stretch, until, std::iter::empty(), Vec::new());
                made.push(Batch { ends: true, ..last });
            }
            if let Some(next) = self.stretches.front() {
                if next.from > until {
                    self.console.rest(next.from - until);
                }
                let (flush, frame, gauge) = self.next;
                self.next = (flush.max(next.from), frame.max(next.from), gauge.max(next.from));
            }
        }
        self.told = until;
        if condition.is_silent {
            made.clear();
        }
        (made, condition)
    }

    fn game(&mut self, until: f64, condition: &Condition) -> Vec<(f64, Values)> {
        let mut rows = Vec::new();
        while self.next.1 < until {
            let at = self.next.1;
            let step = self.common.rate.frames.max(0.016);
            let (clicked, pad) = self.hands.play(&mut self.dice, at, step, condition);
            let (time, told) = frame(&mut self.dice, &self.console, condition, clicked);
            self.next.1 = at + self.common.rate.frames.max(time / 1000.0);
            // A game that stands still tells its last frame, and the last input that it read, again and again.
            let (told, pad) = match (condition.is_frozen, &self.frozen) {
                (true, Some(last)) => last.clone(),
                _ => (told, pad),
            };
            self.frozen = condition.is_frozen.then(|| (told.clone(), pad.clone()));
            rows.push((at, told.into_iter().chain(pad).collect()));
        }
        rows
    }

    fn portal(&mut self, until: f64, stretch: &Stretch, condition: &Condition) -> Vec<(f64, Values)> {
        let mut rows = Vec::new();
        while self.next.2 < until {
            rows.push((self.next.2, gauges(&mut self.dice, &self.console, stretch.scene, condition)));
            self.next.2 += self.common.rate.gauges;
        }
        rows
    }

    fn batch<'name>(
        &mut self,
        stretch: &Stretch,
        from: f64,
        metrics: impl Iterator<Item = &'name str>,
        rows: Vec<(f64, Values)>,
    ) -> Batch {
        let start = self.common.start.saturating_add(millis(from));
        let (dice, nulls) = (&mut self.dice, self.common.delivery.nulls);
        let rows = rows.into_iter().map(|(at, values)| {
            let offset = u32::try_from(millis(at).saturating_sub(millis(from))).unwrap_or_default();
            Row(offset, values.into_iter().map(|value| value.filter(|_| !dice.chance(nulls))).collect())
        });
        let rows = rows.collect();
        let mut traits = self.device.traits.clone();
        traits.extend(stretch.traits.clone());
        Batch {
            device: self.device.name.clone(),
            build: stretch.build.clone(),
            scene: stretch.scene.name.to_owned(),
            traits,
            start,
            metrics: metrics.map(str::to_owned).collect(),
            rows,
            ends: false,
        }
    }
}
