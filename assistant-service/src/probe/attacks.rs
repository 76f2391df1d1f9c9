//! Ten attacks that the gate must deny, made of nothing but the probe's own token and keys that it makes itself.

mod forgery;

use futures_util::future::join_all;
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::checks::event;
use super::gateway::{Answer, Call};
use super::walk::{Identity, Walk};
pub(super) use forgery::Forger;

/// Whom a smuggled header names.
const SOMEBODY: &str = "https://probe.watchgate.invalid#somebody-else";

/// The event of the attack that is let in: without what it has smuggled.
const SMUGGLED: &str = "dev.watchgate.probe.smuggled";

/// What reading these needs, in the shipped rules; none of it changes anything.
const SCOPED: [(&str, &str); 5] = [
    ("dead-letters:read", "/v1/dead-letters?limit=1"),
    ("metrics:read", "/metrics"),
    ("mediations", "/v1/mediations"),
    ("sessions:write", "/v1/sessions"),
    ("runbooks:read", "/v1/runbooks"),
];

/// An attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Attack {
    NoToken,
    LapsedToken,
    WrongAudience,
    AlgorithmNone,
    ForeignKey,
    TamperedPayload,
    MissingScope,
    EncodedSlash,
    SmuggledIdentity,
    UnprovenToken,
}

/// What became of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// As it must be.
    Denied,
    /// It got through, or was denied for something else.
    NotDenied(String),
    /// It was not made, or denied without being looked at.
    NotJudged(String),
}

impl Attack {
    pub(super) const ALL: [Self; 10] = [
        Self::NoToken,
        Self::LapsedToken,
        Self::WrongAudience,
        Self::AlgorithmNone,
        Self::ForeignKey,
        Self::TamperedPayload,
        Self::MissingScope,
        Self::EncodedSlash,
        Self::SmuggledIdentity,
        Self::UnprovenToken,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::NoToken => "no_token",
            Self::LapsedToken => "lapsed_token",
            Self::WrongAudience => "wrong_audience",
            Self::AlgorithmNone => "algorithm_none",
            Self::ForeignKey => "foreign_key",
            Self::TamperedPayload => "tampered_payload",
            Self::MissingScope => "missing_scope",
            Self::EncodedSlash => "encoded_slash",
            Self::SmuggledIdentity => "smuggled_identity",
            Self::UnprovenToken => "unproven_token",
        }
    }

    /// What it must be answered. The smuggled identity is taken out on the way, and the request let in.
    const fn status(self) -> u16 {
        match self {
            Self::EncodedSlash => 400,
            Self::MissingScope => 403,
            Self::SmuggledIdentity => 202,
            Self::NoToken
            | Self::LapsedToken
            | Self::WrongAudience
            | Self::AlgorithmNone
            | Self::ForeignKey
            | Self::TamperedPayload
            | Self::UnprovenToken => 401,
        }
    }
}

impl Verdict {
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::NotDenied(_) => "not_denied",
            Self::NotJudged(_) => "not_judged",
        }
    }

    /// What a status says about an attack that must be answered `expected`.
    fn of(expected: u16, answer: &Answer) -> Self {
        match answer.status() {
            status if status == expected => Self::Denied,
            // Nobody gets in by these; and who is away or has had enough is not said by this check.
            429 | 502 | 503 | 504 => Self::NotJudged(format!("answered {}", answer.said())),
            _ => Self::NotDenied(format!("answered {}, not {expected}", answer.said())),
        }
    }
}

/// Makes all of them. Without `identity`, a token that the gate takes now, those that need one are not made; without the service, the
/// one that asks it.
pub(super) async fn attack(walk: &Walk<'_>, identity: Option<&Identity>, has_service: bool) -> Vec<(Attack, Verdict)> {
    let made = Attack::ALL.map(|attack| async move {
        let verdict = make(attack, walk, identity, has_service).await;
        // No connection is no verdict either: whether there is one is another check.
        (attack, verdict.unwrap_or_else(|error| Verdict::NotJudged(format!("{error:#}"))))
    });
    join_all(made).await
}

async fn make(
    attack: Attack,
    walk: &Walk<'_>,
    identity: Option<&Identity>,
    has_service: bool,
) -> anyhow::Result<Verdict> {
    let (forger, own) = (walk.forger, walk.tokens.known());
    let own = own.as_deref();
    let get = || walk.gateway.get(walk.settings.gate.path.as_str());
    let now = walk.clock.now().unix_timestamp();
    let call: Call<'_> = match (attack, identity) {
        (Attack::NoToken, _) => get(),
        (Attack::LapsedToken, _) => match walk.tokens.lapsed(now) {
            Some(lapsed) => get().bearer(&lapsed.text),
            None => get().bearer(&forger.lapsed(own, now)?),
        },
        (Attack::WrongAudience, _) => get().bearer(&forger.for_another_audience(own, now)?),
        (Attack::AlgorithmNone, _) => get().bearer(&forger.unsigned(own, now)),
        (Attack::ForeignKey, _) => get().bearer(&forger.signed(own, now)?),
        (Attack::TamperedPayload, _) => get().bearer(&forger.tampered(own, now)?),
        (_, None) => return Ok(Verdict::NotJudged("it needs a token that the gate takes".to_owned())),
        (Attack::MissingScope, Some(identity)) => {
            let path = walk.settings.gate.missing_scope.as_deref().or_else(|| missing(identity));
            let Some(path) = path else {
                let what = "the token has every scope that was thought of; say missingScopePath";
                return Ok(Verdict::NotJudged(what.to_owned()));
            };
            walk.gateway.get(path).bearer(&identity.token.text)
        }
        (Attack::EncodedSlash, Some(identity)) => walk.gateway.get("/v1%2Fevents").bearer(&identity.token.text),
        (Attack::UnprovenToken, Some(identity)) => get().authorization("DPoP", &identity.token.text),
        (Attack::SmuggledIdentity, Some(_)) if !has_service => {
            return Ok(Verdict::NotJudged("it needs the service".to_owned()));
        }
        (Attack::SmuggledIdentity, Some(identity)) => return smuggle(walk, identity).await,
    };
    Ok(Verdict::of(attack.status(), &call.send().await?))
}

/// What the token lacks a scope for. Where a token does not say its scopes, the first is tried.
fn missing(identity: &Identity) -> Option<&'static str> {
    SCOPED.iter().find(|(scope, _)| identity.token.has_scope(scope) != Some(true)).map(|(_, path)| *path)
}

/// An event in the name of somebody else, by every header that has ever meant one; it must come in as the probe's own.
async fn smuggle(walk: &Walk<'_>, identity: &Identity) -> anyhow::Result<Verdict> {
    let id = Uuid::now_v7().to_string();
    let data = json!({"says": "I am somebody else"}).to_string().into_bytes();
    let call =
        walk.gateway.call(Method::POST, "/v1/events").bearer(&identity.token.text).body("application/json", data);
    let call = call
        .header("ce-specversion", "1.0")
        .header("ce-id", &id)
        .header("ce-type", SMUGGLED)
        .header("ce-source", &identity.principal)
        .header("ce-subject", &id)
        .header("ce-authtype", "system")
        .header("ce-authid", SOMEBODY)
        .header("x-auth-subject", SOMEBODY)
        .header("x-forwarded-user", SOMEBODY)
        .header("remote-user", SOMEBODY)
        .header("txn-token", "e30.e30.e30");
    let answer = call.send().await?;
    // Refused is refused: nobody was let in as somebody else, and whether events come in is another check.
    if answer.status() >= 400 {
        return Ok(Verdict::NotJudged(format!("answered {}", answer.said())));
    }
    let verdict = Verdict::of(Attack::SmuggledIdentity.status(), &answer);
    if verdict != Verdict::Denied {
        return Ok(verdict);
    }
    let found = event::find(walk, identity, SMUGGLED, &id).await?;
    let principal = found.get("authid").and_then(serde_json::Value::as_str).unwrap_or_default();
    Ok(if principal == identity.principal {
        Verdict::Denied
    } else {
        Verdict::NotDenied(format!("the event came in as {}'s", super::gateway::plain(principal)))
    })
}

#[cfg(test)]
mod tests;
