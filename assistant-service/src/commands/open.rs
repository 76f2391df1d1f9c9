//! What this process knows of all open commands, so that whoever waits for one need not read them all: which are scheduled
//! for whom, from when on, and who waits for them here. The store alone says what is true; what is known here is where to look.

mod waiting;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::{Bound, RangeBounds};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use time::OffsetDateTime;
use tokio::sync::Notify;
use trust_core::principal::Principal;

use super::record::{Record, Terms};
use super::state::State;
use crate::backbone::Revision;
use crate::clock::until;
use crate::runbooks::{Concurrency, Target};

/// The open commands as they were last seen.
#[derive(Default)]
pub(super) struct OpenCommands(Mutex<Known>);

#[derive(Default)]
struct Known {
    commands: HashMap<String, Sighted>,
    /// For each service the scheduled ones by key, old ones first, with when they are ready by the clock's own time.
    scheduled: HashMap<String, BTreeMap<String, Duration>>,
    /// Those that somebody here is about to lease.
    in_hand: HashSet<String>,
    waiting: HashMap<String, Arc<Notify>>,
}

struct Sighted {
    revision: Revision,
    brief: Brief,
}

/// As much of a record as is known of each.
#[derive(Deserialize)]
pub(super) struct Brief {
    pub(super) command: BriefCommand,
    #[serde(default)]
    pub(super) terms: BriefTerms,
    pub(super) timeout_seconds: u64,
    pub(super) fence: u64,
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub(super) scheduled_at: Option<OffsetDateTime>,
}

#[derive(Deserialize)]
pub(super) struct BriefCommand {
    pub(super) state: State,
    pub(super) runbook: String,
    pub(super) target: Target,
    pub(super) requested_by: Principal,
    #[serde(with = "time::serde::rfc3339")]
    pub(super) requested_at: OffsetDateTime,
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub(super) not_before: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339")]
    pub(super) updated_at: OffsetDateTime,
}

#[derive(Deserialize)]
pub(super) struct BriefTerms {
    pub(super) approval_lifetime_seconds: u64,
    concurrency: Concurrency,
}

impl Default for BriefTerms {
    fn default() -> Self {
        Self::from(&Terms::default())
    }
}

impl From<&Terms> for BriefTerms {
    fn from(terms: &Terms) -> Self {
        Self { approval_lifetime_seconds: terms.approval_lifetime_seconds, concurrency: terms.concurrency }
    }
}

impl From<&Record> for Brief {
    fn from(record: &Record) -> Self {
        let command = &record.command;
        let command = BriefCommand {
            state: command.state,
            runbook: command.runbook.clone(),
            target: command.target.clone(),
            requested_by: command.requested_by.clone(),
            requested_at: command.requested_at,
            not_before: command.not_before,
            updated_at: command.updated_at,
        };
        Self {
            command,
            terms: BriefTerms::from(&record.terms),
            timeout_seconds: record.timeout_seconds,
            fence: record.fence(),
            scheduled_at: record.scheduled_at,
        }
    }
}

impl Brief {
    /// When it is ready by the clock's own time: by the wall clock, but not later than its pause from when it was first seen.
    fn ready_at(&self, (now, elapsed): (OffsetDateTime, Duration)) -> Duration {
        let Some(not_before) = self.command.not_before else { return Duration::ZERO };
        elapsed.saturating_add(until(not_before, now).min(until(not_before, self.command.updated_at)))
    }

    fn frees_a_place_for_others(&self, then: Option<&Self>) -> bool {
        let has_bound = self.terms.concurrency.per_runbook.or(self.terms.concurrency.per_target).is_some();
        has_bound && self.command.state.is_held() && then.is_none_or(|then| !then.command.state.is_held())
    }
}

/// A command that is scheduled, as far as is known. Nobody else here is handed it meanwhile.
pub(super) struct Candidate<'a> {
    pub(super) key: String,
    pub(super) runbook: String,
    open: &'a OpenCommands,
}

impl Drop for Candidate<'_> {
    fn drop(&mut self) {
        self.open.lock().in_hand.remove(&self.key);
    }
}

impl OpenCommands {
    /// Sees a command as it is in this revision, `None` where it is open no more, and wakes who waits for what that means.
    /// What was seen in a later revision stays.
    pub(super) fn saw(
        &self,
        key: &str,
        revision: Revision,
        brief: Option<Brief>,
        (now, elapsed): (OffsetDateTime, Duration),
    ) {
        let mut known = self.lock();
        if known.commands.get(key).is_some_and(|sighted| sighted.revision >= revision) {
            return;
        }
        let (before, was_ready_at) = known.forget(key);
        if let Some(before) = before.as_ref().filter(|before| before.frees_a_place_for_others(brief.as_ref())) {
            known.wake_those_who_wait_for(&before.command.runbook);
        }
        let Some(brief) = brief else { return };
        if brief.command.state == State::Scheduled {
            let service = brief.command.target.service.clone();
            let is_same_pause = before.is_some_and(|before| before.command.not_before == brief.command.not_before);
            let ready_at = was_ready_at.filter(|_| is_same_pause).unwrap_or_else(|| brief.ready_at((now, elapsed)));
            known.wake(&service, ready_at > elapsed);
            known.scheduled.entry(service).or_default().insert(key.to_owned(), ready_at);
        }
        known.commands.insert(key.to_owned(), Sighted { revision, brief });
    }

    /// Forgets what has a key in this range and was not among the open ones when it was looked at; what was seen after
    /// `looked_at` may have come later.
    pub(super) fn keep(&self, looked_at: Revision, range: (Bound<&str>, Bound<&str>), is_open: impl Fn(&str) -> bool) {
        let mut known = self.lock();
        let is_gone = |key: &str, sighted: &Sighted| {
            sighted.revision <= looked_at && RangeBounds::<str>::contains(&range, key) && !is_open(key)
        };
        let gone = known.commands.iter().filter(|(key, sighted)| is_gone(key, sighted));
        for key in gone.map(|(key, _)| key.clone()).collect::<Vec<_>>() {
            known.forget(&key);
        }
    }

    /// Tells each that is known, in no order. What is told must not ask for anything that is known here.
    pub(super) fn each(&self, mut tell: impl FnMut(&str, Revision, &Brief)) {
        let known = self.lock();
        known.commands.iter().for_each(|(key, sighted)| tell(key, sighted.revision, &sighted.brief));
    }

    /// How many are open, and how many of them this one has asked for.
    pub(super) fn counts(&self, requester: &Principal) -> (usize, usize) {
        let known = self.lock();
        let own = known.commands.values().filter(|sighted| sighted.brief.command.requested_by == *requester).count();
        (known.commands.len(), own)
    }

    /// The oldest command that is ready for `service`, that nobody here is about to lease and whose key is beyond `after`.
    pub(super) fn next_ready(
        &self,
        service: &str,
        after: Option<&str>,
        elapsed: Duration,
        is_wanted: impl Fn(&str) -> bool,
    ) -> Option<Candidate<'_>> {
        let mut known = self.lock();
        let beyond = (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded);
        let mut ready = known.scheduled.get(service)?.range::<str, _>(beyond).filter(|(_, at)| **at <= elapsed);
        let (key, runbook) = ready.find_map(|(key, _)| {
            let runbook = &known.commands.get(key)?.brief.command.runbook;
            (!known.in_hand.contains(key) && is_wanted(runbook)).then(|| (key.clone(), runbook.clone()))
        })?;
        known.in_hand.insert(key.clone());
        Some(Candidate { key, runbook, open: self })
    }

    /// Whether a command is scheduled and need not wait any longer.
    pub(super) fn is_ready(&self, service: &str, key: &str, elapsed: Duration) -> bool {
        let known = self.lock();
        known.scheduled.get(service).and_then(|scheduled| scheduled.get(key)).is_some_and(|at| *at <= elapsed)
    }

    /// How long it is until the next command that waits to be tried again is ready for `service`.
    pub(super) fn until_next(&self, service: &str, elapsed: Duration) -> Option<Duration> {
        let known = self.lock();
        let later = known.scheduled.get(service)?.values().filter(|at| **at > elapsed);
        later.min().map(|at| at.saturating_sub(elapsed))
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// What was known of it, and when it would have been ready.
    fn forget(&mut self, key: &str) -> (Option<Brief>, Option<Duration>) {
        let Some(Sighted { brief, .. }) = self.commands.remove(key) else { return (None, None) };
        let service = &brief.command.target.service;
        let scheduled = self.scheduled.get_mut(service);
        let ready_at = scheduled.and_then(|scheduled| scheduled.remove(key));
        if self.scheduled.get(service).is_some_and(BTreeMap::is_empty) {
            self.scheduled.remove(service);
        }
        (Some(brief), ready_at)
    }

    /// A place of a runbook is free: one of each service that may take it looks again.
    fn wake_those_who_wait_for(&self, runbook: &str) {
        for (service, scheduled) in &self.scheduled {
            let is_of_it = |key| self.commands.get(key).is_some_and(|other| other.brief.command.runbook == runbook);
            if scheduled.keys().any(is_of_it) {
                self.wake(service, false);
            }
        }
    }
}

#[cfg(test)]
mod tests;
