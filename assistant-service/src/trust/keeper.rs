//! Keepers of trust directories: they hold the gates' key and say so with a token of their own, for each request anew.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use trust_core::transaction_token::KEEPER;

use crate::gate::verified_claims;
use crate::problem::Problem;
use crate::state::AppState;

/// The layer that lets keepers pass and nobody else: a caller whom a gate let through is none, whatever his rights.
pub(crate) async fn authenticate(State(state): State<AppState>, request: Request, next: Next) -> Response {
    match verified_claims(&state, &request) {
        Ok(claims) if claims.iss == KEEPER && claims.sub.is_none() && claims.rctx.iss.is_none() => {
            tracing::Span::current().record("transaction", claims.txn.as_str());
            next.run(request).await
        }
        Ok(_) => Problem::Unauthenticated.into_response(),
        Err(problem) => problem.into_response(),
    }
}
