//! The catalogue of stored procedures: what may be asked of a service, with which parameters, and who must agree.
//!
//! One mistake in one file refuses the whole folder, at the start and later: a procedure that is silently missing or half
//! understood is found out in the middle of an incident. While a changed folder has mistakes, what was read last stays.

mod file;
mod folder;
mod following;
mod iso_duration;
mod mistake;
mod parts;
mod rights;
pub(crate) mod routes;
mod schema;
mod steps;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use jsonschema::Validator;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::problem::FieldError;

pub use following::{CannotFollow, FollowedCatalogue};
pub use mistake::{InvalidRunbooks, Mistake};
pub use parts::{Approval, Approver, BackoffPolicy, Concurrency, Retry, RunbookTarget, SuggestWhen};
pub(crate) use rights::are_of;
pub use rights::{About, Right, Rights, Who};
pub use steps::{Action, Ansible, Argument, Podman, Step, Webhook};

/// The service whose runbooks say by steps what is done.
pub const RUNNER: &str = "runner";

/// Gives runbooks by name, and says who may do what with them.
pub trait RunbookCatalogue: Send + Sync {
    /// The runbook with this name, if there is one.
    fn get(&self, name: &str) -> Option<Arc<Runbook>>;
    /// All runbooks, sorted by name.
    fn list(&self) -> Vec<Arc<Runbook>>;
    /// Whether somebody may do this with the runbook. An explicit denial wins, and what no rule allows is refused.
    fn allows(&self, who: &Who<'_>, right: Right, about: About<'_>) -> bool;
}

/// One stored procedure.
#[derive(Debug, Serialize, ToSchema)]
pub struct Runbook {
    /// Its name in the catalogue: lower-case words joined by hyphens.
    pub name: String,
    /// What a person reads in a list.
    pub title: String,
    /// What it does and when to use it.
    pub description: String,
    /// What it takes, as JSON Schema of an object.
    #[schema(value_type = Object)]
    pub parameters: Value,
    /// Who carries it out.
    pub target: RunbookTarget,
    /// What it can do at worst.
    pub risk: Risk,
    /// Who must agree.
    pub approval: Approval,
    /// How long each phase of one execution may take: carrying out, verifying, rolling back.
    pub timeout_seconds: u64,
    /// Whether it can be asked what it would do.
    pub dry_run: bool,
    /// Whether carrying it out twice comes to the same as once. Only then is it ever given out again once it has begun.
    pub idempotent: bool,
    /// How often it is tried again after a failure.
    pub retry: Retry,
    /// How many of its commands are carried out at once.
    pub concurrency: Concurrency,
    /// What the runner does. A service that takes commands by itself knows what its runbooks mean.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
    /// How the runner finds out that it was done.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub verify: Vec<Step>,
    /// How the runner undoes what was done in part, or did not hold.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rollback: Vec<Step>,
    /// Events at which it is worth a look.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suggest_when: Option<SuggestWhen>,
    /// SHA-256 in hexadecimal of all of the above in canonical JSON: what an approver has seen is what runs.
    pub digest: String,
    #[serde(skip)]
    validator: Validator,
}

/// Who carries a command out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// The service that leases the commands.
    pub service: String,
}

/// What a runbook can do at worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// It looks and reports.
    Read,
    /// It changes something that can be changed back.
    Change,
    /// What it does cannot be undone.
    Destructive,
}

impl Runbook {
    /// Reads one runbook file; `file` is its name in the sentences about its mistakes.
    pub fn from_yaml(file: &str, text: &str) -> Result<Self, InvalidRunbooks> {
        file::parse(file, text).map_err(InvalidRunbooks)
    }

    /// Holds parameters against the schema and names every member that does not fit, as `parameters.<member>`.
    pub fn check_parameters(&self, parameters: &Value) -> Result<(), Vec<FieldError>> {
        schema::check(&self.validator, parameters)
    }

    /// The parameters, and the defaults of those that were left out.
    #[must_use]
    pub fn with_defaults(&self, mut parameters: Value) -> Value {
        if let Value::Object(members) = &mut parameters {
            for (name, default) in schema::defaults(&self.parameters) {
                members.entry(name).or_insert(default);
            }
        }
        parameters
    }

    /// The names of the parameters that nobody but the holder of a command may see.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        schema::properties(&self.parameters).filter(|(_, property)| schema::is_secret(property)).map(|(name, _)| name)
    }
}

/// The runbooks of one folder, and who may do what with them.
#[derive(Debug, Default)]
pub struct FolderCatalogue {
    runbooks: BTreeMap<String, Arc<Runbook>>,
    rights: Option<Rights>,
}

impl FolderCatalogue {
    /// Reads every `.yaml` and `.yml` file of the folder, or says all that is wrong with them.
    pub fn load(folder: &Path) -> Result<Self, InvalidRunbooks> {
        folder::read(folder)
    }

    /// Who may do what; without it nobody may do anything.
    #[must_use]
    pub fn rights(&self) -> Option<&Rights> {
        self.rights.as_ref()
    }
}

impl RunbookCatalogue for FolderCatalogue {
    fn get(&self, name: &str) -> Option<Arc<Runbook>> {
        self.runbooks.get(name).cloned()
    }

    fn list(&self) -> Vec<Arc<Runbook>> {
        self.runbooks.values().cloned().collect()
    }

    fn allows(&self, who: &Who<'_>, right: Right, about: About<'_>) -> bool {
        self.rights.as_ref().is_some_and(|rights| rights.allow(who, right, about))
    }
}
