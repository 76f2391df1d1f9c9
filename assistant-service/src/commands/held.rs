//! Changes of a command by the one who holds its lease.

use serde::{Deserialize, Serialize};
use trust_core::principal::Principal;

use super::book::{Commands, Kept};
use super::crossing::unless_crossed;
use super::record::Record;
use super::state::Step;
use crate::gate::Caller;
use crate::problem::Problem;

/// A command has one holder, one reader of the clock and few who would call it off, so a fifth conflict in a row is a
/// mistake somewhere.
const ATTEMPTS: usize = 5;

/// Of how many leases it is known who had them. Whoever had an earlier one is not heard any more.
const LEASES_KNOWN: usize = 16;

/// A lease that was given, which may not count any more.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct LeaseGiven {
    fence: u64,
    holder: Principal,
    /// The attempt that was begun under it, if one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    attempt: Option<u32>,
}

impl Record {
    /// The last fence was just given to `holder`.
    pub(super) fn keep_lease(&mut self, holder: Principal) {
        self.leases.push(LeaseGiven { fence: self.fence(), holder, attempt: None });
        self.leases.drain(..self.leases.len().saturating_sub(LEASES_KNOWN));
    }

    /// The last attempt has just begun, under the last fence.
    pub(super) fn keep_attempt(&mut self) {
        let (fence, attempt) = (self.fence(), self.command.attempts);
        if let Some(lease) = self.leases.last_mut().filter(|lease| lease.fence == fence) {
            lease.attempt = Some(attempt);
        }
    }

    pub(super) fn attempt_under(&self, fence: u64) -> Option<u32> {
        self.leases.iter().find(|lease| lease.fence == fence)?.attempt
    }

    /// Whether the lease with this fence was given to the very `principal`: the same name from another issuer is somebody else.
    pub(super) fn was_given_to(&self, principal: &Principal, fence: u64) -> bool {
        if fence == self.fence() {
            return self.holder.as_ref() == Some(principal);
        }
        self.leases.iter().any(|lease| lease.fence == fence && lease.holder == *principal)
    }

    /// Whether `principal` may be told anything about the lease with this fence. Of one that nobody is known to have had,
    /// whoever had another may hear that it does not count.
    fn answers(&self, principal: &Principal, fence: u64) -> bool {
        let is_known = fence == self.fence() || self.leases.iter().any(|lease| lease.fence == fence);
        if is_known {
            return self.was_given_to(principal, fence);
        }
        self.holder.as_ref() == Some(principal) || self.leases.iter().any(|lease| lease.holder == *principal)
    }
}

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
        let once = || async {
            let mut kept = self.find_held(caller, id, fence).await?;
            match change(&mut kept.record)? {
                Some(steps) => self.advance(kept, steps, Some(caller)).await,
                None => Ok(kept),
            }
        };
        unless_crossed(ATTEMPTS, once).await
    }

    async fn find_held(&self, caller: &Caller, id: &str, fence: u64) -> Result<Kept, Problem> {
        let principal = caller.require_principal()?;
        let kept = self.find(id).await?;
        if kept.record.command.target.service != principal.subject() {
            return Err(Problem::NotTheService);
        }
        // Before the fence: somebody who never had it hears nothing, and nothing is written down in their name.
        if !kept.record.answers(principal, fence) {
            return Err(Problem::NotTheService);
        }
        if kept.record.fence() == fence { Ok(kept) } else { Err(Problem::StaleFence) }
    }
}
