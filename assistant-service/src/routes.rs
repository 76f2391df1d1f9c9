//! Every route. What is not in [`open`] passes the gate's layer, so a handler cannot forget to ask who calls.

use std::sync::LazyLock;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::problem::{Problem, ProblemDocument};
use crate::state::AppState;
use crate::{assistant, commands, events, health, layers, metrics, runbooks};

/// Routes that anybody may reach who reaches the service. Each has bounds of its own: whoever floods one of them must not
/// make the service look dead by the other.
fn open() -> [OpenApiRouter<AppState>; 2] {
    [OpenApiRouter::new().routes(routes!(health::healthz)), OpenApiRouter::new().routes(routes!(health::readyz))]
}

/// Routes behind the gate that answer as soon as they can.
fn answering() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(events::publish::publish, events::query::query))
        .routes(routes!(assistant::ask::ask))
        .routes(routes!(runbooks::routes::list))
        .routes(routes!(runbooks::routes::read))
        .routes(routes!(commands::request::request, commands::read::list))
        .routes(routes!(commands::read::get))
        .routes(routes!(commands::approve::approve))
        .routes(routes!(commands::approve::cancel))
        .routes(routes!(commands::execute::heartbeat))
        .routes(routes!(commands::execute::result))
        .routes(routes!(metrics::metrics))
        .routes(routes!(openapi))
        .fallback(not_found)
}

/// Routes behind the gate that wait for something to happen.
fn waiting() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(commands::lease::lease))
}

/// All of them, each in its layers.
pub(crate) fn routes(state: &AppState) -> Router<AppState> {
    let plain = |routes: OpenApiRouter<AppState>| Router::from(routes).method_not_allowed_fallback(wrong_method);
    let behind_the_gate = layers::answering(plain(answering()), state).merge(layers::waiting(plain(waiting()), state));
    open().into_iter().map(|routes| layers::open(plain(routes))).fold(behind_the_gate, Router::merge)
}

async fn not_found() -> Problem {
    Problem::NotFound
}

async fn wrong_method() -> Problem {
    Problem::MethodNotAllowed
}

#[derive(OpenApi)]
#[openapi(
    info(title = "Watchgate", description = "Reached through the gate, which asks for a bearer token."),
    components(schemas(ProblemDocument)),
    security(("token" = [])),
    modifiers(&Token),
    tags((name = "events"), (name = "assistant"), (name = "commands"), (name = "services"), (name = "operation"))
)]
struct Document;

struct Token;

impl Modify for Token {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        document.components.get_or_insert_default().add_security_scheme("token", scheme);
    }
}

/// Made from the very routers that answer, so it says what they do.
pub(crate) static DOCUMENT: LazyLock<utoipa::openapi::OpenApi> = LazyLock::new(|| {
    let mut document = Document::openapi();
    for routes in open().into_iter().chain([answering(), waiting()]) {
        document.merge(routes.into_openapi());
    }
    document
});

/// This document.
#[utoipa::path(get, path = "/openapi.json", tag = "operation",
    responses((status = OK, description = "OpenAPI 3.1", content_type = "application/json")))]
async fn openapi() -> Result<Response, Problem> {
    let text = DOCUMENT.to_json().map_err(Problem::internal)?;
    Ok(([(CONTENT_TYPE, "application/json")], text).into_response())
}
