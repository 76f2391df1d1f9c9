//! The kinds of steps. Each is there when its setting is; without it its steps are refused.

use super::ansible::Playbooks;
use super::call::Call;
use super::podman::Podman;
use super::step::{StepContext, StepFailure, StepResult};
use super::webhook::Webhooks;
use crate::runbooks::Action;

/// What this runner can do.
#[derive(Default)]
pub(super) struct Kinds {
    pub(super) podman: Option<Podman>,
    pub(super) ansible: Option<Playbooks>,
    pub(super) webhook: Option<Webhooks>,
}

impl Kinds {
    /// Carries out one step. It heeds the context's end.
    pub(super) async fn carry_out(&self, call: &Call, action: &Action, context: &StepContext<'_>) -> StepResult {
        match action {
            Action::Podman(asked) => match &self.podman {
                Some(podman) => podman.carry_out(call, asked, context).await,
                None => without("--podman-socket", "podman"),
            },
            Action::Ansible(asked) => match &self.ansible {
                Some(ansible) => ansible.carry_out(call, asked, context).await,
                None => without("--ansible-folder and --ansible-playbook", "ansible"),
            },
            Action::Webhook(asked) => match &self.webhook {
                Some(webhook) => webhook.carry_out(call, asked, context).await,
                None => without("--webhook-key", "webhook"),
            },
        }
    }
}

fn without(setting: &str, kind: &str) -> StepResult {
    Err(StepFailure::Refused(format!("this runner has no {kind}: start it with {setting}")))
}
