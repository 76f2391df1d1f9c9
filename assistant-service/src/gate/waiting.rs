//! Those who wait for something to happen. A gate does not see a request again that it has let in, so the service ends it.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use prometheus_client::metrics::gauge::Gauge;

use super::Caller;
use crate::problem::Problem;
use crate::state::AppState;
use crate::trust::Distrust;

/// The layer that ends a long poll when its caller's own token is revoked meanwhile.
pub(crate) async fn until_revoked(
    State(state): State<AppState>,
    caller: Caller,
    request: Request,
    next: Next,
) -> Response {
    let _counted = Counted::begin(&state.metrics.long_polls);
    tokio::select! {
        answer = next.run(request) => answer,
        distrust = state.trust.until_distrusted(&caller) => match distrust {
            Distrust::Revoked => {
                state.metrics.revoked_streams.inc();
                Problem::Unauthenticated.into_response()
            }
            Distrust::CutOff => Problem::CutOff.into_response(),
        },
    }
}

/// One of those that are counted, until it is dropped.
struct Counted(Gauge);

impl Counted {
    fn begin(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}
