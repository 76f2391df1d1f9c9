//! The book of all commands: reads records from the backbone, and commits each change together with its events.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::{Arc, OnceLock};

use serde_json::value::to_raw_value;
use time::{Duration, OffsetDateTime};
use trust_core::principal::Principal;

use super::announce::Reached;
use super::command::Command;
use super::concurrency::Turns;
use super::open::OpenCommands;
use super::output::Piece;
use super::record::Record;
use super::round::Round;
use super::state::{State, Step};
use super::time_seen::TimeSeen;
use crate::backbone::{Backbone, BackboneError, Batch, Entry, NewEvent, Put, Revision};
use crate::clock::Clock;
use crate::events::{CloudEvent, Stamp};
use crate::gate::Caller;
use crate::metrics::{Metrics, StateLabel};
use crate::problem::Problem;
use crate::runbooks::RunbookCatalogue;
use crate::telemetry::Traces;

/// Commands that are not at their end. Apart from the others, because they are looked through every second.
pub(super) const OPEN: &str = "commands.open";
pub(super) const ENDED: &str = "commands.ended";

/// The type of events with a piece of output.
const OUTPUT: &str = "dev.watchgate.command.output";

/// More open commands are not taken: somebody is asking in a loop, or nobody carries anything out.
pub(super) const MAX_OPEN: usize = 1000;

/// The share of one requester, who must not keep all others from asking.
pub(super) const MAX_OPEN_OF_ONE: usize = 100;

/// Read at once: a record may have some hundred kilobytes.
pub(super) const LIST_PAGE: u32 = 50;

/// How many pages of a bucket are looked through for one list, however few of them match.
const LIST_PAGES: usize = 40;

/// How long a command can be looked at after its end. Its events are kept as long as the retention of events says.
pub(super) const ENDED_KEPT_FOR: Duration = Duration::days(90);

/// All commands.
pub struct Commands {
    pub(super) backbone: Arc<dyn Backbone>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) runbooks: Arc<dyn RunbookCatalogue>,
    pub(super) metrics: Arc<Metrics>,
    /// Where to look for open commands.
    pub(super) known: OpenCommands,
    pub(super) round: Round,
    pub(super) reached: Reached,
    pub(super) turns: Turns,
    pub(super) time_seen: TimeSeen,
    /// Where spans go, if anywhere.
    pub(super) traces: OnceLock<Traces>,
}

/// A record and the revision that a change of it must give.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) record: Record,
    pub(super) revision: Revision,
}

/// What a look through commands gave.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) commands: Vec<Command>,
    /// The last identifier that was looked at, where the look ended before its time.
    pub(super) stopped_at: Option<String>,
}

/// One command as it is kept.
pub(crate) async fn command(backbone: &dyn Backbone, id: &str) -> Result<Command, Problem> {
    Ok(find(backbone, id).await?.record.command)
}

/// Commands move from the open ones to the ended ones only, so looking in this order misses none.
pub(super) async fn find(backbone: &dyn Backbone, id: &str) -> Result<Kept, Problem> {
    for bucket in [OPEN, ENDED] {
        if let Some(entry) = backbone.get(bucket, id.to_owned()).await? {
            return Ok(kept(&entry)?);
        }
    }
    Err(Problem::NotFound)
}

impl Commands {
    /// The commands in `backbone`, made from `runbooks`.
    pub fn new(
        backbone: Arc<dyn Backbone>,
        clock: Arc<dyn Clock>,
        runbooks: Arc<dyn RunbookCatalogue>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let time_seen = TimeSeen::since_now(&*clock);
        let reached = Reached::nothing(&*backbone);
        let (known, turns) = (OpenCommands::default(), Turns::default());
        let (round, traces) = (Round::default(), OnceLock::new());
        Self { backbone, clock, runbooks, metrics, known, round, reached, turns, time_seen, traces }
    }

    pub(super) fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }

    pub(super) async fn find(&self, id: &str) -> Result<Kept, Problem> {
        find(&*self.backbone, id).await
    }

    /// How many are not at their end, and how many of those this one has asked for.
    pub(super) async fn open_counts(&self, requester: &Principal) -> Result<(usize, usize), BackboneError> {
        self.catch_up().await?;
        Ok(self.known.counts(requester))
    }

    /// At most `limit` of a bucket that match, with identifiers below `before`, new ones first; looks through a bounded part of
    /// the history, and ends once it has found records of `max_bytes`. With `known` it looks where those are that may match.
    pub(super) async fn look_through(
        &self,
        bucket: &'static str,
        mut before: Option<String>,
        (limit, max_bytes): (usize, usize),
        known: Option<&BTreeSet<String>>,
        matches: impl Fn(&Command) -> bool,
    ) -> Result<Found, BackboneError> {
        let mut found = Found::default();
        let mut bytes = 0_usize;
        for _ in 0..LIST_PAGES {
            if let Some(known) = known {
                let below = (Bound::Unbounded, before.as_deref().map_or(Bound::Unbounded, Bound::Excluded));
                let Some(next) = known.range::<str, _>(below).next_back() else { return Ok(found) };
                before = Some(just_above(next));
            }
            let entries = self.backbone.list(bucket, before.clone(), LIST_PAGE).await?;
            let Some(last) = entries.last() else { return Ok(found) };
            before = Some(last.key.clone());
            for entry in entries.iter().filter(|entry| known.is_none_or(|known| known.contains(&entry.key))) {
                let Some(kept) = readable(entry).filter(|kept| matches(&kept.record.command)) else { continue };
                found.commands.push(kept.record.command);
                if found.commands.len() == limit {
                    return Ok(found);
                }
                bytes = bytes.saturating_add(entry.value.len());
                if bytes >= max_bytes {
                    found.stopped_at = Some(entry.key.clone());
                    return Ok(found);
                }
            }
        }
        found.stopped_at = before;
        Ok(found)
    }

    /// Puts a new record in the book, in the state after `first`, together with `beside`.
    pub(super) async fn begin(
        &self,
        record: Record,
        first: Step,
        caller: &Caller,
        beside: Vec<Put>,
    ) -> Result<Kept, Problem> {
        self.write(None, record, vec![first], Some(caller), beside).await?.ok_or_else(unplaced)
    }

    /// Takes `steps` one after the other, as one change. `caller` is who made it happen; time does some alone.
    pub(super) async fn advance(&self, kept: Kept, steps: Vec<Step>, caller: Option<&Caller>) -> Result<Kept, Problem> {
        self.write(Some(kept.revision), kept.record, steps, caller, Vec::new()).await?.ok_or_else(unplaced)
    }

    /// Gives a command to `holder`, who is calling; `None` where as many of its runbook are carried out as may be.
    pub(super) async fn give(&self, kept: Kept, holder: Principal, caller: &Caller) -> Result<Option<Kept>, Problem> {
        let steps = vec![Step::Lease { holder }];
        self.write(Some(kept.revision), kept.record, steps, Some(caller), Vec::new()).await
    }

    /// The command, unless its time to begin is over: then that is written down first. The sweep does the same, a moment
    /// later.
    pub(super) async fn in_time(&self, kept: Kept) -> Result<Kept, Problem> {
        match self.due(&kept) {
            Some(step @ Step::Expire) => {
                let expired = self.advance(kept, vec![step], None).await?;
                Err(Problem::WrongState(expired.record.command.state))
            }
            _ => Ok(kept),
        }
    }

    /// Commits a record with an event for each of its new states and what stands beside it, then tells who waits. `None` where
    /// this would take a place of its runbook's and none is free.
    async fn write(
        &self,
        read: Option<Revision>,
        mut record: Record,
        steps: Vec<Step>,
        caller: Option<&Caller>,
        beside: Vec<Put>,
    ) -> Result<Option<Kept>, Problem> {
        let before = record.command.state;
        let mut states = Vec::new();
        let mut events = Vec::new();
        if read.is_none() {
            states.push(record.command.state);
            events.push(self.event(&record.command, caller)?);
        }
        let heard = record.take_untold();
        for step in steps {
            record.take(step, self.now()).map_err(|refused| Problem::WrongState(refused.0))?;
            states.push(record.command.state);
            events.extend(self.output_events(record.take_untold(), &record.command.id, caller)?);
            events.push(self.event(&record.command, caller)?);
        }
        events.extend(self.output_events(heard, &record.command.id, caller)?);
        // The record's own stand last: the revision of the last one is the record's.
        let puts = beside.into_iter().chain(puts(&record, read).map_err(Problem::internal)?).collect();
        let committed = self.commit_with_places(before, &record, Batch { events, puts }).await?;
        let Some(committed) = committed else { return Ok(None) };
        for state in &states {
            self.count(*state);
        }
        self.tell_spans(before, &record);
        let revision = committed.revisions.last().copied();
        let revision = revision.ok_or_else(|| Problem::mistake("the store did not say what an entry's revision is"))?;
        let kept = Kept { record, revision };
        self.sees_kept(&kept);
        let command = &kept.record.command;
        self.time_seen.of((&command.id, revision), (command.state, kept.record.fence()), self.clock.elapsed());
        Ok(Some(kept))
    }

    fn count(&self, state: State) {
        self.metrics.command_steps.get_or_create(&StateLabel { state: state.name() }).inc();
    }

    /// That a command has come to its state.
    fn event(&self, command: &Command, caller: Option<&Caller>) -> Result<NewEvent, Problem> {
        let data = to_raw_value(command).map_err(Problem::internal)?;
        let event_type = format!("dev.watchgate.command.{}", command.state.name());
        self.stamped(CloudEvent::own(event_type, Some(command.id.clone()), data), &command.id, caller)
    }

    fn output_events(&self, pieces: Vec<Piece>, id: &str, caller: Option<&Caller>) -> Result<Vec<NewEvent>, Problem> {
        let event = |piece: Piece| {
            let data = to_raw_value(&piece).map_err(Problem::internal)?;
            self.stamped(CloudEvent::own(OUTPUT.to_owned(), Some(id.to_owned()), data), id, caller)
        };
        pieces.into_iter().map(event).collect()
    }

    /// An event about the command with this id.
    pub(super) fn stamped(&self, event: CloudEvent, id: &str, caller: Option<&Caller>) -> Result<NewEvent, Problem> {
        let stamp = Stamp { caller, correlation_id: Some(id), traceparent: None, arrived_at: self.now() };
        NewEvent::try_from(event.stamped(&stamp)).map_err(Problem::internal)
    }
}

fn unplaced() -> Problem {
    Problem::mistake("a step that takes no place found none free")
}

/// Below this lies `key`, and nothing beyond it that could be a key.
fn just_above(key: &str) -> String {
    format!("{key}\u{1}")
}

/// A record that has come to its end leaves the open ones in the same step.
fn puts(record: &Record, read: Option<Revision>) -> Result<Vec<Put>, serde_json::Error> {
    let value = Some(serde_json::to_vec(record)?);
    let put = |bucket, value, expected_revision, expires_at| Put {
        bucket,
        key: record.command.id.clone(),
        value,
        expected_revision,
        expires_at,
    };
    Ok(if record.command.state.is_final() {
        let expires_at = record.command.updated_at.checked_add(ENDED_KEPT_FOR);
        vec![put(OPEN, None, read, None), put(ENDED, value, None, expires_at)]
    } else {
        vec![put(OPEN, value, read, None)]
    })
}

/// One record that cannot be read must not hide the others.
pub(super) fn readable(entry: &Entry) -> Option<Kept> {
    kept(entry).inspect_err(|error| tracing::error!(%error, "a command is left out")).ok()
}

fn kept(entry: &Entry) -> Result<Kept, BackboneError> {
    let unreadable = |error| BackboneError::Unavailable(format!("the command {} is not readable: {error}", entry.key));
    let record = serde_json::from_slice(&entry.value).map_err(unreadable)?;
    Ok(Kept { record, revision: entry.revision })
}
