//! A command held against the runner's own catalogue. The service is not believed: what it may ask for stands in the
//! runner's folder, and what it says about it must be the same to the last byte (decision 22).

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::SERVICE;
use super::step::StepFailure;
use super::work::Work;
use crate::runbooks::{Argument, Runbook, RunbookCatalogue};

/// The largest parameters, as JSON; the service keeps no larger ones.
const MAX_PARAMETERS_BYTES: usize = 2 * 1024 * 1024;

/// A runbook of the runner's own and parameters that fit it; made by [`Call::check`] alone.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) runbook: Arc<Runbook>,
    parameters: Value,
    /// How long each phase may take.
    pub(super) phase: Duration,
    pub(super) dry_run: bool,
}

impl Call {
    /// Refuses what the catalogue does not hold, with a sentence for whoever asked.
    pub(super) fn check(catalogue: &dyn RunbookCatalogue, work: &Work) -> Result<Self, String> {
        let Some(runbook) = catalogue.get(&work.runbook) else {
            return Err(format!(
                "the runner has no runbook {:?}; give it the same folder as the service",
                work.runbook
            ));
        };
        if runbook.digest != work.runbook_digest {
            return Err(format!(
                "the runner's runbook {} has the digest {}, and the command was asked for with {}; give both the same folder, and ask again",
                runbook.name, runbook.digest, work.runbook_digest
            ));
        }
        if work.parameters.to_string().len() > MAX_PARAMETERS_BYTES {
            return Err(format!("the parameters have more than {MAX_PARAMETERS_BYTES} bytes"));
        }
        if let Err(errors) = runbook.check_parameters(&work.parameters) {
            let named: Vec<_> = errors.into_iter().map(|error| format!("{}: {}", error.field, error.detail)).collect();
            return Err(format!("the parameters do not fit the runbook: {}", named.join("; ")));
        }
        if runbook.target.resolve(&work.parameters).is_none_or(|target| target.service != SERVICE) {
            return Err(format!("the runbook {} is not for the service {SERVICE}", runbook.name));
        }
        if work.dry_run && !runbook.dry_run {
            return Err(format!("the runbook {} has no dry run", runbook.name));
        }
        let seconds = work.timeout_seconds.min(runbook.timeout_seconds);
        Ok(Self { runbook, parameters: work.parameters.clone(), phase: earlier(seconds), dry_run: work.dry_run })
    }

    /// The value that an argument stands for: it is never looked into, and never becomes a part of another.
    pub(super) fn value(&self, argument: &Argument) -> Result<Value, StepFailure> {
        match argument {
            Argument::Value(value) => Ok(value.clone()),
            Argument::Parameter { parameter } => self
                .parameters
                .get(parameter)
                .cloned()
                .ok_or_else(|| StepFailure::Refused(format!("the parameter {parameter} was not given"))),
        }
    }

    /// The same of an argument that must be a text.
    pub(super) fn text(&self, argument: &Argument, what: &str) -> Result<String, StepFailure> {
        match self.value(argument)? {
            Value::String(text) => Ok(text),
            _ => Err(StepFailure::Refused(format!("{what} must be a text"))),
        }
    }

    /// The same of an argument that must be a number from `least` to `most`.
    pub(super) fn number(&self, argument: &Argument, what: &str, least: u64, most: u64) -> Result<u64, StepFailure> {
        self.value(argument)?
            .as_u64()
            .filter(|number| (least..=most).contains(number))
            .ok_or_else(|| StepFailure::Refused(format!("{what} must be a whole number from {least} to {most}")))
    }
}

/// A little before the service would end the phase: a tenth, five seconds at most.
fn earlier(seconds: u64) -> Duration {
    let whole = Duration::from_secs(seconds);
    whole.saturating_sub(whole.checked_div(10).unwrap_or_default().min(Duration::from_secs(5)))
}
