//! `GET /v1/events`: a page of what is kept, or with `Accept: text/event-stream` what comes in from now on.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::ACCEPT;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use super::tail;
use crate::backbone::{EventFilter, Freshness, Order, Position, TypeFilter};
use crate::gate::Caller;
use crate::media_type;
use crate::parameters::QueryOf;
use crate::problem::{FieldError, Problem, ProblemDocument};
use crate::state::AppState;

const DEFAULT_LIMIT: u32 = 100;
const MAX_LIMIT: u32 = 1000;

/// Which events are asked for. Numbers come as text, so that a wrong one can be named.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Parameters {
    /// A type, or `prefix.*` for all types below one.
    #[serde(rename = "type")]
    event_type: Option<String>,
    /// A source.
    source: Option<String>,
    /// A subject.
    subject: Option<String>,
    /// What the events belong to.
    correlationid: Option<String>,
    /// Beyond this position, in the direction of `order`.
    #[param(value_type = Option<u64>)]
    after: Option<String>,
    /// At most so many; 1 to 1000, without it 100.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000)]
    limit: Option<String>,
    /// `asc` (old ones first, the default) or `desc`.
    order: Option<String>,
}

impl Parameters {
    pub(super) fn into_filter(self) -> Result<EventFilter, Vec<FieldError>> {
        let mut errors = Vec::new();
        let after = self.after.and_then(|text| match text.parse() {
            Ok(position) => Some(position),
            Err(_) => {
                errors.push(FieldError::new("after", "must be a position, as next_after gives it"));
                None
            }
        });
        let limit = match self.limit.as_deref().map(str::parse) {
            None => DEFAULT_LIMIT,
            Some(Ok(limit)) if (1..=MAX_LIMIT).contains(&limit) => limit,
            Some(_) => {
                errors.push(FieldError::new("limit", format!("must be a number from 1 to {MAX_LIMIT}")));
                DEFAULT_LIMIT
            }
        };
        let order = match self.order.as_deref() {
            None | Some("asc") => Order::Ascending,
            Some("desc") => Order::Descending,
            Some(_) => {
                errors.push(FieldError::new("order", "must be asc or desc"));
                Order::Ascending
            }
        };
        let event_type = self.event_type.map(|text| match text.strip_suffix(".*") {
            Some(prefix) => TypeFilter::Below(prefix.to_owned()),
            None => TypeFilter::Exact(text),
        });
        let filter = EventFilter {
            event_type,
            source: self.source,
            subject: self.subject,
            correlation_id: self.correlationid,
            principal: None,
            text: None,
            since: None,
            until: None,
            after,
            limit,
            order,
            freshness: Freshness::Current,
        };
        if errors.is_empty() { Ok(filter) } else { Err(errors) }
    }
}

/// A part of the log.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventPage {
    events: Vec<PositionedEvent>,
    /// What to give as `after` for the next page; null when there is none.
    next_after: Option<Position>,
}

#[derive(Debug, Serialize, ToSchema)]
struct PositionedEvent {
    position: Position,
    /// In CloudEvents' JSON format.
    #[schema(value_type = Object)]
    event: Box<RawValue>,
}

/// Events that are kept; with `Accept: text/event-stream` the live tail, resumed by `Last-Event-ID` or `after`.
#[utoipa::path(get, path = "/v1/events", tag = "events", params(Parameters),
    responses(
        (status = OK, description = "A page, or a stream whose ids are positions", body = EventPage),
        (status = BAD_REQUEST, description = "A parameter is wrong", body = ProblemDocument),
        (status = TOO_MANY_REQUESTS, description = "The caller holds too many streams", body = ProblemDocument),
        (status = SERVICE_UNAVAILABLE, description = "The query must be narrowed", body = ProblemDocument)))]
pub(crate) async fn query(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    QueryOf(parameters): QueryOf<Parameters>,
) -> Result<Response, Problem> {
    caller.require_principal()?;
    let filter = parameters.into_filter()?;
    if wants_stream(&headers) {
        return tail::open(&state, &caller, filter, &headers);
    }
    let page = state.backbone.query(filter).await?;
    let events = page
        .events
        .into_iter()
        .map(|stored| Ok(PositionedEvent { position: stored.position, event: RawValue::from_string(stored.json)? }))
        .collect::<Result<_, serde_json::Error>>()
        .map_err(Problem::internal)?;
    Ok(Json(EventPage { events, next_after: page.next_after }).into_response())
}

fn wants_stream(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|list| list.split(',')).any(|range| media_type::essence(range) == "text/event-stream")
}
