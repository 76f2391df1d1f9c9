//! Whoever is told of alerts: takes Alertmanager's webhooks and CloudEvents, holds each against its format, and can refuse.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, ensure};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::{Value, json};

use crate::back_end::in_a_thread;

/// What was told: of which check, and whether it fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// `webhook` or `cloudevent`.
    pub form: &'static str,
    /// The check.
    pub check: String,
    /// `firing` or `resolved`.
    pub status: &'static str,
    /// What ties the two together.
    pub alert: String,
}

#[derive(Debug, Default)]
struct Told {
    refuses: AtomicBool,
    refused: AtomicUsize,
    heard: Mutex<Vec<Heard>>,
    mistakes: Mutex<Vec<String>>,
}

/// A receiver on a free port, in a thread of its own that ends with the program.
#[derive(Debug)]
pub struct AlertReceiver {
    address: SocketAddr,
    told: Arc<Told>,
}

impl AlertReceiver {
    /// Starts it.
    pub fn start() -> Result<AlertReceiver> {
        let told = Arc::<Told>::default();
        let app = Router::new()
            .route("/webhook", post(async |told, headers, body| take(&told, &headers, &body, webhook)))
            .route("/events", post(async |told, headers, body| take(&told, &headers, &body, cloud_event)))
            .with_state(Arc::clone(&told));
        let address = in_a_thread(async |listener| {
            // It ends with the program, and whoever calls it sees when it does not answer.
            let _ = axum::serve(listener, app).await;
        })?;
        Ok(AlertReceiver { address, told })
    }

    /// Where it takes this form: `webhook` or `events`.
    pub fn url(&self, form: &str) -> String {
        format!("http://{}/{form}", self.address)
    }

    /// Answers 503 from now on, or takes everything.
    pub fn refuse(&self, refuses: bool) {
        self.told.refuses.store(refuses, Ordering::Relaxed);
    }

    /// How often it has refused.
    pub fn refused(&self) -> usize {
        self.told.refused.load(Ordering::Relaxed)
    }

    /// All that it has taken, in order; an error when any of it was not in its format.
    pub fn heard(&self) -> Result<Vec<Heard>> {
        let mistakes = self.told.mistakes.lock().unwrap_or_else(PoisonError::into_inner);
        ensure!(mistakes.is_empty(), "{}", mistakes.join("\n"));
        Ok(self.told.heard.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

type Read = fn(&HeaderMap, &Value) -> Result<Heard>;

fn take(State(told): &State<Arc<Told>>, headers: &HeaderMap, body: &Bytes, read: Read) -> StatusCode {
    if told.refuses.load(Ordering::Relaxed) {
        told.refused.fetch_add(1, Ordering::Relaxed);
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    let value = serde_json::from_slice(body).context("no JSON");
    match value.and_then(|value: Value| read(headers, &value).with_context(|| format!("{value:#}"))) {
        Ok(heard) => {
            told.heard.lock().unwrap_or_else(PoisonError::into_inner).push(heard);
            StatusCode::OK
        }
        Err(mistake) => {
            told.mistakes.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{mistake:#}"));
            StatusCode::BAD_REQUEST
        }
    }
}

fn text<'a>(value: &'a Value, pointer: &str) -> Result<&'a str> {
    value.pointer(pointer).and_then(Value::as_str).with_context(|| format!("no text at {pointer}"))
}

fn members(value: &Value, pointer: &str) -> Result<Vec<String>> {
    let object =
        value.pointer(pointer).and_then(Value::as_object).with_context(|| format!("no object at {pointer}"))?;
    let mut names: Vec<_> = object.keys().cloned().collect();
    names.sort();
    Ok(names)
}

/// The format of Alertmanager's webhook, version 4 (prometheus.io/docs/alerting/latest/configuration/#webhook_config): every member, of its type, and no
/// other; and what its members say of each other.
fn webhook(headers: &HeaderMap, value: &Value) -> Result<Heard> {
    ensure!(headers.get("content-type").is_some_and(|kind| kind == "application/json"), "not sent as JSON");
    let whole = [
        "alerts",
        "commonAnnotations",
        "commonLabels",
        "externalURL",
        "groupKey",
        "groupLabels",
        "receiver",
        "status",
        "truncatedAlerts",
        "version",
    ];
    ensure!(members(value, "")? == whole, "other members than those of version 4");
    ensure!(text(value, "/version")? == "4" && value.get("truncatedAlerts") == Some(&json!(0)), "not version 4");
    for name in ["/groupKey", "/externalURL", "/receiver"] {
        ensure!(!text(value, name)?.is_empty(), "nothing at {name}");
    }
    ensure!(value.pointer("/alerts/1").is_none(), "more than one alert");
    let one = ["annotations", "endsAt", "fingerprint", "generatorURL", "labels", "startsAt", "status"];
    ensure!(members(value, "/alerts/0")? == one, "other members of an alert");
    let status = match text(value, "/alerts/0/status")? {
        "firing" => "firing",
        _ => "resolved",
    };
    ensure!(text(value, "/status")? == status && text(value, "/alerts/0/status")? == status, "two statuses");
    let (starts, ends) = (text(value, "/alerts/0/startsAt")?, text(value, "/alerts/0/endsAt")?);
    // Both in UTC and of the same form, so they compare as texts.
    ensure!(starts.starts_with("20") && starts.ends_with('Z'), "no time: {starts}");
    let is_right = if status == "firing" { ends == "0001-01-01T00:00:00Z" } else { ends > starts };
    ensure!(is_right, "{status} with an end at {ends}");
    let fingerprint = text(value, "/alerts/0/fingerprint")?;
    ensure!(fingerprint.len() == 16 && fingerprint.bytes().all(|byte| byte.is_ascii_hexdigit()), "no fingerprint");
    ensure!(value.get("commonLabels") == value.pointer("/alerts/0/labels"), "labels that are not common to one alert");
    ensure!(text(value, "/groupLabels/check")? == text(value, "/alerts/0/labels/check")?, "another group");
    ensure!(!text(value, "/alerts/0/annotations/summary")?.is_empty(), "no summary");
    let check = text(value, "/alerts/0/labels/check")?.to_owned();
    Ok(Heard { form: "webhook", check, status, alert: format!("{fingerprint} {starts}") })
}

fn cloud_event(headers: &HeaderMap, value: &Value) -> Result<Heard> {
    let kind = headers.get("content-type").is_some_and(|kind| kind == "application/cloudevents+json");
    ensure!(kind && text(value, "/specversion")? == "1.0", "no CloudEvent in structured mode");
    for name in ["/id", "/source", "/time"] {
        ensure!(!text(value, name)?.is_empty(), "nothing at {name}");
    }
    let status = match text(value, "/type")? {
        "dev.watchgate.probe.failed" => "firing",
        "dev.watchgate.probe.recovered" => "resolved",
        other => anyhow::bail!("an event of type {other}"),
    };
    let (check, alert) = (text(value, "/data/check")?.to_owned(), text(value, "/data/alert")?.to_owned());
    ensure!(text(value, "/subject")? == check, "another subject than its check");
    Ok(Heard { form: "cloudevent", check, status, alert })
}
