//! A dead letter as it is kept: what came, from whom, under which policy, and why it was not taken.

use std::collections::BTreeMap;

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::given_up::GivenUp;
use crate::events::attributes::Malformed;
use crate::events::binding::Mode;
use crate::events::intake::Reason;
use crate::events::submission::Submission;
use crate::problem::FieldError;

/// What is kept of a body that is none of an event.
const MAX_UNREADABLE_BYTES: usize = 64 * 1024;

/// What is kept of any other: more would let a few senders fill the store.
const MAX_BODY_BYTES: usize = 256 * 1024;

/// A dead letter.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Letter {
    pub(in crate::events) id: String,
    pub(in crate::events) reason: Reason,
    pub(in crate::events) errors: Vec<FieldError>,
    pub(super) submission: Submission,
    pub(super) mode: Mode,
    pub(super) content_type: Option<String>,
    /// In binary mode the event's own; in the others they say nothing of it.
    pub(super) headers: BTreeMap<String, String>,
    pub(super) event_id: Option<String>,
    pub(super) source: Option<String>,
    pub(super) event_type: Option<String>,
    pub(super) body: Body,
    /// Whether the body had more than is kept.
    pub(super) is_cut: bool,
    /// The event itself is in the log, where a consumer gave it up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) given_up: Option<GivenUp>,
}

/// A body as it came.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Body {
    Text(String),
    Base64(String),
}

/// What a list shows of a dead letter.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = DeadLetterSummary)]
pub(crate) struct Summary {
    pub(super) id: String,
    pub(super) reason: Reason,
    /// Who sent it, as a URI.
    pub(super) principal: String,
    #[serde(with = "time::serde::rfc3339")]
    pub(super) arrived_at: OffsetDateTime,
    mode: Mode,
    /// As far as it could be read.
    #[serde(rename = "type")]
    pub(super) event_type: Option<String>,
    /// As far as it could be read.
    source: Option<String>,
    /// What is kept of its body.
    pub(super) bytes: usize,
}

impl Letter {
    pub(in crate::events) fn new(
        reason: Reason,
        malformed: Malformed,
        submission: &Submission,
        mode: Mode,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Self {
        let Malformed { errors, is_readable, id: event_id, source, event_type } = malformed;
        let limit = if is_readable { MAX_BODY_BYTES } else { MAX_UNREADABLE_BYTES };
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let own = headers.iter().filter(|(name, _)| mode == Mode::Binary && name.as_str().starts_with("ce-"));
        Self {
            id: uuid::Uuid::now_v7().to_string(),
            reason,
            errors,
            submission: submission.clone(),
            mode,
            content_type: headers.get(CONTENT_TYPE).map(text),
            headers: own.map(|(name, value)| (name.as_str().to_owned(), text(value))).collect(),
            event_id,
            source,
            event_type,
            body: Body::new(body, limit),
            is_cut: body.len() > limit,
            given_up: None,
        }
    }

    /// The request as it came, as far as it was about the event.
    pub(super) fn request(&self) -> (HeaderMap, Vec<u8>) {
        let mut headers = HeaderMap::new();
        let named = self.headers.iter().map(|(name, value)| (HeaderName::try_from(name), value));
        let content_type = self.content_type.iter().map(|value| (Ok(CONTENT_TYPE), value));
        for (name, value) in named.chain(content_type) {
            if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value.as_bytes())) {
                headers.insert(name, value);
            }
        }
        let body = match &self.body {
            Body::Text(text) => text.clone().into_bytes(),
            Body::Base64(text) => BASE64_STANDARD.decode(text).unwrap_or_default(),
        };
        (headers, body)
    }
}

impl Body {
    fn new(body: &[u8], limit: usize) -> Self {
        match std::str::from_utf8(body) {
            Ok(text) => Self::Text(text.get(..text.floor_char_boundary(limit)).unwrap_or_default().to_owned()),
            Err(_) => Self::Base64(BASE64_STANDARD.encode(body.get(..limit).unwrap_or(body))),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Text(text) | Self::Base64(text) => text.len(),
        }
    }
}

impl Summary {
    pub(super) fn of(letter: &Letter) -> Self {
        Self {
            id: letter.id.clone(),
            reason: letter.reason,
            principal: letter.submission.principal.uri(),
            arrived_at: letter.submission.arrived_at,
            mode: letter.mode,
            event_type: letter.event_type.clone(),
            source: letter.source.clone(),
            bytes: letter.body.len(),
        }
    }
}
