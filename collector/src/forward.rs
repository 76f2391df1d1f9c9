//! From the spool to the gateway: in order, one request at a time, and nothing leaves the spool before the gateway has said 202.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use service_agent::Backoff;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::gateway::{Answer, Gateway, said};
use crate::keeping::Store;
use crate::spool::{SpoolError, Spooled};
use crate::tally::{Seldom, Tally, Voice, add};

/// Of one request, which has room for 1 MiB with what stands around each.
const MOST_EVENTS: usize = 100;
const MOST_BYTES: usize = 800 * 1024;

/// Between tries while the gateway is away: short, because what it shows must not be old.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// The collector's way to the gateway.
pub(crate) struct Forwarding {
    pub(crate) gateway: Gateway,
    pub(crate) store: Store,
    pub(crate) tally: Arc<Tally>,
    pub(crate) voice: Arc<dyn Voice>,
}

impl Forwarding {
    /// Posts what is in the spool and what comes into it; ends when `is_ended` says that nothing comes any more and all is posted.
    pub(crate) async fn run(self, mut is_ended: watch::Receiver<bool>) {
        let trouble = Seldom::default();
        let mut backoff = Backoff::up_to(LONGEST_WAIT);
        // Halved when one of many is refused, until it is known which.
        let mut most = MOST_EVENTS;
        loop {
            // Looked at before the spool: what comes between is found the next time.
            let nothing_comes = *is_ended.borrow_and_update();
            let wait = match self.post_oldest(&mut most).await {
                Ok(Step::Posted) => {
                    backoff.reset();
                    continue;
                }
                Ok(Step::Empty) if nothing_comes => return,
                Ok(Step::Empty) => {
                    tokio::select! {
                        () = self.store.filled.notified() => {}
                        _ = is_ended.changed() => {}
                    }
                    continue;
                }
                Ok(Step::Later(wait)) => wait.unwrap_or_default().max(backoff.wait()),
                Err(error) => {
                    if let Some(said) = trouble.said(|| said(&error)) {
                        self.voice.say(&said);
                    }
                    backoff.wait()
                }
            };
            sleep(wait).await;
        }
    }

    async fn post_oldest(&self, most: &mut usize) -> Result<Step, SpoolError> {
        let count = *most;
        let (spooled, unreadable, waiting) = self
            .store
            .with(move |spool| {
                let (spooled, unreadable) = spool.oldest(count, MOST_BYTES)?;
                Ok((spooled, unreadable, spool.waiting()))
            })
            .await?;
        self.tally.waiting.store(waiting, Ordering::Relaxed);
        if unreadable > 0 {
            add(&self.tally.lost, unreadable);
            self.voice.say(&format!("{unreadable} events in the spool are no longer what was written, and are lost"));
        }
        if spooled.is_empty() {
            return Ok(Step::Empty);
        }
        match self.gateway.post(&spooled).await {
            Answer::Taken { refused } => {
                self.gateway_is_up();
                *most = most.saturating_mul(2).min(MOST_EVENTS);
                let aside = refused.into_iter().filter_map(|(index, reason)| Some((spooled.get(index)?, reason)));
                let aside = aside.map(|(spooled, reason)| (spooled.clone(), reason)).collect();
                self.done(&spooled, aside).await?;
            }
            Answer::Refused { reason, is_for_all: true } => {
                self.gateway_is_up();
                let aside = spooled.iter().map(|spooled| (spooled.clone(), reason.clone())).collect();
                self.done(&spooled, aside).await?;
            }
            Answer::Refused { .. } => *most = (spooled.len() / 2).max(1),
            Answer::Later { wait, reason } => {
                if self.tally.gateway_is(false) {
                    self.voice.say(&format!("the gateway takes nothing: {reason}; what comes is kept in the spool"));
                }
                return Ok(Step::Later(wait));
            }
        }
        Ok(Step::Posted)
    }

    fn gateway_is_up(&self) {
        if self.tally.gateway_is(true) {
            self.voice.say("the gateway takes events");
        }
    }

    /// Takes these out of the spool, after those that are refused were put aside.
    async fn done(&self, spooled: &[Spooled], aside: Vec<(Spooled, String)>) -> Result<(), SpoolError> {
        let (Some(first), Some(last)) = (spooled.first(), spooled.last()) else { return Ok(()) };
        let (first, next) = (first.sequence, last.sequence.saturating_add(1));
        let refused = aside.len();
        for (spooled, reason) in &aside {
            self.voice.say(&format!("event {} is refused and put aside: {reason}", spooled.id));
        }
        let aside: Vec<_> =
            aside.into_iter().filter_map(|(spooled, reason)| Some((self.gateway.event(&spooled)?, reason))).collect();
        let (rescued, waiting) = self
            .store
            .with(move |spool| {
                for (event, reason) in &aside {
                    spool.set_aside(reason, event)?;
                }
                let rescued = spool.acknowledge(first, next)?;
                Ok((rescued, spool.waiting()))
            })
            .await?;
        self.tally.waiting.store(waiting, Ordering::Relaxed);
        self.tally.lost.fetch_sub(rescued, Ordering::Relaxed);
        let refused = u64::try_from(refused).unwrap_or(u64::MAX);
        add(&self.tally.refused, refused);
        add(&self.tally.sent, u64::try_from(spooled.len()).unwrap_or(u64::MAX).saturating_sub(refused));
        Ok(())
    }
}

/// What became of a look into the spool.
enum Step {
    Posted,
    Empty,
    /// Not before this time.
    Later(Option<Duration>),
}

#[cfg(test)]
mod tests;
