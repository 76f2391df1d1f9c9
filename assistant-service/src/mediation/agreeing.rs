//! `POST /v1/mediations/{id}/agreement`, `/outcome` and `/leave`: how a mediation comes to its end.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use time::{Duration, OffsetDateTime};
use utoipa::ToSchema;

use super::book::{ATTEMPTS, Kept, change};
use super::follow_up;
use super::people::Listed;
use super::record::{Agreement, Outcome, Private, Record};
use super::view::MediationView;
use super::{LONGEST_TEXT, new_id, said};
use crate::JsonBody;
use crate::commands::unless_crossed;
use crate::gate::Caller;
use crate::parameters::PathName;
use crate::problem::{Problem, ProblemDocument};
use crate::state::AppState;

/// When it is asked whether an agreement held, where nobody says when.
const FOLLOW_UP_AFTER: Duration = Duration::days(14);
const LATEST_FOLLOW_UP: Duration = Duration::days(365);

/// A proposal, or that the other's is accepted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AgreementBody {
    /// What the caller proposes, 1 to 4,000 characters; it takes the place of what was proposed before. Both read it.
    #[serde(default)]
    #[schema(max_length = 4000)]
    text: Option<String>,
    /// When both are asked whether it held, within a year; without it in 14 days.
    #[serde(default, with = "time::serde::rfc3339::option")]
    follow_up_at: Option<OffsetDateTime>,
    /// In place of a text: the `id` of what the other one proposes.
    #[serde(default)]
    accept: Option<String>,
}

/// Whether the agreement held. Without `Debug`: the note is the caller's own.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OutcomeBody {
    /// The other one learns it when both have said so.
    held: bool,
    /// For the caller alone, up to 4,000 characters.
    #[serde(default)]
    #[schema(max_length = 4000)]
    note: Option<String>,
}

/// Proposes an agreement, or accepts what the other one proposes. Who and when is kept with it. The same once more changes nothing.
#[utoipa::path(post, path = "/v1/mediations/{id}/agreement", tag = "mediations", request_body = AgreementBody,
    params(("id" = String, Path, description = "The mediation")),
    responses(
        (status = OK, description = "As it is now", body = MediationView),
        (status = BAD_REQUEST, description = "Neither a text nor an id, or both, or a time that cannot be", body = ProblemDocument),
        (status = NOT_FOUND, description = "No mediation of the caller's", body = ProblemDocument),
        (status = CONFLICT, description = "Not both share, it is no proposal of the other's, or another one is proposed now",
            body = ProblemDocument)))]
pub(crate) async fn agree(
    State(state): State<AppState>,
    caller: Caller,
    PathName(id): PathName,
    JsonBody(body): JsonBody<AgreementBody>,
) -> Result<Json<MediationView>, Problem> {
    let now = state.clock.now();
    let (record, side) = match (body.text, body.accept) {
        (Some(text), None) => {
            let text = said("text", &text, LONGEST_TEXT)?;
            let asked_for = body.follow_up_at.map(|at| checked_follow_up(at, now)).transpose()?;
            change(&state, &caller, &id, |record, side, now| {
                let same = record.agreement.as_ref().filter(|one| one.proposed_by == side && one.text == text);
                let follow_up_at = asked_for
                    .or(same.map(|before| before.follow_up_at))
                    .unwrap_or_else(|| now.saturating_add(FOLLOW_UP_AFTER));
                let (id, text, accepted_at) = (new_id(), text.clone(), None);
                record.propose(Agreement { id, text, follow_up_at, proposed_by: side, proposed_at: now, accepted_at })
            })
            .await?
        }
        (None, Some(proposal)) if body.follow_up_at.is_none() => accept(&state, &caller, &id, &proposal).await?,
        _ => return Err(Problem::invalid("text", "propose a text, or accept a proposal by its id, and not both")),
    };
    Ok(Json(MediationView::of(&record, side, state.clock.now())))
}

/// Says whether the agreement held, from `follow_up_at` on. When both have said so the mediation is closed.
#[utoipa::path(post, path = "/v1/mediations/{id}/outcome", tag = "mediations", request_body = OutcomeBody,
    params(("id" = String, Path, description = "The mediation")),
    responses(
        (status = OK, description = "As it is now", body = MediationView),
        (status = NOT_FOUND, description = "No mediation of the caller's", body = ProblemDocument),
        (status = CONFLICT, description = "It is not time yet, or the caller has said something else before", body = ProblemDocument)))]
pub(crate) async fn conclude(
    State(state): State<AppState>,
    caller: Caller,
    PathName(id): PathName,
    JsonBody(body): JsonBody<OutcomeBody>,
) -> Result<Json<MediationView>, Problem> {
    let note = body.note.map(|note| said("note", &note, LONGEST_TEXT)).transpose()?;
    let outcome = Outcome { held: body.held, note: note.map(Private::new) };
    let concluded = change(&state, &caller, &id, |record, side, now| record.conclude(side, outcome.clone(), now));
    let (record, side) = concluded.await?;
    Ok(Json(MediationView::of(&record, side, state.clock.now())))
}

/// Leaves a mediation. What the caller has said in it is removed, and what was made of it; an agreement of both stays for the other one.
/// Where the other one has said nothing, the mediation is gone for both.
#[utoipa::path(post, path = "/v1/mediations/{id}/leave", tag = "mediations",
    params(("id" = String, Path, description = "The mediation")),
    responses(
        (status = NO_CONTENT, description = "The caller is in it no more"),
        (status = NOT_FOUND, description = "No mediation of the caller's, or left before", body = ProblemDocument)))]
pub(crate) async fn leave(
    State(state): State<AppState>,
    caller: Caller,
    PathName(id): PathName,
) -> Result<StatusCode, Problem> {
    let who = caller.require_principal()?;
    let backbone = &*state.backbone;
    unless_crossed(ATTEMPTS, || async {
        let (kept, side) = Kept::of(backbone, &caller, &id).await?;
        let now = state.clock.now();
        let mut record = kept.record.clone();
        record.leave(side);
        let other = record.party(side.other());
        let mut lists = vec![Listed::of(backbone, who).await?.without(&id, now)?];
        if record.is_empty() && !other.has_left {
            lists.push(Listed::of(backbone, &other.principal).await?.without(&id, now)?);
        }
        kept.changed_to(backbone, record, now, lists.into_iter().flatten().collect()).await.map(drop)
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The day on which it is asked whether it held is put down in the same step.
async fn accept(
    state: &AppState,
    caller: &Caller,
    id: &str,
    proposal: &str,
) -> Result<(Record, super::record::Side), Problem> {
    unless_crossed(ATTEMPTS, || async {
        let (kept, side) = Kept::of(&*state.backbone, caller, id).await?;
        let now = state.clock.now();
        let mut record = kept.record.clone();
        if record.accept(side, proposal, now)? {
            let beside = follow_up::put(&record)?;
            record = kept.changed_to(&*state.backbone, record, now, beside).await?;
        }
        Ok((record, side))
    })
    .await
}

fn checked_follow_up(at: OffsetDateTime, now: OffsetDateTime) -> Result<OffsetDateTime, Problem> {
    if at <= now || at > now.saturating_add(LATEST_FOLLOW_UP) {
        return Err(Problem::invalid("follow_up_at", "must be in the future, and within a year"));
    }
    Ok(at)
}
