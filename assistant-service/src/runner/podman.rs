//! Steps that Podman carries out, asked over its socket (libpod's REST interface, version 4.0.0).
//!
//! What changes something is never broken off in the middle, for Podman would go on with it; a step that must end does so
//! between two changes.

mod api;
mod broken_off;
mod container;
mod logs;
mod roll;
mod scale;
mod spec;

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;

use super::call::Call;
use super::journal::{Handle, Replacement, Said};
use super::step::{StepContext, StepFailure, StepResult};
use crate::runbooks;
use api::Api;
use container::Container;

/// Podman gives a container this long to end by itself.
const STOP_SECONDS: &str = "10";
const MOST_LOG_LINES: u64 = 1000;
const MOST_REPLICAS: u64 = 32;
const LONGEST_NAME_BYTES: usize = 128;
const LONGEST_IMAGE_BYTES: usize = 255;

/// Podman behind its socket.
pub(super) struct Podman {
    api: Api,
    /// Held by whoever changes something: what broke off is put in order before anything else is begun.
    changing: Arc<Mutex<()>>,
}

impl Podman {
    pub(super) fn open(socket: &Path) -> anyhow::Result<Self> {
        Ok(Self { api: Api::open(socket)?, changing: Arc::default() })
    }

    pub(super) async fn carry_out(
        &self,
        call: &Call,
        asked: &runbooks::Podman,
        context: &StepContext<'_>,
    ) -> StepResult {
        use runbooks::Podman as Asked;
        let changing = context.or_ended(async { Ok(Arc::clone(&self.changing).lock_owned().await) }).await?;
        match asked {
            Asked::Restart { container } => {
                let name = name(call.text(container, "the container's name")?)?;
                restart(&self.api, &name, context).await
            }
            Asked::Logs { container, tail } => {
                let name = name(call.text(container, "the container's name")?)?;
                let tail = call.number(tail, "tail", 1, MOST_LOG_LINES)?;
                context.or_ended(logs::read(&self.api, &name, tail, context)).await
            }
            Asked::Scale { pod, image, replicas } => {
                let pod = name(call.text(pod, "the pod's name")?)?;
                let image = image_name(call.text(image, "the image")?)?;
                let replicas = call.number(replicas, "replicas", 1, MOST_REPLICAS)?;
                scale::to(&self.api, &pod, &image, replicas, context).await
            }
            Asked::Roll { container, image, healthy_within_seconds } => {
                let name = name(call.text(container, "the container's name")?)?;
                let image = image_name(call.text(image, "the image")?)?;
                let new =
                    roll::New { name: &name, image: &image, within: Duration::from_secs(*healthy_within_seconds) };
                roll::to(&self.api, new, changing, context).await
            }
        }
    }

    /// Ends a roll that nobody goes on with; `made` is the new container's id where that is known.
    pub(super) async fn settle(&self, roll: &Replacement, made: Option<&str>) -> Result<Said, StepFailure> {
        let _changing = self.changing.lock().await;
        broken_off::settle(&self.api, roll, made, broken_off::in_flight(made)).await
    }

    /// Ends the making of a container that nobody goes on with.
    pub(super) async fn settle_made(&self, name: &str) -> Result<(), StepFailure> {
        let _changing = self.changing.lock().await;
        broken_off::take_away_unstarted(&self.api, name).await
    }

    /// What is to be seen now of a container that a step worked on and of which nobody heard the end.
    pub(super) async fn found(&self, handle: &Handle) -> String {
        let (name, before) = match handle {
            Handle::Container { name, id, started_at, .. } => (name, Some((id, started_at))),
            Handle::NewContainer { name } => (name, None),
            Handle::Replaced(Replacement { name, .. }) => (name, None),
            Handle::Made { .. } | Handle::Playbook { .. } | Handle::Request { .. } => {
                return "that is not Podman's".to_owned();
            }
        };
        let now = match Container::read_if_there(&self.api, name).await {
            Ok(now) => now,
            Err(failure) => return format!("nobody knows what became of the container {name}: {failure}"),
        };
        match (now, before) {
            (None, _) => format!("there is no container {name} now"),
            (Some(now), None) => format!("there is a container {name} now, {now}"),
            (Some(now), Some((id, _))) if now.id != *id => format!("the container {name} is another one now, {now}"),
            (Some(now), Some((_, started_at))) if now.started_at != *started_at => {
                format!("the container {name} was started again, {now}")
            }
            (Some(now), Some(_)) => format!("the container {name} is as it was, {now}"),
        }
    }
}

async fn restart(api: &Api, name: &str, context: &StepContext<'_>) -> StepResult {
    let before = Container::read(api, name).await?;
    if context.dry_run {
        return Ok(format!("would restart the container {name}, {before}"));
    }
    before.write_down(context).await?;
    api.change(&["containers", &before.id, "restart"], &[("t", STOP_SECONDS)]).await?;
    let after = Container::read(api, &before.id).await?;
    if after.is_running && after.started_at != before.started_at {
        Ok(format!("the container {name} was restarted, {after}"))
    } else {
        Err(StepFailure::Failed(format!("the container {name} does not run after its restart, {after}")))
    }
}

/// Names as Podman makes them, and nothing that could be a path, an option or another interface.
fn name(name: String) -> Result<String, StepFailure> {
    let mut bytes = name.bytes();
    let is_name = bytes.next().is_some_and(|first| first.is_ascii_alphanumeric())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
        && name.len() <= LONGEST_NAME_BYTES;
    if is_name { Ok(name) } else { Err(StepFailure::Refused("the name is none that Podman gives".to_owned())) }
}

/// `registry.example.com:5000/team/image:tag` or with `@sha256:…`.
fn image_name(image: String) -> Result<String, StepFailure> {
    let mut bytes = image.bytes();
    let is_image = bytes.next().is_some_and(|first| first.is_ascii_alphanumeric())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"_.-/:@".contains(&byte))
        && !image.contains("..")
        && !image.contains("//")
        && image.len() <= LONGEST_IMAGE_BYTES;
    if is_image { Ok(image) } else { Err(StepFailure::Refused("that is no image's name".to_owned())) }
}
