//! The clock goes on at another time than it had said: nothing that is kept lies in a future that is no more.

use super::alarm::Standing;
use super::{Book, GATHERS_MS};
use crate::Millis;
use crate::roster::Roster;

impl Book {
    /// The time is `now`, also where it was later before: what was to be waited for until then is waited for as long as usual. Times of
    /// devices stay as far as they are still believed.
    pub(crate) fn resume(&mut self, now: Millis, roster: &Roster) {
        for alarm in self.alarms.values_mut() {
            alarm.heard_at = alarm.heard_at.min(now);
            alarm.last_at = roster.believed(alarm.last_at);
            alarm.closed_at = alarm.closed_at.map(|at| roster.believed(at));
            alarm.finding.began_at = roster.believed(alarm.finding.began_at);
            if let Standing::Waits { until } = &mut alarm.standing {
                *until = roster.believed(*until).min(now.saturating_add(GATHERS_MS));
            }
        }
        for kept in self.incidents.values_mut() {
            kept.told_at = kept.told_at.min(now);
            kept.opened_at = roster.believed(kept.opened_at);
        }
    }
}
