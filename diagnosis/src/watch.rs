//! What the strange samples of one series come to: an alarm opens when the detector was startled and the strangeness stays, for N of the last
//! M seconds, and closes when it is calm for longer than that.
//!
//! A detector says that something changed and adapts; an alarm lasts as long as what changed. So the usual from before is kept here, still,
//! while an alarm is open, for three numbers of each second: the level (mean), the swing (from one sample to the next) and the peak (farthest from
//! the usual level).

mod finding;
mod open;
mod rules;
mod scale;
mod slot;
#[cfg(test)]
mod tests;
mod view;

use serde::{Deserialize, Serialize};

pub use self::finding::{Finding, Signal};
use self::open::{By, Open};
pub use self::rules::STARTLES_AT;
use self::rules::{
    ACCEPTS_AFTER, CLOSES, DRIFTS_LAST, DRIFTS_SLOTS, FIVE_TIMES, GAP_SLOTS, LASTING, LEAST_SWING, LEVEL_AMONG_PEAKS,
    MATTERS, OPENS, OPENS_LASTING, OPENS_STARTLED, PEAK_MATTERS, PEAKS_CLOSE, PEAKS_OPEN, PEAKS_OPEN_SLOWLY,
    SEASON_OPENS, SETTLES, SLOTS_OF_A_DAY, SLOW, STARTLED, SWING_MATTERS, THREE_TIMES,
};
use self::scale::Scale;
use self::slot::{SLOT_MS, Second, Slot};
use self::view::{Bounds, LEARNS, Noted, Sides, View};
use crate::Millis;
use crate::detector::{Direction, Kind, Verdict};

/// What is watched of a series.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Watch {
    slot: Slot,
    level: View,
    swing: View,
    peak: View,
    season: Noted,
    /// For how many more seconds a score that startled counts.
    startled: u8,
    settling: u8,
    resumed_at: Millis,
    open: Option<Open>,
    /// How many slots from one that has samples to the next, usually.
    pace: f32,
    /// Whether it was ever not above zero while it was learnt: what always is, is measured by ratios.
    scale: Scale,
    /// It was open when the series was left: what is still strange needs no other startling score.
    was_open: bool,
}

impl Watch {
    /// Takes a judged sample.
    pub(crate) fn take(&mut self, at: Millis, value: f64, verdict: &Verdict) -> Option<Signal> {
        let usual_step = self.swing.usual().map_or(f64::INFINITY, |(centre, _)| centre.exp().max(self.least_swing()));
        let second = self.slot.take(at, value, verdict, usual_step)?;
        let signal = self.second(&second);
        if !self.passes_gap(second.steps) {
            return signal;
        }
        self.leave();
        // It comes to light only now, and is of the time before the gap: that it is over is still news, that it was open is not.
        signal.filter(|signal| *signal == Signal::Closed)
    }

    /// Whether so many slots from one to the next are a gap: ten times as many as usual.
    fn passes_gap(&mut self, steps: i64) -> bool {
        let steps = steps.clamp(1, i64::from(u16::MAX)) as f32;
        let is_gap = self.pace > 0.0 && steps >= GAP_SLOTS * self.pace;
        // A gap says little of the pace, but a slower one is learnt in time.
        let weight = if self.pace == 0.0 { 1.0 } else { 0.1 };
        self.pace += weight * (if is_gap { 2.0 * self.pace } else { steps } - self.pace);
        is_gap
    }

    /// What another build of the same device and scene begins with.
    pub(crate) fn heir(&self) -> Self {
        let mut heir = Self { slot: self.slot.heir(), ..self.clone() };
        heir.leave();
        heir
    }

    /// The series was left for a while.
    fn leave(&mut self) {
        for view in [&mut self.level, &mut self.swing, &mut self.peak] {
            view.forget_minute();
        }
        self.season = Noted::default();
        self.was_open |= self.open.take().is_some();
        // A visit that ended before things had settled is not the beginning of the next one.
        (self.startled, self.settling, self.resumed_at) = (0, SETTLES, 0);
    }

    fn second(&mut self, second: &Second) -> Option<Signal> {
        if self.settling > 0 {
            self.settling = self.settling.saturating_sub(1);
            if self.resumed_at == 0 {
                self.resumed_at = second.at;
            }
            return None;
        }
        // What is strange as soon as things have settled was so from the beginning.
        let since = match std::mem::take(&mut self.resumed_at) {
            0 => second.at,
            resumed_at => resumed_at,
        };
        self.startled = if second.score >= STARTLES_AT { STARTLED } else { self.startled.saturating_sub(1) };
        if self.scale == Scale::Ratios && second.low <= 0.0 && self.level.usual().is_none() {
            (self.scale, self.level, self.peak) = (Scale::Differences, View::default(), View::default());
        }
        let is_held = self.open.is_some();
        let peak = self.farthest(second);
        let level = self.scaled(second.level);
        let learns = self.learns();
        let (floor, size) = self.scale.least_and_size(self.level.centre());
        self.level.take(since, level, Sides::Both, Bounds { floor, matters: MATTERS * size, learns }, is_held);
        let way = if peak < 0.0 { Direction::Down } else { Direction::Up };
        let bounds = Bounds { floor, matters: PEAK_MATTERS * size, learns };
        self.peak.take(since, peak.abs(), Sides::Of(way), bounds, is_held);
        let swing = second.swing.max(self.least_swing()).ln();
        // Less than usual is strange when nothing moves at all: to be calm for a while is no fault.
        let (swing, matters) =
            if second.moves { (swing.max(self.swing.centre()), THREE_TIMES) } else { (swing, FIVE_TIMES) };
        self.swing.take(since, swing, Sides::Both, Bounds { floor: 0.1, matters, learns }, is_held);
        self.season.take(since, self.off_season(second));
        match self.open {
            Some(open) => self.go_on(open, second),
            None => self.look(second),
        }
    }

    /// How many slots are learnt from before anything is strange.
    fn learns(&self) -> u16 {
        if self.pace < SLOW { LEARNS } else { LEARNS.max((SLOTS_OF_A_DAY / self.pace) as u16) }
    }

    /// Which way a second is not as at this time of other days: only the detector knows those.
    fn off_season(&self, second: &Second) -> Option<Direction> {
        let strangest = second
            .strangest
            .filter(|it| it.kind == Kind::Season && it.is_far && f64::from(it.strangeness) >= STARTLES_AT)?;
        let matters = (second.level - f64::from(strangest.usual)).abs() >= MATTERS * self.usual_level().abs();
        matters.then_some(strangest.direction)
    }

    fn look(&mut self, second: &Second) -> Option<Signal> {
        let opens = |view: &View, (needed, last): (u32, u32)| {
            let (up, down) = view.strange_of(last);
            (up.max(down) >= needed).then_some(if up >= down { Direction::Up } else { Direction::Down })
        };
        let rule = if self.startled > 0 || self.was_open { OPENS_STARTLED } else { OPENS };
        let lasts = self.level.away_of(OPENS_LASTING.1) >= LASTING;
        let peaks = if self.pace < SLOW { PEAKS_OPEN } else { PEAKS_OPEN_SLOWLY };
        let (by, direction) = opens(&self.level, rule)
            .or_else(|| opens(&self.level, OPENS))
            .or_else(|| if lasts { opens(&self.level, OPENS_LASTING) } else { None })
            .map(|direction| (By::Level, direction))
            .or_else(|| opens(&self.peak, peaks).map(|direction| (By::Peak, direction)))
            .or_else(|| opens(&self.swing, rule).map(|direction| (By::Swing, direction)))
            // To stand still for some seconds is no news of a button or a stick, however many samples a second say so.
            .filter(|it| *it != (By::Swing, Direction::Down) || opens(&self.swing, OPENS).is_some())
            .or_else(|| self.season.most(SEASON_OPENS).map(|direction| (By::Season, direction)))?;
        let (most, last) = LEVEL_AMONG_PEAKS;
        let (up, down) = self.level.strange_of(last);
        let by = if by == By::Peak && up.max(down) >= most { By::Level } else { by };
        let drifts_ms = (DRIFTS_SLOTS * f64::from(self.pace) * SLOT_MS as f64) as Millis;
        let (began_at, is_drift) = match by {
            By::Level => self.level.began_at(drifts_ms, DRIFTS_LAST),
            By::Swing => self.swing.began_at(drifts_ms, DRIFTS_LAST),
            By::Peak => self.peak.began_at(drifts_ms, DRIFTS_LAST),
            By::Season => (self.season.since(), false),
        };
        let kind = match by {
            By::Peak => Kind::Spike,
            By::Season => Kind::Season,
            By::Swing if direction == Direction::Down => Kind::Flatline,
            By::Swing => Kind::Variance,
            By::Level if is_drift => Kind::Drift,
            By::Level => Kind::LevelShift,
        };
        let (before, now) = (self.before(by, second), self.now(by, direction, second));
        let finding = Finding { kind, direction, began_at, before, now, score: second.score };
        self.open = Some(Open::new(by, finding));
        self.was_open = false;
        Some(Signal::Open(finding))
    }

    fn go_on(&mut self, mut open: Open, second: &Second) -> Option<Signal> {
        open.slots = open.slots.saturating_add(1);
        let is_calm = |view: &View, (most, last): (u32, u32)| view.away_of(last) <= most;
        let is_over = u32::from(open.slots) >= CLOSES.1
            && is_calm(&self.level, CLOSES)
            && is_calm(&self.swing, CLOSES)
            && self.season.count(CLOSES.1) <= CLOSES.0
            && is_calm(&self.peak, if open.by == By::Peak { PEAKS_CLOSE } else { CLOSES });
        if is_over || open.slots >= ACCEPTS_AFTER {
            self.open = None;
            // What this alarm has told of is no spike of the next minute.
            self.peak.forget_minute();
            if !is_over {
                (self.level, self.swing, self.peak) = (View::default(), View::default(), View::default());
            }
            return Some(Signal::Closed);
        }
        if self.is_strange(open.by, second) {
            open.worsen(self.now(open.by, open.finding.direction, second));
        }
        open.finding.score = open.finding.score.max(second.score);
        self.open = Some(open);
        Some(Signal::Open(open.finding))
    }

    fn is_strange(&self, by: By, second: &Second) -> bool {
        match by {
            By::Level => self.level.is_strange(),
            By::Swing => self.swing.is_strange(),
            By::Peak => self.peak.is_strange(),
            By::Season => self.off_season(second).is_some(),
        }
    }

    fn before(&self, by: By, second: &Second) -> f64 {
        match by {
            By::Season => second.strangest.map_or(self.usual_level(), |strangest| f64::from(strangest.usual)),
            By::Level | By::Peak => self.usual_level(),
            By::Swing => self.swing.centre().exp(),
        }
    }

    fn now(&self, by: By, direction: Direction, second: &Second) -> f64 {
        match (by, direction) {
            (By::Level | By::Season, _) => second.level,
            (By::Peak, Direction::Down) => second.low,
            (By::Peak, Direction::Up) => second.high,
            (By::Swing, _) => second.swing,
        }
    }

    /// The usual level, as it is measured.
    fn usual_level(&self) -> f64 {
        self.scale.measured(self.level.centre())
    }

    fn scaled(&self, value: f64) -> f64 {
        self.scale.scaled(value, self.level.usual().map(|(centre, _)| centre))
    }

    /// The sample of a second that is farthest from the usual level, as its distance with a sign.
    fn farthest(&self, second: &Second) -> f64 {
        let centre = self.level.centre();
        let (below, above) = (self.scaled(second.low) - centre, self.scaled(second.high) - centre);
        if above.abs() >= below.abs() { above } else { below }
    }

    /// A swing that does not matter, as it is measured.
    fn least_swing(&self) -> f64 {
        let level = self.usual_level();
        let spread = self.level.usual().map_or(0.0, |(_, spread)| self.scale.measured_spread(spread, level));
        (level.abs() * SWING_MATTERS).max(spread / 20.0).max(LEAST_SWING)
    }
}
