//! Waits for a job's end, and tells meanwhile what happens to it.

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::Instant;

use super::service::{CannotTrain, Service};
use super::wire::{Job, Standing};

/// How a job is watched.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watch {
    /// How soon it is looked again at first; later less often.
    pub(crate) first: Duration,
    pub(crate) longest: Duration,
    /// How long an endpoint may be away.
    pub(crate) away: Duration,
    /// How long it is waited at all.
    pub(crate) whole: Duration,
}

/// What is told of a job.
#[derive(Debug)]
pub(crate) enum News<'a> {
    /// The job as it is now; told when that changes.
    Job(&'a Job),
    /// Something happened to it.
    Event(&'a str),
    /// The endpoint does not answer, and is asked again.
    Away(&'a CannotTrain),
}

/// The job at its end, or as it was last when the time was up.
pub(crate) async fn until_ended(
    service: &Service,
    id: &str,
    watch: Watch,
    tell: &mut dyn FnMut(News<'_>),
) -> Result<Job, CannotTrain> {
    let began = Instant::now();
    let (mut told, mut last_told) = (HashSet::new(), None);
    let (mut wait, mut answered) = (watch.first, Instant::now());
    loop {
        match look(service, id, &mut told, tell).await {
            Ok(job) => {
                answered = Instant::now();
                let now = (job.status.clone(), job.trained_tokens);
                if last_told.as_ref() != Some(&now) {
                    tell(News::Job(&job));
                    last_told = Some(now);
                    wait = watch.first;
                }
                if job.standing() != Standing::Running || began.elapsed() >= watch.whole {
                    return Ok(job);
                }
            }
            Err(error) if error.is_uncertain() && answered.elapsed() < watch.away => tell(News::Away(&error)),
            Err(error) => return Err(error),
        }
        tokio::time::sleep(wait).await;
        wait = wait.saturating_mul(2).min(watch.longest);
    }
}

async fn look(
    service: &Service,
    id: &str,
    told: &mut HashSet<String>,
    tell: &mut dyn FnMut(News<'_>),
) -> Result<Job, CannotTrain> {
    // The job first: what happened before its end is then among the events.
    let job = service.job(id).await?;
    for event in service.events(id).await?.iter().rev() {
        if told.insert(event.id.clone()) {
            tell(News::Event(event.message.as_deref().unwrap_or_default()));
        }
    }
    Ok(job)
}
