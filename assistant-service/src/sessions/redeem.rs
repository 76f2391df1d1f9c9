//! `POST /v1/sessions:redeem`: a device has seen a code. What it gets is a number to show, and no token.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use rand_core::{OsRng, RngCore};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Sessions;
use super::book::{By, Change};
use super::grant::{CONFIRMING_SECONDS, INTERVAL_SECONDS, is_words, not_words};
use super::record::{Device, Record, State as SessionState, in_seconds};
use super::refusal::{OAuthProblem, Refusal};
use super::telling::Told;
use crate::JsonBody;
use crate::clock::millis;
use crate::gate::Caller;
use crate::problem::{Problem, ProblemDocument};
use crate::state::AppState;

/// What a device has read out of a code, and what it says of itself.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RedeemBody {
    /// What stands behind `#`.
    handle: String,
    /// Words by which the person knows the device; 1 to 80 characters.
    device: String,
}

/// What the device shows and how it goes on.
#[derive(Serialize, ToSchema)]
pub(crate) struct Redeemed {
    session: String,
    /// Whose session it will be: the subject. The device shows it, so that nobody is let in to another account than they believe.
    account: String,
    /// Four digits, to be typed where the code was shown.
    number: String,
    device_code: String,
    /// Seconds between two questions for a token.
    interval: u32,
    /// Seconds until it is too late for a confirmation.
    expires_in: i64,
}

/// Redeems the handle of a link, once. The proof's key is the session's from now on.
#[utoipa::path(post, path = "/v1/sessions:redeem", tag = "sessions", request_body = RedeemBody,
    params(("DPoP" = String, Header, description = "A proof of possession without `ath` (RFC 9449, section 5)")),
    responses(
        (status = OK, description = "Show the number", body = Redeemed),
        (status = BAD_REQUEST, description = "No good proof, or the body is not what it must be", body = OAuthProblem),
        (status = GONE, description = "No handle of ours, used, or too late", body = ProblemDocument)))]
pub(crate) async fn redeem(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    JsonBody(body): JsonBody<RedeemBody>,
) -> Result<Response, Refusal> {
    let sessions = state.sessions()?;
    let redeemed = sessions.redeemed(&caller, &headers, body).await?;
    Ok(([(CACHE_CONTROL, "no-store")], Json(redeemed)).into_response())
}

impl Sessions {
    async fn redeemed(&self, caller: &Caller, headers: &HeaderMap, body: RedeemBody) -> Result<Redeemed, Refusal> {
        // Not counted: handles cannot be made up, and are made by people, of whom each has only so many. Whoever shows none of ours
        // is sent away before anything is read.
        let handle = self.secrets.open(&body.handle).ok_or(Problem::SessionGone)?;
        if self.now().unix_timestamp() >= handle.exp {
            return Err(Problem::SessionGone.into());
        }
        if !is_words(&body.device) {
            return Err(Problem::invalid("device", not_words()).into());
        }
        let proof = self.proven(caller, headers, self.now())?;
        let device_code = self.secrets.device_code(&handle.sid, &proof.thumbprint).map_err(Problem::Internal)?;
        let by = By { caller, proof: Some(&proof) };
        let redeemed = self.change(&handle.sid, by, |record, now| {
            let is_open = record.state == SessionState::Offered && !record.is_over(now) && record.nonce == handle.nonce;
            if !is_open || now.unix_timestamp() >= handle.exp {
                return Err(Problem::SessionGone.into());
            }
            let number = format!("{:04}", OsRng.next_u32() % 10_000);
            let thumbprint = proof.thumbprint.clone();
            let device = Device { words: body.device.clone(), thumbprint, since: millis(now) };
            let until = in_seconds(now, CONFIRMING_SECONDS);
            let account = record.owner.as_ref().map(|owner| owner.person.subject().to_owned()).unwrap_or_default();
            let record = Record {
                state: SessionState::Redeemed,
                device: Some(device),
                number: Some(number.clone()),
                until,
                ..record
            };
            Ok(Change::new(record, Told::Redeemed, (account, number)))
        });
        let (account, number) = match redeemed.await {
            Err(Refusal::Problem(Problem::NotFound)) => return Err(Problem::SessionGone.into()),
            redeemed => redeemed?,
        };
        Ok(Redeemed {
            session: handle.sid,
            account,
            number,
            device_code,
            interval: INTERVAL_SECONDS,
            expires_in: CONFIRMING_SECONDS,
        })
    }
}
