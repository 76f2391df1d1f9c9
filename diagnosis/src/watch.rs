//! What the strange samples of one series come to: an alarm opens when the detector was startled and the strangeness stays, for N of the last
//! M seconds, and closes when it is calm for longer than that.
//!
//! A detector says that something changed and adapts; an alarm lasts as long as what changed. So the usual from before is kept here, still,
//! while an alarm is open, for three numbers of each second: the level (mean), the swing (from one sample to the next) and the peak (farthest from
//! the usual level).

mod slot;
#[cfg(test)]
mod tests;
mod view;

use serde::{Deserialize, Serialize};

use self::slot::{SLOT_MS, Second, Slot};
use self::view::{Bounds, Sides, View};
use crate::Millis;
use crate::detector::{Direction, Kind, Verdict};

/// A score that startles: with it, fewer strange seconds make an alarm.
pub const STARTLES_AT: f64 = 0.9;

/// What is nearer to the usual level than this part of it does not matter, for any metric.
const MATTERS: f64 = 0.05;

/// The same of peaks and of swing, which are noisier.
const PEAK_MATTERS: f64 = 0.5;
const SWING_MATTERS: f64 = 0.02;

/// N of the last M seconds open an alarm of level or swing: after a score that startled, and without one.
const OPENS: [(u32, u32); 2] = [(8, 10), (25, 30)];

/// Peaks that come one after the other are a level.
const LEVEL_AMONG_PEAKS: (u32, u32) = (8, 10);

/// The same of peaks, which have quiet seconds between them.
const PEAKS_OPEN: [(u32, u32); 2] = [(5, 60), (10, 60)];

/// An alarm closes when at most N of the last M seconds were not calm.
const CLOSES: (u32, u32) = (3, 30);
const PEAKS_CLOSE: (u32, u32) = (0, 60);

/// After a gap of so many seconds the last minute does not count any more, and the next few seconds neither: things settle.
const GAP_SLOTS: f32 = 10.0;
const SETTLES: u8 = 5;

/// After so many seconds on it, another level is the usual one.
const ACCEPTS_AFTER: u16 = 3600;

/// A level that took so many seconds to be noticed has drifted there.
const DRIFTS_SLOTS: f64 = 45.0;

/// What is watched of a series.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Watch {
    slot: Slot,
    level: View,
    swing: View,
    peak: View,
    startled: u64,
    settling: u8,
    resumed_at: Option<Millis>,
    open: Option<Open>,
    /// How many slots from one that has samples to the next, usually.
    pace: f32,
    /// It was open when the series was left: what is still strange needs no other startling score.
    was_open: bool,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Open {
    by: By,
    slots: u16,
    finding: Finding,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum By {
    Level,
    Swing,
    Peak,
}

/// What an alarm says.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// What is strange.
    pub kind: Kind,
    /// Which way.
    pub direction: Direction,
    /// When it began to be so.
    pub began_at: Millis,
    /// What was usual before: of the level, for swing and flatlines of the step from one sample to the next.
    pub before: f64,
    /// What it is instead.
    pub now: f64,
    /// The highest score since.
    pub score: f64,
}

/// What becomes of a series' alarm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Signal {
    /// It opens, or is open.
    Open(Finding),
    /// It closes.
    Closed,
}

impl Watch {
    /// Takes a judged sample.
    pub(crate) fn take(&mut self, at: Millis, value: f64, verdict: &Verdict) -> Option<Signal> {
        let least_step = self.level.usual().map_or(f64::INFINITY, |(centre, spread)| floor(centre, spread));
        let second = self.slot.take(at, value, verdict, least_step)?;
        let signal = self.second(&second);
        if self.is_gap(second.steps) {
            self.leave();
        }
        signal
    }

    /// Whether so many slots from one to the next are a gap: ten times as many as usual.
    fn is_gap(&mut self, steps: i64) -> bool {
        let steps = steps.clamp(1, i64::from(u16::MAX)) as f32;
        let is_gap = self.pace > 0.0 && steps >= GAP_SLOTS * self.pace;
        // A gap says little of the pace, but a slower one is learnt in time.
        let weight = if self.pace == 0.0 { 1.0 } else { 0.1 };
        self.pace += weight * (if is_gap { 2.0 * self.pace } else { steps } - self.pace);
        is_gap
    }

    /// What another build of the same device and scene begins with.
    pub(crate) fn heir(&self) -> Self {
        let mut heir = Self { slot: Slot::default(), ..self.clone() };
        heir.leave();
        heir
    }

    /// The series was left for a while.
    fn leave(&mut self) {
        for view in [&mut self.level, &mut self.swing, &mut self.peak] {
            view.forget_minute();
        }
        self.was_open |= self.open.take().is_some();
        (self.startled, self.settling) = (0, SETTLES);
    }

    fn second(&mut self, second: &Second) -> Option<Signal> {
        if self.settling > 0 {
            self.settling = self.settling.saturating_sub(1);
            self.resumed_at.get_or_insert(second.at);
            return None;
        }
        // What is strange as soon as things have settled was so from the beginning.
        let since = self.resumed_at.take().unwrap_or(second.at);
        let startled = second.strangest.is_some_and(|strangest| strangest.score >= STARTLES_AT);
        self.startled = (self.startled << 1) | u64::from(startled);
        let (centre, spread) = (self.level.centre(), self.level.usual().map_or(0.0, |(_, spread)| spread));
        let scale = centre.abs();
        let is_held = self.open.is_some();
        let peak = farthest(second, centre);
        self.level.take(
            since,
            second.level,
            Sides::Both,
            Bounds { floor: floor(centre, 0.0), matters: MATTERS * scale },
            is_held,
        );
        let peak_bounds = Bounds { floor: floor(centre, spread), matters: PEAK_MATTERS * scale };
        let way = if peak < 0.0 { Direction::Down } else { Direction::Up };
        self.peak.take(since, peak.abs(), Sides::Of(way), peak_bounds, is_held);
        let least_swing = (scale * SWING_MATTERS / 4.0).max(spread / 20.0).max(f64::MIN_POSITIVE);
        let swing = (second.swing / least_swing + 1.0).ln();
        self.swing.take(since, swing, Sides::Both, Bounds { floor: 0.1, matters: 0.7 }, is_held);
        match self.open {
            Some(open) => self.go_on(open, second),
            None => self.look(second, least_swing),
        }
    }

    fn look(&mut self, second: &Second, least_swing: f64) -> Option<Signal> {
        let startled = self.startled != 0 || self.was_open;
        let opens = |view: &View, rules: [(u32, u32); 2]| {
            let (rule, without) = (rules.first()?, rules.last()?);
            let (needed, last) = if startled { rule } else { without };
            let (up, down) = view.strange_of(*last);
            match up.max(down) >= *needed {
                true => Some(if up >= down { Direction::Up } else { Direction::Down }),
                false => None,
            }
        };
        let (by, direction) = opens(&self.level, OPENS)
            .map(|direction| (By::Level, direction))
            .or_else(|| opens(&self.peak, PEAKS_OPEN).map(|direction| (By::Peak, direction)))
            .or_else(|| opens(&self.swing, OPENS).map(|direction| (By::Swing, direction)))?;
        let (most, last) = LEVEL_AMONG_PEAKS;
        let (up, down) = self.level.strange_of(last);
        let by = if by == By::Peak && up.max(down) >= most { By::Level } else { by };
        let view = self.view(by);
        let slot_ms = f64::from(self.pace) * SLOT_MS as f64;
        let began_at = view.began_at((8.0 * slot_ms) as Millis);
        let kind = match by {
            By::Peak => Kind::Spike,
            By::Swing if direction == Direction::Down && second.swing <= least_swing => Kind::Flatline,
            By::Swing => Kind::Variance,
            By::Level if second.at.saturating_sub(began_at) as f64 >= DRIFTS_SLOTS * slot_ms => Kind::Drift,
            By::Level => Kind::LevelShift,
        };
        let score = second.strangest.map_or(0.0, |strangest| strangest.score);
        let before = self.before(by, least_swing);
        let finding = Finding { kind, direction, began_at, before, now: self.now(by, second), score };
        self.open = Some(Open { by, slots: 0, finding });
        self.was_open = false;
        Some(Signal::Open(finding))
    }

    fn go_on(&mut self, mut open: Open, second: &Second) -> Option<Signal> {
        open.slots = open.slots.saturating_add(1);
        let is_calm = |view: &View, (most, last): (u32, u32)| view.away_of(last) <= most;
        let is_over = u32::from(open.slots) >= CLOSES.1
            && is_calm(&self.level, CLOSES)
            && is_calm(&self.swing, CLOSES)
            && is_calm(&self.peak, if open.by == By::Peak { PEAKS_CLOSE } else { CLOSES });
        if is_over || open.slots >= ACCEPTS_AFTER {
            self.open = None;
            if !is_over {
                (self.level, self.swing, self.peak) = (View::default(), View::default(), View::default());
            }
            return Some(Signal::Closed);
        }
        let score = second.strangest.map_or(0.0, |strangest| strangest.score);
        open.finding = Finding { now: self.now(open.by, second), score: open.finding.score.max(score), ..open.finding };
        self.open = Some(open);
        Some(Signal::Open(open.finding))
    }

    fn view(&self, by: By) -> &View {
        match by {
            By::Level => &self.level,
            By::Swing => &self.swing,
            By::Peak => &self.peak,
        }
    }

    fn before(&self, by: By, least_swing: f64) -> f64 {
        match by {
            By::Level | By::Peak => self.level.centre(),
            By::Swing => (self.swing.centre().exp() - 1.0) * least_swing,
        }
    }

    fn now(&self, by: By, second: &Second) -> f64 {
        match by {
            By::Level => second.level,
            By::Peak => self.level.centre() + farthest(second, self.level.centre()),
            By::Swing => second.swing,
        }
    }
}

/// The sample of a second that is farthest from `centre`, as its distance with a sign.
fn farthest(second: &Second, centre: f64) -> f64 {
    let (below, above) = (second.low - centre, second.high - centre);
    if above.abs() >= below.abs() { above } else { below }
}

/// The least spread: nothing is known more exactly than to half a percent.
fn floor(centre: f64, spread: f64) -> f64 {
    spread.max(centre.abs() * 0.005).max(f64::MIN_POSITIVE)
}
