//! `POST /v1/revocations`: answered 200 when the revocation is on stable storage, never before.

use axum::Form;
use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::http::StatusCode;
use serde::Deserialize;
use trust_core::time::UnixSeconds;
use utoipa::ToSchema;

use super::form;
use crate::gate::Caller;
use crate::problem::{Problem, ProblemDocument};
use crate::state::AppState;
use crate::trust::to_its_end;

/// Exactly one of `token`; `iss` and `jti`; `iss` and `sid`; `iss` and `sub`.
#[derive(Debug, Deserialize, ToSchema)]
#[expect(dead_code, reason = "says in the document what the strict reader reads")]
pub(crate) struct RevocationForm {
    /// The token itself, JWT or opaque.
    token: Option<String>,
    /// Taken and not needed (RFC 7009, section 2.1).
    token_type_hint: Option<String>,
    /// The issuer of what is named beside it.
    iss: Option<String>,
    /// The token with this identifier.
    jti: Option<String>,
    /// Every token of this session.
    sid: Option<String>,
    /// Every token of this subject that was issued before `before`.
    sub: Option<String>,
    /// Unix seconds; without it all tokens of now.
    before: Option<u64>,
}

/// Revokes (RFC 7009): a token, all tokens of a session, or those of a subject that were issued before a time. Also
/// answered 200 for what was revoked before. Streams and long polls that stand on it end at once.
#[utoipa::path(post, path = "/v1/revocations", tag = "trust",
    request_body(content = RevocationForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = OK, description = "Revoked, on stable storage"),
        (status = BAD_REQUEST, description = "Unknown, repeated or missing parameters, by name", body = ProblemDocument),
        (status = UNSUPPORTED_MEDIA_TYPE, description = "Not a form", body = ProblemDocument),
        (status = INSUFFICIENT_STORAGE, description = "As much is revoked as is kept", body = ProblemDocument)))]
pub(crate) async fn revoke(
    State(state): State<AppState>,
    caller: Caller,
    pairs: Result<Form<Vec<(String, String)>>, FormRejection>,
) -> Result<StatusCode, Problem> {
    caller.require_principal()?;
    let Form(pairs) = pairs.map_err(|rejection| match rejection {
        FormRejection::InvalidFormContentType(_) => Problem::UnsupportedMediaType,
        rejection => Problem::invalid("body", rejection.body_text()),
    })?;
    let now = UnixSeconds(u64::try_from(state.clock.now().unix_timestamp()).unwrap_or_default());
    let entry = form::read(pairs, now, state.trust.keep_seconds())?;
    to_its_end(async move { state.trust.revoke(entry, &caller).await }).await?;
    Ok(StatusCode::OK)
}
