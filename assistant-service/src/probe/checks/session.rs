//! A device is let in by a code, uses its token, and is shut out: as a phone does it, with a key of its own.

use std::sync::PoisonError;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use collector::gateway::ProofKey;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout_at};

use super::super::credential::{CredentialSettings, Token};
use super::super::gateway::{Call, Gateway, text};
use super::super::live;
use super::super::settings::SessionSettings;
use super::super::walk::{Identity, Walk};

const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const REDEEM: &str = "/v1/sessions:redeem";
const TOKEN: &str = "/v1/sessions:token";

/// What the sessions are called in the list of their person.
const LABEL: &str = "live check";

/// How soon a token must be refused once it is revoked.
const REFUSED_WITHIN: Duration = Duration::from_secs(1);
const LOOK_EVERY: Duration = Duration::from_millis(50);

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// A session that was let in, and the device's half of it.
pub(super) struct Opened<'a> {
    gateway: &'a Gateway,
    person: Token,
    id: String,
    key: ProofKey,
    pub(super) token: String,
}

pub(in crate::probe) async fn check(
    walk: &Walk<'_>,
    identity: &Identity,
    settings: &SessionSettings,
) -> anyhow::Result<String> {
    let deadline = settings.pace.deadline();
    let opened = open(walk, identity, settings, deadline).await?;
    let used = timeout_at(deadline, use_it(&opened, &settings.path)).await;
    let ended = opened.end().await;
    used.context("the session's token got no answer in time")??;
    ended?;
    let took = until_refused(|| opened.request(Method::GET, &settings.path)).await?;
    Ok(format!("refused {} ms after its end", took.as_millis()))
}

async fn use_it(opened: &Opened<'_>, path: &str) -> anyhow::Result<()> {
    opened.request(Method::GET, path)?.expect(200).await.context("the session's token is not taken")?;
    let stolen = opened.gateway.get(path).bearer(&opened.token).send().await?;
    ensure!(stolen.status() == 401, "a session's token without a proof was answered {}", stolen.said());
    Ok(())
}

/// Whose sessions they are: a token of the person.
async fn person(walk: &Walk<'_>, identity: &Identity, own: Option<&CredentialSettings>) -> anyhow::Result<Token> {
    match own {
        Some(credential) => credential.obtain(walk.clock.now().unix_timestamp()).await.context("no token of a person"),
        None => Ok(Token::of(identity.token.text.clone())),
    }
}

/// From the offer to a token. What was begun and did not come to its end by `deadline`, which leaves time for that, is ended.
pub(super) async fn open<'a>(
    walk: &Walk<'a>,
    identity: &Identity,
    settings: &SessionSettings,
    deadline: Instant,
) -> anyhow::Result<Opened<'a>> {
    let looked = async {
        let person = person(walk, identity, settings.token.as_ref()).await?;
        let sessions = live::list(walk, &person).await?;
        anyhow::Ok((person, sessions))
    };
    // A session that is offered later than this could not be ended in time.
    let (person, sessions) = timeout_at(deadline, looked).await.context("no list of sessions in time").flatten()?;
    let key = ProofKey::generate().context("no random numbers")?;
    *walk.sessions.lock().unwrap_or_else(PoisonError::into_inner) = Some(sessions);
    let call = walk.gateway.post("/v1/sessions", &json!({"label": LABEL})).bearer(&person.text);
    let offer = call.expect(201).await.context("no session is offered")?.json()?;
    let id = text(&offer, "/id")?.to_owned();
    let mut opened = Opened { gateway: walk.gateway, person, id, key, token: String::new() };
    let let_in = timeout_at(deadline, opened.let_in(&offer)).await;
    match let_in.context("the device was not let in in time").flatten() {
        Ok(token) => {
            opened.token = token;
            Ok(opened)
        }
        Err(error) => {
            // It lapses by itself should that fail too.
            let _ = opened.end().await;
            Err(error)
        }
    }
}

impl<'a> Opened<'a> {
    async fn let_in(&self, offer: &Value) -> anyhow::Result<String> {
        let picture = self.gateway.get(format!("/v1/sessions/{}/code.png", self.id)).bearer(&self.person.text);
        let picture = picture.expect(200).await.context("there is no code to be seen")?;
        ensure!(picture.body().starts_with(PNG), "the code is no picture");
        let (_, handle) = text(offer, "/link")?.split_once('#').context("the link holds no handle")?;
        let body = json!({"handle": handle, "device": LABEL});
        let redeemed = self.proved(self.gateway.post(REDEEM, &body), REDEEM)?;
        let redeemed = redeemed.expect(200).await.context("the code is not redeemed")?.json()?;
        let number = json!({"number": text(&redeemed, "/number")?});
        let confirmation = self.gateway.post(format!("/v1/sessions/{}/confirmation", self.id), &number);
        confirmation.bearer(&self.person.text).expect(204).await.context("the number is not confirmed")?;
        let form = [("grant_type", DEVICE_CODE), ("device_code", text(&redeemed, "/device_code")?)];
        let asked = self.gateway.call(Method::POST, TOKEN).form(&form);
        let tokens = self.proved(asked, TOKEN)?.expect(200).await.context("the device gets no token")?.json()?;
        Ok(text(&tokens, "/access_token")?.to_owned())
    }

    /// With a proof of the device's key and without a token.
    fn proved<'b>(&self, call: Call<'b>, path: &str) -> anyhow::Result<Call<'b>> {
        let proof = self.key.proof("POST", &self.gateway.url(path)?, None, None).context("no proof can be made")?;
        Ok(call.header("dpop", &proof))
    }

    /// What the device asks, with its token and a proof.
    pub(super) fn request(&self, method: Method, path: &str) -> anyhow::Result<Call<'a>> {
        let proof = self.key.proof(method.as_str(), &self.gateway.url(path)?, Some(&self.token), None);
        let call = self.gateway.call(method, path).authorization("DPoP", &self.token);
        Ok(call.header("dpop", &proof.context("no proof can be made")?))
    }

    /// Ends it, in the name of its person.
    pub(super) async fn end(&self) -> anyhow::Result<()> {
        let call = self.gateway.call(Method::DELETE, format!("/v1/sessions/{}", self.id)).bearer(&self.person.text);
        call.expect(204).await.context("the session is not ended")?;
        Ok(())
    }
}

/// Asks until the answer is 401, and says how long that took; fails when it takes longer than it may.
pub(super) async fn until_refused<'a>(request: impl Fn() -> anyhow::Result<Call<'a>>) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    loop {
        let asked = begun.elapsed();
        let answer = request()?.send().await?;
        if answer.status() == 401 {
            return Ok(asked);
        }
        if asked > REFUSED_WITHIN {
            bail!("{} ms after its end its token is answered {}", asked.as_millis(), answer.said());
        }
        sleep(LOOK_EVERY).await;
    }
}
