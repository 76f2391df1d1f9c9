//! Handing out: first what was given back or whose holder fell silent, then what is new, in the order of the log.

use std::sync::PoisonError;
use std::time::Duration;

use serde::Serialize;
use serde_json::value::RawValue;
use tokio::time::Instant;
use trust_core::principal::Principal;
use utoipa::ToSchema;

use super::book::{ATTEMPTS, Consumers, GaveUp, Kept, Local, conflict, pause};
use super::deliveries::MAX_BYTES;
use super::giving_up::{self, Head, Reason};
use super::names;
use super::record::Due;
use crate::backbone::{BackboneError, Freshness, Position};
use crate::problem::Problem;

/// Given up in one step; the others follow with the next look.
const GIVEN_UP_AT_ONCE: usize = 64;

/// Looks at the log for one answer; each is bounded by the store.
const PAGES: u32 = 8;

/// How far a consumer has looked without finding anything is written down no more often: it only spares another look.
const WRITTEN_EVERY: Duration = Duration::from_secs(10);

/// Between two looks of one who waits, whatever comes in meanwhile.
const LOOK_PAUSE: Duration = Duration::from_millis(15);

/// Whoever waits is woken by what happens; this is only for what nobody foresaw.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// What one fetch has handed out.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct Fetched {
    /// In the order of the log, those that are handed out again first.
    pub(crate) events: Vec<Delivered>,
    /// How long a holder may be silent.
    pub(crate) ack_wait_seconds: u32,
}

/// An event in the hands of the caller.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Delivered {
    /// Where it stands in the log.
    pub(crate) position: Position,
    /// To be given back with the position to settle it.
    pub(crate) fence: u64,
    /// How often it has been handed out, this time included.
    pub(crate) attempt: u32,
    /// In CloudEvents' JSON format.
    #[schema(value_type = Object)]
    pub(crate) event: Box<RawValue>,
}

/// What came of one look.
struct Look {
    fetched: Fetched,
    /// Whether there is more of the log to look at right now.
    is_unfinished: bool,
    /// When something in flight may be due.
    next_due: Option<Duration>,
}

/// A look under way.
struct Draft<'a> {
    consumers: &'a Consumers,
    kept: Kept,
    fetched: Fetched,
    bytes: usize,
    gave_up: GaveUp,
    is_changed: bool,
}

impl Consumers {
    /// At most `max` events; waits for the first one, but no longer than `wait`.
    pub(crate) async fn fetch(
        &self,
        owner: &Principal,
        name: &str,
        max: usize,
        wait: Duration,
    ) -> Result<Fetched, Problem> {
        // Before there is anything to remember of it here.
        self.find(owner, name).await?;
        let local = self.local(&names::key(owner, name));
        let begun = Instant::now();
        let (mut newest, mut changed) = (self.backbone.newest_position(), local.changed.subscribe());
        let mut freshness = Freshness::Current;
        loop {
            newest.mark_unchanged();
            changed.mark_unchanged();
            let Look { fetched, is_unfinished, next_due } = self.look(owner, name, max, freshness, &local).await?;
            let left = wait.saturating_sub(begun.elapsed());
            if !fetched.events.is_empty() || left.is_zero() {
                return Ok(fetched);
            }
            freshness = Freshness::Known;
            if is_unfinished {
                continue;
            }
            let pause = tokio::time::sleep(LOOK_PAUSE.min(left));
            tokio::select! {
                _ = newest.changed() => {}
                _ = changed.changed() => {}
                () = tokio::time::sleep(left.min(next_due.unwrap_or(left)).min(LOOK_EVERY)) => {}
            }
            pause.await;
        }
    }

    async fn look(
        &self,
        owner: &Principal,
        name: &str,
        max: usize,
        freshness: Freshness,
        local: &Local,
    ) -> Result<Look, Problem> {
        let _turn = local.turn.lock().await;
        for attempt in 0..ATTEMPTS {
            let kept = self.find(owner, name).await?;
            let elapsed = self.clock.elapsed();
            self.see(local, &kept.record);
            let due = kept.record.due(|position, delivery| local.seen.seen_for(position, delivery, elapsed));
            let next_due = due.next;
            let ack_wait_seconds = kept.record.settings.ack_wait_seconds();
            let fetched = Fetched { events: Vec::new(), ack_wait_seconds };
            let mut draft =
                Draft { consumers: self, kept, fetched, bytes: 0, gave_up: GaveUp::default(), is_changed: false };
            draft.kept.record.fence = draft.kept.record.fence.saturating_add(1);
            draft.again(due, max).await?;
            let is_unfinished = draft.anew(max, freshness, local).await?;
            let Draft { kept, fetched, gave_up, is_changed, .. } = draft;
            if !is_changed {
                return Ok(Look { fetched, is_unfinished, next_due });
            }
            let given_up = gave_up.letters.len();
            match self.write(kept, gave_up).await {
                Ok(()) => {
                    self.count_handed_out(&fetched.events);
                    self.count_given_up(Reason::TooManyDeliveries, given_up);
                    return Ok(Look { fetched, is_unfinished, next_due });
                }
                Err(Problem::Store(BackboneError::Conflict { .. })) => pause(attempt).await,
                Err(problem) => return Err(problem),
            }
        }
        Err(conflict(owner, name))
    }
}

impl Draft<'_> {
    /// What is due of the events in flight.
    async fn again(&mut self, due: Due, max: usize) -> Result<(), Problem> {
        let given_up: Vec<_> = due.given_up.into_iter().take(GIVEN_UP_AT_ONCE).collect();
        let mut positions: Vec<_> = due.ready.into_iter().take(max).chain(given_up.iter().copied()).collect();
        positions.sort_unstable();
        let found = self.consumers.events_at(&self.kept.record.settings, &positions).await?;
        let now = self.consumers.clock.now();
        for position in positions.into_iter().filter(|position| *position <= found.looked_up_to) {
            let Some(json) = found.events.get(&position) else {
                self.let_go(position);
                continue;
            };
            let head = Head::of(json)?;
            if head.is_skipped(&self.kept.record, now) {
                self.let_go(position);
            } else if given_up.contains(&position) {
                let attempt = self.kept.record.in_flight.get(&position).map_or(0, |delivery| delivery.attempt);
                let what = (position, &head, attempt);
                giving_up::add(&mut self.gave_up, &self.kept.record, what, Reason::TooManyDeliveries, None, now)?;
                self.let_go(position);
            } else {
                self.hand_out(position, None, json.clone())?;
            }
        }
        Ok(())
    }

    /// What is new. Says whether there is more of the log to look at.
    async fn anew(&mut self, max: usize, freshness: Freshness, local: &Local) -> Result<bool, Problem> {
        let mut looked = *local.looked.lock().unwrap_or_else(PoisonError::into_inner);
        if looked.born != self.kept.record.born {
            looked = super::book::Looked { born: self.kept.record.born, ..Default::default() };
        }
        let mut after = self.kept.record.cursor.max(looked.up_to);
        let mut is_unfinished = false;
        for _ in 0..PAGES {
            let limit = max.saturating_sub(self.fetched.events.len()).min(self.kept.record.room());
            if limit == 0 || self.bytes > MAX_BYTES {
                break;
            }
            let newest = *self.consumers.backbone.newest_position().borrow();
            let page = self.consumers.backbone.query(self.kept.record.settings.event_filter(after, limit, freshness));
            let page = page.await?;
            is_unfinished = page.next_after.is_some();
            // What was looked through without a match need not be looked through again.
            after =
                page.next_after.or(page.events.last().map(|event| event.position).max(Some(newest))).unwrap_or(after);
            for event in page.events {
                self.take_up(event.position, event.json)?;
            }
            if !is_unfinished {
                break;
            }
        }
        let elapsed = self.consumers.clock.elapsed();
        let is_late = elapsed.saturating_sub(looked.written_at) >= WRITTEN_EVERY;
        if after > self.kept.record.cursor && (self.is_changed || is_unfinished || is_late) {
            self.kept.record.cursor = after;
            looked.written_at = elapsed;
            self.is_changed = true;
        }
        // Not beyond what a look that is not written down has taken up.
        looked.up_to = if self.is_changed { looked.up_to } else { after.max(looked.up_to) };
        *local.looked.lock().unwrap_or_else(PoisonError::into_inner) = looked;
        Ok(is_unfinished)
    }

    fn take_up(&mut self, position: Position, json: String) -> Result<(), Problem> {
        let head = Head::of(&json)?;
        if head.is_skipped(&self.kept.record, self.consumers.clock.now()) {
            return Ok(());
        }
        let lane = self.kept.record.lane(head.subject.as_deref());
        if self.kept.record.is_busy(lane) {
            self.kept.record.queue(position, lane);
            self.is_changed = true;
            return Ok(());
        }
        self.hand_out(position, lane, json)
    }

    fn hand_out(&mut self, position: Position, lane: Option<u64>, json: String) -> Result<(), Problem> {
        self.bytes = self.bytes.saturating_add(json.len());
        let event = RawValue::from_string(json).map_err(Problem::internal)?;
        let attempt = self.kept.record.hand_out(position, lane);
        self.fetched.events.push(Delivered { position, fence: self.kept.record.fence, attempt, event });
        self.is_changed = true;
        Ok(())
    }

    fn let_go(&mut self, position: Position) {
        self.kept.record.in_flight.remove(&position);
        self.is_changed = true;
    }
}
