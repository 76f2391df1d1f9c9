//! `PUT /v1/trust/gate-keys`: a keeper rotates the gates' secret. Of two who do so at the same time one is told.

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::value::RawValue;
use trust_core::gate_key::GateKeys;
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::book::{Revised, StoredGateKeys, TRUST, TrustBook, to_its_end};
use super::load;
use crate::backbone::{BackboneError, Put};
use crate::json_body::JsonBody;
use crate::problem::{Problem, ProblemDocument};
use crate::state::AppState;

/// The gates' next keys.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rotation {
    /// Which secret the caller believes to be the current one; null for none.
    #[serde(deserialize_with = "Option::deserialize")]
    previous_kid: Option<String>,
    /// What `gate.key` shall hold: the new secret, then the one before it.
    #[schema(value_type = Object)]
    gate_keys: Box<RawValue>,
}

/// Keeps the gates' keys for all keepers, if the current ones are those that the caller knows.
#[utoipa::path(put, path = "/v1/trust/gate-keys", tag = "trust", request_body = Rotation,
    responses(
        (status = NO_CONTENT, description = "These are kept"),
        (status = BAD_REQUEST, description = "Not what gate.key may hold", body = ProblemDocument),
        (status = UNAUTHORIZED, description = "Not a keeper", body = ProblemDocument),
        (status = CONFLICT, description = "The current secret is another one", body = ProblemDocument)))]
pub(crate) async fn put(
    State(state): State<AppState>,
    JsonBody(Rotation { previous_kid, gate_keys }): JsonBody<Rotation>,
) -> Result<StatusCode, Problem> {
    let json = Zeroizing::new(String::from(Box::<str>::from(gate_keys)));
    let keys =
        GateKeys::from_json(json.as_bytes()).map_err(|error| Problem::invalid("gate_keys", error.to_string()))?;
    let keys = StoredGateKeys::from(&keys);
    to_its_end(async move { state.trust.rotate(previous_kid.as_deref(), keys).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl TrustBook {
    async fn rotate(&self, previous_kid: Option<&str>, keys: StoredGateKeys) -> Result<(), Problem> {
        let mut turn = self.turn.lock().await;
        let (current_kid, is_kept, expected_revision) = match &self.read().gate_keys {
            Some(Revised { value, revision }) => {
                (Some(value.current_kid.clone()), value.json == keys.json, Some(*revision))
            }
            None => (None, false, None),
        };
        if is_kept {
            // Sent again by a keeper that did not hear the answer.
            return Ok(());
        }
        let changed = || BackboneError::Conflict { bucket: TRUST, key: load::GATE_KEYS.to_owned() };
        if current_kid.as_deref() != previous_kid {
            return Err(changed().into());
        }
        let value = Some(keys.json.as_bytes().to_vec());
        let put = Put { bucket: TRUST, key: load::GATE_KEYS.to_owned(), value, expected_revision, expires_at: None };
        match self.commit(put, None).await {
            Ok(revision) => {
                let revised = Revised { value: keys, revision };
                self.take_over_own(&mut turn, |content| content.gate_keys = Some(revised)).await;
                Ok(())
            }
            Err(error) => {
                if let BackboneError::Conflict { .. } = error {
                    self.catch_up(&mut turn).await?;
                }
                Err(error.into())
            }
        }
    }
}
