//! What everything else stands on: the gateway, the service behind it, and a token.

use anyhow::{Context, ensure};

use super::super::check::{Check, Outcome};
use super::super::gateway::Answer;
use super::super::walk::{Identity, Walk};

/// A public route, so that it says nothing about tokens.
const READY: &str = "/readyz";

/// Whoever has a token with `events:read` may read this.
const READ: &str = "/v1/events?limit=1";

/// Whether Traefik answers, and with what: any answer over a TLS connection that holds is one.
pub(in crate::probe) async fn gateway(walk: &Walk<'_>) -> anyhow::Result<Answer> {
    walk.gateway.get(READY).send().await
}

/// Whether the service is ready, by that answer.
pub(in crate::probe) fn service(answer: &Answer) -> Outcome {
    if answer.status() == 200 {
        Outcome::Passed("ready".to_owned())
    } else {
        Outcome::Failed(format!("{READY} was answered {}", answer.said()))
    }
}

/// A token, new where it can be, and one that the gate takes. Where no new one is to be had, the rest of the round goes on with the last one.
pub(in crate::probe) async fn token(walk: &Walk<'_>, blocked: Option<Check>) -> (Outcome, Option<Identity>) {
    let now = walk.clock.now().unix_timestamp();
    let obtained = walk.settings.token.obtain(now).await.map(|token| walk.tokens.add(token));
    let held = match &obtained {
        Ok(token) => Some(token.clone()),
        Err(_) => walk.tokens.good(now),
    };
    let refused = |error: anyhow::Error| Outcome::Failed(format!("{error:#}"));
    let (Some(token), None) = (held, blocked) else {
        let outcome = match (obtained, blocked) {
            (Err(error), _) => refused(error),
            (Ok(_), Some(by)) => Outcome::blocked_by(by),
            (Ok(_), None) => Outcome::Passed("obtained".to_owned()),
        };
        return (outcome, None);
    };
    let identity = async {
        let said = walk.settings.source.clone().or_else(|| token.principal());
        let principal = said.context("the token does not say whose it is: say `source`")?;
        let answer = walk.gateway.get(READ).bearer(&token.text).send().await?;
        ensure!(answer.status() == 200, "the gate does not take the token: {READ} was answered {}", answer.said());
        anyhow::Ok(Identity { token, principal })
    };
    match (obtained, identity.await) {
        (Err(error), identity) => (refused(error), identity.ok()),
        (Ok(_), Ok(identity)) => (Outcome::Passed(format!("taken as {}", identity.principal)), Some(identity)),
        (Ok(_), Err(error)) => (refused(error), None),
    }
}
