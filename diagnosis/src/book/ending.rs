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
    pub(super) fn forget(&mut self, now: Millis) {
        let mut over: Vec<(Millis, String)> = self
            .incidents
            .iter()
            .filter(|(incident, _)| !self.goes_on(incident))
            .filter_map(|(incident, kept)| Some((kept.resolved_at?.max(self.heard_at(kept)), incident.clone())))
            .collect();
        over.sort();
        for (at, incident) in over {
            if now.saturating_sub(at) < REOPENS_MS && self.alarms.len() <= MOST_ALARMS {
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

    /// When anything of an incident was heard last, by the clock of those who listen.
    pub(super) fn heard_at(&self, kept: &Kept) -> Millis {
        let alarms = kept.members.iter().filter_map(|key| self.alarms.get(key));
        alarms.map(|alarm| alarm.heard_at).max().unwrap_or(Millis::MIN)
    }
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
