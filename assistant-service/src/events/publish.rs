//! `POST /v1/events`: answered when the event is on stable storage, never before.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use super::binding::{self, Mode};
use super::cloud_event::Stamp;
use crate::backbone::{Batch, NewEvent, Position};
use crate::gate::Caller;
use crate::problem::{Problem, ProblemDocument};
use crate::state::AppState;

/// That an event is kept, and where.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Receipt {
    id: String,
    source: String,
    position: Position,
    /// Whether it had been kept before; then the first one stays as it was.
    duplicate: bool,
}

/// Keeps an event: CloudEvents 1.0 in binary mode (`ce-` headers) or structured mode.
#[utoipa::path(post, path = "/v1/events", tag = "events",
    request_body(content = serde_json::Value, content_type = "application/cloudevents+json",
        description = "The event; in binary mode its data, of any content type"),
    responses(
        (status = ACCEPTED, description = "On stable storage", body = Receipt),
        (status = BAD_REQUEST, description = "Malformed; each wrong attribute is named", body = ProblemDocument),
        (status = FORBIDDEN, description = "Not the caller's to send", body = ProblemDocument),
        (status = PAYLOAD_TOO_LARGE, description = "Over 1 MiB", body = ProblemDocument),
        (status = UNSUPPORTED_MEDIA_TYPE, description = "A batch, or another format", body = ProblemDocument)))]
pub(crate) async fn publish(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(StatusCode, Json<Receipt>), Problem> {
    let own_source = caller.require_principal()?.uri();
    let (mode, event) = binding::read(&headers, &body)?;
    // What the gate has tagged itself carries the gate's name, and an id that nobody else could know.
    if !(mode == Mode::Binary && caller.is_tagged_by_gate(event.id(), event.source())) {
        let checked = caller.event_policy().check(event.event_type(), event.source());
        checked.map_err(|refusal| Problem::EventRefused { refusal, own_source })?;
    }
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let event = event.stamped(&Stamp {
        caller: Some(&caller),
        correlation_id: header("ce-correlationid"),
        traceparent: header("traceparent"),
        arrived_at: state.clock.now(),
    });
    let (id, source) = (event.id().to_owned(), event.source().to_owned());
    let event = NewEvent::try_from(event).map_err(Problem::internal)?;
    let committed = state.backbone.commit(Batch { events: vec![event], puts: Vec::new() }).await?;
    let appended =
        committed.events.first().ok_or_else(|| Problem::mistake("the store did not say where an event stands"))?;
    let counter = if appended.is_duplicate { &state.metrics.events_duplicate } else { &state.metrics.events_stored };
    counter.inc();
    let receipt = Receipt { id, source, position: appended.position, duplicate: appended.is_duplicate };
    Ok((StatusCode::ACCEPTED, Json(receipt)))
}
