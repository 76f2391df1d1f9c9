//! `POST /v1/services/{name}/commands:lease`: a service asks for its next command, and waits for one.

use std::collections::HashSet;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use tokio::time::Instant;
use utoipa::ToSchema;

use super::book::Commands;
use super::open::Candidate;
use super::record::Record;
use crate::backbone::BackboneError;
use crate::gate::Caller;
use crate::json_body::JsonBody;
use crate::parameters::PathName;
use crate::problem::{Problem, ProblemDocument};
use crate::state::AppState;

const MAX_WAIT_SECONDS: u64 = 30;

/// What other replicas schedule is known here a moment later; a waiting service looks by itself now and then in case that it
/// was not told.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(15);

/// How long to wait for a command.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LeaseRequest {
    /// 0 to 30; 0 answers at once.
    #[schema(maximum = 30)]
    #[serde(default)]
    wait_seconds: u64,
}

/// A command to carry out, and the right to do so. Without `Debug`, since parameters may be secret.
#[derive(Serialize, ToSchema)]
pub(crate) struct LeasedCommand {
    command: Call,
    /// To be given with each heartbeat and with the result.
    fence: u64,
    /// When the lease is lost without a heartbeat.
    #[serde(with = "time::serde::rfc3339")]
    lease_expires_at: OffsetDateTime,
}

/// What to do.
#[derive(Serialize, ToSchema)]
struct Call {
    id: String,
    runbook: String,
    /// SHA-256 in hexadecimal of what the runbook said when the command was asked for.
    runbook_digest: String,
    #[schema(value_type = Object)]
    parameters: Value,
    /// For each phase: from the first heartbeat on, from `verifying` on and from `rolling_back` on.
    timeout_seconds: u64,
    /// Whether it is only to say what it would do.
    dry_run: bool,
    /// The how-many-eth try this is, from 1.
    attempt: u32,
    /// The trace of whoever asked for it (W3C Trace Context): what is done for the command belongs to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<String>,
}

/// Gives the caller its oldest scheduled command, or waits for one. The first heartbeat says that it has begun.
///
/// The caller is the service when its subject is the service's name, whoever issued its token: which issuers may speak
/// for services is said by the gate's rule for this path (such as ``Issuer(`https://idp.example.com`)``). From then on
/// the issuer counts: only the very principal that leased a command, issuer and subject, may report on it.
#[utoipa::path(post, path = "/v1/services/{name}/commands:lease", tag = "services", request_body = LeaseRequest,
    params(("name" = String, Path, description = "The service, which the caller's subject must be")),
    responses(
        (status = OK, description = "A command", body = LeasedCommand),
        (status = NO_CONTENT, description = "None came in time"),
        (status = FORBIDDEN, description = "The caller is not this service", body = ProblemDocument)))]
pub(crate) async fn lease(
    State(state): State<AppState>,
    caller: Caller,
    PathName(name): PathName,
    JsonBody(LeaseRequest { wait_seconds }): JsonBody<LeaseRequest>,
) -> Result<Response, Problem> {
    if caller.require_principal()?.subject() != name {
        return Err(Problem::NotTheService);
    }
    if wait_seconds > MAX_WAIT_SECONDS {
        return Err(Problem::invalid("wait_seconds", format!("must be a number from 0 to {MAX_WAIT_SECONDS}")));
    }
    // Nobody gets a command after the end of the token that asked for it.
    let wait = Duration::from_secs(wait_seconds).min(caller.time_left(state.clock.now()));
    let begun = Instant::now();
    let leased = tokio::select! {
        leased = state.commands.wait_for_lease(&caller, wait) => leased?,
        () = state.ended() => None,
    };
    state.metrics.lease_wait_seconds.observe(begun.elapsed().as_secs_f64());
    match leased {
        Some(leased) => Ok(Json(leased).into_response()),
        None => Ok(StatusCode::NO_CONTENT.into_response()),
    }
}

impl Commands {
    async fn wait_for_lease(&self, caller: &Caller, wait: Duration) -> Result<Option<LeasedCommand>, Problem> {
        let service = caller.require_principal()?.subject();
        let waiting = self.known.wait_for(service);
        let begun = Instant::now();
        loop {
            let woken = waiting.woken();
            let look = waiting.look();
            let leased = self.lease_oldest(caller).await?;
            look.end();
            if leased.is_some() {
                return Ok(leased);
            }
            let left = wait.saturating_sub(begun.elapsed());
            let next = self.known.until_next(service, self.clock.elapsed()).unwrap_or(LOOK_EVERY);
            // Late or told, the next step is the same: look, unless the time is over.
            let is_told = tokio::time::timeout(left.min(next).min(LOOK_EVERY), woken).await.is_ok();
            if begun.elapsed() >= wait {
                // Told at the last moment: somebody else must look in this one's place.
                let _passed_on = is_told.then(|| waiting.look());
                return Ok(None);
            }
        }
    }

    async fn lease_oldest(&self, caller: &Caller) -> Result<Option<LeasedCommand>, Problem> {
        let service = caller.require_principal()?.subject();
        self.catch_up().await?;
        // What no place is free for is passed over, and whatever else of its runbook there is.
        let mut full = HashSet::new();
        let mut after: Option<String> = None;
        let elapsed = self.clock.elapsed();
        while let Some(candidate) =
            self.known.next_ready(service, after.as_deref(), elapsed, |runbook| !full.contains(runbook))
        {
            match self.lease_one(&candidate, caller).await? {
                Look::Leased(leased) => return Ok(Some(leased)),
                Look::Full => {
                    full.insert(candidate.runbook.clone());
                }
                Look::Gone => {}
            }
            after = Some(candidate.key.clone());
        }
        Ok(None)
    }

    async fn lease_one(&self, candidate: &Candidate<'_>, caller: &Caller) -> Result<Look, Problem> {
        let holder = caller.require_principal()?;
        let leasing = async {
            let kept = self.find(&candidate.key).await?;
            self.sees_kept(&kept);
            if !self.known.is_ready(holder.subject(), &candidate.key, self.clock.elapsed()) {
                return Ok(Look::Gone);
            }
            let kept = self.in_time(kept).await?;
            match self.give(kept, holder.clone(), caller).await? {
                Some(kept) => leased(kept.record).map(Look::Leased),
                None => Ok(Look::Full),
            }
        };
        match leasing.await {
            // Somebody else was faster, or its time was over: this one is gone, the next may be there.
            Err(Problem::Store(BackboneError::Conflict { .. }) | Problem::WrongState(_) | Problem::NotFound) => {
                Ok(Look::Gone)
            }
            looked => looked,
        }
    }
}

/// What came of looking at one command.
enum Look {
    Leased(LeasedCommand),
    /// As many of its runbook are carried out as may be.
    Full,
    Gone,
}

fn leased(record: Record) -> Result<LeasedCommand, Problem> {
    let parameters = record.call_parameters();
    let lease = record.command.lease.ok_or_else(|| Problem::mistake("a command was leased without a lease"))?;
    let command = Call {
        parameters,
        id: record.command.id,
        runbook: record.command.runbook,
        runbook_digest: record.terms.runbook_digest,
        timeout_seconds: record.timeout_seconds,
        dry_run: record.command.dry_run,
        attempt: record.command.attempts.saturating_add(1),
        traceparent: record.traceparent,
    };
    Ok(LeasedCommand { command, fence: lease.fence, lease_expires_at: lease.expires_at })
}
