//! `POST /v1/ask`: a question comes in, an answer goes out, whole or as it is made, and that it was answered is an event.

mod bounds;
mod kept;
mod question;
mod short;
mod stream;
mod telling;
#[cfg(test)]
mod tests;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Answer, Asked, Asker, Progress};
use crate::JsonBody;
use crate::gate::Caller;
use crate::media_type::accepts;
use crate::parameters::QueryOf;
use crate::problem::{Problem, ProblemDocument};
use crate::seats::{NoSeat, Seat};
use crate::state::AppState;

pub(crate) use bounds::within_bounds;
pub(crate) use kept::ANSWERED;
use question::QuestionBody;
pub(crate) use question::{LONGEST_QUESTION, MOST_EARLIER_BYTES, MOST_EARLIER_TURNS};
use short::{Form, ShortAnswer};
pub(crate) use telling::{HEARTBEAT, tell};

/// An answer as one caller gets it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Told {
    /// The answer's own, by which one can come back to it.
    #[schema(value_type = String, format = "uuid")]
    pub(crate) id: Uuid,
    #[serde(flatten)]
    pub(crate) answer: Answer,
}

/// An answer as one document: whole, or short where that is asked for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = AnswerDocument)]
enum Document {
    Whole(Box<Told>),
    Short(Box<ShortAnswer>),
}

/// Answers a question from the documents that the caller's scopes open, with sources, or says that they do not answer it.
///
/// With `Accept: text/event-stream` what goes on is told meanwhile: `searched` {query, sections}, `tool` {name}, `words` {text}, which
/// are the answer's next words, and `anew` {}, after which all words before are void. Then comes exactly one `answer`, the whole
/// of it after all checks, and last of all `end` {"complete": true}. What goes wrong on the way is a `problem`, and then `end`
/// {"complete": false}. A stream without an `end` was cut off.
///
/// With `short=1` the answer is short enough for a watch, and never a stream: a `ShortAnswer`.
#[utoipa::path(post, path = "/v1/ask", tag = "assistant", request_body = QuestionBody, params(Form),
    responses(
        (status = OK, description = "An answer, or `known: false`; or a stream", body = Document),
        (status = BAD_REQUEST, description = "The question is empty or too long, or `short` is no 0 or 1", body = ProblemDocument),
        (status = TOO_MANY_REQUESTS, description = "The caller's budget is used, or he asks too much at once",
            body = ProblemDocument),
        (status = SERVICE_UNAVAILABLE, description = "There is no answer in time", body = ProblemDocument)))]
pub(crate) async fn ask(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    QueryOf(form): QueryOf<Form>,
    JsonBody(body): JsonBody<QuestionBody>,
) -> Result<Response, Problem> {
    let is_short = form.is_short()?;
    let asked = body.checked(asker(&caller)?)?;
    let seat = seat(&state, &caller)?;
    if !is_short && accepts(&headers, "text/event-stream") {
        return stream::open(state, caller, seat, asked).await;
    }
    let answering = answered(&state, &caller, Uuid::now_v7(), asked, Progress::default());
    let told = within_bounds(&state, &caller, answering).await?;
    let document = if is_short { Document::Short(Box::new(told.into())) } else { Document::Whole(Box::new(told)) };
    Ok(Json(document).into_response())
}

/// Who asks, where somebody does.
pub(crate) fn asker(caller: &Caller) -> Result<Asker, Problem> {
    Ok(Asker { principal: caller.require_principal()?.uri(), scopes: caller.scopes().collect() })
}

/// A place among those who are being answered.
pub(crate) fn seat(state: &AppState, caller: &Caller) -> Result<Seat, Problem> {
    state.answer_seats.take(caller.require_principal()?).map_err(|none| match none {
        NoSeat::OfOwn => Problem::TooManyQuestions,
        NoSeat::AtAll => Problem::Busy,
    })
}

/// Has a question answered and keeps that it was; nobody gets an answer of which nothing is kept.
pub(crate) async fn answered(
    state: &AppState,
    caller: &Caller,
    id: Uuid,
    asked: Asked,
    progress: Progress,
) -> Result<Told, Problem> {
    let question = kept::Fingerprint::of(&asked.question);
    let told = Told { id, answer: state.assistant.answer(asked, progress).await? };
    kept::keep(state, caller, question, &told).await?;
    Ok(told)
}
