//! A container as Podman shows it.

use std::fmt;

use serde_json::Value;

use super::api::Api;
use crate::runner::journal::Handle;
use crate::runner::step::{StepContext, StepFailure};

/// What matters of a container here, and all that Podman says of it.
#[derive(Clone, Debug)]
pub(super) struct Container {
    pub(super) id: String,
    pub(super) name: String,
    /// The image's id.
    pub(super) image: String,
    pub(super) image_name: String,
    pub(super) created: String,
    pub(super) started_at: String,
    pub(super) is_running: bool,
    /// A pod's first one, which holds its namespaces.
    pub(super) is_infra: bool,
    state: String,
    pub(super) shown: Value,
}

impl Container {
    pub(super) async fn read(api: &Api, name: &str) -> Result<Self, StepFailure> {
        Self::read_if_there(api, name)
            .await?
            .ok_or_else(|| StepFailure::Refused(format!("there is no container {name}")))
    }

    pub(super) async fn read_if_there(api: &Api, name: &str) -> Result<Option<Self>, StepFailure> {
        let Some(shown) = api.look(&["containers", name, "json"]).await? else { return Ok(None) };
        let text = |pointer: &str| shown.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let container = Self {
            id: text("/Id"),
            name: text("/Name"),
            image: text("/Image"),
            image_name: text("/ImageName"),
            created: text("/Created"),
            started_at: text("/State/StartedAt"),
            is_running: shown.pointer("/State/Running").and_then(Value::as_bool).unwrap_or(false),
            is_infra: shown.get("IsInfra").and_then(Value::as_bool).unwrap_or(false),
            state: text("/State/Status"),
            shown: Value::Null,
        };
        if container.id.is_empty() {
            return Err(StepFailure::Failed("Podman showed a container without an id".to_owned()));
        }
        Ok(Some(Self { shown, ..container }))
    }

    /// Made, and never started since.
    pub(super) fn is_unstarted(&self) -> bool {
        matches!(self.state.as_str(), "created" | "configured")
    }

    /// Puts it into the journal as it is before it is changed.
    pub(super) async fn write_down(&self, context: &StepContext<'_>) -> Result<(), StepFailure> {
        let Self { id, name, image, started_at, .. } = self.clone();
        write_down(context, Handle::Container { name, id, image, started_at }).await
    }
}

/// What is not in the journal is not begun.
pub(super) async fn write_down(context: &StepContext<'_>, handle: Handle) -> Result<(), StepFailure> {
    let written = context.trail.handle(handle).await;
    written.map_err(|error| StepFailure::Refused(format!("the runner's journal cannot be written: {error}")))
}

impl fmt::Display for Container {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.id.get(..12).unwrap_or(&self.id);
        write!(formatter, "{} since {} ({id}, {})", self.state, self.started_at, self.image_name)
    }
}
