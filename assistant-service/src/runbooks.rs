//! The catalogue of stored procedures: what may be asked of a service, with which parameters, and who must agree.
//!
//! Runbooks are read once at start-up. One mistake in one file refuses the start: a procedure that is silently missing
//! or half understood is found out in the middle of an incident.

mod file;
mod folder;
mod parts;
pub(crate) mod routes;
mod schema;
mod steps;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use jsonschema::Validator;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;
use utoipa::ToSchema;

use crate::problem::FieldError;

pub use parts::{Approval, Approver, BackoffPolicy, Concurrency, Retry, RunbookTarget, SuggestWhen};
pub use steps::{Action, Ansible, Argument, Podman, Step, Webhook};

/// Gives runbooks by name.
pub trait RunbookCatalogue: Send + Sync {
    /// The runbook with this name, if there is one.
    fn get(&self, name: &str) -> Option<Arc<Runbook>>;
    /// All runbooks, sorted by name.
    fn list(&self) -> Vec<Arc<Runbook>>;
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
}

/// The runbooks of one folder.
#[derive(Debug, Default)]
pub struct FolderCatalogue {
    runbooks: BTreeMap<String, Arc<Runbook>>,
}

impl FolderCatalogue {
    /// Reads every `.yaml` and `.yml` file of the folder, or says all that is wrong with them.
    pub fn load(folder: &Path) -> Result<Self, InvalidRunbooks> {
        folder::read(folder)
    }
}

impl RunbookCatalogue for FolderCatalogue {
    fn get(&self, name: &str) -> Option<Arc<Runbook>> {
        self.runbooks.get(name).cloned()
    }

    fn list(&self) -> Vec<Arc<Runbook>> {
        self.runbooks.values().cloned().collect()
    }
}

/// All mistakes of all files.
#[derive(Debug, Error)]
#[error("mistakes in the runbooks: {}; correct them and start again:\n{}", .0.len(), sentences(.0))]
pub struct InvalidRunbooks(pub Vec<Mistake>);

/// One mistake and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The file below the folder of runbooks; empty when the folder itself is meant.
    pub file: String,
    /// The line, where one can be told.
    pub line: Option<u64>,
    /// What is wrong.
    pub detail: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(formatter, "{}:{line}: {}", self.file, self.detail),
            None => write!(formatter, "{}: {}", self.file, self.detail),
        }
    }
}

fn sentences(mistakes: &[Mistake]) -> String {
    mistakes.iter().map(|mistake| format!("  {mistake}")).collect::<Vec<_>>().join("\n")
}
