//! What a person does with the own sessions: offer one, look at them, end one.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use trust_core::revocations::Revocation;
use utoipa::ToSchema;

use super::Sessions;
use super::book::{By, Change};
use super::grant::{is_words, not_words};
use super::record::{Owner, Record, State as SessionState};
use super::refusal::Refusal;
use super::secrets::Handle;
use super::telling::{Told, Why};
use crate::JsonBody;
use crate::backbone::Batch;
use crate::clock::time_of;
use crate::gate::Caller;
use crate::parameters::PathName;
use crate::problem::{FieldError, Problem, ProblemDocument};
use crate::revocations::Entry;
use crate::state::AppState;
use crate::trust::to_its_end;

/// How long after their end gates may still take tokens, by their leeway.
const MOST_LEEWAY_SECONDS: i64 = 300;

/// What a person wants to let in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OfferBody {
    /// What the person calls it; 1 to 80 characters.
    #[serde(default)]
    label: Option<String>,
    /// What it may do; without it all that sessions may and the person may.
    #[serde(default)]
    scopes: Option<Vec<String>>,
    /// For whose origin the link is, where there are teams.
    #[serde(default)]
    team: Option<String>,
}

/// A code to be shown at once.
#[derive(Serialize, ToSchema)]
pub(crate) struct Offer {
    id: String,
    state: SessionState,
    /// What the code says: where the device goes, and behind `#` a handle that is of use once.
    link: String,
    #[serde(with = "time::serde::rfc3339")]
    expires_at: OffsetDateTime,
}

/// A session, without anything by which somebody could have it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionView {
    id: String,
    state: SessionState,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    /// The device, in its own words, which nobody has checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<String>,
    /// Since when the device waits, or has waited.
    #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    device_since: Option<OffsetDateTime>,
    scopes: Vec<String>,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// When its device last got tokens. With none, or none for as long as a token lives, the device has nothing that works.
    #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    renewed_at: Option<OffsetDateTime>,
    /// When it is over, or the offer of it.
    #[serde(with = "time::serde::rfc3339")]
    expires_at: OffsetDateTime,
}

/// The caller's sessions.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionList {
    /// Oldest first.
    sessions: Vec<SessionView>,
}

/// Offers a session: whoever opens the link within a minute, and whose number is then confirmed, is let in.
#[utoipa::path(post, path = "/v1/sessions", tag = "sessions", request_body = OfferBody,
    responses(
        (status = CREATED, description = "Show the code of it at once", body = Offer),
        (status = BAD_REQUEST, description = "Something of it cannot be", body = ProblemDocument),
        (status = FORBIDDEN, description = "The caller is a session or a service", body = ProblemDocument),
        (status = TOO_MANY_REQUESTS, description = "As many are open as one may have, or were opened in an hour", body = ProblemDocument)))]
pub(crate) async fn offer(
    State(state): State<AppState>,
    caller: Caller,
    body: Option<JsonBody<OfferBody>>,
) -> Result<Response, Refusal> {
    let sessions = state.sessions()?;
    let owner = sessions.person(&caller).await?;
    let body = body.map_or(OfferBody { label: None, scopes: None, team: None }, |JsonBody(body)| body);
    let record = sessions.offered(owner, body, &caller)?;
    let by = By { caller: &caller, proof: None };
    let record = sessions.add(Change::new(record, Told::Offered, ()), by).await?;
    let link = sessions.link(&record)?;
    let offer = Offer { link, expires_at: record.until_time(), id: record.id, state: record.state };
    Ok((StatusCode::CREATED, [(CACHE_CONTROL, "no-store")], Json(offer)).into_response())
}

/// The caller's sessions and offers that are not over.
#[utoipa::path(get, path = "/v1/sessions", tag = "sessions",
    responses((status = OK, description = "Sessions, oldest first", body = SessionList)))]
pub(crate) async fn list(State(state): State<AppState>, caller: Caller) -> Result<Json<SessionList>, Problem> {
    let records = state.sessions()?.all_of(caller.require_principal()?).await?;
    Ok(Json(SessionList { sessions: records.into_iter().map(SessionView::of).collect() }))
}

/// Ends a session or takes an offer back. Its tokens are refused within a second, and its streams end. A session may end itself.
#[utoipa::path(delete, path = "/v1/sessions/{id}", tag = "sessions",
    params(("id" = String, Path, description = "The session")),
    responses(
        (status = NO_CONTENT, description = "It is over"),
        (status = FORBIDDEN, description = "The caller is another session", body = ProblemDocument),
        (status = NOT_FOUND, description = "The caller has no such session", body = ProblemDocument),
        (status = INSUFFICIENT_STORAGE, description = "It is over, but its last token holds to its end: as much is revoked as is kept", body = ProblemDocument)))]
pub(crate) async fn end(
    State(state): State<AppState>,
    caller: Caller,
    PathName(id): PathName,
) -> Result<StatusCode, Refusal> {
    let sessions = state.sessions()?;
    let person = caller.require_principal()?;
    let record = sessions.find_own(&id, person).await?;
    if caller.session() != Some(&id) && sessions.is_session(&caller).await? {
        return Err(Problem::NotAPerson.into());
    }
    to_its_end_in(&state, record, caller, Why::Revoked).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends one also when whoever asked for it goes away meanwhile.
pub(super) async fn to_its_end_in(state: &AppState, record: Record, caller: Caller, why: Why) -> Result<(), Problem> {
    let state = state.clone();
    to_its_end(async move {
        match state.sessions()?.end(&record, &caller, why).await {
            Err(Refusal::Problem(problem)) => Err(problem),
            Err(Refusal::OAuth(_)) => Err(Problem::SessionGone),
            Ok(()) => Ok(()),
        }
    })
    .await
}

impl Sessions {
    /// The caller, who must be a person.
    pub(super) async fn person(&self, caller: &Caller) -> Result<Owner, Problem> {
        let person = caller.require_principal()?.clone();
        if caller.auth_type() == "service_account" || self.is_session(caller).await? {
            return Err(Problem::NotAPerson);
        }
        Ok(Owner { person, opened_in: caller.session().map(str::to_owned) })
    }

    /// Whether the caller's own token is one of a session of ours.
    async fn is_session(&self, caller: &Caller) -> Result<bool, Problem> {
        let (Some(id), Some(person)) = (caller.session(), caller.principal()) else { return Ok(false) };
        // Names of other issuers' sessions may be anything.
        if uuid::Uuid::parse_str(id).is_err() {
            return Ok(false);
        }
        match self.find_own(id, person).await {
            Ok(_) => Ok(true),
            Err(Problem::NotFound) => Ok(false),
            Err(problem) => Err(problem),
        }
    }

    fn offered(&self, owner: Owner, body: OfferBody, caller: &Caller) -> Result<Record, Problem> {
        let mut errors = Vec::new();
        if body.label.as_deref().is_some_and(|label| !is_words(label)) {
            errors.push(FieldError::new("label", not_words()));
        }
        let origin = self.settings.teams.get(body.team.as_deref().unwrap_or_default()).cloned();
        if origin.is_none() {
            let teams: Vec<_> =
                self.settings.teams.keys().filter(|name| !name.is_empty()).map(String::as_str).collect();
            errors.push(FieldError::new(
                "team",
                match &*teams {
                    [] => "there are no teams".to_owned(),
                    teams => format!("must be one of {}", teams.join(", ")),
                },
            ));
        }
        let scopes = self.scopes(body.scopes.as_deref(), caller);
        if scopes.is_none() {
            errors.push(FieldError::new(
                "scopes",
                format!("must be some that you have, and of {}", self.settings.scopes.join(" ")),
            ));
        }
        let (Some(origin), Some(scopes), true) = (origin, scopes, errors.is_empty()) else { return Err(errors.into()) };
        let record = Record::new(SessionState::Offered, self.now(), self.settings.handle_seconds, origin);
        Ok(Record { owner: Some(owner), label: body.label, scopes, ..record })
    }

    /// What a session of the caller may do: what was asked for, or all that it can. Never more than the caller, and something.
    pub(super) fn scopes(&self, wanted: Option<&[String]>, caller: &Caller) -> Option<Vec<String>> {
        let most: Vec<_> =
            self.settings.scopes.iter().filter(|scope| caller.scopes().any(|own| own == **scope)).cloned().collect();
        let scopes = match wanted {
            None => most,
            Some(wanted) if wanted.iter().all(|scope| most.contains(scope)) => {
                most.into_iter().filter(|scope| wanted.contains(scope)).collect()
            }
            Some(_) => return None,
        };
        (!scopes.is_empty()).then_some(scopes)
    }

    /// Where a device goes that is to be let in.
    pub(super) fn link(&self, record: &Record) -> Result<String, Problem> {
        let handle = Handle { sid: record.id.clone(), nonce: record.nonce.clone(), exp: record.until.div_euclid(1000) };
        let sealed = self.secrets.seal(&handle).map_err(Problem::Internal)?;
        Ok(format!("{}/watch#{sealed}", record.origin))
    }

    /// Ends a session and revokes its tokens, in one commit. Where there is no room to revoke them it ends all the same, so that
    /// it gets no further ones, and whoever wanted its end is told.
    async fn end(&self, record: &Record, caller: &Caller, why: Why) -> Result<(), Refusal> {
        match self.ended(&record.id, caller, why, true).await {
            Err(Refusal::Problem(Problem::TooManyRevocations)) => {
                self.ended(&record.id, caller, why, false).await?;
                tracing::error!(session = record.id, "a session is over, and its last token cannot be revoked");
                Err(Problem::SessionTokenHolds.into())
            }
            ended => ended,
        }
    }

    async fn ended(&self, id: &str, caller: &Caller, why: Why, with_its_tokens: bool) -> Result<(), Refusal> {
        let mut revocation = None;
        let ended = self.change(id, By { caller, proof: None }, |record, now| {
            revocation = self.revocation(&record, now).filter(|_| with_its_tokens);
            if record.is_over(now) {
                return Err(Problem::SessionGone.into());
            }
            let ended = Change::new(Record { state: SessionState::Ended, ..record }, Told::Ended(why), ());
            Ok(Change { revoked: revocation.clone(), ..ended })
        });
        match (ended.await, revocation) {
            // It was over; but perhaps there was no room to revoke its tokens, or a gate takes them for a while longer.
            (Err(Refusal::Problem(Problem::SessionGone)), Some(entry)) => {
                Ok(self.trust.revoke_session(&entry, caller, Batch::default()).await?)
            }
            (Err(Refusal::Problem(Problem::SessionGone | Problem::NotFound)), _) => Ok(()),
            (ended, _) => ended,
        }
    }

    /// What revokes a session's tokens; nothing where it never had any.
    fn revocation(&self, record: &Record, now: OffsetDateTime) -> Option<Entry> {
        let owner = record.owner.as_ref().filter(|_| record.generation > 0)?;
        let keep = self.settings.token_seconds.saturating_add(MOST_LEEWAY_SECONDS).saturating_add(1);
        let keep_until = u64::try_from(now.unix_timestamp().saturating_add(keep)).unwrap_or_default();
        let revocation = Revocation::Session { issuer: owner.person.issuer().to_owned(), sid: record.id.clone() };
        Some(Entry { revocation, keep_until })
    }
}

impl SessionView {
    pub(super) fn of(record: Record) -> Self {
        let expires_at = record.until_time();
        let Record { id, state, label, device, scopes, created_at, given_at, .. } = record;
        let renewed_at = (given_at > 0).then(|| time_of(given_at));
        let device_since = device.as_ref().map(|device| time_of(device.since));
        let device = device.map(|device| device.words);
        Self { id, state, label, device, device_since, scopes, created_at: time_of(created_at), renewed_at, expires_at }
    }
}
