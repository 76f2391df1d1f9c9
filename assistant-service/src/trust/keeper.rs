//! Keepers of trust directories: they hold the gates' key and say so with a token of their own, for each request anew. The
//! service shows them the same by a seal on each answer.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use trust_core::transaction_token::{ANSWER_SEAL_HEADER, HEADER, KEEPER, TransactionKeys, answer_seal};

use crate::gate::verified_claims;
use crate::problem::Problem;
use crate::state::AppState;

/// The layer that lets keepers pass and nobody else: a caller whom a gate let through is none, whatever his rights.
pub(crate) async fn authenticate(State(state): State<AppState>, request: Request, next: Next) -> Response {
    match verified_claims(&state, &request) {
        Ok(claims) if claims.iss == KEEPER && claims.sub.is_none() && claims.rctx.iss.is_none() => {
            tracing::Span::current().record("transaction", claims.txn.as_str());
            // From before the answer: a keeper may wait for it longer than the keys stay the same.
            let keys = state.transaction_keys.keys();
            let token = request.headers().get(HEADER).and_then(|token| token.to_str().ok()).map(str::to_owned);
            let answer = next.run(request).await;
            match (keys, token) {
                (Some(keys), Some(token)) => seal(keys, token, answer).await.unwrap_or_else(Problem::into_response),
                _ => Problem::KeysUnavailable.into_response(),
            }
        }
        Ok(_) => Problem::Unauthenticated.into_response(),
        Err(problem) => problem.into_response(),
    }
}

/// The same answer with the seal by which the keeper knows that it is ours. What it says is bounded by what is kept.
async fn seal(keys: Arc<TransactionKeys>, token: String, answer: Response) -> Result<Response, Problem> {
    let (mut parts, body) = answer.into_parts();
    let body = to_bytes(body, usize::MAX).await.map_err(Problem::internal)?;
    let (status, sealed) = (parts.status.as_u16(), body.clone());
    // May be some megabytes: not on a thread that others wait for.
    let seal = tokio::task::spawn_blocking(move || answer_seal(&keys, &token, status, &sealed)).await;
    let seal = seal.map_err(Problem::internal)?.ok_or(Problem::KeysUnavailable)?;
    let seal = HeaderValue::from_str(&seal).map_err(Problem::internal)?;
    parts.headers.insert(HeaderName::from_static(ANSWER_SEAL_HEADER), seal);
    Ok(Response::from_parts(parts, Body::from(body)))
}
