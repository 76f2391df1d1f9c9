//! Incidents that turn out to have one cause become one. Which alarm comes first is chance: were the one that belongs to two incidents the
//! first of all, there would be one incident from the beginning.

use super::belonging::WINDOW_MS;
use super::{Book, Standing};
use crate::Millis;
use crate::engine::Change;
use crate::incident::IncidentState;

/// One batch or tick merges no more than this, and no more pairs are remembered: of what is one cause there is soon another alarm that says so.
pub(super) const MOST_MERGED: usize = 4;
const MOST_BRIDGED: usize = 64;

impl Book {
    /// Takes note that an alarm, which has joined one incident, belongs to others too.
    pub(super) fn bridge(&mut self, joined: &str, others: &[String]) {
        for other in others {
            if self.bridged.len() < MOST_BRIDGED {
                self.bridged.insert((joined.to_owned(), other.clone()));
            }
        }
    }

    /// Makes one of incidents that an alarm belongs to both of; the one that was opened first stays, and the other is told as resolved, with
    /// what it is part of.
    pub(super) fn merge(&mut self, now: Millis) -> Vec<Change> {
        let mut changes = Vec::new();
        while changes.len() < MOST_MERGED
            && let Some((one, other)) = self.bridged.pop_first()
        {
            changes.extend(self.merge_two(&one, &other, now));
        }
        changes
    }

    fn merge_two(&mut self, one: &str, other: &str, now: Millis) -> Option<Change> {
        let is_near = self.began_at(one)?.abs_diff(self.began_at(other)?) <= WINDOW_MS.unsigned_abs();
        if !is_near || !self.is_open(one) || !self.is_open(other) {
            return None;
        }
        let opened_at = |incident| Some((self.incidents.get(incident)?.opened_at, incident));
        let (_, older) = opened_at(one).min(opened_at(other))?;
        let younger = if older == one { other } else { one };
        let mut told = self.told(younger)?;
        let members = self.incidents.remove(younger)?.members;
        for key in &members {
            if let Some(alarm) = self.alarms.get_mut(key) {
                alarm.standing = Standing::Of(older.to_owned());
            }
        }
        let kept = self.incidents.get_mut(older)?;
        kept.members.extend(members);
        kept.is_changed = true;
        // What was to be looked at with the one that is gone is looked at with the one that stays.
        let stays = |incident: String| if incident == younger { older.to_owned() } else { incident };
        let bridged = std::mem::take(&mut self.bridged).into_iter().map(|(one, other)| (stays(one), stays(other)));
        self.bridged = bridged.filter(|(one, other)| one != other).collect();
        (told.state, told.resolved_at, told.merged_into) = (IncidentState::Resolved, Some(now), Some(older.to_owned()));
        Some(Change::Resolved(told))
    }

    /// Whether an incident is open, or will be told so again.
    fn is_open(&self, incident: &str) -> bool {
        self.incidents.get(incident).is_some_and(|kept| kept.resolved_at.is_none()) || self.goes_on(incident)
    }

    /// When the first thing of an incident moved.
    fn began_at(&self, incident: &str) -> Option<Millis> {
        let members = &self.incidents.get(incident)?.members;
        members.iter().filter_map(|key| self.alarms.get(key)).map(|alarm| alarm.finding.began_at).min()
    }
}
