//! How events stand in a request: one in headers (binary), one in the body (structured), or many in the body (batch). The
//! content type alone decides which: the gate puts its own `ce-` headers on every request (CloudEvents HTTP binding
//! 1.0.2, section 3).

mod binary;
pub(super) mod json;

use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::attributes::Malformed;
use super::cloud_event::CloudEvent;
use crate::media_type;
use crate::problem::{FieldError, Problem};

/// Where the attributes of an event stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// In `ce-` headers.
    Binary,
    /// In the body.
    Structured,
    /// In an item of the body.
    Batch,
}

/// The mode of a request. JSON is UTF-8 and nothing else (RFC 8259, section 8.1).
pub(super) fn mode(headers: &HeaderMap) -> Result<Mode, Problem> {
    let mut content_types = headers.get_all(CONTENT_TYPE).iter();
    let (first, second) = (content_types.next(), content_types.next());
    if second.is_some() {
        return Err(Problem::invalid("datacontenttype", "is there more than once"));
    }
    let Some(content_type) = first else { return Ok(Mode::Binary) };
    let Ok(content_type) = content_type.to_str() else {
        return Err(Problem::invalid("content-type", "must be printable ASCII"));
    };
    let kind = media_type::essence(content_type);
    let mode = match kind.as_str() {
        "application/cloudevents+json" => Mode::Structured,
        "application/cloudevents-batch+json" => Mode::Batch,
        _ if kind.starts_with("application/cloudevents") => return Err(Problem::UnsupportedMediaType),
        _ => return Ok(Mode::Binary),
    };
    if media_type::is_utf8(content_type) { Ok(mode) } else { Err(Problem::UnsupportedMediaType) }
}

/// Reads one event: of the whole request, or of one item of a batch, whose headers are then passed over.
pub(super) fn read(mode: Mode, headers: &HeaderMap, body: &[u8]) -> Result<CloudEvent, Malformed> {
    match mode {
        Mode::Binary => binary::event(headers, body),
        Mode::Structured | Mode::Batch => json::event(body),
    }
}

/// What keeps a text from being an event in CloudEvents' JSON format; nothing if it is one.
pub(crate) fn mistakes_of(text: &[u8]) -> Vec<FieldError> {
    json::event(text).err().map(|malformed| malformed.errors).unwrap_or_default()
}
