//! Follows the log: has the engine hear what is new, tells what comes of it, lets time pass, and writes checkpoints in between.
//!
//! What the engine knows follows from what it heard since its checkpoint. So whoever takes over begins at the checkpoint, hears the log up
//! to the place without telling anybody, and goes on.

mod anew;
mod beginning;
mod checkpointing;
mod forgetting;
mod telling_changes;

use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use diagnosis::Millis;
use futures_util::{StreamExt, TryStreamExt};
use tokio::sync::watch;
use tokio::time::sleep;

use self::checkpointing::Writing;
use super::hearing::{self, Heard, Outcome};
use super::interrupted::Interrupted;
use super::judge::Judge;
use super::kept_bytes::KeptBytes;
use super::place::{KeptPlace, Said, What};
use crate::backbone::{BackboneError, EventFilter, Freshness, Page, Position, Standing, StoredEvent, TypeFilter};
use crate::clock::millis;
use crate::replica_lease::ReplicaLease;
use crate::state::AppState;

/// Below this lie samples and silences; whatever else does is left out when it is read.
const TELEMETRY: &str = "dev.watchgate.telemetry";

const PAGE: u32 = 256;

/// Between two looks, whatever comes in meanwhile: what comes together is judged and committed together.
const LOOK_PAUSE: Duration = Duration::from_millis(50);

/// Between two words of the clock.
const TICK_EVERY: Duration = Duration::from_secs(1);

/// How far the log was judged without anything to tell is written down no more often: it only spares another look.
const WRITTEN_EVERY: Duration = Duration::from_secs(10);

/// Between two checkpoints.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(120);

/// When the clock has said nothing for longer than this, nobody has listened meanwhile, or it was set: what did not come in that time is no
/// silence. So says the wall clock too, for time in which the whole machine has slept.
const UNHEARD_AFTER: Duration = Duration::from_secs(10);

/// What the clock says is kept until the next checkpoint, in every commit; where none can be written, time stands still.
const MOST_SAID: usize = 1000;

/// Parked devices are read so many at once.
const READ_AT_ONCE: usize = 16;

/// What devices knew, by their names.
const SERIES: &str = "incidents.series";
/// All but that.
const BOOK: &str = "incidents.book";

/// The log as it is followed.
pub(super) struct Follower {
    state: AppState,
    pub(super) place: KeptPlace,
    judge: Judge,
    /// As far as the log has been judged, which need not be written down yet.
    looked: Position,
    /// What is kept of the devices in memory.
    kept: HashMap<String, KeptBytes>,
    kept_book: KeptBytes,
    /// Devices that were forgotten for want of room since the last checkpoint began.
    forgotten: BTreeSet<String>,
    /// Such ones of which no checkpoint needs what is kept.
    unneeded: Vec<String>,
    writing: Option<Writing>,
    newest: watch::Receiver<Position>,
    written_at: Duration,
    checkpoint_due_at: Duration,
    /// When the clock has said something last, by the time that only grows, and what time it said that it was.
    spoke_at: Duration,
    said_last: Millis,
    /// Whether there is nothing that time could change.
    is_quiet: bool,
}

/// Follows until it is interrupted.
pub(super) async fn follow(state: &AppState, lease: &ReplicaLease) -> Result<Infallible, Interrupted> {
    let mut follower = Follower::open(state.clone(), lease).await?;
    // Nobody has listened; what did not come in that time is no silence.
    while follower.look().await? {
        follower.checkpoint_if_due().await?;
        follower.write_some().await?;
    }
    follower.say(What::Resume).await?;
    loop {
        follower.newest.mark_unchanged();
        let is_unfinished = follower.look().await?;
        if !is_unfinished {
            follower.tick_if_due().await?;
        }
        follower.checkpoint_if_due().await?;
        let is_writing = follower.write_some().await?;
        if is_unfinished || is_writing {
            continue;
        }
        tokio::select! {
            changed = follower.newest.changed() => {
                changed.map_err(|_| BackboneError::Unavailable("its writer has ended".to_owned()))?;
                sleep(LOOK_PAUSE).await;
            }
            () = sleep(TICK_EVERY) => {}
        }
    }
}

impl Follower {
    /// Judges what is new, as far as one step goes, and tells what comes of it. Says whether there is more.
    pub(super) async fn look(&mut self) -> Result<bool, Interrupted> {
        let newest = *self.newest.borrow();
        let Page { events, next_after } = self.page().await?;
        let last = events.last().map(|event: &StoredEvent| event.position);
        let up_to = next_after.or(last.max(Some(newest))).unwrap_or(self.looked).max(self.looked);
        let outcome = self.hear(events.into_iter().map(Heard::Event).collect()).await?;
        self.is_quiet &= outcome.heard == 0;
        self.looked = up_to;
        self.tell(outcome).await?;
        let is_late = self.state.clock.elapsed().saturating_sub(self.written_at) >= WRITTEN_EVERY;
        if is_late && up_to > self.place.place.cursor {
            self.write(Vec::new(), Vec::new()).await?;
        }
        self.state.metrics.incidents.lag(newest, up_to, next_after.is_some());
        Ok(next_after.is_some())
    }

    /// Lets the engine know what time it is, and tells what comes of it.
    pub(super) async fn say(&mut self, what: What) -> Result<(), Interrupted> {
        let (elapsed, now) = (self.state.clock.elapsed(), millis(self.state.clock.now()));
        self.say_at(what, elapsed, now).await
    }

    /// The same, with the time of a look before: what time passes after it is for the next word to say.
    async fn say_at(&mut self, what: What, elapsed: Duration, now: Millis) -> Result<(), Interrupted> {
        if self.place.place.said.len() >= MOST_SAID {
            match what {
                What::Tick => return Ok(()),
                // Left out, it would make a silence of what comes next.
                What::Resume => self.make_room_for_said().await?,
            }
        }
        (self.spoke_at, self.said_last) = (elapsed, now);
        let said = Said { after: self.looked, what, now };
        let outcome = self.hear(vec![Heard::Clock(said)]).await?;
        self.place.place.said.push(said);
        self.tell(outcome).await
    }

    /// Says that time has passed, and before it that nobody has listened where that is so.
    pub(super) async fn tick_if_due(&mut self) -> Result<(), Interrupted> {
        let (elapsed, now) = (self.state.clock.elapsed(), millis(self.state.clock.now()));
        let passed = elapsed.saturating_sub(self.spoke_at);
        // Whoever does not hear of the others does not listen.
        let is_behind = *self.state.backbone.standing().borrow() == Standing::Behind;
        if self.is_quiet || is_behind || passed < TICK_EVERY {
            return Ok(());
        }
        let by_the_wall = Duration::from_millis(now.abs_diff(self.said_last));
        if passed.max(by_the_wall) > UNHEARD_AFTER {
            self.say_at(What::Resume, elapsed, now).await?;
        }
        self.say_at(What::Tick, elapsed, now).await?;
        let census = self.judge.run(|judged| judged.engine.census()).await?;
        self.state.metrics.incidents.census(&census);
        self.is_quiet = census.devices == 0 && census.incidents == 0 && census.alarms == 0;
        Ok(())
    }

    /// Goes on with an engine that knows nothing and has other limits.
    #[cfg(test)]
    pub(super) async fn limit(&self, limits: diagnosis::engine::Limits) {
        self.judge.run(move |judged| judged.engine = diagnosis::engine::Engine::new(limits)).await.unwrap();
    }

    /// Of how many devices it is known what is kept of them, and how many are to be deleted.
    #[cfg(test)]
    pub(super) fn kept_devices(&self) -> (usize, usize) {
        (self.kept.len(), self.forgotten.len() + self.unneeded.len())
    }

    #[cfg(test)]
    pub(super) async fn census(&self) -> diagnosis::engine::Census {
        self.judge.run(|judged| judged.engine.census()).await.unwrap()
    }

    async fn page(&self) -> Result<Page, Interrupted> {
        let filter = EventFilter {
            event_type: Some(TypeFilter::Below(TELEMETRY.to_owned())),
            after: Some(self.looked),
            limit: PAGE,
            freshness: Freshness::Known,
            ..EventFilter::default()
        };
        Ok(self.state.backbone.query(filter).await?)
    }

    /// Has the engine hear something, after what it needs of the devices that it is about.
    async fn hear(&mut self, heard: Vec<Heard>) -> Result<Outcome, Interrupted> {
        if heard.is_empty() {
            return Ok(Outcome::default());
        }
        let (read, needed) = self.judge.run(move |judged| hearing::read(judged, heard)).await?;
        let parked = self.read_parked(needed).await?;
        let outcome = self.judge.run(move |judged| {
            for (device, parked) in &parked {
                if let Err(error) = judged.engine.revive(parked) {
                    tracing::error!(device, %error, "what was usual for a device is learnt anew");
                }
            }
            hearing::hear(judged, read)
        });
        let mut outcome = outcome.await??;
        self.forget(std::mem::take(&mut outcome.forgotten));
        self.state.metrics.incidents.count(&outcome.counted);
        Ok(outcome)
    }

    /// What is kept of devices that are not in memory, as far as anything is.
    async fn read_parked(&mut self, needed: BTreeSet<String>) -> Result<Vec<(String, Vec<u8>)>, Interrupted> {
        let (backbone, held) = (Arc::clone(&self.state.backbone), self.place.place.checkpoint.written());
        let reading = futures_util::stream::iter(needed).map(|device| {
            let (backbone, held) = (Arc::clone(&backbone), held.clone());
            async move { KeptBytes::read(&*backbone, SERIES, &device, held).await.map(|read| (device, read)) }
        });
        let read: Vec<_> = reading.buffered(READ_AT_ONCE).try_collect().await?;
        let mut parked = Vec::new();
        for (device, (kept, bytes)) in read {
            self.kept.insert(device.clone(), kept);
            parked.extend(bytes.map(|bytes| (device, bytes)));
        }
        self.state.metrics.incidents.revived(parked.len());
        Ok(parked)
    }
}
