//! Results that come too late: from a holder whose lease was given to another, or after the command was ended over its
//! silence. They change nothing, but what was really done may be found out from them, so each is an event.

use serde::Serialize;
use serde_json::json;
use serde_json::value::to_raw_value;
use sha2::{Digest, Sha256};
use trust_core::principal::Principal;

use super::book::Commands;
use super::command::{Ending, Outcome};
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
    /// Keeps a result that was refused, once however often it is sent, if it is one that was too late.
    pub(super) async fn keep_late(&self, caller: &Caller, id: &str, fence: u64, late: &Outcome) -> Result<(), Problem> {
        let record = self.find(id).await?.record;
        if !is_late(&record, fence) {
            return Ok(());
        }
        let outcome = record.masked(late);
        let holder = caller.require_principal()?;
        let message = outcome.message.as_deref();
        let data = LateResult { fence, outcome: outcome.outcome, message, holder };
        let data = to_raw_value(&data).map_err(Problem::internal)?;
        let event =
            CloudEvent::own(LATE_RESULT.to_owned(), Some(id.to_owned()), data).named(name(id, fence, &outcome)?);
        let event = self.stamped(event, id, Some(caller))?;
        self.backbone.commit(Batch { events: vec![event], puts: Vec::new() }).await?;
        Ok(())
    }
}

/// Whether the lease was once given, and does not count any more.
fn is_late(record: &Record, fence: u64) -> bool {
    fence > 0 && (fence < record.fence() || (fence == record.fence() && !record.command.state.is_held()))
}

/// The same for the same report. Of what is kept, so that nobody can try secrets against it.
fn name(id: &str, fence: u64, outcome: &Outcome) -> Result<String, Problem> {
    let outcome = serde_json::to_value(outcome).map_err(Problem::internal)?;
    let mut report = json!({"command": id, "fence": fence, "outcome": outcome});
    report.sort_all_objects();
    Ok(Sha256::digest(report.to_string()).iter().map(|byte| format!("{byte:02x}")).collect())
}
