//! `POST /v1/mediations/{id}/account` and `/restatement`: what one side says, how it is said again, and whether the other may read it.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use tokio::sync::Mutex;
use utoipa::ToSchema;

use super::book::{ATTEMPTS, Kept, change};
use super::form::Answers;
use super::mediator::{Said, joint, restatement};
use super::record::{MadeBy, Party, Private, Record, Restatement, Side};
use super::view::MediationView;
use super::{LONGEST_TEXT, new_id, said};
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

/// How the caller's view is said: `accept`, `text`, or neither to take back what was shared. Without `Debug`, too.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RestatementBody {
    /// As it is proposed: the `restatement_id` of what the caller has read.
    #[serde(default)]
    accept: Option<String>,
    /// In other words, 1 to 4,000 characters.
    #[serde(default)]
    #[schema(max_length = 4000)]
    text: Option<String>,
    /// Whether the other one may read it, once he or she has shared something too. `false` takes back what was shared.
    share: bool,
}

/// In which words a side settles on its view.
enum Words {
    /// Those that are proposed, by their id.
    Proposed(String),
    /// Its own.
    Own(String),
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
/// open, steps and a draft for each come of it. `share: false` alone takes back what is shared, and costs no turn. The same once more
/// changes nothing.
#[utoipa::path(post, path = "/v1/mediations/{id}/restatement", tag = "mediations", request_body = RestatementBody,
    params(("id" = String, Path, description = "The mediation")),
    responses(
        (status = OK, description = "As it is now", body = MediationView),
        (status = BAD_REQUEST, description = "Both accepted and said in other words, or shared and neither", body = ProblemDocument),
        (status = NOT_FOUND, description = "No mediation of the caller's", body = ProblemDocument),
        (status = CONFLICT, description = "This is not what is proposed now, nothing is settled any more, or all turns are used",
            body = ProblemDocument),
        (status = TOO_MANY_REQUESTS, description = "The caller asks too much at once", body = ProblemDocument)))]
pub(crate) async fn restate(
    State(state): State<AppState>,
    caller: Caller,
    PathName(id): PathName,
    JsonBody(body): JsonBody<RestatementBody>,
) -> Result<Json<MediationView>, Problem> {
    let is_shared = body.share;
    let (record, side) = match body.checked()? {
        None => change(&state, &caller, &id, |record, side, _| record.take_back(side)).await?,
        Some(words) => {
            let _seat = seat(&state, &caller)?;
            within_bounds(&state, &caller, settle(&state, &caller, &id, &words, is_shared)).await?
        }
    };
    Ok(Json(MediationView::of(&record, side, state.clock.now())))
}

impl AccountBody {
    fn checked(self) -> Result<String, Problem> {
        match (self.text, self.answers) {
            (Some(text), None) => Ok(said("text", &text, LONGEST_TEXT)?),
            (None, Some(answers)) => answers.together(),
            (None, None) | (Some(_), Some(_)) => {
                Err(Problem::invalid("text", "give text, or answers to the form, and not both"))
            }
        }
    }
}

impl RestatementBody {
    fn checked(self) -> Result<Option<Words>, Problem> {
        match (self.accept, self.text) {
            (Some(id), None) => Ok(Some(Words::Proposed(id))),
            (None, Some(text)) => Ok(Some(Words::Own(said("text", &text, LONGEST_TEXT)?))),
            (None, None) if !self.share => Ok(None),
            _ => Err(Problem::invalid("accept", "accept what is proposed by its id, or give a text, and not both")),
        }
    }
}

impl Words {
    /// Accepting "what is proposed" would share a text that came a moment before, and that nobody has read.
    fn settled(&self, party: &Party) -> Result<Restatement, Problem> {
        let proposed = party.restatement.as_ref();
        match self {
            Self::Proposed(id) => proposed
                .filter(|proposed| proposed.id == *id)
                .cloned()
                .ok_or(Problem::MediationState("This is not what is proposed to you now; read it again.")),
            Self::Own(text) => {
                let before = proposed.filter(|proposed| proposed.text.text() == text).cloned();
                Ok(before.unwrap_or_else(|| Restatement {
                    id: new_id(),
                    text: Private::new(text.clone()),
                    made_by: MadeBy::Party,
                }))
            }
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
    record.may_still_speak(side)?;
    let said = match record.hears_models() {
        true => state.mediator.restate(caller.require_principal()?, account).await,
        false => Said::UNAVAILABLE,
    };
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
    words: &Words,
    is_shared: bool,
) -> Result<(Record, Side), Problem> {
    // Whoever is second when changes cross need not ask the model the same again.
    let seen = Mutex::new(None);
    unless_crossed(ATTEMPTS, || async {
        let (kept, side) = Kept::of(&*state.backbone, caller, id).await?;
        let mut record = kept.record.clone();
        let party = record.party(side);
        let settled = words.settled(party)?;
        let shared = is_shared.then_some(&settled.text);
        if party.restatement.as_ref() == Some(&settled) && party.shared.as_ref() == shared {
            return Ok((record, side));
        }
        record.settle(side, settled, is_shared)?;
        let shared = record.shared_by_both().map(|(first, second)| (first.to_owned(), second.to_owned()));
        if let Some((first, second)) = shared {
            let mut seen = seen.lock().await;
            if !matches!(&*seen, Some((of, _)) if *of == (first.clone(), second.clone())) {
                let said = match record.hears_models() {
                    true => state.mediator.look_at_both(caller.require_principal()?, &first, &second).await,
                    false => Said::UNAVAILABLE,
                };
                *seen = Some(((first, second), said));
            }
            let said = seen.as_ref().map_or(&Said::UNAVAILABLE, |(_, said)| said);
            record.joint = joint(&mut record, said);
        }
        let record = kept.changed_to(&*state.backbone, record, state.clock.now(), Vec::new()).await?;
        Ok((record, side))
    })
    .await
}
