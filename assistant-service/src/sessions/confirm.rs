//! How a person lets a device in: by the number that it shows, or by typing the code that it shows.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::Sessions;
use super::book::{ATTEMPTS, By, CODES, Change};
use super::device::read_user_code;
use super::offer::SessionView;
use super::record::{Record, State as SessionState, in_seconds};
use super::refusal::Refusal;
use super::telling::{Told, Why};
use crate::JsonBody;
use crate::backbone::Put;
use crate::gate::Caller;
use crate::parameters::PathName;
use crate::problem::{Problem, ProblemDocument};
use crate::state::AppState;

/// With the third wrong one the session is over: a guess is right in 1 of 3,333 sessions.
const MOST_WRONG_NUMBERS: u8 = 3;

/// What the person has read on the device.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConfirmationBody {
    /// Four digits; absent where the person has typed the device's code before.
    #[serde(default)]
    number: Option<String>,
}

/// A code that a device shows.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct JoinBody {
    /// Eight letters; small ones, spaces and hyphens are taken as well.
    user_code: String,
}

/// Lets a device in that shows this number.
#[utoipa::path(post, path = "/v1/sessions/{id}/confirmation", tag = "sessions", request_body = ConfirmationBody,
    params(("id" = String, Path, description = "The session")),
    responses(
        (status = NO_CONTENT, description = "The device may fetch its token"),
        (status = BAD_REQUEST, description = "No number of four digits, which counts as no try, or no scope left that the caller has", body = ProblemDocument),
        (status = FORBIDDEN, description = "The caller is a session or a service", body = ProblemDocument),
        (status = NOT_FOUND, description = "The caller has no such session", body = ProblemDocument),
        (status = CONFLICT, description = "No device waits, or it is let in already", body = ProblemDocument),
        (status = GONE, description = "It is over", body = ProblemDocument),
        (status = UNPROCESSABLE_ENTITY, description = "Another number; the third wrong one ends the session", body = ProblemDocument)))]
pub(crate) async fn confirm(
    State(state): State<AppState>,
    caller: Caller,
    PathName(id): PathName,
    body: Option<JsonBody<ConfirmationBody>>,
) -> Result<StatusCode, Refusal> {
    let sessions = state.sessions()?;
    let owner = sessions.person(&caller).await?;
    sessions.find_own(&id, &owner.person).await?;
    let number = body.and_then(|JsonBody(body)| body.number);
    sessions.confirmed(&caller, &id, number.as_deref()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes a device's session the caller's, who confirms it then: the answer says what the device says of itself.
#[utoipa::path(post, path = "/v1/sessions:join", tag = "sessions", request_body = JoinBody,
    responses(
        (status = OK, description = "Look at it, and confirm it", body = SessionView),
        (status = FORBIDDEN, description = "The caller is a session or a service", body = ProblemDocument),
        (status = NOT_FOUND, description = "No device shows this code", body = ProblemDocument),
        (status = TOO_MANY_REQUESTS, description = "The caller has tried too many codes, or has too many sessions", body = ProblemDocument)))]
pub(crate) async fn join(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(body): JsonBody<JoinBody>,
) -> Result<Json<SessionView>, Refusal> {
    Ok(Json(state.sessions()?.joined(&caller, &body.user_code).await?))
}

impl Sessions {
    async fn confirmed(&self, caller: &Caller, id: &str, number: Option<&str>) -> Result<(), Refusal> {
        let by = By { caller, proof: None };
        let confirmed = self.change(id, by, |record, now| {
            if record.is_over(now) {
                return Err(Problem::SessionGone.into());
            }
            match (record.state, number) {
                (SessionState::Redeemed, Some(typed)) if record.number.as_deref() == Some(typed) => {}
                (SessionState::Redeemed, Some(typed)) if !is_number(typed) => {
                    return Err(Problem::invalid("number", "is four digits: the device shows them").into());
                }
                (SessionState::Redeemed, Some(_)) => return Ok(mistyped(record)),
                (SessionState::Redeemed, None) => {
                    return Err(Problem::invalid("number", "is required: the device shows it").into());
                }
                (SessionState::Joined, None) => {}
                _ => return Err(Problem::WrongSessionState.into()),
            }
            let scopes = self.still_had(&record.scopes, caller)?;
            let record = Record {
                state: SessionState::Confirmed,
                confirmed_at: Some(now.unix_timestamp()),
                number: None,
                scopes,
                until: in_seconds(now, super::grant::CONFIRMING_SECONDS),
                ..record
            };
            Ok(Change::new(record, Told::Confirmed, Ok(())))
        });
        confirmed.await?.map_err(|left| Problem::WrongNumber { left }.into())
    }

    /// What of `scopes` the caller may do at this moment: rights may have gone since the offer.
    fn still_had(&self, scopes: &[String], caller: &Caller) -> Result<Vec<String>, Problem> {
        let mut had = self.scopes(None, caller).unwrap_or_default();
        had.retain(|scope| scopes.contains(scope));
        if had.is_empty() {
            return Err(Problem::invalid("scopes", "you have none any more of those that it was opened with"));
        }
        Ok(had)
    }

    async fn joined(&self, caller: &Caller, user_code: &str) -> Result<SessionView, Refusal> {
        let owner = self.person(caller).await?;
        let taken = self.rates.joins.take(owner.person.clone(), self.clock.elapsed());
        taken.map_err(|over| Problem::TooOften { retry_after_seconds: over.retry_after_seconds })?;
        let code = read_user_code(user_code).ok_or(Problem::NotFound)?;
        for _ in 0..ATTEMPTS {
            let entry = self.backbone.get(CODES, code.clone()).await?.ok_or(Problem::NotFound)?;
            let id = String::from_utf8(entry.value).map_err(Problem::internal)?;
            // Of two who type it, one has it.
            let used = Put {
                bucket: CODES,
                key: code.clone(),
                value: None,
                expected_revision: Some(entry.revision),
                expires_at: None,
            };
            let by = By { caller, proof: None };
            let joined = self.change(&id, by, |record, now| {
                if record.state != SessionState::Waiting || record.is_over(now) {
                    return Err(Problem::NotFound.into());
                }
                let wanted = (!record.scopes.is_empty()).then_some(&*record.scopes);
                let scopes = self.scopes(wanted, caller).ok_or_else(|| {
                    Problem::invalid("user_code", "the device asks for more than you may do, or than sessions may")
                })?;
                let record = Record {
                    state: SessionState::Joined,
                    owner: Some(owner.clone()),
                    user_code: None,
                    scopes,
                    ..record
                };
                let view = SessionView::of(record.clone());
                Ok(Change { puts: vec![used.clone()], ..Change::new(record, Told::Joined, view) })
            });
            match joined.await {
                Err(Refusal::Problem(Problem::Busy)) => {}
                joined => return joined,
            }
        }
        Err(Problem::Busy.into())
    }
}

/// What no device shows is a slip of the hand and no guess.
fn is_number(typed: &str) -> bool {
    typed.len() == 4 && typed.bytes().all(|digit| digit.is_ascii_digit())
}

/// One wrong number more, and how many may still be tried.
fn mistyped(record: Record) -> Change<Result<(), u8>> {
    let wrong_numbers = record.wrong_numbers.saturating_add(1);
    let left = MOST_WRONG_NUMBERS.saturating_sub(wrong_numbers);
    let (state, told) =
        if left == 0 { (SessionState::Ended, Told::Ended(Why::WrongNumbers)) } else { (record.state, Told::Mistyped) };
    Change::new(Record { state, wrong_numbers, ..record }, told, Err(left))
}
