//! The tokens of sessions, as the gate takes them.

use jsonwebtoken::{Algorithm, Header};
use serde::Serialize;
use serde_json::json;
use time::OffsetDateTime;

use super::Sessions;
use super::grant::TokenAnswer;
use super::record::Record;
use crate::problem::Problem;

/// What no other issuer's token is called.
const TOKEN_TYPE: &str = "session+jwt";

/// For whom the token speaks: the person's issuer, and the login there in which the session was opened. Who is revoked by
/// that login is revoked in the session, at gates and in streams too.
#[derive(Serialize)]
struct Origin<'a> {
    iss: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<&'a str>,
}

impl Sessions {
    /// Signs the tokens of a session that goes on.
    pub(super) fn tokens(&self, record: &Record, now: OffsetDateTime) -> Result<TokenAnswer, Problem> {
        let parts = record.owner.as_ref().zip(record.device.as_ref()).zip(record.confirmed_at);
        let ((owner, device), confirmed_at) = parts.ok_or_else(|| Problem::mistake("a session without a device"))?;
        let now = now.unix_timestamp();
        let ends_at = now.saturating_add(self.settings.token_seconds).min(record.until / 1000);
        let scope = record.scopes.join(" ");
        let claims = json!({
            "iss": self.settings.issuer, "aud": self.settings.audience, "sub": owner.person.subject(),
            // When the person let it in: whoever is shut out before a time is shut out in each session from before.
            "iat": confirmed_at, "exp": ends_at,
            "sid": record.id, "jti": uuid::Uuid::now_v7(), "scope": scope,
            "cnf": {"jkt": device.thumbprint}, "origin": Origin { iss: owner.person.issuer(), sid: owner.opened_in.as_deref() },
        });
        let key = self.signing_key.key().ok_or(Problem::NotReady)?;
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(TOKEN_TYPE.to_owned());
        header.kid = Some(key.kid.clone());
        let access_token = jsonwebtoken::encode(&header, &claims, &key.key).map_err(Problem::internal)?;
        let refresh_token = self.secrets.refresh_token(&record.id, record.generation, &device.thumbprint);
        Ok(TokenAnswer {
            access_token,
            token_type: "DPoP",
            expires_in: ends_at.saturating_sub(now),
            refresh_token: refresh_token.map_err(Problem::Internal)?,
            scope,
        })
    }
}
