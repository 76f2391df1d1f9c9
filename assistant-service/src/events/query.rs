//! `GET /v1/events`: a page of what is kept, all of it as lines of JSON, or what comes in from now on, as `Accept` says.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use utoipa::ToSchema;

use super::event_parameters::EventParameters;
use super::{export, tail};
use crate::backbone::{Page, Position, StoredEvent};
use crate::gate::Caller;
use crate::media_type::accepts;
use crate::parameters::QueryOf;
use crate::problem::{Problem, ProblemDocument};
use crate::state::AppState;

/// A part of the log, as [`text`] writes it.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes what is written as text")]
pub(crate) struct EventPage {
    events: Vec<PositionedEvent>,
    /// What to give as `after` for the next page; null when there is none. A page may be short, or empty, and yet not the last: a
    /// look through many events that do not match ends after half a second. Go on until this is null.
    next_after: Option<Position>,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes what is written as text")]
struct PositionedEvent {
    position: Position,
    /// In CloudEvents' JSON format.
    #[schema(value_type = Object)]
    event: String,
}

/// Events that are kept, by pages: go on with `after` until `next_after` is null.
///
/// With `Accept: application/x-ndjson` all that match when the request comes, each in a line, whatever `limit` says. The last line is
/// `{"watchgate":"end","next_after":null,"count":N}`; where `next_after` is a position, or there is no such line, the export
/// was cut off. With `Accept: text/event-stream` the live tail: from `Last-Event-ID`, from `after`, from the time `since`, or
/// from now on. An id without data only says how far the tail has looked.
#[utoipa::path(get, path = "/v1/events", tag = "events", params(EventParameters),
    responses(
        (status = OK, description = "A page, lines, or a stream whose ids are positions", body = EventPage),
        (status = BAD_REQUEST, description = "A parameter is wrong", body = ProblemDocument),
        (status = TOO_MANY_REQUESTS, description = "The caller holds too many streams", body = ProblemDocument),
        (status = SERVICE_UNAVAILABLE, description = "The query must be narrowed", body = ProblemDocument)))]
pub(crate) async fn query(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    QueryOf(parameters): QueryOf<EventParameters>,
) -> Result<Response, Problem> {
    caller.require_principal()?;
    let filter = parameters.into_filter()?;
    if accepts(&headers, "text/event-stream") {
        return tail::open(&state, &caller, filter, &headers).await;
    }
    if accepts(&headers, export::MEDIA_TYPE) {
        return export::open(&state, &caller, filter);
    }
    let page = state.backbone.query(filter).await?;
    Ok(([(CONTENT_TYPE, "application/json")], text(&page)).into_response())
}

/// A page with its events as they are kept: they were JSON when they came, and reading each again would take longer than finding it.
fn text(page: &Page) -> String {
    /// What stands around an event, with room for its position.
    const AROUND_EVENT: usize = 48;
    let bytes = page.events.iter().map(|stored| stored.json.len().saturating_add(AROUND_EVENT)).sum();
    let mut text = String::with_capacity(bytes);
    text.push_str("{\"events\":[");
    for (index, StoredEvent { position, json }) in page.events.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        text.extend([comma, "{\"position\":", &position.to_string(), ",\"event\":", json, "}"]);
    }
    let next_after = page.next_after.map_or("null".to_owned(), |position| position.to_string());
    text.extend(["],\"next_after\":", &next_after, "}"]);
    text
}
