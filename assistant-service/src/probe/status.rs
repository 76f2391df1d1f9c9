//! How things are, for people and programs of this host: a page without scripts, the same as JSON, and metrics.

mod page;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

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
use tokio::time::Instant;

use super::alerts::Alert;
use super::attacks::{Attack, Verdict};
use super::check::{Check, Finding, Outcome};
use super::live::LiveSession;
use super::metrics::Metrics;
use super::notice::written;
use super::outbox::{Outbox, Standing};
use super::prober::Round;
use crate::clock::millis;
use crate::layers::bound_requests;
use crate::problem::Problem;

const REQUESTS_AT_WORK: usize = 16;

/// Intervals after which what was found says nothing of now.
const OLD_AFTER: u32 = 3;

/// Everything that was found last, of each check.
#[derive(Default)]
pub(super) struct Board(Mutex<Known>);

#[derive(Clone, Default)]
struct Known {
    last_round: Option<OffsetDateTime>,
    /// When that ended, by a clock that nobody sets.
    looked: Option<Instant>,
    took_milliseconds: u128,
    findings: Vec<(Finding, OffsetDateTime)>,
    attacks: Vec<(Attack, Verdict)>,
    sessions: Vec<LiveSession>,
}

impl Board {
    pub(super) fn put(&self, round: &Round) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (known.last_round, known.looked) = (Some(round.at), Some(Instant::now()));
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

    fn known(&self) -> Known {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Known {
    /// How things are, in a few words. Well is what was looked at, all of it and lately.
    fn summary(&self, alerts: usize, interval: Duration) -> String {
        let counted = |count: usize, one: &str, more: &str| match count {
            0 => None,
            1 => Some(format!("1 {one}")),
            count => Some(format!("{count} {more}")),
        };
        let age = self.looked.map(|looked| looked.elapsed());
        let not_now = match age {
            None => Some("not looked at yet".to_owned()),
            Some(age) if age > interval.saturating_mul(OLD_AFTER) => Some("the last round is too old".to_owned()),
            Some(_) => None,
        };
        let of = |is: fn(&Outcome) -> bool| self.findings.iter().filter(|(finding, _)| is(&finding.outcome)).count();
        let failed = of(|outcome| matches!(outcome, Outcome::Failed(_)));
        let blocked = of(|outcome| matches!(outcome, Outcome::Blocked(_)));
        counted(alerts, "alert", "alerts")
            .or(not_now)
            .or_else(|| counted(failed, "check fails", "checks fail"))
            .or_else(|| counted(blocked, "check is blocked", "checks are blocked"))
            .unwrap_or_else(|| "all well".to_owned())
    }
}

/// What the routes look into.
pub(super) struct Shown {
    pub(super) gateway: String,
    pub(super) interval: Duration,
    pub(super) checks: Vec<Check>,
    pub(super) board: Arc<Board>,
    pub(super) outbox: Arc<Outbox>,
    pub(super) metrics: Arc<Metrics>,
}

/// The whole of `/status.json`.
#[derive(Serialize)]
struct Status {
    gateway: String,
    summary: String,
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
        let known = self.board.known();
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
            summary: known.summary(alerts.len(), self.interval),
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
    use super::*;
    use crate::probe::alerts::Origin;

    fn round(findings: Vec<Finding>) -> Round {
        let (at, took, attacks) = (OffsetDateTime::UNIX_EPOCH, Duration::ZERO, Vec::new());
        Round { at, took, findings, attacks, sessions: None }
    }

    fn finding(check: Check, outcome: Outcome) -> Finding {
        Finding { check, outcome, took: Duration::ZERO }
    }

    #[tokio::test]
    async fn what_others_say_is_text_in_the_page_and_each_check_keeps_its_last_finding() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        let outbox = Outbox::open(path, &[], &Check::ALL, &Origin::default(), 0).unwrap();
        let board = Board::default();
        let failed = finding(Check::Ask, Outcome::Failed("<script>alert('x')</script>".to_owned()));
        let passed = finding(Check::Event, Outcome::Passed("found".to_owned()));
        for findings in [vec![passed, failed.clone()], vec![failed]] {
            outbox.take(&findings, 0).await;
            board.put(&round(findings));
        }
        let shown = Shown {
            gateway: "https://gw.example.com".to_owned(),
            interval: Duration::from_secs(60),
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

    #[tokio::test(start_paused = true)]
    async fn all_is_well_only_where_everything_was_looked_at_and_lately() {
        let board = Board::default();
        let said = |alerts| board.known().summary(alerts, Duration::from_secs(60));
        assert_eq!(said(0), "not looked at yet");
        let failed = || Outcome::Failed("no".to_owned());
        let passed = || Outcome::Passed("yes".to_owned());
        for (ask, event, expected) in [
            (failed(), failed(), "2 checks fail"),
            (failed(), Outcome::blocked_by(Check::Service), "1 check fails"),
            (passed(), Outcome::blocked_by(Check::Service), "1 check is blocked"),
            (passed(), passed(), "all well"),
        ] {
            board.put(&round(vec![finding(Check::Ask, ask), finding(Check::Event, event)]));
            assert_eq!((said(0).as_str(), said(2).as_str()), (expected, "2 alerts"));
        }
        tokio::time::advance(Duration::from_secs(179)).await;
        assert_eq!(said(0), "all well");
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!((said(0).as_str(), said(1).as_str()), ("the last round is too old", "1 alert"));
    }
}
