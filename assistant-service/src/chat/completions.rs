//! `POST /v1/chat/completions`: a conversation goes to the assistant or to a model, and what comes of it is told whole or in chunks.

use std::convert::Infallible;

use axum::Json;
use axum::extract::State;
use axum::response::sse::{KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use futures_util::stream::{self, Stream};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::refusal::Refusal;
use super::request::{Body, Form, Request};
use super::whole::{Completion, gathered};
use super::written::Writer;
use super::{ASSISTANT, grounded, passed_on};
use crate::JsonBody;
use crate::assistant::ask::{HEARTBEAT, asker, seat, tell};
use crate::gate::Caller;
use crate::model::Piece;
use crate::seats::Seat;
use crate::state::AppState;

/// Where the pieces of an answer go.
pub(super) type Pieces = mpsc::Sender<Result<Piece, Refusal>>;

/// What one answer is called, whatever it says.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub(super) id: Uuid,
    /// In seconds since 1970.
    pub(super) created: i64,
    /// As the client named it.
    pub(super) model: String,
}

/// Goes on with a conversation, in OpenAI's wire format.
///
/// `watchgate` answers the last message of the user from the documents that the caller may read, with its sources at the end; a
/// client's own system messages are not obeyed by it. Any other model gets the conversation and the tools as they are, but for what
/// must not leave.
#[utoipa::path(post, path = "/v1/chat/completions", tag = "assistant", request_body = Body,
    responses(
        (status = OK, description = "The answer, or a stream of its chunks that ends with `[DONE]`", body = Completion),
        (status = BAD_REQUEST, description = "A member is wrong, or not done here; in OpenAI's form"),
        (status = NOT_FOUND, description = "There is no such model; in OpenAI's form"),
        (status = TOO_MANY_REQUESTS, description = "The caller's budget is used; in OpenAI's form")))]
pub(crate) async fn complete(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(body): JsonBody<Body>,
) -> Result<Response, Refusal> {
    let request = body.checked()?;
    let asker = asker(&caller)?;
    let created = state.clock.now().unix_timestamp();
    let head = Head { id: Uuid::now_v7(), created, model: request.model.clone() };
    let form = request.form;
    if request.model == ASSISTANT {
        let question = grounded::Question::of(request, asker)?;
        let seat = seat(&state, &caller)?;
        let answering = (state.clone(), caller.clone());
        let id = head.id;
        let speak =
            move |pieces| async move { grounded::speak(&answering.0, &answering.1, id, question, pieces).await };
        return respond(head, form, tell(state, caller, seat, speak).await?).await;
    }
    let (talk, seat) = talk(&state, &caller, request, &asker.principal)?;
    let speak = move |pieces| async move { passed_on::speak(talk, pieces).await };
    respond(head, form, tell(state, caller, seat, speak).await?).await
}

/// A conversation with one of the models, where there is one of that name.
fn talk(
    state: &AppState,
    caller: &Caller,
    request: Request,
    account: &str,
) -> Result<(passed_on::Talk, Seat), Refusal> {
    let passed_on = state.passed_on.as_ref().filter(|passed_on| passed_on.names().contains(&request.model));
    let Some(passed_on) = passed_on else { return Err(Refusal::UnknownModel(request.model)) };
    Ok((passed_on.talk(request, account), seat(state, caller)?))
}

async fn respond(
    head: Head,
    form: Form,
    pieces: impl Stream<Item = Result<Piece, Refusal>> + Send + 'static,
) -> Result<Response, Refusal> {
    match form {
        Form::Whole => Ok(Json(gathered(head, pieces).await?).into_response()),
        Form::Chunks { with_usage } => {
            let mut writer = Writer::new(head, with_usage);
            let begin = writer.begin();
            let rest = pieces.flat_map(move |piece| stream::iter(writer.write(piece)));
            let events = stream::iter([begin]).chain(rest).map(Ok::<_, Infallible>);
            Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT)).into_response())
        }
    }
}
