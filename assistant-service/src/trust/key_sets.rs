//! `PUT /v1/trust/key-sets/{name}`: an issuer's keys as one keeper has fetched them, for the keepers of other hosts.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::book::{Revised, TRUST, TrustBook, to_its_end};
use super::load;
use crate::backbone::{BackboneError, Put};
use crate::json_body::JsonBody;
use crate::parameters::PathName;
use crate::problem::{FieldError, Problem, ProblemDocument};
use crate::state::AppState;

const MAX_KEY_SETS: usize = 64;
const MAX_NAME_BYTES: usize = 128;
const MAX_ISSUER_BYTES: usize = 2048;

/// As much as gates read of one file.
const MAX_JWKS_BYTES: usize = 256 * 1024;

const ATTEMPTS: usize = 4;

/// How far a keeper's clock may be ahead of ours. A time beyond it would keep every later fetch out until then.
const MAX_AHEAD_MILLIS: u64 = 60 * 1000;

/// The keys of an issuer.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeySet {
    issuer: String,
    /// RFC 7517, section 5; judged by who uses it.
    #[schema(value_type = Object)]
    jwks: Box<RawValue>,
    /// When the fetch that gave them began, in Unix milliseconds.
    checked_at: u64,
}

/// The keys of an issuer and the file that they are for.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NamedKeySet {
    /// The file below the trust directory, such as `jwks/idp.json`.
    name: String,
    issuer: String,
    #[schema(value_type = Object)]
    jwks: Box<RawValue>,
    checked_at: u64,
}

impl KeySet {
    pub(super) fn named(self, name: String) -> NamedKeySet {
        let Self { issuer, jwks, checked_at } = self;
        NamedKeySet { name, issuer, jwks, checked_at }
    }

    /// Held against what gates take, and against the time `now`, in Unix milliseconds.
    fn mistakes(&self, now: u64) -> Vec<FieldError> {
        #[derive(Deserialize)]
        struct Form {
            #[serde(rename = "keys")]
            _keys: Vec<serde::de::IgnoredAny>,
        }
        let mut errors = Vec::new();
        if self.issuer.is_empty() || self.issuer.len() > MAX_ISSUER_BYTES {
            errors.push(FieldError::new("issuer", format!("must have 1 to {MAX_ISSUER_BYTES} bytes")));
        }
        if self.jwks.get().len() > MAX_JWKS_BYTES {
            errors.push(FieldError::new("jwks", format!("may have {MAX_JWKS_BYTES} bytes")));
        }
        if serde_json::from_str::<Form>(self.jwks.get()).is_err() {
            errors.push(FieldError::new("jwks", "must be an object with a list of keys"));
        }
        if self.checked_at > now.saturating_add(MAX_AHEAD_MILLIS) {
            errors.push(FieldError::new("checked_at", "must not be in the future, by Unix milliseconds"));
        }
        errors
    }
}

/// Keeps an issuer's keys, for keepers alone. Those that were fetched earlier than what is kept change nothing.
#[utoipa::path(put, path = "/v1/trust/key-sets/{name}", tag = "trust", request_body = KeySet,
    params(("name" = String, Path, description = "The file below the trust directory, such as jwks%2Fidp.json")),
    responses(
        (status = NO_CONTENT, description = "These, or ones that were fetched later, are kept"),
        (status = BAD_REQUEST, description = "A name, keys or a time that no gate would take", body = ProblemDocument),
        (status = UNAUTHORIZED, description = "Not a keeper", body = ProblemDocument)))]
pub(crate) async fn put(
    State(state): State<AppState>,
    PathName(name): PathName,
    JsonBody(set): JsonBody<KeySet>,
) -> Result<StatusCode, Problem> {
    let now = u64::try_from(state.clock.now().unix_timestamp_nanos() / 1_000_000).unwrap_or_default();
    let mut errors = set.mistakes(now);
    if !is_file_name(&name) {
        errors.push(FieldError::new("name", "must be a path below the trust directory, such as jwks/idp.json"));
    }
    if !errors.is_empty() {
        return Err(errors.into());
    }
    to_its_end(async move { state.trust.keep_key_set(name, set).await }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Keepers make a file of this name: nothing in it may lead elsewhere.
fn is_file_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    name.len() <= MAX_NAME_BYTES
        && name.split('/').all(|part| !part.is_empty() && !part.starts_with('.') && part.bytes().all(is_plain))
}

impl TrustBook {
    async fn keep_key_set(&self, name: String, set: KeySet) -> Result<(), Problem> {
        let mut turn = self.turn.lock().await;
        let key = load::key_set_key(&name);
        for _ in 0..ATTEMPTS {
            let (kept, count) = {
                let content = self.read();
                let kept = content.key_sets.get(&name).map(|kept| (kept.value.checked_at, kept.revision));
                (kept, content.key_sets.len())
            };
            match kept {
                Some((checked_at, _)) if checked_at >= set.checked_at => return Ok(()),
                None if count >= MAX_KEY_SETS => {
                    return Err(Problem::invalid("name", format!("at most {MAX_KEY_SETS} key sets are kept")));
                }
                _ => {}
            }
            let value = Some(serde_json::to_vec(&set).map_err(Problem::internal)?);
            let expected_revision = kept.map(|(_, revision)| revision);
            match self
                .commit(Put { bucket: TRUST, key: key.clone(), value, expected_revision, expires_at: None }, None)
                .await
            {
                Ok(revision) => {
                    let revised = Revised { value: set, revision };
                    self.take_over_own(&mut turn, |content| drop(content.key_sets.insert(name, revised))).await;
                    return Ok(());
                }
                Err(BackboneError::Conflict { .. }) => self.catch_up(&mut turn).await?,
                Err(error) => return Err(error.into()),
            }
        }
        Err(BackboneError::Conflict { bucket: TRUST, key }.into())
    }
}
