//! How things are, for people and programs of this host: a page without scripts, the same as JSON, and metrics.

mod page;

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderName, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio::sync::Semaphore;

use super::alerts::Alert;
use super::attacks::{Attack, Verdict};
use super::check::{Check, Finding};
use super::live::LiveSession;
use super::metrics::Metrics;
use super::notice::written;
use super::outbox::{Outbox, Standing};
use super::prober::Round;
use crate::clock::millis;
use crate::layers::bound_requests;
use crate::problem::Problem;

const REQUESTS_AT_WORK: usize = 16;

/// Everything that was found last, of each check.
#[derive(Default)]
pub(super) struct Board(Mutex<Known>);

#[derive(Clone, Default)]
struct Known {
    last_round: Option<OffsetDateTime>,
    took_milliseconds: u128,
    findings: Vec<(Finding, OffsetDateTime)>,
    attacks: Vec<(Attack, Verdict)>,
    sessions: Vec<LiveSession>,
}

impl Board {
    pub(super) fn put(&self, round: &Round) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.last_round = Some(round.at);
        known.took_milliseconds = round.took.as_millis();
        for finding in &round.findings {
            known.findings.retain(|(known, _)| known.check != finding.check);
            known.findings.push((finding.clone(), round.at));
        }
        known.findings.sort_by_key(|(finding, _)| finding.check);
        if !round.attacks.is_empty() {
            known.attacks.clone_from(&round.attacks);
        }
        if let Some(sessions) = &round.sessions {
            known.sessions.clone_from(sessions);
        }
    }
}

/// What the routes look into.
pub(super) struct Shown {
    pub(super) gateway: String,
    pub(super) checks: Vec<Check>,
    pub(super) board: Arc<Board>,
    pub(super) outbox: Arc<Outbox>,
    pub(super) metrics: Arc<Metrics>,
}

/// The whole of `/status.json`.
#[derive(Serialize)]
struct Status {
    gateway: String,
    last_round: Option<String>,
    milliseconds: u128,
    checks: Vec<Value>,
    attacks: Vec<Value>,
    alerts: Vec<Value>,
    /// Those of the probe's account.
    sessions: Vec<LiveSession>,
    notices_waiting: std::collections::BTreeMap<String, usize>,
    notices_dropped: u64,
    state_kept: bool,
}

/// Every route. Whoever is on this host may ask; no body is read and nothing changes.
pub(super) fn routes(shown: Arc<Shown>) -> Router {
    let at_work = Arc::new(Semaphore::new(REQUESTS_AT_WORK));
    Router::new()
        .route("/", get(shown_page))
        .route("/status.json", get(async |State(shown): State<Arc<Shown>>| Json(shown.status().await)))
        .route("/metrics", get(metrics))
        .route("/healthz", get(async || StatusCode::OK))
        .layer(from_fn_with_state(at_work, bound_requests))
        .fallback(async || Problem::NotFound)
        .with_state(shown)
}

impl Shown {
    async fn status(&self) -> Status {
        let known = self.board.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (alerts, standing) = (self.outbox.alerts().await, self.outbox.standing().await);
        let Standing { waiting, dropped, is_kept } = standing;
        let check = |(Finding { check, outcome, took }, at): &(Finding, OffsetDateTime)| {
            json!({"check": check.name(), "outcome": outcome.name(), "said": outcome.said(),
                "milliseconds": took.as_millis(), "at": written(millis(*at)),
                "alert_since": alerts.iter().find(|alert| alert.check == *check).map(|alert| written(alert.since))})
        };
        let attack = |(attack, verdict): &(Attack, Verdict)| {
            let said = match verdict {
                Verdict::Denied => None,
                Verdict::NotDenied(said) | Verdict::NotJudged(said) => Some(said),
            };
            json!({"attack": attack.name(), "verdict": verdict.name(), "said": said})
        };
        let alert = |alert: &Alert| {
            json!({"id": alert.id, "check": alert.check.name(), "since": written(alert.since), "reason": alert.reason,
                "severity": alert.check.severity().name(), "summary": alert.check.summary()})
        };
        Status {
            gateway: self.gateway.clone(),
            last_round: known.last_round.map(|at| written(millis(at))),
            milliseconds: known.took_milliseconds,
            checks: known.findings.iter().map(check).collect(),
            attacks: known.attacks.iter().map(attack).collect(),
            alerts: alerts.iter().map(alert).collect(),
            sessions: known.sessions,
            notices_waiting: waiting,
            notices_dropped: dropped,
            state_kept: is_kept,
        }
    }
}

async fn metrics(State(shown): State<Arc<Shown>>) -> Result<Response, Problem> {
    let (alerts, standing) = (shown.outbox.alerts().await, shown.outbox.standing().await);
    let text = shown.metrics.text(&shown.checks, &alerts, &standing).map_err(Problem::internal)?;
    Ok(([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text).into_response())
}

async fn shown_page(State(shown): State<Arc<Shown>>) -> Response {
    let headers: [(HeaderName, &str); 4] = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        // What others have said stands in the page; nothing in it may run, load or lead anywhere.
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
        ),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CACHE_CONTROL, "no-store"),
    ];
    (headers, page::written(&shown.status().await)).into_response()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::probe::check::Outcome;

    #[tokio::test]
    async fn what_others_say_is_text_in_the_page_and_each_check_keeps_its_last_finding() {
        let folder = tempfile::tempdir().unwrap();
        let outbox = Outbox::open(folder.path().join("state.json"), &[], &Check::ALL, 0).unwrap();
        let board = Board::default();
        let finding = |check, outcome| Finding { check, outcome, took: Duration::ZERO };
        let failed = finding(Check::Ask, Outcome::Failed("<script>alert('x')</script>".to_owned()));
        let passed = finding(Check::Event, Outcome::Passed("found".to_owned()));
        for findings in [vec![passed, failed.clone()], vec![failed]] {
            outbox.take(&findings, 0).await;
            board.put(&Round {
                at: OffsetDateTime::UNIX_EPOCH,
                took: Duration::ZERO,
                findings,
                attacks: Vec::new(),
                sessions: None,
            });
        }
        let shown = Shown {
            gateway: "https://gw.example.com".to_owned(),
            checks: Check::ALL.to_vec(),
            board: Arc::new(board),
            outbox: Arc::new(outbox),
            metrics: Arc::default(),
        };
        let status = shown.status().await;
        assert_eq!((status.checks.len(), status.alerts.len()), (2, 1));
        let page = page::written(&status);
        assert!(!page.contains("<script") && page.contains("&lt;script&gt;alert(&#39;x&#39;)"), "{page}");
        assert!(page.contains("<h1>1 alert</h1>"));
    }
}
