//! Every route. What is not in [`open`] passes the gate's layer, so a handler cannot forget to ask who calls.

use std::sync::LazyLock;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::problem::{Problem, ProblemDocument};
use crate::state::AppState;
use crate::{
    assistant, chat, commands, consumers, events, health, incidents, layers, mediation, metrics, ratings, revocations,
    runbooks, sessions, trust, web,
};

/// Routes that anybody may reach who reaches the service. Each has bounds of its own: whoever floods one of them must not
/// make the service look dead by the other.
fn open() -> [OpenApiRouter<AppState>; 2] {
    [OpenApiRouter::new().routes(routes!(health::healthz)), OpenApiRouter::new().routes(routes!(health::readyz))]
}

/// Routes behind the gate that answer as soon as they can.
fn answering() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(events::publish::publish, events::query::query))
        .routes(routes!(consumers::routes::list))
        .routes(routes!(consumers::routes::put, consumers::routes::get, consumers::routes::delete))
        .routes(routes!(consumers::routes::settle))
        .routes(routes!(events::dead_letters::read::list))
        .routes(routes!(events::dead_letters::read::get, events::dead_letters::replay::discard))
        .routes(routes!(events::dead_letters::replay::replay))
        .routes(routes!(incidents::reading::list))
        .routes(routes!(incidents::reading::get))
        .routes(routes!(incidents::picture::svg))
        .routes(routes!(incidents::picture::png))
        .routes(routes!(incidents::silences::create, incidents::silences::list))
        .routes(routes!(incidents::silences::remove))
        .routes(routes!(mediation::beginning::begin, mediation::reading::list))
        .routes(routes!(mediation::reading::get))
        .routes(routes!(mediation::agreeing::agree))
        .routes(routes!(mediation::agreeing::conclude))
        .routes(routes!(mediation::agreeing::leave))
        .routes(routes!(ratings::rate))
        .routes(routes!(runbooks::routes::list))
        .routes(routes!(runbooks::routes::read))
        .routes(routes!(commands::request::request, commands::read::list))
        .routes(routes!(commands::read::get))
        .routes(routes!(commands::follow::follow))
        .routes(routes!(commands::approve::approve))
        .routes(routes!(commands::cancel::cancel))
        .routes(routes!(commands::replay::replay))
        .routes(routes!(commands::execute::heartbeat))
        .routes(routes!(commands::execute::result))
        .routes(routes!(commands::output::output))
        .routes(routes!(revocations::revoke::revoke))
        .routes(routes!(sessions::offer::offer, sessions::offer::list))
        .routes(routes!(sessions::offer::end))
        .routes(routes!(sessions::picture::svg))
        .routes(routes!(sessions::picture::png))
        .routes(routes!(sessions::confirm::join))
        .routes(routes!(sessions::confirm::confirm))
        .routes(routes!(metrics::metrics))
        .routes(routes!(openapi))
        .fallback(not_found)
}

/// Pages, and what they are made of. Those are no part of the interface that the document describes.
fn looking() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .route("/watch", get(web::watch))
        .route("/watch/worker.js", get(web::worker))
        .route("/console", get(web::console))
        .route("/console/config.json", get(web::config))
        .route("/assets/{*name}", get(web::asset))
}

/// Routes of devices that nobody knows yet: the gate's rule for them is public.
fn introducing() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(sessions::redeem::redeem))
        .routes(routes!(sessions::device::device))
        .routes(routes!(sessions::token::token))
}

/// Routes behind the gate that wait for something to happen.
fn waiting() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(commands::lease::lease)).routes(routes!(consumers::routes::fetch))
}

/// Routes behind the gate that answer in their own time.
fn conversing() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(assistant::ask::ask))
        .routes(routes!(incidents::explaining::explain))
        .routes(routes!(mediation::speaking::account))
        .routes(routes!(mediation::speaking::restate))
}

/// The same in OpenAI's wire format, with whatever else its clients may ask for below the same paths.
fn chatting() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(chat::completions::complete))
        .routes(routes!(chat::models::list))
        .routes(routes!(chat::models::read))
        .route("/v1/chat/{*below}", any(not_found))
        .route("/v1/models/{model}/{*below}", any(not_found))
}

/// Routes for keepers of trust directories, who do not come through a gate.
fn for_keepers() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(trust::feed::feed))
        .routes(routes!(trust::key_sets::put))
        .routes(routes!(trust::gate_keys::put))
}

/// All of them, each in its layers.
pub(crate) fn routes(state: &AppState) -> Router<AppState> {
    let plain = |routes: OpenApiRouter<AppState>| Router::from(routes).method_not_allowed_fallback(wrong_method);
    let behind_the_gate = layers::answering(plain(answering()), state)
        .merge(layers::looking(plain(looking()), state))
        .merge(layers::introducing(plain(introducing()), state))
        .merge(layers::waiting(plain(waiting()), state))
        .merge(layers::conversing(plain(conversing()), state))
        .merge(layers::chatting(plain(chatting()), state));
    let closed = behind_the_gate.merge(layers::for_keepers(plain(for_keepers()), state));
    open().into_iter().map(|routes| layers::open(plain(routes), state)).fold(closed, Router::merge)
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
    tags((name = "events"), (name = "incidents"), (name = "assistant"), (name = "mediations"), (name = "commands"), (name = "services"), (name = "sessions"), (name = "trust"), (name = "operation"))
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
    for routes in
        open().into_iter().chain([answering(), introducing(), waiting(), conversing(), chatting(), for_keepers()])
    {
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
