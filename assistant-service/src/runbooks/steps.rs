//! What the runner does for a runbook. Parameters are never a part of a text here: a value stands for itself, or is a
//! parameter as a whole, so that nothing that a caller wrote can become code, an option or another place.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// One step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// What a person reads while it is carried out.
    pub name: String,
    /// What is done.
    #[serde(flatten)]
    pub action: Action,
}

/// What a step does, by whom it is done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// By Podman, over its socket.
    Podman(Podman),
    /// By `ansible-playbook`.
    Ansible(Ansible),
    /// By a service that is told over HTTPS.
    Webhook(Webhook),
}

impl Action {
    /// The word for it in files and results.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Podman(_) => "podman",
            Self::Ansible(_) => "ansible",
            Self::Webhook(_) => "webhook",
        }
    }
}

/// A value, or the parameter of this name as a whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Argument {
    /// The value of a parameter.
    Parameter {
        /// Its name.
        parameter: String,
    },
    /// This very value.
    #[schema(value_type = Object)]
    Value(Value),
}

/// What Podman is asked for (libpod's REST interface).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Podman {
    /// Restarts a container.
    Restart {
        /// Its name.
        container: Argument,
    },
    /// Reads the last lines of a container.
    Logs {
        /// Its name.
        container: Argument,
        /// How many lines.
        tail: Argument,
    },
    /// Brings the number of a pod's containers of one image to this.
    Scale {
        /// The pod's name.
        pod: Argument,
        /// The image of those that are counted.
        image: Argument,
        /// How many there are to be.
        replicas: Argument,
    },
    /// Replaces a container by one of another image, and takes it back when that does not become healthy.
    Roll {
        /// Its name.
        container: Argument,
        /// The image.
        image: Argument,
        /// How long the new one may take until it is healthy.
        healthy_within_seconds: u64,
    },
}

/// A playbook of the runner's own working copy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Ansible {
    /// Its path below the working copy.
    pub playbook: String,
    /// The inventory's path below the working copy.
    pub inventory: String,
    /// Extra variables.
    #[serde(default)]
    pub vars: BTreeMap<String, Argument>,
}

/// A request to a service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Where to; never from a parameter.
    pub url: String,
    /// Members of the JSON object that is sent.
    #[serde(default)]
    pub body: BTreeMap<String, Argument>,
}
