//! `POST /v1/sessions:token`: a device fetches its tokens (RFC 8628, section 3.4; RFC 6749, section 6; RFC 9449, section 5).

use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::http::HeaderMap;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use axum::{Form, Json};
use subtle::ConstantTimeEq;
use time::OffsetDateTime;

use super::Sessions;
use super::book::{By, Change};
use super::grant::{INTERVAL_SECONDS, Parameters, TokenAnswer};
use super::offer::to_its_end_in;
use super::proofs::Proven;
use super::record::{Record, State as SessionState, in_seconds};
use super::refusal::{OAuthError, OAuthProblem, Refusal};
use super::telling::{Told, Why};
use crate::clock::millis;
use crate::gate::Caller;
use crate::problem::{Problem, ProblemDocument};
use crate::revocations::Names;
use crate::state::AppState;

const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const REFRESH_TOKEN: &str = "refresh_token";

/// Clocks and networks are not exact: who asks after so much less than the interval is not too fast, in milliseconds.
const EARLY: i64 = 500;

/// For so long what was given out last is given out again to whoever asks by the grant before it, in milliseconds: answers get
/// lost on bad lines, and the same key asks.
const ANSWERED_AGAIN: i64 = 60_000;

/// Tokens that a session may have at once, and those it may have in the life of one from then on: who renews at half of it needs two.
const TOKENS_AT_ONCE: i64 = 4;
const TOKENS_IN_A_LIFE: i64 = 3;

/// What a device may be told.
enum Outcome {
    Tokens(TokenAnswer),
    Refused(OAuthError),
    /// A device code or refresh token that has been used: two have it.
    Reused(Box<Record>, Why),
}

/// Gives a device its tokens, once its person has let it in, and again for each refresh token.
#[utoipa::path(post, path = "/v1/sessions:token", tag = "sessions",
    params(("DPoP" = String, Header, description = "A proof of possession of the same key, without `ath`")),
    request_body(content = String, content_type = "application/x-www-form-urlencoded",
        description = "`grant_type`, with `device_code` or `refresh_token`"),
    responses(
        (status = OK, description = "Tokens; a refresh token is good once", body = TokenAnswer),
        (status = BAD_REQUEST, description = "Not yet, too fast, refused, too late, or no such grant", body = OAuthProblem),
        (status = SERVICE_UNAVAILABLE, description = "There is no key to sign with", body = ProblemDocument)))]
pub(crate) async fn token(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    form: Result<Form<Vec<(String, String)>>, FormRejection>,
) -> Result<Response, Refusal> {
    let parameters = Parameters::read(form)?;
    let sessions = state.sessions()?;
    let proof = sessions.proven(&caller, &headers, sessions.now())?;
    let outcome = match parameters.required("grant_type")? {
        DEVICE_CODE => sessions.first(&caller, &proof, parameters.required("device_code")?).await?,
        REFRESH_TOKEN => sessions.refreshed(&caller, &proof, parameters.required("refresh_token")?).await?,
        _ => return Err(OAuthError::UnsupportedGrantType.into()),
    };
    match outcome {
        Outcome::Tokens(tokens) => Ok(([(CACHE_CONTROL, "no-store")], Json(tokens)).into_response()),
        Outcome::Refused(error) => Err(error.into()),
        Outcome::Reused(record, why) => {
            tracing::warn!(session = record.id, "a device code or refresh token came twice: the session is ended");
            match to_its_end_in(&state, *record, caller, why).await {
                // It is over; what could not be revoked is told to whoever runs the service.
                Ok(()) | Err(Problem::SessionTokenHolds) => Err(OAuthError::InvalidGrant.into()),
                Err(problem) => Err(problem.into()),
            }
        }
    }
}

impl Sessions {
    async fn first(&self, caller: &Caller, proof: &Proven, code: &str) -> Result<Outcome, Refusal> {
        let (id, _) = code.split_once('.').ok_or(OAuthError::InvalidGrant)?;
        let expected = self.secrets.device_code(id, &proof.thumbprint).map_err(Problem::Internal)?;
        // The thumbprint is a part of the code: with another key it is none.
        if !bool::from(expected.as_bytes().ct_eq(code.as_bytes())) {
            return Err(OAuthError::InvalidGrant.into());
        }
        self.take_question(id)?;
        let by = By { caller, proof: Some(proof) };
        let first = self.change(id, by, |record, now| match record.state {
            SessionState::Ended => Err(OAuthError::AccessDenied.into()),
            SessionState::Active if record.generation == 1 && is_asked_again_soon(&record, now) => {
                self.again(record, now)
            }
            SessionState::Active if record.is_over(now) => Err(OAuthError::InvalidGrant.into()),
            SessionState::Active => Ok(reused(record, Why::CodeReused)),
            _ if record.is_over(now) => Err(OAuthError::ExpiredToken.into()),
            SessionState::Confirmed => self.begun(record, now),
            SessionState::Offered | SessionState::Redeemed | SessionState::Waiting | SessionState::Joined => {
                asked_again(record, now)
            }
        });
        known(first.await, OAuthError::ExpiredToken)
    }

    fn begun(&self, record: Record, now: OffsetDateTime) -> Result<Change<Outcome>, Refusal> {
        if self.is_shut_out(&record) {
            return Err(OAuthError::AccessDenied.into());
        }
        let until = in_seconds(now, self.settings.session_seconds);
        let record = Record { state: SessionState::Active, generation: 1, given_at: millis(now), until, ..record };
        let tokens = self.tokens(&record, now)?;
        Ok(Change::new(record, Told::Began, Outcome::Tokens(tokens)))
    }

    /// Tokens of the generation that there is.
    fn again(&self, record: Record, now: OffsetDateTime) -> Result<Change<Outcome>, Refusal> {
        if record.is_over(now) || self.is_shut_out(&record) {
            return Err(OAuthError::InvalidGrant.into());
        }
        let tokens = self.tokens(&record, now)?;
        Ok(Change::new(record, None, Outcome::Tokens(tokens)))
    }

    async fn refreshed(&self, caller: &Caller, proof: &Proven, token: &str) -> Result<Outcome, Refusal> {
        let mut parts = token.split('.');
        let (id, number) = (parts.next().unwrap_or_default(), parts.next().and_then(|number| number.parse().ok()));
        let generation: u32 = number.ok_or(OAuthError::InvalidGrant)?;
        let expected = self.secrets.refresh_token(id, generation, &proof.thumbprint).map_err(Problem::Internal)?;
        if !bool::from(expected.as_bytes().ct_eq(token.as_bytes())) {
            return Err(OAuthError::InvalidGrant.into());
        }
        self.take_question(id)?;
        let by = By { caller, proof: Some(proof) };
        let refreshed = self.change(id, by, |record, now| {
            if record.state != SessionState::Active || record.is_over(now) || self.is_shut_out(&record) {
                return Err(OAuthError::InvalidGrant.into());
            }
            if generation.saturating_add(1) == record.generation && is_asked_again_soon(&record, now) {
                return self.again(record, now);
            }
            if generation != record.generation {
                return Ok(reused(record, Why::RefreshReused));
            }
            if self.has_had_enough(&record, now) {
                return Err(OAuthError::SlowDown.into());
            }
            let record = Record { generation: generation.saturating_add(1), given_at: millis(now), ..record };
            let tokens = self.tokens(&record, now)?;
            Ok(Change::new(record, Told::Refreshed, Outcome::Tokens(tokens)))
        });
        known(refreshed.await, OAuthError::InvalidGrant)
    }

    /// Counts a question of a session, whose code has held: before anything is read or kept for it.
    fn take_question(&self, id: &str) -> Result<(), Refusal> {
        self.rates.questions.take(id.to_owned(), self.clock.elapsed()).map_err(|_| OAuthError::SlowDown.into())
    }

    /// Whether it has had more tokens than anybody needs, each of which is an event: some at once, and then some for each life of one.
    fn has_had_enough(&self, record: &Record, now: OffsetDateTime) -> bool {
        let lasted = now.unix_timestamp().saturating_sub(record.confirmed_at.unwrap_or_default());
        let lives = lasted.saturating_mul(TOKENS_IN_A_LIFE).checked_div(self.settings.token_seconds);
        i64::from(record.generation) >= TOKENS_AT_ONCE.saturating_add(lives.unwrap_or_default())
    }

    /// Whether the session, its person, or the login in which it was opened has been revoked.
    fn is_shut_out(&self, record: &Record) -> bool {
        let (Some(owner), Some(confirmed_at)) = (&record.owner, record.confirmed_at) else { return true };
        let person = (owner.person.issuer(), owner.person.subject());
        let let_in_at = u64::try_from(confirmed_at).unwrap_or_default();
        self.trust.revokes(&Names::of_session(person, &record.id, owner.opened_in.as_deref(), let_in_at))
    }
}

/// Whether the last tokens were given out so short a time ago that the answer may just have been lost.
fn is_asked_again_soon(record: &Record, now: OffsetDateTime) -> bool {
    millis(now) < record.given_at.saturating_add(ANSWERED_AGAIN)
}

/// What has been used comes again. The proof is spent, and the session ended then.
fn reused(record: Record, why: Why) -> Change<Outcome> {
    Change::new(record.clone(), None, Outcome::Reused(Box::new(record), why))
}

/// A device that asks before anybody has let it in. Nothing is kept for one that asks faster than it may, nor is its proof spent,
/// which has let nobody pass.
fn asked_again(record: Record, now: OffsetDateTime) -> Result<Change<Outcome>, Refusal> {
    let interval = i64::from(INTERVAL_SECONDS).saturating_mul(1000).saturating_sub(EARLY);
    if record.polled_at.is_some_and(|before| millis(now) < before.saturating_add(interval)) {
        return Err(OAuthError::SlowDown.into());
    }
    let pending = Outcome::Refused(OAuthError::AuthorizationPending);
    Ok(Change::new(Record { polled_at: Some(millis(now)), ..record }, None, pending))
}

/// What is not remembered any more is `forgotten`.
fn known(outcome: Result<Outcome, Refusal>, forgotten: OAuthError) -> Result<Outcome, Refusal> {
    match outcome {
        Err(Refusal::Problem(Problem::NotFound)) => Err(forgotten.into()),
        outcome => outcome,
    }
}
