//! `POST /v1/sessions:device`: a device that has seen no code shows one itself (RFC 8628, section 3.1).

use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::http::HeaderMap;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use axum::{Form, Json};
use rand_core::{OsRng, RngCore};
use serde::Serialize;
use utoipa::ToSchema;

use super::Sessions;
use super::book::{ATTEMPTS, By, CODES, Change};
use super::grant::{CONFIRMING_SECONDS, INTERVAL_SECONDS, Parameters, is_words, not_words};
use super::record::{Device, Record, State as SessionState};
use super::refusal::{OAuthError, OAuthProblem, Refusal};
use super::telling::Told;
use super::waiting::WAITING;
use crate::backbone::{BackboneError, Put};
use crate::clock::millis;
use crate::exchange::sources::whole;
use crate::gate::Caller;
use crate::problem::{Problem, ProblemDocument};
use crate::state::AppState;

/// Letters without vowels, so that no words come of them, and without those that look like others (RFC 8628, section 6.1).
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";

const USER_CODE_LETTERS: usize = 8;

/// What the device shows and how it goes on.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeviceAnswer {
    device_code: String,
    /// Eight letters, with a hyphen in their middle.
    user_code: String,
    /// Where the person types it.
    verification_uri: String,
    /// Seconds.
    expires_in: i64,
    /// Seconds between two questions for a token.
    interval: u32,
}

/// Begins a session of a device, which is nobody's before somebody types its code.
#[utoipa::path(post, path = "/v1/sessions:device", tag = "sessions",
    params(("DPoP" = String, Header, description = "A proof of possession without `ath` (RFC 9449, section 5)")),
    request_body(content = String, content_type = "application/x-www-form-urlencoded",
        description = "`device`: words by which the person knows it; `scope`, without which it gets all that it can"),
    responses(
        (status = OK, description = "Show the code", body = DeviceAnswer),
        (status = BAD_REQUEST, description = "No good proof, or a parameter is not what it must be", body = OAuthProblem),
        (status = TOO_MANY_REQUESTS, description = "Too many devices call", body = ProblemDocument),
        (status = SERVICE_UNAVAILABLE, description = "Too many devices have come", body = ProblemDocument)))]
pub(crate) async fn device(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    form: Result<Form<Vec<(String, String)>>, FormRejection>,
) -> Result<Response, Refusal> {
    let parameters = Parameters::read(form)?;
    let answer = state.sessions()?.waiting(&caller, &headers, &parameters).await?;
    Ok(([(CACHE_CONTROL, "no-store")], Json(answer)).into_response())
}

impl Sessions {
    async fn waiting(
        &self,
        caller: &Caller,
        headers: &HeaderMap,
        parameters: &Parameters,
    ) -> Result<DeviceAnswer, Refusal> {
        let words = parameters.required("device")?;
        if !is_words(words) {
            return Err(Problem::invalid("device", not_words()).into());
        }
        let scopes = self.asked_scopes(parameters)?;
        let proof = self.proven(caller, headers, self.now())?;
        // After all that can be wrong with it, so that nonsense, which costs no commit, keeps nobody out.
        self.take_stranger(caller)?;
        for _ in 0..ATTEMPTS {
            let now = self.now();
            let origin = self.origin_of(caller.request().host);
            let code = new_user_code();
            let device = Device { words: words.to_owned(), thumbprint: proof.thumbprint.clone(), since: millis(now) };
            let record = Record::new(SessionState::Waiting, now, CONFIRMING_SECONDS, origin);
            let record =
                Record { device: Some(device), user_code: Some(code.clone()), scopes: scopes.clone(), ..record };
            let puts = self.puts_of_code(&code, &record).await?;
            let by = By { caller, proof: Some(&proof) };
            match self.add(Change { puts, ..Change::new(record, Told::Waiting, ()) }, by).await {
                // Another one shows this code, or has come at the same time.
                Err(Refusal::Problem(Problem::Store(BackboneError::Conflict { bucket: CODES | WAITING, .. }))) => {}
                added => return self.shown(&added?, &code),
            }
        }
        Err(Problem::Busy.into())
    }

    /// Counts a device that nobody knows. Its source first: what that is refused is not taken from others.
    fn take_stranger(&self, caller: &Caller) -> Result<(), Problem> {
        let now = self.clock.elapsed();
        let of_source = caller.source().map_or(Ok(()), |address| self.rates.sources.take(whole(address), now));
        let taken = of_source.and_then(|()| self.rates.strangers.take((), now));
        taken.map_err(|over| Problem::TooOften { retry_after_seconds: over.retry_after_seconds })
    }

    fn asked_scopes(&self, parameters: &Parameters) -> Result<Vec<String>, Refusal> {
        let asked: Vec<_> =
            parameters.get("scope").unwrap_or_default().split_ascii_whitespace().map(str::to_owned).collect();
        let is_known = asked.iter().all(|scope| self.settings.scopes.contains(scope));
        if is_known { Ok(asked) } else { Err(OAuthError::InvalidScope.into()) }
    }

    async fn puts_of_code(&self, code: &str, record: &Record) -> Result<Vec<Put>, Problem> {
        let names = Put {
            bucket: CODES,
            key: code.to_owned(),
            value: Some(record.id.clone().into_bytes()),
            expected_revision: None,
            expires_at: Some(record.until_time()),
        };
        Ok(vec![names, self.one_more_waits(record).await?])
    }

    fn shown(&self, record: &Record, code: &str) -> Result<DeviceAnswer, Refusal> {
        let thumbprint = record.device.as_ref().map(|device| device.thumbprint.as_str()).unwrap_or_default();
        let (first, second) = code.split_at_checked(USER_CODE_LETTERS / 2).unwrap_or((code, ""));
        Ok(DeviceAnswer {
            device_code: self.secrets.device_code(&record.id, thumbprint).map_err(Problem::Internal)?,
            user_code: format!("{first}-{second}"),
            verification_uri: format!("{}/console", record.origin),
            expires_in: CONFIRMING_SECONDS,
            interval: INTERVAL_SECONDS,
        })
    }

    /// The origin under which a client has come; the proof has been held against one of them.
    fn origin_of(&self, host: &str) -> String {
        let is_of = |origin: &&String| origin.split_once("://").is_some_and(|(_, authority)| authority == host);
        let origin = self.settings.origins().find(is_of).or_else(|| self.settings.origins().next());
        origin.cloned().unwrap_or_default()
    }
}

fn new_user_code() -> String {
    let mut code = String::with_capacity(USER_CODE_LETTERS);
    while code.len() < USER_CODE_LETTERS {
        // 240 is a multiple of 20, so that each letter is as likely as any other.
        let [byte, ..] = OsRng.next_u32().to_le_bytes();
        let letter = LETTERS.get(usize::from(byte % 20)).filter(|_| byte < 240);
        code.extend(letter.map(|letter| char::from(*letter)));
    }
    code
}

/// A code as a person types it; nothing where it can be none.
pub(super) fn read_user_code(text: &str) -> Option<String> {
    if text.len() > 64 {
        return None;
    }
    let is_filling = |character: &char| matches!(character, '-' | ' ' | '\u{2013}');
    let code: String = text.chars().filter(|character| !is_filling(character)).collect();
    let code = code.to_ascii_uppercase();
    let is_code = code.len() == USER_CODE_LETTERS && code.bytes().all(|byte| LETTERS.contains(&byte));
    is_code.then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_of_the_letters_and_read_as_people_type_them() {
        for _ in 0..100 {
            let code = new_user_code();
            assert_eq!(read_user_code(&code).unwrap(), code);
        }
        assert_eq!(read_user_code(" wdjb-mjht ").unwrap(), "WDJBMJHT");
        for text in ["", "WDJB-MJH", "WDJB-MJHTT", "WDJB-MJHA", "WDJB-MJH0", "WDJBMJH\u{c4}"] {
            assert_eq!(read_user_code(text), None, "{text}");
        }
    }
}
