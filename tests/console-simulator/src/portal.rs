//! The portal's interface: the parts of it that tell of a console, and the parts of those that are documented.

mod answers;
mod authentication;
mod socket;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::Value;
use telemetry_traces::lab::Device;
use tokio::sync::watch;

use crate::Oddities;
pub use answers::{Gauges, systemperf};
pub use authentication::Credentials;

/// A console behind its portal.
#[derive(Debug)]
pub struct Console {
    device: Device,
    firmware: Mutex<String>,
    credentials: Credentials,
    gauges: watch::Sender<Option<Gauges>>,
    oddities: Oddities,
    answered: AtomicU32,
}

impl Console {
    /// A console that has nothing to tell yet.
    pub fn new(device: &Device, credentials: Credentials, oddities: Oddities) -> Self {
        let firmware = Mutex::new(device.traits.get("firmware").cloned().unwrap_or_default());
        let (device, gauges) = (device.clone(), watch::Sender::new(None));
        Self { device, firmware, credentials, gauges, oddities, answered: AtomicU32::new(0) }
    }

    /// What it tells from now on; nothing while it is off or asleep.
    pub fn tell(&self, gauges: Option<Gauges>) {
        self.gauges.send_replace(gauges);
    }

    /// Its firmware from now on.
    pub fn install(&self, firmware: &str) {
        firmware.clone_into(&mut self.firmware.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn firmware(&self) -> String {
        self.firmware.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What it says of its performance, as JSON unless this one is to be garbled.
    fn performance(&self, gauges: &Gauges) -> String {
        let answered = self.answered.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        match self.oddities.garble {
            Some(every) if answered.is_multiple_of(every.get()) => "<html>The console is busy.</html>".to_owned(),
            _ => systemperf(gauges, self.device.memory).to_string(),
        }
    }
}

/// The portal of a console.
pub fn router(console: Arc<Console>) -> Router {
    Router::new()
        .route("/api/os/machinename", get(machine_name))
        .route("/api/os/info", get(info))
        .route("/api/os/devicefamily", get(async || Json(answers::device_family())))
        .route("/api/resourcemanager/systemperf", get(system_performance))
        .route("/api/resourcemanager/processes", get(processes))
        .route("/ext/settings", get(async || Json(answers::settings())))
        .route("/ext/settings/{name}", get(setting))
        .layer(middleware::from_fn_with_state(Arc::clone(&console), authentication::required))
        .with_state(console)
}

async fn machine_name(State(console): State<Arc<Console>>) -> Json<Value> {
    Json(answers::machine_name(&console.device.name))
}

async fn info(State(console): State<Arc<Console>>) -> Json<Value> {
    let model = console.device.traits.get("model").map_or("Xbox", String::as_str);
    Json(answers::info(&console.device.name, &console.firmware(), model))
}

async fn processes(State(console): State<Arc<Console>>) -> Response {
    let gauges = console.gauges.borrow().clone();
    gauges.map_or_else(asleep, |gauges| Json(answers::processes(&gauges)).into_response())
}

async fn setting(Path(name): Path<String>) -> Response {
    answers::setting(&name).map_or(StatusCode::NOT_FOUND.into_response(), |found| Json(found).into_response())
}

/// The same by GET and, once a second, over a WebSocket.
async fn system_performance(State(console): State<Arc<Console>>, request: Request) -> Response {
    if socket::is_asked_for(&request) {
        return socket::open(request, console);
    }
    let gauges = console.gauges.borrow().clone();
    let json = [(header::CONTENT_TYPE, "application/json")];
    gauges.map_or_else(asleep, |gauges| (json, console.performance(&gauges)).into_response())
}

/// Nothing is measured.
fn asleep() -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, Json(answers::failure("The console has nothing to tell."))).into_response()
}
