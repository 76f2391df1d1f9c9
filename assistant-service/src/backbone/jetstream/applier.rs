//! The one who applies records to this replica's store, in the log's order, and answers those who wait for what is in them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::jetstream::stream::Config;
use tokio::sync::{mpsc, oneshot, watch};

use super::follower::Arrived;
use super::job::{Job, Pending};
use super::record::{self, InvalidRecord, Record, RecordedBatch};
use crate::backbone::retention::Retention;
use crate::backbone::store::{Change, Erasing, Ledger, Newest, Outcome, Stand, Wal};

/// Records that share one commit at most.
const RECORDS_PER_COMMIT: usize = 256;

/// As far as a record is from the next in positions and revisions.
const PLACES_PER_RECORD: u64 = 4096;

const IDLE: Duration = Duration::from_secs(5);

const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// How far this replica has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Applied {
    /// The last record's place in the log; 0 before the first.
    pub(super) sequence: u64,
    /// Its name.
    pub(super) name: String,
    /// The record up to which entries are known from a snapshot.
    pub(super) entries_from: u64,
    /// What keeps this replica from going on, if anything does.
    pub(super) stuck: Option<String>,
}

pub(super) struct Applier {
    pub(super) ledger: Ledger,
    pub(super) wal: Wal,
    pub(super) newest: Newest,
    pub(super) retention: Arc<Retention>,
    pub(super) pending: Arc<Pending>,
    pub(super) numbering: Numbering,
    pub(super) applied: watch::Sender<Applied>,
}

/// Which positions and revisions the changes of a record get.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Numbering {
    /// What was given before the log began, by a store that was moved into it.
    pub(super) position: u64,
    pub(super) revision: u64,
}

/// Where the numbering stands among what a stream says of itself.
pub(super) const POSITION: &str = "watchgate-position";
pub(super) const REVISION: &str = "watchgate-revision";

impl Applied {
    /// As far as a store has come.
    pub(super) fn of(ledger: &Ledger) -> Self {
        let (sequence, name) = (ledger.stand().sequence, ledger.record().to_owned());
        Self { sequence, name, entries_from: ledger.entries_from(), stuck: None }
    }
}

impl Numbering {
    pub(super) fn of(stream: &Config) -> Self {
        let number = |name| stream.metadata.get(name).and_then(|number| number.parse().ok()).unwrap_or_default();
        Self { position: number(POSITION), revision: number(REVISION) }
    }

    fn before(self, sequence: u64) -> Stand {
        let places = sequence.saturating_mul(PLACES_PER_RECORD);
        Stand {
            position: self.position.saturating_add(places),
            revision: self.revision.saturating_add(places),
            sequence,
        }
    }

    /// The record that a position stands in.
    pub(super) fn record_of(self, position: u64) -> u64 {
        position.saturating_sub(self.position) / PLACES_PER_RECORD
    }
}

/// A record that is to be applied: its jobs, where they are ours, or what was read.
enum Work {
    Own(Vec<Job>),
    Read(Record),
}

impl Applier {
    /// Works until nobody reads the log any more, or this is ended.
    pub(super) fn run(mut self, mut arrived: mpsc::Receiver<Arrived>, mut ended: oneshot::Receiver<()>) {
        let timer = match tokio::runtime::Builder::new_current_thread().enable_time().build() {
            Ok(timer) => timer,
            Err(error) => return self.stop(format!("the store's writer could not begin: {error}")),
        };
        let mut erasing = Erasing::default();
        erasing.wake();
        loop {
            let pause = self.ledger.pause(erasing.pause(IDLE));
            let next = async {
                tokio::select! {
                    _ = &mut ended => Ok(None),
                    next = tokio::time::timeout(pause, arrived.recv()) => next,
                }
            };
            match timer.block_on(next) {
                Ok(None) => return,
                Ok(Some(first)) => {
                    let mut records = vec![first];
                    while records.len() < RECORDS_PER_COMMIT
                        && let Ok(record) = arrived.try_recv()
                    {
                        records.push(record);
                    }
                    match self.apply(records, &mut erasing, &mut ended) {
                        Ok(true) => {}
                        Ok(false) => return,
                        Err(error) => return self.stop(error.to_string()),
                    }
                }
                Err(_) => {
                    self.ledger.settle();
                    self.wal.shorten_if_long(self.ledger.connection());
                }
            }
            erasing.step(&mut self.ledger);
        }
    }

    /// What cannot be applied here must not be passed over: this replica ends, and says why.
    fn stop(&self, why: String) {
        tracing::error!(why, "this replica cannot go on with the log");
        self.applied.send_modify(|applied| applied.stuck = Some(why));
    }

    /// Whether it was done; otherwise this was ended.
    fn apply(
        &mut self,
        records: Vec<Arrived>,
        erasing: &mut Erasing,
        ended: &mut oneshot::Receiver<()>,
    ) -> Result<bool, InvalidRecord> {
        let work = records.into_iter().map(|arrived| {
            let work = match self.pending.take(&arrived.name) {
                Some(jobs) => Work::Own(jobs),
                None => Work::Read(record::decode(&arrived.payload)?),
            };
            Ok((arrived, work))
        });
        let work: Vec<_> = work.collect::<Result<_, InvalidRecord>>()?;
        let Some(outcomes) = self.try_until_done(&work, erasing, ended) else { return Ok(false) };
        let floors = |work: &Work| match work {
            Work::Own(jobs) => jobs.iter().any(|job| !job.floors.is_empty()),
            Work::Read(record) => !record.floors.is_empty(),
        };
        if work.iter().any(|(_, work)| floors(work)) {
            erasing.wake();
        }
        self.newest.tell(self.ledger.stand());
        if let Some((last, _)) = work.last() {
            let (sequence, name, entries_from) = (last.sequence, last.name.clone(), self.ledger.entries_from());
            // What keeps this replica from going on stays.
            self.applied.send_modify(|applied| {
                *applied = Applied { sequence, name, entries_from, stuck: applied.stuck.take() };
            });
        }
        for ((_, work), outcomes) in work.into_iter().zip(outcomes) {
            let Work::Own(jobs) = work else { continue };
            for (job, outcome) in jobs.into_iter().zip(outcomes) {
                // Whoever has gone away does not need the answer; what was done stays.
                let _ = job.answer.send(outcome.answer(&job.batch));
            }
        }
        self.wal.shorten_if_long(self.ledger.connection());
        Ok(true)
    }

    /// The disk of a replica may be full or gone for a while; the log waits, and what was let go makes room meanwhile. Nothing
    /// when this was ended.
    fn try_until_done(
        &mut self,
        work: &[(Arrived, Work)],
        erasing: &mut Erasing,
        ended: &mut oneshot::Receiver<()>,
    ) -> Option<Vec<Vec<Outcome>>> {
        let begun = Instant::now();
        loop {
            let Self { ledger, retention, numbering, .. } = self;
            let done = ledger.together(|ledger| {
                let apply = |(arrived, work): &(Arrived, Work)| {
                    ledger.begin_record(numbering.before(arrived.sequence), &arrived.name);
                    apply_one(ledger, retention, arrived, work)
                };
                work.iter().map(apply).collect::<Result<Vec<_>, _>>()
            });
            match done {
                Ok(outcomes) => return Some(outcomes),
                Err(error) => {
                    let since_seconds = begun.elapsed().as_secs();
                    tracing::error!(%error, since_seconds, "the store did not take what the log says; trying again");
                    self.wal.shorten(self.ledger.connection());
                    erasing.step(&mut self.ledger);
                    // Whoever ends this drops the other side.
                    if ended.try_recv() != Err(oneshot::error::TryRecvError::Empty) {
                        return None;
                    }
                    std::thread::sleep(AGAIN_AFTER);
                }
            }
        }
    }
}

fn apply_one(
    ledger: &mut Ledger,
    retention: &Retention,
    arrived: &Arrived,
    work: &Work,
) -> Result<Vec<Outcome>, rusqlite::Error> {
    match work {
        Work::Own(jobs) => {
            let mut floors = jobs.iter().flat_map(|job| &job.floors);
            floors.try_for_each(|floor| ledger.let_go(&floor.class, floor.position))?;
            let apply = |job: &Job| {
                let puts: Vec<_> = job.batch.puts.iter().map(Change::from).collect();
                ledger.apply(job.batch.events.iter().map(|event| retention.classed(event)), &puts, arrived.time)
            };
            jobs.iter().map(apply).collect()
        }
        Work::Read(record) => {
            if arrived.sequence > ledger.entries_from() {
                record.carried.apply(ledger)?;
            }
            record.floors.iter().try_for_each(|floor| ledger.let_go(&floor.class, floor.position))?;
            let apply = |batch: &RecordedBatch| match batch.puts() {
                // Whether it was done is known from the entries; its events were let go before this replica began.
                puts if !puts.is_empty() && arrived.sequence <= ledger.entries_from() => {
                    ledger.pass_over(batch.events().count(), puts.len());
                    Ok(Outcome::Conflict(0))
                }
                puts => ledger.apply(batch.events(), &puts, arrived.time),
            };
            record.batches.iter().map(apply).collect()
        }
    }
}

#[cfg(test)]
mod tests;
