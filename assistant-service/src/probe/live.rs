//! The live sessions of the probe's account, and how each is, as far as the service keeps it.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::credential::Token;
use super::walk::Walk;

/// No token of a session lives longer, in seconds.
const TOKEN_SECONDS: i64 = 600;

/// A session as `GET /v1/sessions` tells of it.
#[derive(Clone, Debug, Deserialize)]
struct Told {
    id: String,
    state: String,
    label: Option<String>,
    device: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    expires_at: OffsetDateTime,
    #[serde(default, with = "time::serde::rfc3339::option")]
    renewed_at: Option<OffsetDateTime>,
}

#[derive(Deserialize)]
struct List {
    sessions: Vec<Told>,
}

/// A session, and how it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct LiveSession {
    pub(super) id: String,
    pub(super) label: Option<String>,
    pub(super) device: Option<String>,
    pub(super) state: String,
    pub(super) health: Health,
    #[serde(with = "time::serde::rfc3339::option")]
    pub(super) renewed_at: Option<OffsetDateTime>,
    #[serde(with = "time::serde::rfc3339")]
    pub(super) expires_at: OffsetDateTime,
}

/// How a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Health {
    /// Its token may hold still.
    Well,
    /// It has not been renewed for as long as a token lives: its device has nothing that works.
    Quiet,
    /// It has had no token yet.
    Waiting,
}

/// The sessions that are there now.
pub(super) async fn list(walk: &Walk<'_>, person: &Token) -> anyhow::Result<Vec<LiveSession>> {
    let answer = walk.gateway.get("/v1/sessions").bearer(&person.text).expect(200).await?;
    let List { sessions } = serde_json::from_value(answer.json()?)?;
    let now = walk.clock.now();
    Ok(sessions.into_iter().map(|told| judged(told, now)).collect())
}

fn judged(told: Told, now: OffsetDateTime) -> LiveSession {
    let Told { id, state, label, device, expires_at, renewed_at } = told;
    let health = match renewed_at {
        None => Health::Waiting,
        Some(at) if now.unix_timestamp().saturating_sub(at.unix_timestamp()) <= TOKEN_SECONDS => Health::Well,
        Some(_) => Health::Quiet,
    };
    LiveSession { id, label, device, state, health, renewed_at, expires_at }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_session_is_quiet_once_no_token_of_it_can_hold() {
        let now = OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
        for (seconds_ago, expected) in [(0, Health::Well), (600, Health::Well), (601, Health::Quiet)] {
            let at = now - time::Duration::seconds(seconds_ago);
            let at = at.format(&time::format_description::well_known::Rfc3339).unwrap();
            let told = json!({"id": "1", "state": "active", "expires_at": at, "renewed_at": at});
            assert_eq!(judged(serde_json::from_value(told).unwrap(), now).health, expected);
        }
        let told = json!({"id": "1", "state": "offered", "label": "phone", "expires_at": "2027-01-15T08:00:00Z"});
        assert_eq!(judged(serde_json::from_value(told).unwrap(), now).health, Health::Waiting);
    }
}
