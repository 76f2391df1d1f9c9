//! Changes of a command by the one who holds its lease.

use super::book::{Commands, Kept};
use super::record::Record;
use super::state::Step;
use crate::backbone::BackboneError;
use crate::gate::Caller;
use crate::problem::Problem;

/// A command has one holder, one reader of the clock and few who would call it off, so a fifth conflict in a row is a
/// mistake somewhere.
const ATTEMPTS: usize = 5;

impl Commands {
    /// Takes the steps that `change` names for a command whose last lease was given to `caller` with this fence; `None`
    /// leaves it as it is. A heartbeat may be under way while the result comes: whoever is second reads again what the
    /// first has made of the command, and everything is asked anew, the fence too.
    pub(super) async fn change_held(
        &self,
        caller: &Caller,
        id: &str,
        fence: u64,
        change: impl Fn(&mut Record) -> Result<Option<Vec<Step>>, Problem>,
    ) -> Result<Kept, Problem> {
        let mut again = 1..ATTEMPTS;
        loop {
            let mut kept = self.find_held(caller, id, fence).await?;
            let Some(steps) = change(&mut kept.record)? else { return Ok(kept) };
            match self.advance(kept, steps, Some(caller)).await {
                Err(Problem::Store(BackboneError::Conflict { .. })) if again.next().is_some() => {}
                changed => return changed,
            }
        }
    }

    async fn find_held(&self, caller: &Caller, id: &str, fence: u64) -> Result<Kept, Problem> {
        let principal = caller.require_principal()?;
        let kept = self.find(id).await?;
        if kept.record.command.target.service != principal.subject() {
            return Err(Problem::NotTheService);
        }
        if kept.record.fence() != fence {
            return Err(Problem::StaleFence);
        }
        // The same name from another issuer is somebody else.
        if kept.record.holder.as_ref() == Some(principal) { Ok(kept) } else { Err(Problem::NotTheService) }
    }
}
