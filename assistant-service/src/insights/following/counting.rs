//! Looks at what is new in the log and counts it.

use std::time::Duration;

use super::Follower;
use crate::backbone::StoredEvent;
use crate::clock::millis;
use crate::insights::book::{Interrupted, Step};
use crate::insights::finding::{Finding, WhyUnknown};
use crate::insights::grouping::Key;
use crate::insights::sighting::Sighting;
use crate::insights::window::Window;

const PAGE: u32 = 256;

/// Windows that one commit changes, each of some kilobytes.
const WINDOWS_PER_STEP: usize = 64;

/// Matters that are open at once. Those beyond are one: none is lost, and nobody fills the store by inventing keys.
pub(in crate::insights) const MOST_WINDOWS: usize = 1000;

/// The key of all matters for which there is no room of their own.
pub(in crate::insights) const OTHERS: &str = "others";

/// Insights that may wait for the assistant.
pub(in crate::insights) const MOST_WAITING: usize = 64;

/// How far a watch has looked without a match is written down no more often: it only spares another look.
const WRITTEN_EVERY: Duration = Duration::from_secs(10);

const MEASURED_EVERY: Duration = Duration::from_secs(10);
const MOST_LAG: u32 = 1000;

const MILLIS_PER_HOUR: i64 = 60 * 60 * 1000;

impl Follower {
    /// Counts what is new, as far as one step goes. Says whether there is more.
    pub(in crate::insights) async fn look(&mut self) -> Result<bool, Interrupted> {
        let newest = *self.newest.borrow();
        let page = self.state.backbone.query(self.watch.event_filter(self.looked, PAGE)).await?;
        let mut is_unfinished = page.next_after.is_some();
        let last = page.events.last().map(|event| event.position);
        let mut up_to = page.next_after.or(last.max(Some(newest))).unwrap_or(self.looked).max(self.looked);
        let (mut step, mut told) = (Step::default(), Vec::new());
        for stored in &page.events {
            told.extend(self.count(stored, &mut step)?);
            if step.changed.len() >= WINDOWS_PER_STEP && Some(stored.position) != last {
                (up_to, is_unfinished) = (stored.position, true);
                break;
            }
        }
        self.looked = up_to;
        let elapsed = self.state.clock.elapsed();
        let is_late = elapsed.saturating_sub(self.written_at) >= WRITTEN_EVERY && up_to > self.book.place.cursor;
        if !step.changed.is_empty() || is_late {
            self.book.place.cursor = up_to;
            self.book.write(step).await?;
            self.written_at = elapsed;
            told.into_iter().for_each(|finding: Finding| self.count_told(finding.judgement));
        }
        self.measure(is_unfinished, elapsed).await?;
        Ok(is_unfinished)
    }

    /// Counts one event; gives what is told at once because the assistant is not asked.
    fn count(&mut self, stored: &StoredEvent, step: &mut Step) -> Result<Option<Finding>, Interrupted> {
        let now = self.state.clock.now();
        let event = match Sighting::read(stored, now) {
            Ok(event) => event,
            Err(error) => {
                // It was checked when it came in; whatever it is, the events after it must not wait for it.
                tracing::error!(position = stored.position, %error, "an event is left out");
                return Ok(None);
            }
        };
        if !self.watch.matches(&event) {
            return Ok(None);
        }
        let event = event.suggesting(&*self.state.runbooks);
        let key = self.room_for(Key::of(&self.watch, &event), step);
        let window = self.book.windows.entry(key.digest.clone()).or_insert_with(|| Window::new(&key));
        let is_due = window.count(&event, &self.watch, &key, millis(now));
        step.changed.insert(key.digest.clone());
        if !is_due {
            return Ok(None);
        }
        match self.may_ask(millis(now)) {
            Ok(()) => Ok(None),
            Err(why) => {
                let finding = Finding::unknown(why);
                self.add_created(&key.digest, &finding, step)?;
                Ok(Some(finding))
            }
        }
    }

    /// The key under which an event is counted. Where there is no room for another matter, one that has not come to anything goes;
    /// where all have, this one is counted among the others.
    fn room_for(&mut self, key: Key, step: &mut Step) -> Key {
        if self.book.windows.len() < MOST_WINDOWS || self.book.windows.contains_key(&key.digest) {
            return key;
        }
        let counting = self.book.windows.iter().filter(|(digest, window)| window.is_counting() && *digest != OTHERS);
        match counting.min_by_key(|(_, window)| window.counted_at).map(|(digest, _)| digest.clone()) {
            Some(oldest) => {
                self.book.windows.remove(&oldest);
                step.changed.insert(oldest);
                if self.state.metrics.insights.dropped.get_or_create(&self.label()).inc() == 0 {
                    tracing::warn!(watch = self.watch.name, "more matters than are kept: the oldest are forgotten");
                }
                key
            }
            None => Key { digest: OTHERS.to_owned(), shown: [(OTHERS.to_owned(), None)].into() },
        }
    }

    /// Whether the assistant may be asked once more, which is then counted.
    fn may_ask(&mut self, now: i64) -> Result<(), WhyUnknown> {
        // The one that has just become due is among them.
        if self.book.windows.values().filter(|window| window.is_waiting()).count() > MOST_WAITING {
            return Err(WhyUnknown::TooManyWait);
        }
        let hour = now / MILLIS_PER_HOUR;
        let place = &mut self.book.place;
        if place.asked_hour != hour {
            (place.asked_hour, place.asked) = (hour, 0);
        }
        if place.asked >= self.watch.insights_per_hour {
            return Err(WhyUnknown::InsightsPerHour);
        }
        place.asked = place.asked.saturating_add(1);
        Ok(())
    }

    async fn measure(&mut self, is_unfinished: bool, elapsed: Duration) -> Result<(), Interrupted> {
        let is_due = self.measured_at.is_none_or(|at| elapsed.saturating_sub(at) >= MEASURED_EVERY);
        let lag = if !is_unfinished {
            0
        } else if is_due {
            self.measured_at = Some(elapsed);
            self.state.backbone.query(self.watch.event_filter(self.looked, MOST_LAG)).await?.events.len()
        } else {
            return Ok(());
        };
        let lag = i64::try_from(lag).unwrap_or(i64::MAX);
        self.state.metrics.insights.lag.get_or_create(&self.label()).set(lag);
        Ok(())
    }
}
