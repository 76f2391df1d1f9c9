//! A token that is revoked is refused within a second.

use anyhow::Context;
use reqwest::Method;
use tokio::time::timeout_at;

use super::super::settings::RevocationSettings;
use super::super::walk::{Identity, Walk};
use super::session::{open, until_refused};

/// Revokes a token of its own: a new one of the identity provider, or a session's.
pub(in crate::probe) async fn check(
    walk: &Walk<'_>,
    identity: &Identity,
    settings: &RevocationSettings,
) -> anyhow::Result<String> {
    let (deadline, now) = (settings.pace.deadline(), walk.clock.now().unix_timestamp());
    let operator = settings.token.obtain(now).await.context("no token that may revoke")?.text;
    let revoke = async |token: &str| {
        let call = walk.gateway.call(Method::POST, "/v1/revocations").bearer(&operator).form(&[("token", token)]);
        call.expect(200).await.context("the token is not revoked")
    };
    let path = settings.path.as_str();
    let took = match (&walk.settings.session, walk.settings.token.gives_new_ones()) {
        (Some(session), false) => {
            let opened = open(walk, identity, session, deadline).await.context("there is no token to revoke")?;
            let took = timeout_at(deadline, async {
                opened.request(Method::GET, path)?.expect(200).await.context("it was refused before it was revoked")?;
                revoke(&opened.token).await?;
                until_refused(|| opened.request(Method::GET, path)).await
            });
            let took = took.await.context("it was not revoked and refused in time").flatten();
            // Its token may be revoked, and the session goes on until it is ended.
            let ended = opened.end().await;
            let took = took?;
            ended?;
            took
        }
        _ => {
            let victim = walk.settings.token.obtain(now).await.context("there is no token to revoke")?.text;
            let request = || walk.gateway.get(path).bearer(&victim);
            request().expect(200).await.context("it was refused before it was revoked")?;
            revoke(&victim).await?;
            until_refused(|| Ok(request())).await?
        }
    };
    Ok(format!("refused {} ms after it was revoked", took.as_millis()))
}
