//! The whole service as one value that answers requests, with or without a socket.

use axum::Router;

use crate::state::AppState;
use crate::{layers, routes};

/// Every route in its layers.
pub fn app(state: AppState) -> Router {
    layers::around_all(routes::routes(&state), &state).with_state(state)
}

#[cfg(test)]
mod tests;
