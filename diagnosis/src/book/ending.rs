//! What ends without a sample that says so: alarms of series that nobody feeds any more, and incidents that were over for too long to come back.

use super::alarm::Alarm;
use super::{Book, Kept, MOST_ALARMS, similar};
use crate::Millis;
use crate::detector::Kind;
use crate::roster::{Device, Roster};
use crate::series::{LATEST_MS, SeriesKey};

/// What comes back within this time after the end is the same incident again.
const REOPENS_MS: Millis = 10 * 60_000;

/// A series without samples for this long, while its device goes on, was left: another scene, another build.
const LEFT_MS: Millis = 180_000;

impl Book {
    /// Closes the alarms of series that nobody feeds any more.
    pub(super) fn close_gone(&mut self, now: Millis, roster: &Roster) {
        let gone: Vec<(SeriesKey, Millis)> = self
            .alarms
            .iter()
            .filter(|(_, alarm)| alarm.closed_at.is_none())
            .filter_map(|(key, alarm)| Some((key.clone(), gone_at(key, alarm, now, roster)?)))
            .collect();
        for (key, at) in gone {
            self.end(&key, at);
        }
    }

    /// What was over for too long to come back is past; where there are too many alarms, whatever is over, longest first.
    pub(super) fn forget(&mut self, now: Millis, roster: &Roster) {
        let resolved = self.incidents.iter().filter(|(_, kept)| kept.resolved_at.is_some());
        let mut over: Vec<(Millis, String)> = resolved
            .filter_map(|(incident, kept)| Some((self.over_for(kept, now, roster)?, incident.clone())))
            .collect();
        over.sort_by(|one, other| other.0.cmp(&one.0).then_with(|| one.1.cmp(&other.1)));
        for (over_for, incident) in over {
            if over_for < REOPENS_MS && self.alarms.len() <= MOST_ALARMS {
                return;
            }
            if let Some(told) = self.told(&incident) {
                similar::remember(&mut self.past, &told);
            }
            for member in self.incidents.remove(&incident).into_iter().flat_map(|kept| kept.members) {
                self.alarms.remove(&member);
            }
        }
    }

    /// For how long all alarms of an incident have been closed; `None` as long as one is open.
    pub(super) fn over_for(&self, kept: &Kept, now: Millis, roster: &Roster) -> Option<Millis> {
        let alarms = kept.members.iter().filter_map(|key| self.alarms.get_key_value(key));
        let closed_for = alarms.map(|(key, alarm)| closed_for(key, alarm, now, roster));
        closed_for.collect::<Option<Vec<Millis>>>()?.into_iter().min()
    }
}

/// For how long an alarm has been closed: by the clock of those who listen since it was heard of, or by that of the device, which tells what
/// was sent late, as far as it is not ahead.
fn closed_for(key: &SeriesKey, alarm: &Alarm, now: Millis, roster: &Roster) -> Option<Millis> {
    let closed_at = alarm.closed_at?;
    let by_the_device = roster.get(&key.device).map_or(0, |device| device.newest.min(now).saturating_sub(closed_at));
    Some(now.saturating_sub(closed_at.max(alarm.heard_at)).max(by_the_device))
}

/// When an open alarm is over of which nothing comes that would say so; `None` as long as it is not.
fn gone_at(key: &SeriesKey, alarm: &Alarm, now: Millis, roster: &Roster) -> Option<Millis> {
    let is_silence = alarm.finding.kind == Kind::Silence;
    let Some(device) = roster.get(&key.device) else {
        // Nobody waits any longer for a device that was missed.
        return Some(if is_silence { now } else { alarm.last_at });
    };
    let is_gone = if is_silence {
        !device.is_silent
    } else {
        device.has_ended() || has_left(device, alarm) || !device.is_heard(now)
    };
    is_gone.then(|| alarm.last_at.max(alarm.finding.began_at))
}

/// Whether a series has had no samples for long while its device goes on: by the clock of those who listen, and by that of the device, which
/// tells what was sent late, unless it was set to another time.
fn has_left(device: &Device, alarm: &Alarm) -> bool {
    let left_after = device.leaves_after(LEFT_MS);
    let by_its_clock = device.newest.saturating_sub(alarm.last_at);
    device.heard_at.saturating_sub(alarm.heard_at) >= left_after && !(-LATEST_MS..left_after).contains(&by_its_clock)
}
