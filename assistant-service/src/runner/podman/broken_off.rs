//! A roll that nobody goes on with, because its runner was killed or has lost the lease: one whole container is left.
//!
//! Once the old one has given its name away the new one is known to be healthy, and gets the name if it still runs. Before
//! that, or if it does not, the new one goes and the old one is as it was.
//!
//! And what was made for a larger pod is started or gone.

use std::time::Duration;

use tokio::sync::OwnedMutexGuard;
use tokio::time::{Instant, sleep};

use super::api::{Api, TIMEOUT};
use super::container::Container;
use crate::runner::journal::{Replacement, Said};
use crate::runner::step::StepFailure;

const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Podman goes on with a call whose caller is gone; a change of names takes no longer than this.
const QUIET: Duration = Duration::from_secs(2);
/// Longer than any call that Podman could still be busy with.
const PATIENCE: Duration = Duration::from_secs(90);

/// Until it is ended, being dropped is breaking off: then it is put in order behind the back of whoever dropped it.
pub(super) struct UnderWay {
    api: Api,
    roll: Replacement,
    made: Option<String>,
    /// Nothing else changes anything meanwhile.
    changing: Option<OwnedMutexGuard<()>>,
}

impl UnderWay {
    pub(super) fn begin(api: &Api, roll: Replacement, changing: OwnedMutexGuard<()>) -> Self {
        Self { api: api.clone(), roll, made: None, changing: Some(changing) }
    }

    pub(super) fn made(&mut self, id: &str) {
        self.made = Some(id.to_owned());
    }

    /// It was gone on with to its end.
    pub(super) fn ended(mut self) {
        self.changing = None;
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let (Some(changing), Ok(runtime)) = (self.changing.take(), tokio::runtime::Handle::try_current()) else {
            return;
        };
        let (api, roll, made) = (self.api.clone(), self.roll.clone(), self.made.take());
        runtime.spawn(async move {
            let _changing = changing;
            match settle(&api, &roll, made.as_deref(), in_flight(made.as_deref())).await {
                Ok(Said { what, .. }) => tracing::warn!(what, "a roll broke off and was put in order"),
                Err(failure) => {
                    tracing::error!(container = roll.name, %failure, "a roll broke off and is not put in order yet");
                }
            }
        });
    }
}

/// How long Podman may still be busy with what whoever broke off has asked for: until the new one is made that may be as long
/// as a call may take, to stop the old one or to make the new one.
pub(super) fn in_flight(made: Option<&str>) -> Duration {
    if made.is_some() { Duration::ZERO } else { TIMEOUT }
}

/// Puts in order what a roll has left, and says what that came to. May be done again, and by any process.
pub(super) async fn settle(
    api: &Api,
    roll: &Replacement,
    made: Option<&str>,
    in_flight: Duration,
) -> Result<Said, StepFailure> {
    let begun = Instant::now();
    let mut quiet_since = None;
    loop {
        let left = match look(api, roll, made).await {
            Ok(Look::Whole(said)) => {
                let since = *quiet_since.get_or_insert_with(Instant::now);
                if since.elapsed() >= QUIET && begun.elapsed() >= in_flight {
                    return Ok(said);
                }
                said.what
            }
            Ok(Look::Changed) => {
                quiet_since = None;
                "it does not stay as it is put".to_owned()
            }
            Err(failure) => {
                quiet_since = None;
                failure.to_string()
            }
        };
        if begun.elapsed() >= PATIENCE {
            let detail = format!("the container {} could not be put in order: {left}", roll.name);
            return Err(StepFailure::Failed(detail));
        }
        sleep(LOOK_EVERY).await;
    }
}

/// Takes away a container that was made for a larger pod and never started: it would count, and not run.
pub(super) async fn take_away_unstarted(api: &Api, name: &str) -> Result<(), StepFailure> {
    match Container::read_if_there(api, name).await? {
        Some(made) if made.is_unstarted() => api.remove(&made.id).await,
        _ => Ok(()),
    }
}

enum Look {
    /// Nothing is left to be done.
    Whole(Said),
    /// One thing was done; more may be left.
    Changed,
}

/// Does the next thing that is to be done, if any.
async fn look(api: &Api, roll: &Replacement, made: Option<&str>) -> Result<Look, StepFailure> {
    let Replacement { name, id, was_running, beside, aside } = roll;
    let old = Container::read_if_there(api, id).await?;
    let new = Container::read_if_there(api, made.unwrap_or(beside)).await?;
    let rename = async |id: &str| api.change(&["containers", id, "rename"], &[("name", name)]).await;
    match (&old, &new) {
        (Some(old), Some(new)) if old.name == *aside && new.is_running => {
            if new.name != *name {
                rename(&new.id).await?;
            }
            api.remove(&old.id).await?;
        }
        (Some(old), Some(new)) if old.name == *aside || new.name == *beside => api.remove(&new.id).await?,
        (Some(old), None) if old.name == *aside => rename(&old.id).await?,
        (Some(old), None) if *was_running && !old.is_running => {
            api.change(&["containers", &old.id, "start"], &[]).await?;
        }
        (Some(old), None) => return Ok(whole("failed", format!("the container {name} is the old one, {old}"))),
        (None, Some(new)) if new.name == *name => {
            return Ok(whole("succeeded", format!("the container {name} was replaced, {new}")));
        }
        // Somebody else has been at work: nothing of theirs is undone.
        (None, Some(new)) => {
            let what = format!("the old container {name} is gone, and the new one is {}, {new}", new.name);
            return Ok(whole("unknown", what));
        }
        (Some(old), Some(new)) => {
            let what = format!("the old container is {}, {old}, and the new one is {}, {new}", old.name, new.name);
            return Ok(whole("unknown", what));
        }
        (None, None) => {
            return Ok(whole("unknown", format!("neither the old container {name} nor the new one is there")));
        }
    }
    Ok(Look::Changed)
}

fn whole(outcome: &str, what: String) -> Look {
    Look::Whole(Said { outcome: outcome.to_owned(), what })
}
