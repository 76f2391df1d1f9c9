//! A container replaced by one of another image. The old one is kept until the new one is healthy, and put back when it does
//! not become so: beside it where both can be there at once, else stopped.

use std::time::Duration;

use serde_json::Value;
use tokio::sync::OwnedMutexGuard;
use tokio::time::{Instant, sleep};

use super::api::Api;
use super::broken_off::UnderWay;
use super::container::{Container, write_down};
use super::{STOP_SECONDS, spec};
use crate::runner::journal::{Handle, Replacement};
use crate::runner::step::{StepContext, StepFailure, StepResult};

const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long one without a health check must run.
const STEADY: Duration = Duration::from_secs(5);
/// What stopping the old one, taking the new one away and starting the old one again may take.
const TO_PUT_BACK: Duration = Duration::from_secs(25);

/// What is asked for.
#[derive(Clone, Copy)]
pub(super) struct New<'a> {
    pub(super) name: &'a str,
    pub(super) image: &'a str,
    /// In which it must become healthy.
    pub(super) within: Duration,
}

pub(super) async fn to(
    api: &Api,
    New { name, image, within }: New<'_>,
    changing: OwnedMutexGuard<()>,
    context: &StepContext<'_>,
) -> StepResult {
    let old = Container::read(api, name).await?;
    if api.look(&["images", image, "json"]).await?.is_none() {
        return Err(StepFailure::Refused(format!("the image {image} is not on this host; pull it first")));
    }
    let old_image = api.look(&["images", &old.image, "json"]).await?.unwrap_or_default();
    let mark: String = context.trail.mark.chars().rev().take(8).collect();
    let beside = format!("{name}-next-{mark}");
    let spec = spec::like(&old, &old_image, image, &beside)?;
    let is_exclusive = spec::is_exclusive(&old);
    let needed = within.saturating_add(TO_PUT_BACK);
    if context.deadline.saturating_duration_since(Instant::now()) < needed {
        let detail =
            format!("the runbook's timeout must leave {} s, to put the old container back in time", needed.as_secs());
        return Err(StepFailure::Refused(detail));
    }
    if context.dry_run {
        let how = if is_exclusive { "after it was stopped" } else { "once the new one is healthy beside it" };
        return Ok(format!("would replace the container {name}, {old}, by one of {image}, {how}"));
    }
    let replacement = Replacement {
        name: name.to_owned(),
        id: old.id.clone(),
        was_running: old.is_running,
        beside,
        aside: format!("{name}-before-{mark}"),
    };
    write_down(context, Handle::Replaced(replacement.clone())).await?;
    let mut under_way = UnderWay::begin(api, replacement.clone(), changing);
    let Replacement { beside, aside, .. } = &replacement;
    let roll = Roll { api, name, old: &old, is_exclusive, context };
    let rolled = match roll.start(&spec, within, &mut under_way).await {
        Ok(new) => roll.take_over(&new, aside).await,
        Err(failure) => Err(roll.put_back(beside, failure).await),
    };
    under_way.ended();
    rolled
}

struct Roll<'a> {
    api: &'a Api,
    name: &'a str,
    old: &'a Container,
    is_exclusive: bool,
    context: &'a StepContext<'a>,
}

impl Roll<'_> {
    /// Starts the new one and waits until it is healthy.
    async fn start(&self, spec: &Value, within: Duration, under_way: &mut UnderWay) -> Result<String, StepFailure> {
        if self.is_exclusive && self.old.is_running {
            self.api.change(&["containers", &self.old.id, "stop"], &[("timeout", STOP_SECONDS)]).await?;
        }
        self.context.go_on()?;
        let new = self.api.create(spec).await?;
        under_way.made(&new);
        write_down(self.context, Handle::Made { id: new.clone() }).await?;
        self.api.change(&["containers", &new, "start"], &[]).await?;
        self.healthy(&new, within).await?;
        Ok(new)
    }

    async fn healthy(&self, new: &str, within: Duration) -> Result<(), StepFailure> {
        let begun = Instant::now();
        loop {
            let container = Container::read(self.api, new).await?;
            if !container.is_running {
                return Err(StepFailure::Failed(format!("the new container ended by itself, {container}")));
            }
            let test = container.shown.pointer("/Config/Healthcheck/Test").and_then(Value::as_array);
            let has_check = test.is_some_and(|test| test.first().is_some_and(|first| first != "NONE"));
            if has_check {
                // Asked for, not waited for: without systemd nobody else runs it. One that breaks off says nothing.
                let health =
                    self.api.look(&["containers", new, "healthcheck"]).await.ok().flatten().unwrap_or_default();
                if health.get("Status").and_then(Value::as_str) == Some("healthy") {
                    return Ok(());
                }
            } else if begun.elapsed() >= STEADY.min(within) {
                return Ok(());
            }
            if begun.elapsed() >= within {
                let detail = format!("the new container was not healthy within {} s", within.as_secs());
                return Err(StepFailure::Failed(detail));
            }
            let wait = async {
                sleep(LOOK_EVERY).await;
                Ok(())
            };
            self.context.or_ended(wait).await?;
        }
    }

    /// The new one gets the name, and the old one goes.
    async fn take_over(&self, new: &str, aside: &str) -> StepResult {
        let renamed = async {
            self.rename(&self.old.id, aside).await?;
            self.rename(new, self.name).await
        };
        if let Err(failure) = renamed.await {
            // Only one of the two can have had the name; that it is the old one again is seen below.
            let _ = self.rename(&self.old.id, self.name).await;
            return Err(self.put_back(new, failure).await);
        }
        if let Err(failure) = self.api.remove(&self.old.id).await {
            let detail = format!(
                "the container {} is the new one, but the old one, {aside}, is still there: {failure}",
                self.name
            );
            return Err(StepFailure::Failed(detail));
        }
        let now = Container::read(self.api, self.name).await?;
        Ok(format!("the container {} was replaced, {now}", self.name))
    }

    async fn rename(&self, id: &str, name: &str) -> Result<(), StepFailure> {
        self.api.change(&["containers", id, "rename"], &[("name", name)]).await
    }

    /// Takes the new one away and lets the old one run again; says whether that worked.
    async fn put_back(&self, new: &str, failure: StepFailure) -> StepFailure {
        let removed = match Container::read_if_there(self.api, new).await {
            Ok(None) => Ok(()),
            Ok(Some(container)) => self.api.remove(&container.id).await,
            Err(failure) => Err(failure),
        };
        let started = match self.old.is_running {
            true => self.api.change(&["containers", &self.old.id, "start"], &[]).await,
            false => Ok(()),
        };
        let back = match (Container::read(self.api, self.name).await, removed, started) {
            (Ok(now), Ok(()), Ok(())) if now.id == self.old.id && now.is_running == self.old.is_running => {
                "the old one was put back".to_owned()
            }
            (now, removed, started) => {
                let troubles = [now.err(), removed.err(), started.err()];
                let troubles: Vec<_> = troubles.into_iter().flatten().map(|trouble| trouble.to_string()).collect();
                format!("and the old one could not be put back: {}", troubles.join("; "))
            }
        };
        match failure {
            // Why it was ended must stay to be seen by whoever asked for it.
            StepFailure::Ended(why) if back == "the old one was put back" => StepFailure::Ended(why),
            StepFailure::Refused(what) | StepFailure::Failed(what) => StepFailure::Failed(format!("{what}; {back}")),
            StepFailure::Unknown(what) => StepFailure::Failed(format!("{what}; {back}")),
            StepFailure::Ended(why) => StepFailure::Failed(format!("{why}; {back}")),
        }
    }
}
