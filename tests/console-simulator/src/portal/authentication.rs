//! Who may ask: Basic authentication, as the portal has it.

use std::fmt;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use subtle::ConstantTimeEq as _;

use super::Console;

/// Before a user's name this asks the portal for no token against forged requests. GET needs none anyway.
const AUTOMATIC: &str = "auto-";

/// A user and a password.
#[derive(Clone)]
pub struct Credentials {
    /// Without `auto-`, which a client may put before it.
    pub user: String,
    /// In the clear: it is a simulator's.
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Credentials").field("user", &self.user).finish_non_exhaustive()
    }
}

impl Credentials {
    fn allow(&self, request: &Request) -> bool {
        let said = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let basic = said.and_then(|said| said.strip_prefix("Basic ")).and_then(|said| STANDARD.decode(said).ok());
        let Some((user, password)) = basic.as_ref().and_then(|it| std::str::from_utf8(it).ok()?.split_once(':')) else {
            return false;
        };
        let is_user = user.strip_prefix(AUTOMATIC).unwrap_or(user) == self.user;
        is_user & bool::from(password.as_bytes().ct_eq(self.password.as_bytes()))
    }
}

/// Lets nobody else in.
pub(super) async fn required(State(console): State<Arc<Console>>, request: Request, next: Next) -> Response {
    if console.credentials.allow(&request) {
        return next.run(request).await;
    }
    let challenge = [(header::WWW_AUTHENTICATE, "Basic realm=\"Windows Device Portal\"")];
    (StatusCode::UNAUTHORIZED, challenge).into_response()
}
