//! `POST /v1/services/{name}/commands:lease`: a service asks for its next command, and waits for one.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use tokio::sync::broadcast;
use tokio::time::Instant;
use utoipa::ToSchema;

use super::book::Commands;
use super::record::Record;
use super::state::{State as CommandState, Step};
use crate::backbone::BackboneError;
use crate::gate::Caller;
use crate::json_body::JsonBody;
use crate::parameters::PathName;
use crate::problem::{Problem, ProblemDocument};
use crate::state::AppState;

const MAX_WAIT_SECONDS: u64 = 30;

/// What other replicas schedule is announced a moment later; a waiting service looks by itself now and then in case that the
/// store did not tell us of it.
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
    #[schema(value_type = Object)]
    parameters: Value,
    /// From the first heartbeat on.
    timeout_seconds: u64,
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
        // Subscribed before the first look, so that nothing falls between the two.
        let mut scheduled = self.scheduled.subscribe();
        let begun = Instant::now();
        loop {
            if let Some(leased) = self.lease_oldest(caller).await? {
                return Ok(Some(leased));
            }
            let left = wait.saturating_sub(begun.elapsed());
            // Late or told, the next step is the same: look, unless the time is over.
            let _ = tokio::time::timeout(left.min(LOOK_EVERY), announced(&mut scheduled, service)).await;
            if begun.elapsed() >= wait {
                return Ok(None);
            }
        }
    }

    async fn lease_oldest(&self, caller: &Caller) -> Result<Option<LeasedCommand>, Problem> {
        let holder = caller.require_principal()?;
        for kept in self.open().await? {
            let command = &kept.record.command;
            if command.state != CommandState::Scheduled || command.target.service != holder.subject() {
                continue;
            }
            let leasing = async {
                let kept = self.in_time(kept).await?;
                self.advance(kept, vec![Step::Lease { holder: holder.clone() }], Some(caller)).await
            };
            match leasing.await {
                Ok(kept) => return Ok(leased(kept.record)),
                // Somebody else was faster, or its time was over: this one is gone, the next may be there.
                Err(Problem::Store(BackboneError::Conflict { .. }) | Problem::WrongState(_)) => {}
                Err(problem) => return Err(problem),
            }
        }
        Ok(None)
    }
}

/// Returns when a command has been scheduled for `service`, or when so many have been that some were missed.
async fn announced(scheduled: &mut broadcast::Receiver<String>, service: &str) {
    while let Ok(name) = scheduled.recv().await {
        if name == service {
            return;
        }
    }
}

fn leased(record: Record) -> Option<LeasedCommand> {
    let parameters = record.call_parameters();
    let lease = record.command.lease?;
    let command = Call {
        id: record.command.id,
        runbook: record.command.runbook,
        parameters,
        timeout_seconds: record.timeout_seconds,
    };
    Some(LeasedCommand { command, fence: lease.fence, lease_expires_at: lease.expires_at })
}
