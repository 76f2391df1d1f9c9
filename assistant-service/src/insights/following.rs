//! Follows the log for one watch: looks at what is new, counts it, has the assistant asked, and tells.

mod counting;
mod sweeping;

#[cfg(test)]
pub(super) use counting::{MOST_WAITING, MOST_WINDOWS, OTHERS};

use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinError, JoinSet};
use tokio::time::sleep;

use super::asking;
use super::book::{Book, Interrupted, Step};
use super::finding::{Finding, Judgement};
use super::metrics::{InsightLabels, WatchLabel};
use super::telling::{self, Said};
use super::watch::Watch;
use super::window::Phase;
use crate::backbone::{BackboneError, Position};
use crate::clock::millis;
use crate::state::AppState;

/// Between two looks, whatever comes in meanwhile: what comes together is counted in one commit.
const LOOK_PAUSE: Duration = Duration::from_millis(100);

/// Between two looks at what time does.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// A watch that is followed.
pub(super) struct Follower {
    state: AppState,
    watch: Arc<Watch>,
    seats: Arc<Semaphore>,
    pub(super) book: Book,
    newest: watch::Receiver<Position>,
    /// As far as the log has been looked through, which need not be written down yet.
    looked: Position,
    written_at: Duration,
    measured_at: Option<Duration>,
    asking: JoinSet<Answered>,
    /// The keys of the windows whose question is being asked.
    in_hand: HashSet<String>,
}

/// What came of a question.
pub(super) struct Answered {
    digest: String,
    finding: Finding,
}

/// Follows a watch until it is interrupted.
pub(super) async fn follow(
    state: &AppState,
    watch: &Arc<Watch>,
    seats: &Arc<Semaphore>,
) -> Result<Infallible, Interrupted> {
    let mut follower = Follower::open(state.clone(), Arc::clone(watch), Arc::clone(seats)).await?;
    loop {
        follower.newest.mark_unchanged();
        let is_unfinished = follower.look().await?;
        follower.sweep(!is_unfinished).await?;
        follower.ask();
        if is_unfinished {
            while let Some(answered) = follower.asking.try_join_next() {
                follower.tell(answered).await?;
            }
            continue;
        }
        tokio::select! {
            Some(answered) = follower.asking.join_next() => follower.tell(answered).await?,
            changed = follower.newest.changed() => {
                changed.map_err(|_| BackboneError::Unavailable("its writer has ended".to_owned()))?;
                sleep(LOOK_PAUSE).await;
            }
            () = sleep(SWEEP_EVERY) => {}
        }
    }
}

impl Follower {
    pub(super) async fn open(state: AppState, watch: Arc<Watch>, seats: Arc<Semaphore>) -> Result<Self, Interrupted> {
        let book = Book::open(Arc::clone(&state.backbone), Arc::clone(&watch)).await?;
        let (newest, looked) = (state.backbone.newest_position(), book.place.cursor);
        let written_at = state.clock.elapsed();
        let (asking, in_hand) = (JoinSet::new(), HashSet::new());
        Ok(Self { state, watch, seats, book, newest, looked, written_at, measured_at: None, asking, in_hand })
    }

    /// Has the assistant asked about every insight that nobody has been told of.
    pub(super) fn ask(&mut self) {
        for (digest, window) in &self.book.windows {
            let Phase::Waiting { question, .. } = &window.phase else { continue };
            if !self.in_hand.insert(digest.clone()) {
                continue;
            }
            let (state, watch, seats) = (self.state.clone(), Arc::clone(&self.watch), Arc::clone(&self.seats));
            let (digest, question) = (digest.clone(), question.clone());
            self.asking.spawn(async move {
                let finding = asking::ask(&state, &watch, question, &seats).await;
                Answered { digest, finding }
            });
        }
        let waiting = i64::try_from(self.in_hand.len()).unwrap_or(i64::MAX);
        self.state.metrics.insights.waiting.get_or_create(&self.label()).set(waiting);
    }

    /// Tells of an insight, with what came of its question.
    pub(super) async fn tell(&mut self, answered: Result<Answered, JoinError>) -> Result<(), Interrupted> {
        let Answered { digest, finding } = answered?;
        self.in_hand.remove(&digest);
        let mut step = Step::default();
        self.add_created(&digest, &finding, &mut step)?;
        self.book.write(step).await?;
        self.count_told(finding.judgement);
        Ok(())
    }

    /// Adds the event that an insight is there.
    fn add_created(&mut self, digest: &str, finding: &Finding, step: &mut Step) -> Result<(), serde_json::Error> {
        let now = self.state.clock.now();
        let Some(window) = self.book.windows.get_mut(digest) else { return Ok(()) };
        let Some(tally) = window.tally() else { return Ok(()) };
        step.events.push(telling::event(&self.watch.name, window, tally, &Said::Created(finding), now)?);
        window.is_told(millis(now));
        step.changed.insert(digest.to_owned());
        Ok(())
    }

    fn count_told(&self, judgement: Judgement) {
        let labels = InsightLabels { watch: self.watch.name.clone(), judgement: judgement.name() };
        self.state.metrics.insights.insights.get_or_create(&labels).inc();
    }

    fn label(&self) -> WatchLabel {
        WatchLabel { watch: self.watch.name.clone() }
    }

    /// Ends with all that it has begun.
    #[cfg(test)]
    pub(super) async fn end(mut self) {
        self.asking.shutdown().await;
    }

    /// Asks and tells until there is nothing to tell.
    #[cfg(test)]
    pub(super) async fn ask_and_tell(&mut self) -> Result<(), Interrupted> {
        self.ask();
        while let Some(answered) = self.asking.join_next().await {
            self.tell(answered).await?;
        }
        Ok(())
    }
}
