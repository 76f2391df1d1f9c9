//! The one writer: takes what waits, makes it durable with one fsync, and only then answers everybody. Beside that it lets go of
//! what was kept long enough.

use std::sync::Arc;
use std::time::{Duration, Instant};

use prometheus_client::metrics::histogram::Histogram;
use tokio::sync::{mpsc, oneshot};

use crate::backbone::retention::Retention;
use crate::backbone::store::{Change, Erasing, Growing, Ledger, Newest, Outcome, Reserve, Step, Wal, is_full};
use crate::backbone::{BackboneError, Batch, Committed};
use crate::clock::Clock;

/// Jobs that share one commit at most: enough to hide the fsync, few enough that the first one does not wait long.
const JOBS_PER_COMMIT: usize = 256;

/// Between two looks at what is kept too long.
const RETAIN_EVERY: Duration = Duration::from_secs(5);

type Answer = Result<Committed, BackboneError>;

/// A batch, and where its maker waits. The batch comes back with the answer: memory is best freed where it was taken.
pub(super) struct Job {
    pub(super) batch: Batch,
    pub(super) answer: oneshot::Sender<(Answer, Batch)>,
}

pub(super) struct Writer {
    pub(super) ledger: Ledger,
    pub(super) wal: Wal,
    pub(super) reserve: Reserve,
    pub(super) growing: Growing,
    pub(super) retention: Retention,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) newest: Newest,
    pub(super) jobs_per_commit: Histogram,
}

impl Writer {
    /// Works until nobody is left who could send a job.
    pub(super) fn run(mut self, mut waiting: mpsc::Receiver<Job>) {
        let timer = match tokio::runtime::Builder::new_current_thread().enable_time().build() {
            Ok(timer) => timer,
            Err(error) => {
                tracing::error!(%error, "the writer of the store could not begin");
                return;
            }
        };
        let (mut erasing, mut retained) = (Erasing::default(), None);
        // Erasing may have been left in the middle.
        erasing.wake();
        loop {
            let has_room = !erasing.is_short_of_room() && !self.reserve.is_given_back();
            let pause = erasing.pause(RETAIN_EVERY);
            let pause = if has_room { self.ledger.pause(pause) } else { pause };
            match timer.block_on(async { tokio::time::timeout(pause, waiting.recv()).await }) {
                Ok(None) => return,
                Ok(Some(first)) => self.commit(first, &mut waiting),
                Err(_) if has_room => {
                    self.ledger.settle();
                    self.wal.shorten_if_long(self.ledger.connection());
                }
                Err(_) => {}
            }
            if retained.is_none_or(|at: Instant| at.elapsed() >= RETAIN_EVERY) {
                retained = Some(Instant::now());
                if !erasing.is_under_way() && !self.reserve.is_held() {
                    self.wal.shorten(self.ledger.connection());
                    self.reserve.take();
                }
                self.retain(&mut erasing);
            }
            match erasing.step(&mut self.ledger) {
                Step::Full => self.make_room(&mut erasing),
                Step::Failed if self.growing.why_not().is_some() => self.make_room(&mut erasing),
                Step::NotDue | Step::Failed => {}
                Step::Done if erasing.is_short_of_room() => self.wal.shorten(self.ledger.connection()),
                // Nobody else shortens it while there is nothing to commit.
                Step::Done => self.wal.shorten_if_long(self.ledger.connection()),
            }
        }
    }

    fn retain(&mut self, erasing: &mut Erasing) {
        match self.let_go() {
            Ok(()) => erasing.wake(),
            Err(error) => {
                tracing::error!(%error, "events that were kept long enough could not be let go");
                if is_full(&error) {
                    self.make_room(erasing);
                    if let Err(error) = self.let_go() {
                        tracing::error!(%error, "there is not even room to let go of events");
                    }
                }
            }
        }
    }

    fn make_room(&mut self, erasing: &mut Erasing) {
        erasing.go_on_short_of_room();
        if self.reserve.give_back() {
            erasing.go_on_at_once();
        }
        self.wal.shorten(self.ledger.connection());
    }

    fn commit(&mut self, first: Job, waiting: &mut mpsc::Receiver<Job>) {
        let mut jobs = vec![first];
        while jobs.len() < JOBS_PER_COMMIT
            && let Ok(next) = waiting.try_recv()
        {
            jobs.push(next);
        }
        #[expect(clippy::cast_precision_loss, reason = "at most 256")]
        self.jobs_per_commit.observe(jobs.len() as f64);
        let (batches, makers): (Vec<_>, Vec<_>) = jobs.into_iter().map(|job| (job.batch, job.answer)).unzip();
        let answers = if self.reserve.is_given_back() {
            batches.iter().map(|_| Err(BackboneError::Full)).collect()
        } else {
            self.apply_together(&batches)
        };
        self.newest.tell(self.ledger.stand());
        for ((maker, answer), batch) in makers.into_iter().zip(answers).zip(batches) {
            // Whoever has gone away does not need the answer; what was committed stays.
            let _ = maker.send((answer, batch));
        }
        self.wal.shorten_if_long(self.ledger.connection());
    }

    /// One answer for each batch. A batch that conflicts is refused alone; a failing disk undoes all.
    fn apply_together(&mut self, batches: &[Batch]) -> Vec<Answer> {
        let applied = match self.try_together(batches) {
            // There may be room in the file, and only the log has none.
            Err(error) if is_full(&error) => {
                self.wal.shorten(self.ledger.connection());
                self.try_together(batches)
            }
            applied => applied,
        };
        match applied {
            Ok(outcomes) => batches.iter().zip(outcomes).map(|(batch, outcome)| outcome.answer(batch)).collect(),
            Err(error) => {
                tracing::error!(%error, jobs = batches.len(), "a commit failed, nothing of it was kept");
                let failed = BackboneError::from(error);
                batches.iter().map(|_| Err(failed.clone())).collect()
            }
        }
    }

    fn try_together(&mut self, batches: &[Batch]) -> Result<Vec<Outcome>, rusqlite::Error> {
        let now = self.clock.now();
        let Self { ledger, retention, growing, .. } = self;
        let applied = ledger.together(|ledger| {
            let apply = |batch: &Batch| {
                let puts: Vec<_> = batch.puts.iter().map(Change::from).collect();
                ledger.apply(batch.events.iter().map(|event| retention.classed(event)), &puts, now)
            };
            batches.iter().map(apply).collect()
        });
        applied.map_err(|error| growing.named(error))
    }

    fn let_go(&mut self) -> Result<(), rusqlite::Error> {
        let floors = self.retention.overdue(&self.ledger.segments()?, self.clock.now());
        if floors.is_empty() {
            return Ok(());
        }
        tracing::info!(?floors, "events are let go that were kept long enough");
        let Self { ledger, growing, .. } = self;
        let gone =
            ledger.together(|ledger| floors.iter().try_for_each(|floor| ledger.let_go(&floor.class, floor.position)));
        gone.map_err(|error| growing.named(error))
    }
}
