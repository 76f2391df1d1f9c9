//! Whether the rights of the runbooks let somebody do something with a command.

use super::book::Commands;
use super::command::Command;
use crate::gate::Caller;
use crate::problem::Problem;
use crate::runbooks::{Right, Runbook, Who};

impl Commands {
    /// Refuses whoever has not this right to the runbook.
    pub(super) fn permit(&self, caller: &Caller, right: Right, runbook: &Runbook) -> Result<(), Problem> {
        if self.runbooks.allows(&Who::of(caller)?, right, runbook) {
            Ok(())
        } else {
            Err(Problem::NotAllowed { runbook: runbook.name.clone(), right })
        }
    }

    /// Refuses whoever has not this right to the runbook of a command, as the catalogue stands now: to one that is not in it
    /// any more nobody has any.
    pub(super) fn permit_with(&self, caller: &Caller, right: Right, command: &Command) -> Result<(), Problem> {
        caller.require_principal()?;
        match self.runbooks.get(&command.runbook) {
            Some(runbook) => self.permit(caller, right, &runbook),
            None => Err(Problem::NotAllowed { runbook: command.runbook.clone(), right }),
        }
    }

    /// Refuses whoever did not ask for the command and has not the right to call it off.
    pub(super) fn permit_to_cancel(&self, caller: &Caller, command: &Command) -> Result<(), Problem> {
        if command.requested_by == *caller.require_principal()? {
            return Ok(());
        }
        self.permit_with(caller, Right::Cancel, command)
    }
}
