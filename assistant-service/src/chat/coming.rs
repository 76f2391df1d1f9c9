//! An answer on its way back from a model, by the form in which the client asked for it.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::guard::{Filter, Guard};
use crate::model::{EndReason, ModelError};

/// As much as is read of any answer.
const LONGEST_JSON_BYTES: usize = 1024 * 1024;

/// What has come and has not gone on.
pub(super) enum Coming {
    /// It goes on as it comes.
    Markdown(Box<dyn Filter>),
    /// A filter of Markdown would break it, and where its texts begin and end is known once all of it is there.
    Json(String),
}

impl Coming {
    pub(super) fn answer_to(options: &Map<String, Value>, guard: &dyn Guard) -> Self {
        let kind = options.get("response_format").and_then(|format| format.get("type")).and_then(Value::as_str);
        match kind {
            Some("json_object" | "json_schema") => Self::Json(String::new()),
            _ => Self::Markdown(guard.filter()),
        }
    }

    /// What may go on now.
    pub(super) fn pass(&mut self, piece: &str) -> Result<String, ModelError> {
        match self {
            Self::Markdown(filter) => Ok(filter.pass(piece)),
            Self::Json(text) if text.len().saturating_add(piece.len()) > LONGEST_JSON_BYTES => {
                Err(ModelError::TooLarge)
            }
            Self::Json(text) => {
                text.push_str(piece);
                Ok(String::new())
            }
        }
    }

    /// What may go on now that nothing comes any more. JSON that is not whole never does; that it is not is said by how it ended,
    /// or by an error.
    pub(super) async fn rest(self, reason: EndReason, guard: Arc<dyn Guard>) -> Result<String, ModelError> {
        let text = match self {
            Self::Markdown(mut filter) => return Ok(filter.rest()),
            Self::Json(text) if text.trim().is_empty() => return Ok(String::new()),
            Self::Json(text) => text,
        };
        let filtered = tokio::task::spawn_blocking(move || {
            serde_json::from_str(&text).map(|value| guard.json_may_come(value).to_string())
        });
        match (filtered.await, reason) {
            (Ok(Ok(text)), _) => Ok(text),
            (Ok(Err(_)), EndReason::Length | EndReason::ContentFilter) => Ok(String::new()),
            (Ok(Err(_)), EndReason::Stop | EndReason::ToolCalls) => {
                Err(ModelError::Malformed("JSON was asked for".to_owned()))
            }
            (Err(_), _) => Err(ModelError::Malformed("the filter of JSON broke off".to_owned())),
        }
    }
}
