//! From readings to the spool: batches are finished five times a second, and on stable storage before anything is posted.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use diagnosis::Millis;
use tokio::sync::mpsc::Receiver;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, sleep_until};

use crate::batching::{Batching, Finished};
use crate::gateway::said;
use crate::reading::{Input, Place};
use crate::spool::{NewBatch, Spool, SpoolError};
use crate::tally::{Seldom, Tally, Voice, add};

/// The oldest value of a batch waits no longer.
pub(crate) const FLUSH_AFTER: Duration = Duration::from_millis(200);

/// Between tries to write to a disk that says no.
const RETRY: Duration = Duration::from_secs(1);

/// The spool, and who is to know when something was put into it.
#[derive(Clone)]
pub(crate) struct Store {
    spool: Arc<Mutex<Spool>>,
    pub(crate) filled: Arc<Notify>,
}

impl Store {
    pub(crate) fn new(spool: Spool) -> Self {
        Self { spool: Arc::new(Mutex::new(spool)), filled: Arc::new(Notify::new()) }
    }

    /// Does something with the spool, on a thread that may wait for a disk.
    pub(crate) async fn with<T: Send + 'static>(
        &self,
        what: impl FnOnce(&mut Spool) -> Result<T, SpoolError> + Send + 'static,
    ) -> Result<T, SpoolError> {
        let spool = Arc::clone(&self.spool);
        let done = tokio::task::spawn_blocking(move || what(&mut spool.lock().unwrap_or_else(PoisonError::into_inner)));
        done.await.unwrap_or_else(|error| Err(SpoolError::Broken(error.to_string())))
    }
}

/// Finished batches as they go into the spool.
struct Written {
    device: String,
    time: Millis,
    place: Option<Place>,
    data: String,
}

/// Takes what sources say until the last of them has gone; then everything is in the spool. Where the disk says no, what is finished is
/// kept here and sources wait, until `give_up` says that nobody has the time.
pub(crate) async fn keep(
    mut inputs: Receiver<Input>,
    mut batching: Batching,
    store: Store,
    (tally, voice): (Arc<Tally>, Arc<dyn Voice>),
    mut give_up: watch::Receiver<bool>,
) {
    let (trouble, full) = (Seldom::default(), Seldom::default());
    let mut deadline = None;
    loop {
        let due = deadline.unwrap_or_else(Instant::now);
        let (finished, is_end) = tokio::select! {
            input = inputs.recv() => match input {
                Some(input) => (batching.take(input), false),
                None => (batching.end_session(), true),
            },
            () = sleep_until(due), if deadline.is_some() => (batching.finish(), false),
        };
        deadline = match batching.is_empty() {
            true => None,
            // Whatever is still in the making, nothing in it is older than what the deadline was set for.
            false => deadline.or_else(|| Instant::now().checked_add(FLUSH_AFTER)),
        };
        let mut batches = Arc::new(finished.into_iter().filter_map(written).collect::<Vec<_>>());
        while !batches.is_empty() {
            let (dropped, kept) = append(&store, Arc::clone(&batches), &tally).await;
            if dropped > 0
                && let Some(said) =
                    full.said(|| format!("the spool is full: {dropped} events, the oldest ones, are dropped"))
            {
                voice.say(&said);
            }
            match kept {
                Ok(()) => {
                    store.filled.notify_one();
                    batches = Arc::default();
                }
                Err(error) => {
                    if let Some(said) = trouble.said(|| format!("{}; it is tried again", said(&error))) {
                        voice.say(&said);
                    }
                    let is_given_up = async { give_up.wait_for(|is_so| *is_so).await.is_ok() };
                    tokio::select! {
                        true = is_given_up => {
                            add(&tally.unkept, u64::try_from(batches.len()).unwrap_or(u64::MAX));
                            batches = Arc::default();
                        }
                        () = sleep(RETRY) => {}
                    }
                }
            }
        }
        if is_end {
            return;
        }
    }
}

/// Also says how many older events had to go, which they may have although nothing was kept.
async fn append(store: &Store, batches: Arc<Vec<Written>>, tally: &Arc<Tally>) -> (u64, Result<(), SpoolError>) {
    let tally = Arc::clone(tally);
    let appended = store.with(move |spool| {
        let all: Vec<_> = batches
            .iter()
            .map(|Written { device, time, place, data }| NewBatch { device, time: *time, place: place.as_ref(), data })
            .collect();
        let lost = spool.lost();
        let kept = spool.append(&all);
        tally.spool_is(spool);
        Ok((spool.lost().saturating_sub(lost), kept))
    });
    appended.await.unwrap_or_else(|error| (0, Err(error)))
}

fn written(Finished { batch, place }: Finished) -> Option<Written> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let time = Millis::try_from(now.as_millis()).unwrap_or(Millis::MAX);
    // Finite numbers and text are always JSON.
    let data = serde_json::to_string(&batch).ok()?;
    Some(Written { device: batch.device, time, place, data })
}

#[cfg(test)]
mod tests;
