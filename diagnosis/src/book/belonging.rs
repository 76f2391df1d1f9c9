//! Which alarms have one cause.

use std::collections::{BTreeMap, BTreeSet};

use super::Book;
use super::alarm::Alarm;
use crate::Millis;
use crate::detector::Kind;
use crate::roster::{Device, Roster};
use crate::series::SeriesKey;
use crate::watch::Finding;

/// Alarms whose beginnings lie farther apart have one cause only while the earlier one goes on.
pub(super) const WINDOW_MS: Millis = 10 * 60_000;

/// What begins within this time after a device has got another build, begins with the build.
pub(super) const CHANGED_MS: Millis = 10 * 60_000;

/// An alarm is held against so many others at most, and so many of one incident: thousands that have nothing in common are no reason to stand
/// still, and of those that have, any says so. What one does not see another does, or the next of the same device.
const MOST_COMPARED: usize = 2048;
const MOST_OF_AN_INCIDENT: usize = 256;

/// Of alarms of one cause so many are held against incidents.
const MOST_SPEAKING: usize = 64;

/// Why two alarms belong together, the strongest reason first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Tie {
    /// On one device.
    Device,
    /// The same metric the same way, on devices that share a trait, a build or a scene.
    Movement,
    /// With the same new build.
    Build,
}

type Member<'a> = (&'a SeriesKey, &'a Alarm);

impl Book {
    /// The incidents that alarms of one cause belong to: that of the strongest reason first, and of those the oldest.
    pub(super) fn incidents_of<'a>(
        &self,
        alarms: impl IntoIterator<Item = &'a SeriesKey>,
        roster: &Roster,
    ) -> Vec<String> {
        let alarms = alarms.into_iter().filter_map(|key| self.alarms.get_key_value(key));
        let alarms: Vec<Member<'_>> = alarms.take(MOST_SPEAKING).collect();
        let mut ties: BTreeMap<&String, Tie> = BTreeMap::new();
        for alarm in &alarms {
            let on_device = self.of(&alarm.0.device).filter(|member| tie(*alarm, *member, roster).is_some());
            ties.extend(on_device.filter_map(|(_, member)| Some((member.incident()?, Tie::Device))));
        }
        let tie_of = |member| alarms.iter().filter_map(|alarm| tie(*alarm, member, roster)).min();
        let mut left = MOST_COMPARED;
        for (incident, kept) in &self.incidents {
            if left == 0 {
                break;
            }
            if ties.contains_key(incident) {
                continue;
            }
            let looked_at = kept.members.len().min(MOST_OF_AN_INCIDENT).min(left);
            left = left.saturating_sub(looked_at);
            let members = kept.members.iter().take(looked_at).filter_map(|member| self.alarms.get_key_value(member));
            ties.extend(members.filter_map(tie_of).min().map(|tie| (incident, tie)));
        }
        let opened_at = |incident: &String| self.incidents.get(incident).map(|kept| kept.opened_at);
        let mut ties: Vec<(Tie, Option<Millis>, &String)> =
            ties.into_iter().map(|(incident, tie)| (tie, opened_at(incident), incident)).collect();
        ties.sort();
        ties.into_iter().map(|(_, _, incident)| incident.clone()).collect()
    }

    /// The waiting alarms that have one cause with `first`, and it itself.
    pub(super) fn gathered(&self, first: &SeriesKey, roster: &Roster) -> BTreeSet<SeriesKey> {
        let mut waiting: BTreeMap<&SeriesKey, &Alarm> = self.alarms.iter().filter(|(_, alarm)| alarm.waits()).collect();
        let mut found: Vec<Member<'_>> = waiting.remove_entry(first).into_iter().collect();
        let mut looked_at = 0;
        while let Some(member) = found.get(looked_at).copied() {
            let tied: Vec<&SeriesKey> = waiting
                .iter()
                .take(MOST_COMPARED)
                .filter(|(key, alarm)| tie((key, alarm), member, roster).is_some())
                .map(|(key, _)| *key)
                .collect();
            found.extend(tied.into_iter().filter_map(|key| waiting.remove_entry(key)));
            looked_at = looked_at.saturating_add(1);
        }
        found.into_iter().map(|(key, _)| key.clone()).collect()
    }
}

fn tie(one: Member<'_>, other: Member<'_>, roster: &Roster) -> Option<Tie> {
    let (one_began, other_began) = (one.1.finding.began_at, other.1.finding.began_at);
    let goes_on_until = other.1.closed_at.unwrap_or(Millis::MAX);
    let is_near = one_began.abs_diff(other_began) <= WINDOW_MS.unsigned_abs()
        || (one_began >= other_began && one_began.saturating_sub(WINDOW_MS) <= goes_on_until);
    if !is_near {
        return None;
    }
    if one.0.device == other.0.device {
        return Some(Tie::Device);
    }
    let devices = (roster.get(&one.0.device)?, roster.get(&other.0.device)?);
    if one.0.metric == other.0.metric && move_alike(&one.1.finding, &other.1.finding) && share(one.0, other.0, devices)
    {
        return Some(Tie::Movement);
    }
    let is_same_build = one.0.build == other.0.build && !one.0.build.is_empty();
    (is_same_build && is_new(devices.0, one_began) && is_new(devices.1, other_began)).then_some(Tie::Build)
}

/// Whether two alarms of one metric tell of the same move. What swings and spikes both ways has no direction that counts.
fn move_alike(one: &Finding, other: &Finding) -> bool {
    let is_restless = |finding: &Finding| matches!(finding.kind, Kind::Spike | Kind::Variance);
    one.direction == other.direction || (is_restless(one) || is_restless(other))
}

/// Whether a device had got its build not long before.
pub(super) fn is_new(device: &Device, at: Millis) -> bool {
    let since = |changed: Millis| at.saturating_sub(changed);
    device.build_since.is_some_and(|changed| (-CHANGED_MS..=CHANGED_MS).contains(&since(changed)))
}

fn share(one: &SeriesKey, other: &SeriesKey, devices: (&Device, &Device)) -> bool {
    let same = |one: &str, other: &str| one == other && !one.is_empty();
    same(&one.build, &other.build)
        || same(&one.scene, &other.scene)
        || devices.0.traits.iter().any(|(name, value)| devices.1.traits.get(name) == Some(value))
}
