//! `POST /v1/ask`: a question comes in, an answer goes out, and that it was answered is an event.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::value::to_raw_value;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::{Answer, Asked, Asker, Citation, Progress};
use crate::JsonBody;
use crate::backbone::{Batch, NewEvent};
use crate::events::{CloudEvent, Stamp};
use crate::gate::Caller;
use crate::problem::{Problem, ProblemDocument};
use crate::state::AppState;

const LONGEST_QUESTION: usize = 2000;
const ANSWERED: &str = "dev.watchgate.assistant.answered";

/// A question.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct QuestionBody {
    /// 1 to 2,000 characters.
    #[schema(min_length = 1, max_length = 2000)]
    question: String,
}

/// What is kept of a question and its answer. People ask about what they would not want to find in a log, so the
/// question's text is not among it; nor is what restricted documents say, for whoever reads events need not be
/// among their readers.
#[derive(Debug, Serialize)]
struct Answered<'a> {
    question_sha256: String,
    known: bool,
    citations: Vec<&'a Citation>,
    proposals: Vec<&'a str>,
}

/// Answers a question from the documents that the caller's scopes open, with sources, or says that they do not answer it.
#[utoipa::path(post, path = "/v1/ask", tag = "assistant", request_body = QuestionBody,
    responses(
        (status = OK, description = "An answer, or `known: false`", body = Answer),
        (status = BAD_REQUEST, description = "The question is empty or too long", body = ProblemDocument)))]
pub(crate) async fn ask(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(body): JsonBody<QuestionBody>,
) -> Result<Json<Answer>, Problem> {
    let question = checked(body.question)?;
    let question_sha256 = Sha256::digest(&question).iter().map(|byte| format!("{byte:02x}")).collect();
    let asker = Asker { principal: caller.require_principal()?.uri(), scopes: caller.scopes().collect() };
    let asked = Asked { question, earlier: Vec::new(), asker };
    let answer = state.assistant.answer(asked, Progress::default()).await?;
    keep(&state, &caller, question_sha256, &answer).await?;
    Ok(Json(answer))
}

fn checked(question: String) -> Result<String, Problem> {
    if question.trim().is_empty() {
        Err(Problem::invalid("question", "must not be empty"))
    } else if question.chars().nth(LONGEST_QUESTION).is_some() {
        Err(Problem::invalid("question", format!("may have {LONGEST_QUESTION} characters")))
    } else {
        Ok(question)
    }
}

async fn keep(state: &AppState, caller: &Caller, question_sha256: String, answer: &Answer) -> Result<(), Problem> {
    let proposals = answer.proposals.iter().map(|proposal| proposal.runbook.as_str()).collect();
    let citations = answer.citations.iter().filter(|citation| !citation.is_restricted()).collect();
    let answered = Answered { question_sha256, known: answer.known, citations, proposals };
    let data = to_raw_value(&answered).map_err(Problem::internal)?;
    let event = CloudEvent::own(ANSWERED.to_owned(), None, data).stamped(&Stamp {
        caller: Some(caller),
        correlation_id: Some(caller.transaction()),
        traceparent: None,
        arrived_at: state.clock.now(),
    });
    let event = NewEvent::try_from(event).map_err(Problem::internal)?;
    state.backbone.commit(Batch { events: vec![event], puts: Vec::new() }).await?;
    Ok(())
}
