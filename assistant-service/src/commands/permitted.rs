//! Whether the rights of the runbooks let somebody do something with a command.

use super::book::Commands;
use super::record::Record;
use crate::gate::Caller;
use crate::problem::Problem;
use crate::runbooks::{About, Right, Runbook, Who};

impl Commands {
    /// Refuses whoever has not this right to the runbook.
    pub(super) fn permit(&self, caller: &Caller, right: Right, runbook: &Runbook) -> Result<(), Problem> {
        self.permit_about(caller, right, runbook.into())
    }

    /// Refuses whoever has not this right to the runbook of a command, by the rights of now and the risk that it had at the
    /// request. A runbook that has left the catalogue must not leave behind commands that nobody can stop.
    pub(super) fn permit_with(&self, caller: &Caller, right: Right, record: &Record) -> Result<(), Problem> {
        let name = &record.command.runbook;
        let risk = record.terms.risk.or_else(|| self.runbooks.get(name).map(|runbook| runbook.risk));
        self.permit_about(caller, right, About { runbook: name, risk })
    }

    /// Refuses whoever did not ask for the command and has not the right to call it off.
    pub(super) fn permit_to_cancel(&self, caller: &Caller, record: &Record) -> Result<(), Problem> {
        if record.command.requested_by == *caller.require_principal()? {
            return Ok(());
        }
        self.permit_with(caller, Right::Cancel, record)
    }

    /// Refuses to go on with a runbook that is gone from the catalogue, or says something else than at the request: nobody
    /// can look at it any more.
    pub(super) fn require_runbook_as_asked(&self, record: &Record) -> Result<(), Problem> {
        match self.runbooks.get(&record.command.runbook) {
            Some(runbook) if runbook.digest == record.terms.runbook_digest => Ok(()),
            _ => Err(Problem::RunbookDiffers),
        }
    }

    fn permit_about(&self, caller: &Caller, right: Right, about: About<'_>) -> Result<(), Problem> {
        if self.runbooks.allows(&Who::of(caller)?, right, about) {
            Ok(())
        } else {
            Err(Problem::NotAllowed { runbook: about.runbook.to_owned(), right })
        }
    }
}
