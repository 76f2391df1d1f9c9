//! Taking a call: what somebody asks for, held against its runbook as it stands now, becomes a command.

use serde_json::Value;
use trust_core::principal::Principal;

use super::book::{Commands, Kept, MAX_OPEN, MAX_OPEN_OF_ONE};
use super::command::Command;
use super::idempotency::{IdempotencyKey, KEYS};
use super::record::{Call, Record};
use super::secret_parameters::SecretParameters;
use super::state::Step;
use super::{check_length, check_value};
use crate::backbone::BackboneError;
use crate::gate::Caller;
use crate::problem::Problem;
use crate::runbooks::Right;
use crate::telemetry::trace_parent;

const MAX_REASON_BYTES: usize = 2000;
const MAX_PARAMETERS_BYTES: usize = 64 * 1024;

/// A call as it was asked for, by whichever way.
pub(super) struct Asked {
    pub(super) runbook: String,
    pub(super) parameters: Value,
    pub(super) reason: String,
    pub(super) dry_run: bool,
    /// The command that is called once more.
    pub(super) replays: Option<String>,
    /// Names of parameters that are to stay secret, whatever the runbook says of them by now.
    pub(super) secret: Vec<String>,
}

/// The key of a request, and the request itself in a form that two share if they are the same.
pub(super) struct Keyed {
    pub(super) key: IdempotencyKey,
    pub(super) request: Vec<u8>,
}

/// What came of it.
pub(super) enum Answered {
    /// A command that was not there before.
    Anew(Command),
    /// The command that the same request made before, as it stands now.
    Before(Command),
}

impl Commands {
    pub(super) async fn ask(&self, caller: &Caller, asked: Asked, keyed: Option<Keyed>) -> Result<Answered, Problem> {
        let requested_by = caller.require_principal()?;
        let one = keyed.map(|Keyed { key, request }| key.used_by(KEYS, requested_by, &request));
        if let Some(one) = &one
            && let Some(before) = self.asked_before(one).await?
        {
            return Ok(before.into());
        }
        let record = self.record(asked, caller)?;
        self.check_room(requested_by).await?;
        let puts = one.iter().map(|one| one.put(record.command.id.clone(), self.now())).collect::<Result<_, _>>()?;
        let first = if record.command.approval.needed { Step::AskForApproval } else { Step::Schedule };
        match (self.begin(record, first, caller, puts).await, &one) {
            // The same was asked for twice at once, and the other one was faster.
            (Err(Problem::Store(error @ BackboneError::Conflict { bucket: KEYS, .. })), Some(one)) => {
                let before = self.asked_before(one).await?.ok_or(Problem::Store(error))?;
                Ok(before.into())
            }
            (begun, _) => Ok(Answered::Anew(begun?.record.command)),
        }
    }

    fn record(&self, asked: Asked, caller: &Caller) -> Result<Record, Problem> {
        let Asked { runbook, parameters, reason, dry_run, replays, secret } = asked;
        check_length("reason", Some(&reason), MAX_REASON_BYTES).map_err(|error| vec![error])?;
        check_value("parameters", &parameters, MAX_PARAMETERS_BYTES).map_err(|error| vec![error])?;
        let runbook = self
            .runbooks
            .get(&runbook)
            .ok_or_else(|| Problem::invalid("runbook", "there is no runbook of this name; /v1/runbooks lists them"))?;
        self.permit(caller, if dry_run { Right::DryRun } else { Right::Run }, &runbook)?;
        if dry_run && !runbook.dry_run {
            return Err(Problem::invalid("dry_run", "this runbook cannot say what it would do; leave it away"));
        }
        let mut parameters = runbook.with_defaults(parameters);
        runbook.check_parameters(&parameters)?;
        let target = runbook.target.resolve(&parameters);
        let target = target.ok_or_else(|| Problem::mistake("a runbook's target is in no parameter"))?;
        let secret = runbook.secrets().map(str::to_owned).chain(secret);
        let secrets = SecretParameters::taken_from(&mut parameters, secret)?;
        let id = uuid::Uuid::now_v7().to_string();
        let call = Call { target, parameters, secrets, reason, dry_run, replays };
        let mut record = Record::new(id, &runbook, call, caller.require_principal()?.clone(), self.now());
        record.traceparent = trace_parent::current();
        Ok(record)
    }

    async fn check_room(&self, requested_by: &Principal) -> Result<(), Problem> {
        let (open, own) = self.open_counts(requested_by).await?;
        if open >= MAX_OPEN {
            return Err(Problem::TooManyOpenCommands);
        }
        if own >= MAX_OPEN_OF_ONE { Err(Problem::TooManyOwnCommands) } else { Ok(()) }
    }
}

impl From<Kept> for Answered {
    fn from(kept: Kept) -> Self {
        Self::Before(kept.record.command)
    }
}
