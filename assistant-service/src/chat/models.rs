//! `GET /v1/models`: whom one can talk to.

use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;
use utoipa::ToSchema;

use super::ASSISTANT;
use super::refusal::Refusal;
use crate::gate::Caller;
use crate::state::AppState;

/// The models.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ModelList {
    /// `list`.
    object: &'static str,
    data: Vec<ListedModel>,
}

/// A model.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ListedModel {
    /// What a request names.
    id: String,
    /// `model`.
    object: &'static str,
    /// Always 0: nobody has told since when it is there.
    created: i64,
    /// `watchgate`.
    owned_by: &'static str,
}

/// The assistant as `watchgate`, and the models of the settings by their names.
#[utoipa::path(get, path = "/v1/models", tag = "assistant",
    responses((status = OK, description = "The models, in OpenAI's form", body = ModelList)))]
pub(crate) async fn list(State(state): State<AppState>, caller: Caller) -> Result<Json<ModelList>, Refusal> {
    caller.require_principal()?;
    Ok(Json(ModelList { object: "list", data: names(&state).into_iter().map(listed).collect() }))
}

/// One of them.
#[utoipa::path(get, path = "/v1/models/{model}", tag = "assistant", params(("model" = String, Path)),
    responses(
        (status = OK, description = "The model, in OpenAI's form", body = ListedModel),
        (status = NOT_FOUND, description = "There is no such model; in OpenAI's form")))]
pub(crate) async fn read(
    State(state): State<AppState>,
    caller: Caller,
    Path(model): Path<String>,
) -> Result<Json<ListedModel>, Refusal> {
    caller.require_principal()?;
    if names(&state).contains(&model) { Ok(Json(listed(model))) } else { Err(Refusal::UnknownModel(model)) }
}

fn names(state: &AppState) -> Vec<String> {
    let passed_on = state.passed_on.iter().flat_map(|passed_on| passed_on.names());
    std::iter::once(ASSISTANT.to_owned()).chain(passed_on).collect()
}

fn listed(id: String) -> ListedModel {
    ListedModel { id, object: "model", created: 0, owned_by: "watchgate" }
}
