//! What is told of an incident: opened once, updated when something changed, resolved.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::alarm::{Alarm, Standing};
use super::shared::{Struck, shared};
use super::title::title;
use super::{Book, Kept, MOST_RESOLVED, MOST_TOLD_AGAIN, QUIET_MS, TELLS_EVERY_MS, similar};
use crate::Millis;
use crate::engine::Change;
use crate::incident::{Incident, IncidentState, MOST_DEVICES, MOST_MOVED, Movement};
use crate::roster::Roster;
use crate::series::SeriesKey;

impl Book {
    /// Opens an incident.
    pub(super) fn begin(
        &mut self,
        members: BTreeSet<SeriesKey>,
        opened_at: Millis,
        now: Millis,
        roster: &Roster,
    ) -> Option<Change> {
        let movements = members.iter().filter_map(|key| self.alarms.get(key).map(|alarm| alarm.movement(key)));
        let incident = name(&in_order(movements).into_iter().next()?);
        for key in &members {
            if let Some(alarm) = self.alarms.get_mut(key) {
                alarm.standing = Standing::Of(incident.clone());
            }
        }
        let shared = shared(&self.struck(&members), roster);
        let kept = Kept { opened_at, resolved_at: None, told_at: now, is_changed: false, members, shared };
        self.incidents.insert(incident.clone(), kept);
        self.told(&incident).map(Change::Opened)
    }

    /// Tells of the incidents that changed, unless they were told of a moment ago.
    pub(super) fn tell(&mut self, now: Millis, roster: &Roster) -> Vec<Change> {
        let is_due = |kept: &Kept| kept.is_changed && now.saturating_sub(kept.told_at) >= TELLS_EVERY_MS;
        let due = self.incidents.iter().filter(|(_, kept)| is_due(kept));
        let mut due: Vec<(Millis, String)> = due.map(|(incident, kept)| (kept.told_at, incident.clone())).collect();
        due.sort();
        let told = due.into_iter().filter_map(|(_, incident)| self.tell_again(&incident, now, roster));
        told.take(MOST_TOLD_AGAIN).collect()
    }

    fn tell_again(&mut self, incident: &str, now: Millis, roster: &Roster) -> Option<Change> {
        let goes_on = self.goes_on(incident);
        let shared = goes_on.then(|| shared(&self.struck(&self.incidents.get(incident)?.members), roster).into());
        let kept = self.incidents.get_mut(incident)?;
        (kept.told_at, kept.is_changed) = (now, false);
        // Who stands beside a struck device is looked at while it is struck.
        if let Some(Some(shared)) = shared.map(|shared: Option<_>| shared) {
            kept.shared = shared;
        }
        if goes_on {
            kept.resolved_at = None;
        } else if kept.resolved_at.is_some() {
            return None;
        }
        self.told(incident).map(Change::Updated)
    }

    /// Resolves what has been over for a while.
    pub(super) fn resolve(&mut self, now: Millis, roster: &Roster) -> Vec<Change> {
        let mut over: Vec<(Millis, String)> = self
            .incidents
            .iter()
            .filter(|(_, kept)| kept.resolved_at.is_none())
            .filter_map(|(incident, kept)| {
                let is_over = self.over_for(kept, now, roster)? >= QUIET_MS;
                let closed = kept.members.iter().filter_map(|key| self.alarms.get(key)?.closed_at);
                is_over.then_some((closed.max()?, incident.clone()))
            })
            .collect();
        over.sort();
        over.into_iter()
            .take(MOST_RESOLVED)
            .filter_map(|(over, incident)| {
                let kept = self.incidents.get_mut(&incident)?;
                (kept.resolved_at, kept.told_at, kept.is_changed) = (Some(over), now, false);
                self.told(&incident).map(Change::Resolved)
            })
            .collect()
    }

    /// Whether anything of an incident goes on.
    pub(super) fn goes_on(&self, incident: &str) -> bool {
        let Some(kept) = self.incidents.get(incident) else { return false };
        kept.members.iter().filter_map(|key| self.alarms.get(key)).any(|alarm| alarm.closed_at.is_none())
    }

    fn struck<'a>(&'a self, members: &'a BTreeSet<SeriesKey>) -> Struck<'a> {
        let mut struck = Struck::new();
        for (key, alarm) in members.iter().filter_map(|key| self.alarms.get_key_value(key)) {
            let (series, began_at) = struck.entry(key.device.as_str()).or_insert((Vec::new(), Millis::MAX));
            series.push(key);
            *began_at = alarm.finding.began_at.min(*began_at);
        }
        struck
    }

    /// An incident as it stands.
    pub(super) fn told(&self, incident: &str) -> Option<Incident> {
        let kept = self.incidents.get(incident)?;
        let members =
            kept.members.iter().filter_map(|key| self.alarms.get(key).map(|alarm: &Alarm| alarm.movement(key)));
        let mut moved = in_order(members);
        let began_at = moved.first()?.began_at;
        let mut seen = BTreeSet::new();
        let mut devices: Vec<String> = moved
            .iter()
            .map(|movement| movement.series.device.clone())
            .filter(|device| seen.insert(device.clone()))
            .collect();
        let (moved_in_all, devices_in_all) = (moved.len(), devices.len());
        let title = title(&moved, &devices, &kept.shared);
        moved.truncate(MOST_MOVED);
        devices.truncate(MOST_DEVICES);
        let mut told = Incident {
            incident: incident.to_owned(),
            state: if kept.resolved_at.is_some() { IncidentState::Resolved } else { IncidentState::Open },
            title,
            began_at,
            opened_at: kept.opened_at,
            resolved_at: kept.resolved_at,
            merged_into: None,
            moved,
            moved_in_all,
            devices,
            devices_in_all,
            shared: kept.shared.clone(),
            similar: Vec::new(),
        };
        told.similar = similar::similar(&self.past, &told);
        Some(told)
    }
}

/// Movements in the order in which they began.
fn in_order(movements: impl Iterator<Item = Movement>) -> Vec<Movement> {
    let mut movements: Vec<Movement> = movements.collect();
    movements.sort_by(|one, other| (one.began_at, &one.series).cmp(&(other.began_at, &other.series)));
    movements
}

/// An incident's name, from what moved first.
fn name(first: &Movement) -> String {
    let crate::series::SeriesKey { device, build, scene, metric } = &first.series;
    let at = first.began_at.to_string();
    let digest = Sha256::digest([device, build, scene, metric, &at].map(String::as_str).join("\n"));
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
