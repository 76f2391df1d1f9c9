//! Results that come too late: from a holder whose lease was given to another, or after the command was ended over its
//! silence. They change nothing, but what was really done may be found out from them, so the first of each lease is an event.

use serde::Serialize;
use serde_json::value::to_raw_value;
use sha2::{Digest, Sha256};
use trust_core::principal::Principal;

use super::book::Commands;
use super::command::{Command, Ending, Outcome};
use super::record::Record;
use crate::backbone::Batch;
use crate::events::CloudEvent;
use crate::gate::Caller;
use crate::problem::Problem;

const LATE_RESULT: &str = "dev.watchgate.command.late_result";

/// What is kept of one.
#[derive(Serialize)]
struct LateResult<'a> {
    /// The lease that it was reported under.
    fence: u64,
    outcome: Ending,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    /// Who reported it.
    holder: &'a Principal,
}

impl Commands {
    /// The command, where what was refused is what its holder had reported in time, and only the answer was lost. Otherwise keeps
    /// the result if it is one that was too late: one of each lease, so that nobody fills the log with them.
    pub(super) async fn heard_or_late(
        &self,
        caller: &Caller,
        id: &str,
        fence: u64,
        late: &Outcome,
    ) -> Result<Option<Command>, Problem> {
        let record = self.find(id).await?.record;
        let holder = caller.require_principal()?;
        if !is_late(&record, fence) || !record.was_given_to(holder, fence) {
            return Ok(None);
        }
        let outcome = record.masked(late);
        if record.has_heard_failure(fence, &outcome) {
            return Ok(Some(record.command));
        }
        let message = outcome.message.as_deref();
        let data = LateResult { fence, outcome: outcome.outcome, message, holder };
        let data = to_raw_value(&data).map_err(Problem::internal)?;
        let event = CloudEvent::own(LATE_RESULT.to_owned(), Some(id.to_owned()), data).named(name(id, fence));
        let event = self.stamped(event, id, Some(caller))?;
        self.backbone.commit(Batch { events: vec![event], puts: Vec::new() }).await?;
        Ok(None)
    }
}

/// Whether the lease was once given, and does not count any more.
fn is_late(record: &Record, fence: u64) -> bool {
    fence > 0 && (fence < record.fence() || (fence == record.fence() && !record.command.state.is_held()))
}

/// The same for the same lease, whatever is reported.
fn name(id: &str, fence: u64) -> String {
    Sha256::digest(format!("late_result {id} {fence}")).iter().map(|byte| format!("{byte:02x}")).collect()
}
