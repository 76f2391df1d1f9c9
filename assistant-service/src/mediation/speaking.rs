//! `POST /v1/mediations/{id}/account` and `/restatement`: what one side says, how it is said again, and whether the other may read it.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use tokio::sync::Mutex;
use utoipa::ToSchema;

use super::book::{ATTEMPTS, Kept, change, commit};
use super::form::Answers;
use super::mediator::{Said, joint, restatement};
use super::record::{MadeBy, Private, Record, Restatement, Side};
use super::view::MediationView;
use super::{LONGEST_TEXT, said};
use crate::JsonBody;
use crate::assistant::ask::{seat, within_bounds};
use crate::commands::unless_crossed;
use crate::gate::Caller;
use crate::parameters::PathName;
use crate::problem::{Problem, ProblemDocument};
use crate::state::AppState;

/// What it is about for the caller; one of the two. Without `Debug`: it is nobody's but the caller's.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccountBody {
    /// In the caller's own words, 1 to 4,000 characters.
    #[serde(default)]
    #[schema(max_length = 4000)]
    text: Option<String>,
    /// By the questions of the form, together 4,000 characters.
    #[serde(default)]
    answers: Option<Answers>,
}

/// How the caller's view is said; `accept` or `text`. Without `Debug`, too.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RestatementBody {
    /// `true`: as it is proposed.
    #[serde(default)]
    accept: Option<bool>,
    /// In other words, 1 to 4,000 characters.
    #[serde(default)]
    #[schema(max_length = 4000)]
    text: Option<String>,
    /// Whether the other one may read it, once he or she has shared something too. `false` takes back what was shared.
    share: bool,
}

/// Tells what it is about, in private: nobody but the caller reads it, and a restatement is proposed to the caller alone. The same account
/// once more changes nothing.
#[utoipa::path(post, path = "/v1/mediations/{id}/account", tag = "mediations", request_body = AccountBody,
    params(("id" = String, Path, description = "The mediation")),
    responses(
        (status = OK, description = "With a restatement to accept or to change", body = MediationView),
        (status = BAD_REQUEST, description = "There is no text, or too much", body = ProblemDocument),
        (status = NOT_FOUND, description = "No mediation of the caller's", body = ProblemDocument),
        (status = CONFLICT, description = "In its state nothing is told any more, or all turns are used", body = ProblemDocument),
        (status = TOO_MANY_REQUESTS, description = "The caller asks too much at once", body = ProblemDocument)))]
pub(crate) async fn account(
    State(state): State<AppState>,
    caller: Caller,
    PathName(id): PathName,
    JsonBody(body): JsonBody<AccountBody>,
) -> Result<Json<MediationView>, Problem> {
    let account = body.checked()?;
    let _seat = seat(&state, &caller)?;
    let (record, side) = within_bounds(&state, &caller, tell(&state, &caller, &id, &account)).await?;
    Ok(Json(MediationView::of(&record, side, state.clock.now())))
}

/// Settles on how the caller's view is said, and whether the other one may read it. Once both share something, what is common, what is
/// open, steps and a draft for each come of it. The same once more changes nothing.
#[utoipa::path(post, path = "/v1/mediations/{id}/restatement", tag = "mediations", request_body = RestatementBody,
    params(("id" = String, Path, description = "The mediation")),
    responses(
        (status = OK, description = "As it is now", body = MediationView),
        (status = BAD_REQUEST, description = "Neither accepted nor said in other words, or both", body = ProblemDocument),
        (status = NOT_FOUND, description = "No mediation of the caller's", body = ProblemDocument),
        (status = CONFLICT, description = "Nothing is proposed, nothing is settled any more, or all turns are used",
            body = ProblemDocument),
        (status = TOO_MANY_REQUESTS, description = "The caller asks too much at once", body = ProblemDocument)))]
pub(crate) async fn restate(
    State(state): State<AppState>,
    caller: Caller,
    PathName(id): PathName,
    JsonBody(body): JsonBody<RestatementBody>,
) -> Result<Json<MediationView>, Problem> {
    let is_shared = body.share;
    let text = body.checked()?;
    let _seat = seat(&state, &caller)?;
    let settling = settle(&state, &caller, &id, text.as_deref(), is_shared);
    let (record, side) = within_bounds(&state, &caller, settling).await?;
    Ok(Json(MediationView::of(&record, side, state.clock.now())))
}

impl AccountBody {
    fn checked(self) -> Result<String, Problem> {
        match (self.text, self.answers) {
            (Some(text), None) => said("text", &text, LONGEST_TEXT),
            (None, Some(answers)) => answers.together(),
            (None, None) | (Some(_), Some(_)) => {
                Err(Problem::invalid("text", "give text, or answers to the form, and not both"))
            }
        }
    }
}

impl RestatementBody {
    fn checked(self) -> Result<Option<String>, Problem> {
        match (self.accept, self.text) {
            (Some(true), None) => Ok(None),
            (None | Some(false), Some(text)) => said("text", &text, LONGEST_TEXT).map(Some),
            _ => Err(Problem::invalid("accept", "accept what is proposed, or give a text, and not both")),
        }
    }
}

/// The model is asked before anything is kept: whoever is cut off in between asks once more, and nothing was said twice.
async fn tell(state: &AppState, caller: &Caller, id: &str, account: &str) -> Result<(Record, Side), Problem> {
    let is_told =
        |record: &Record, side: Side| record.party(side).account.as_ref().is_some_and(|one| one.text() == account);
    let (Kept { record, .. }, side) = Kept::of(&*state.backbone, caller, id).await?;
    if is_told(&record, side) {
        return Ok((record, side));
    }
    record.may_still_speak()?;
    let said = state.mediator.restate(caller.require_principal()?, account).await;
    change(state, caller, id, |record, side, _| {
        if is_told(record, side) {
            return Ok(false);
        }
        let restated = restatement(record, side, account, &said);
        record.tell(side, Private::new(account.to_owned()), restated).map(|()| true)
    })
    .await
}

/// What both share is looked at before this is kept, so that no side reads the other's view a moment before there is more to it.
async fn settle(
    state: &AppState,
    caller: &Caller,
    id: &str,
    text: Option<&str>,
    is_shared: bool,
) -> Result<(Record, Side), Problem> {
    // Whoever is second when changes cross need not ask the model the same again.
    let seen = Mutex::new(None);
    unless_crossed(ATTEMPTS, || async {
        let (Kept { mut record, revision }, side) = Kept::of(&*state.backbone, caller, id).await?;
        let settled = settled(&record, side, text)?;
        let party = record.party(side);
        let shared = is_shared.then_some(&settled.text);
        if party.restatement.as_ref() == Some(&settled) && party.shared.as_ref() == shared {
            return Ok((record, side));
        }
        record.settle(side, settled, is_shared)?;
        let shared = record.shared_by_both().map(|(first, second)| (first.to_owned(), second.to_owned()));
        if let Some((first, second)) = shared {
            let mut seen = seen.lock().await;
            if !matches!(&*seen, Some((of, _)) if *of == (first.clone(), second.clone())) {
                let said = state.mediator.look_at_both(caller.require_principal()?, &first, &second).await;
                *seen = Some(((first, second), said));
            }
            let said = seen.as_ref().map_or(&Said::Nothing { instead_of_model: None }, |(_, said)| said);
            record.joint = joint(&record, said);
        }
        let now = state.clock.now();
        record.updated_at = now;
        commit(&*state.backbone, &record, Some(revision), now, Vec::new()).await?;
        Ok((record, side))
    })
    .await
}

fn settled(record: &Record, side: Side, text: Option<&str>) -> Result<Restatement, Problem> {
    let proposed = record.party(side).restatement.clone();
    match (text, proposed) {
        (None, Some(proposed)) => Ok(proposed),
        (None, None) => {
            Err(Problem::MediationState("Nothing is proposed yet: tell your side first, or say it in a text."))
        }
        (Some(text), Some(proposed)) if proposed.text.text() == text => Ok(proposed),
        (Some(text), _) => Ok(Restatement { text: Private::new(text.to_owned()), made_by: MadeBy::Party }),
    }
}
