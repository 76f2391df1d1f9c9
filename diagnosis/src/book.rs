//! Which alarms have one cause: they become one incident, which is told once, kept up to date and resolved.
//!
//! An alarm's walk: it opens → it joins an incident that it belongs to, or waits a few seconds for others like it → those that belong together
//! open an incident → it closes. What is decided carries the time at which it became true, not that of the tick that noticed.

pub(crate) mod alarm;
mod belonging;
mod ending;
mod merging;
mod resuming;
mod shared;
mod similar;
mod telling;
#[cfg(test)]
mod tests;
mod title;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use self::alarm::{Alarm, Standing};
use self::merging::MOST_MERGED;
use self::similar::Past;
use crate::Millis;
use crate::detector::Kind;
use crate::engine::Change;
use crate::incident::{Incident, Shared};
use crate::roster::Roster;
use crate::series::SeriesKey;
use crate::silence::Silence;
use crate::watch::{Finding, Signal};

/// So long an alarm waits for others of the same cause before it becomes an incident.
const GATHERS_MS: Millis = 10_000;

/// An incident is over when all its alarms have been closed for this long.
const QUIET_MS: Millis = 60_000;

/// Told again at most this often.
const TELLS_EVERY_MS: Millis = 5_000;

/// The most alarms of all devices and of one, so that one device does not use up what is for all. When there are that many, a device that
/// has none still gets one, and is named among those that are struck, as long as there are not too many even so. A device that is missed is
/// always told of.
const MOST_ALARMS: usize = 10_000;
const MOST_ALARMS_OF_A_DEVICE: usize = 128;
const MOST_ALARMS_EVEN_SO: usize = 20_000;

/// One batch or tick opens no more incidents than this, looks no further for where alarms that waited belong, tells again of no more, and
/// resolves no more; what is left comes with the next. Whoever listens keeps what one of them changed in one step, and a step has a bound.
const MOST_OPENED: usize = 8;
const MOST_SETTLED: usize = 256;
const MOST_TOLD_AGAIN: usize = 8;
const MOST_RESOLVED: usize = 4;

/// What one batch or tick changes at most.
pub const MOST_CHANGES: usize = MOST_OPENED + MOST_MERGED + MOST_TOLD_AGAIN + MOST_RESOLVED;

/// The alarms and the incidents that they make.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Book {
    alarms: BTreeMap<SeriesKey, Alarm>,
    incidents: BTreeMap<String, Kept>,
    past: VecDeque<Past>,
    /// Pairs of incidents that an alarm belonged to both of, as far as it was not looked yet whether they are one.
    bridged: BTreeSet<(String, String)>,
}

/// What is kept of an incident; the rest follows from its alarms.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Kept {
    opened_at: Millis,
    resolved_at: Option<Millis>,
    told_at: Millis,
    is_changed: bool,
    members: BTreeSet<SeriesKey>,
    shared: Vec<Shared>,
}

impl Book {
    /// How many incidents are open, and how many alarms.
    pub(crate) fn open(&self) -> (usize, usize) {
        (self.open_incidents().count(), self.alarms.values().filter(|alarm| alarm.closed_at.is_none()).count())
    }

    /// The incidents that are open.
    pub(crate) fn open_incidents(&self) -> impl Iterator<Item = &str> {
        self.incidents.iter().filter(|(_, kept)| kept.resolved_at.is_none()).map(|(incident, _)| incident.as_str())
    }

    /// An earlier incident, to be compared with; not what is a part of another one.
    pub(crate) fn remember(&mut self, incident: &Incident) {
        if incident.merged_into.is_none() {
            similar::remember(&mut self.past, incident);
        }
    }

    /// A series' alarm is open, or closes; `at` is the time of its newest sample.
    pub(crate) fn signal(&mut self, key: SeriesKey, signal: Signal, at: Millis, roster: &Roster, silences: &[Silence]) {
        match signal {
            Signal::Open(finding) => self.sound(key, finding, at, roster, silences),
            Signal::Closed => self.close(&key, at, roster),
        }
    }

    fn sound(&mut self, key: SeriesKey, finding: Finding, at: Millis, roster: &Roster, silences: &[Silence]) {
        let (at, now) = (roster.believed(at), roster.clock().unwrap_or(at));
        if let Some(alarm) = self.alarms.get_mut(&key) {
            let is_again = alarm.go_on(&finding, at, now);
            match &alarm.standing {
                Standing::Of(incident) if is_again => {
                    if let Some(kept) = self.incidents.get_mut(incident) {
                        kept.is_changed = true;
                    }
                    return;
                }
                Standing::Of(_) | Standing::Waits { .. } => return,
                Standing::Silenced => {}
            }
        } else if finding.kind != Kind::Silence && !self.has_room(&key.device) {
            return;
        }
        let traits = roster.get(&key.device).map(|device| device.traits.clone()).unwrap_or_default();
        // A window is meant by the clock on the wall: what a device's clock says neither escapes it nor makes it longer.
        let is_silenced = silences.iter().any(|silence| silence.covers(&key, &traits, now));
        let standing =
            if is_silenced { Standing::Silenced } else { Standing::Waits { until: at.saturating_add(GATHERS_MS) } };
        let finding = Finding { began_at: finding.began_at.min(at), ..finding };
        self.alarms.entry(key.clone()).or_insert_with(|| Alarm::new(finding, at, now)).standing = standing;
        if !is_silenced {
            self.join([&key], &self.incidents_of([&key], roster));
        }
    }

    fn has_room(&self, device: &str) -> bool {
        let most = match self.alarms.len() {
            few if few < MOST_ALARMS => MOST_ALARMS_OF_A_DEVICE,
            many if many < MOST_ALARMS_EVEN_SO => 1,
            _ => return false,
        };
        self.of(device).take(most).count() < most
    }

    /// The alarms of a device.
    fn of(&self, device: &str) -> impl Iterator<Item = (&SeriesKey, &Alarm)> {
        let first = SeriesKey { device: device.to_owned(), ..SeriesKey::default() };
        self.alarms.range(first..).take_while(move |(key, _)| key.device == device)
    }

    /// What is silent is heard of once more, for nothing of it comes that would tell: a window in which it was silenced may have ended.
    pub(crate) fn sound_silent(&mut self, now: Millis, roster: &Roster, silences: &[Silence]) {
        let is_silenced = |alarm: &Alarm| alarm.finding.kind == Kind::Silence && alarm.standing == Standing::Silenced;
        let silent = self.alarms.iter().filter(|(_, alarm)| is_silenced(alarm));
        let silent: Vec<(SeriesKey, Finding)> = silent.map(|(key, alarm)| (key.clone(), alarm.finding)).collect();
        for (key, finding) in silent {
            self.sound(key, finding, now, roster, silences);
        }
    }

    /// A device is heard again, in whatever build and scene.
    pub(crate) fn close_silence(&mut self, device: &str, at: Millis, roster: &Roster) {
        let silent = self.of(device).filter(|(_, alarm)| alarm.finding.kind == Kind::Silence);
        let silent: Vec<SeriesKey> = silent.map(|(key, _)| key.clone()).collect();
        for key in silent {
            self.close(&key, at, roster);
        }
    }

    /// An alarm closes, as a sample of that time says.
    fn close(&mut self, key: &SeriesKey, at: Millis, roster: &Roster) {
        let Some(alarm) = self.alarms.get_mut(key) else { return };
        if alarm.closed_at.is_none() {
            alarm.heard_at = roster.clock().unwrap_or(at).max(alarm.heard_at);
            let at = roster.believed(at).max(alarm.last_at);
            self.end(key, at);
        }
    }

    fn end(&mut self, key: &SeriesKey, at: Millis) {
        let Some(alarm) = self.alarms.get_mut(key) else { return };
        match &alarm.standing {
            Standing::Of(incident) => {
                alarm.closed_at = Some(at);
                if let Some(kept) = self.incidents.get_mut(incident) {
                    kept.is_changed = true;
                }
            }
            // Over before it was told: nobody needs to know.
            Standing::Waits { .. } | Standing::Silenced => {
                self.alarms.remove(key);
            }
        }
    }

    /// Alarms of one cause join the first of the incidents that they belong to; what they belong to as well may be the same one.
    fn join<'a>(&mut self, alarms: impl IntoIterator<Item = &'a SeriesKey>, incidents: &[String]) {
        let Some((incident, others)) = incidents.split_first() else { return };
        let Some(kept) = self.incidents.get_mut(incident) else { return };
        for key in alarms {
            if let Some(alarm) = self.alarms.get_mut(key) {
                alarm.standing = Standing::Of(incident.clone());
                kept.members.insert(key.clone());
                kept.is_changed = true;
            }
        }
        self.bridge(incident, others);
    }

    /// Opens what has waited long enough: `is_due` says it of an alarm's device and the time until which it waits. Tells what changed,
    /// what has waited for the longest time first.
    pub(crate) fn settle(
        &mut self,
        now: Millis,
        roster: &Roster,
        is_due: impl Fn(&str, Millis) -> bool,
    ) -> Vec<Change> {
        let due = |(key, alarm): (&SeriesKey, &Alarm)| match alarm.standing {
            Standing::Waits { until } if is_due(&key.device, until) => Some((until, key.clone())),
            _ => None,
        };
        let mut due: Vec<(Millis, SeriesKey)> = self.alarms.iter().filter_map(due).collect();
        due.sort();
        due.truncate(MOST_SETTLED);
        let mut changes = Vec::new();
        for (until, key) in due {
            // One that was due before it may have taken it along.
            if !self.alarms.get(&key).is_some_and(Alarm::waits) {
                continue;
            }
            let members = self.gathered(&key, roster);
            let incidents = self.incidents_of(&members, roster);
            if !incidents.is_empty() {
                self.join(&members, &incidents);
            } else if changes.len() < MOST_OPENED {
                changes.extend(self.begin(members, until, now, roster));
            } else {
                break;
            }
        }
        changes.extend(self.merge(now));
        changes.extend(self.tell(now, roster));
        changes
    }

    /// Closes the alarms of series that nobody feeds any more, and resolves what is over.
    pub(crate) fn tick(&mut self, now: Millis, roster: &Roster) -> Vec<Change> {
        self.close_gone(now, roster);
        let mut changes = self.settle(now, roster, |_, until| until <= now);
        changes.extend(self.resolve(now, roster));
        self.forget(now, roster);
        changes
    }
}
