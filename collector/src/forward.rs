//! From the spool to the gateway: in order, one request at a time, and nothing leaves the spool before the gateway has said 202.

use std::sync::Arc;
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
        let (trouble, refusals) = (Seldom::default(), Seldom::default());
        let mut backoff = Backoff::up_to(LONGEST_WAIT);
        // Halved where a request is too large for whoever stands before the service.
        let mut most = MOST_EVENTS;
        loop {
            // Looked at before the spool: what comes between is found the next time.
            let nothing_comes = *is_ended.borrow_and_update();
            let wait = match self.post_oldest(&mut most, &refusals).await {
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

    async fn post_oldest(&self, most: &mut usize, refusals: &Seldom) -> Result<Step, SpoolError> {
        let (count, tally) = (*most, Arc::clone(&self.tally));
        let looked = self.store.with(move |spool| {
            let found = spool.oldest(count, MOST_BYTES);
            tally.spool_is(spool);
            found
        });
        let (spooled, unreadable) = looked.await?;
        if unreadable > 0 {
            self.voice.say(&format!("{unreadable} events in the spool are no longer what was written, and are lost"));
        }
        if spooled.is_empty() {
            return Ok(Step::Empty);
        }
        match self.gateway.post(&spooled).await {
            Answer::Done { refused } => {
                if self.tally.gateway.turns_up() {
                    self.voice.say("the gateway takes events");
                }
                *most = most.saturating_mul(2).min(MOST_EVENTS);
                self.done(&spooled, refused, refusals).await?;
            }
            Answer::Fewer { most: fewer } => *most = fewer,
            Answer::Later { wait, reason } => {
                if self.tally.gateway.goes_down(reason.clone()) {
                    self.voice.say(&format!("the gateway takes nothing: {reason}; what comes is kept in the spool"));
                }
                return Ok(Step::Later(wait));
            }
        }
        Ok(Step::Posted)
    }

    /// Takes these out of the spool, after those that are refused were put aside.
    async fn done(
        &self,
        spooled: &[Spooled],
        refused: Vec<(usize, String)>,
        refusals: &Seldom,
    ) -> Result<(), SpoolError> {
        let aside = refused.into_iter().filter_map(|(index, reason)| Some((spooled.get(index)?, reason)));
        let aside: Vec<(Spooled, String)> = aside.map(|(spooled, reason)| (spooled.clone(), reason)).collect();
        for (spooled, reason) in &aside {
            let said = || format!("event {} is refused and put aside: {reason}", spooled.id);
            if let Some(said) = refusals.said(said) {
                self.voice.say(&said);
            }
        }
        let refused = u64::try_from(aside.len()).unwrap_or(u64::MAX);
        let aside: Vec<_> =
            aside.into_iter().filter_map(|(spooled, reason)| Some((self.gateway.event(&spooled)?, reason))).collect();
        let taken: Vec<u64> = spooled.iter().map(|spooled| spooled.sequence).collect();
        let tally = Arc::clone(&self.tally);
        let done = self.store.with(move |spool| {
            for (event, reason) in &aside {
                spool.set_aside(reason, event)?;
            }
            let acknowledged = spool.acknowledge(&taken);
            tally.spool_is(spool);
            acknowledged
        });
        done.await?;
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
