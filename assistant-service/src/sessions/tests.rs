//! Sessions by unit: a person, a device with a key of its own, and whoever stands between them.

use std::path::Path;
use std::time::Duration;

use axum::http::StatusCode;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{EncodePrivateKey, KeypairBytes};
use ed25519_dalek::{Signer, SigningKey};
use serde_json::{Value, json};
use trust_core::transaction_token::TransactionClaims;

use crate::testing::{Answer, HOST, ISSUER, Stage, StagedRequest};

mod attacks;
mod bounds;
mod codes;
mod links;
mod pictures;
mod replicas;
mod revoking;

const SCOPES: &str = "sessions:write events:read commands:approve silences:write";

/// A service with sessions, and where its keys lie.
struct Scene {
    stage: Stage,
    folder: tempfile::TempDir,
}

/// A phone.
struct Device {
    key: SigningKey,
    made: std::cell::Cell<u32>,
}

fn scene() -> Scene {
    let folder = tempfile::tempdir().unwrap();
    let pem = KeypairBytes { secret_key: [7; 32], public_key: None }.to_pkcs8_pem(LineEnding::LF).unwrap();
    std::fs::write(folder.path().join("sessions.pem"), pem.as_bytes()).unwrap();
    std::fs::write(folder.path().join("handle.key"), [9; 32]).unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let text = format!(
        "audience: watchgate\nkeyFile: {}\nhandleKeyFile: {}\norigin: https://{HOST}\n",
        at("sessions.pem"),
        at("handle.key")
    );
    std::fs::write(folder.path().join("sessions.yml"), text).unwrap();
    let stage = Stage::new().with_file_of_sessions(&folder.path().join("sessions.yml"));
    Scene { stage, folder }
}

impl Scene {
    fn file(&self) -> std::path::PathBuf {
        self.folder.path().join("sessions.yml")
    }

    async fn offer(&self) -> Value {
        let offer = person(self.stage.post("/v1/sessions", &json!({"label": "phone"}))).send().await;
        assert_eq!(offer.status, StatusCode::CREATED, "{offer:?}");
        assert_eq!(offer.headers["cache-control"], "no-store");
        offer.json
    }

    async fn confirm(&self, id: &Value, body: Value) -> Answer {
        let target = format!("/v1/sessions/{}/confirmation", id.as_str().unwrap());
        person(self.stage.post(&target, &body)).send().await
    }

    async fn list(&self) -> Vec<Value> {
        person(self.stage.get("/v1/sessions")).send().await.json["sessions"].as_array().unwrap().clone()
    }

    async fn end(&self, id: &Value) -> StatusCode {
        let target = format!("/v1/sessions/{}", id.as_str().unwrap());
        person(self.stage.request("DELETE", &target)).send().await.status
    }

    /// What the events tell of a session, oldest first.
    async fn told(&self, id: &Value) -> Vec<String> {
        let target = format!("/v1/events?subject={}&limit=100&order=asc", id.as_str().unwrap());
        let answer = self.stage.get(&target).send().await;
        let events = answer.json["events"].as_array().unwrap().iter();
        let mut told: Vec<_> =
            events.map(|one| one["event"]["type"].as_str().unwrap().rsplit('.').next().unwrap().to_owned()).collect();
        if answer.json["events"][0]["position"].as_u64() > answer.json["events"][told.len() - 1]["position"].as_u64() {
            told.reverse();
        }
        told
    }
}

/// Somebody with an own token.
fn person(request: StagedRequest<'_>) -> StagedRequest<'_> {
    request.claiming(|claims| claims.scope = Some(SCOPES.to_owned()))
}

/// Whoever comes by a public rule.
fn nobody(claims: &mut TransactionClaims) {
    claims.sub = None;
    claims.scope = None;
    claims.rctx = Default::default();
}

impl Device {
    fn new(seed: u8) -> Self {
        Self { key: SigningKey::from_bytes(&[seed; 32]), made: std::cell::Cell::new(0) }
    }

    fn proof(&self, stage: &Stage, target: &str) -> String {
        self.made.set(self.made.get() + 1);
        let x = BASE64_URL_SAFE_NO_PAD.encode(self.key.verifying_key().as_bytes());
        let header = json!({"typ": "dpop+jwt", "alg": "EdDSA", "jwk": {"kty": "OKP", "crv": "Ed25519", "x": x}});
        let now = stage.state.clock.now().unix_timestamp();
        let claims = json!({"htm": "POST", "htu": format!("https://{HOST}{target}"), "iat": now, "jti": format!("p{}", self.made.get())});
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(&claims));
        let signature = BASE64_URL_SAFE_NO_PAD.encode(self.key.sign(signed.as_bytes()).to_bytes());
        format!("{signed}.{signature}")
    }

    async fn redeem(&self, stage: &Stage, link: &Value) -> Answer {
        self.redeem_with(stage, link, &self.proof(stage, "/v1/sessions:redeem")).await
    }

    async fn redeem_with(&self, stage: &Stage, link: &Value, proof: &str) -> Answer {
        let (_, handle) = link.as_str().unwrap().split_once("/watch#").unwrap();
        let body = json!({"handle": handle, "device": "Ada's phone"});
        stage.post("/v1/sessions:redeem", &body).claiming(nobody).header("dpop", proof).send().await
    }

    async fn form(&self, stage: &Stage, target: &str, form: &str) -> Answer {
        self.form_with(stage, target, form, &self.proof(stage, target)).await
    }

    async fn form_with(&self, stage: &Stage, target: &str, form: &str, proof: &str) -> Answer {
        let request = stage.request("POST", target).header("content-type", "application/x-www-form-urlencoded");
        request.claiming(nobody).header("dpop", proof).body(form).send().await
    }

    async fn poll(&self, stage: &Stage, device_code: &Value) -> Answer {
        self.form(stage, "/v1/sessions:token", &polling(device_code)).await
    }

    async fn refresh(&self, stage: &Stage, refresh_token: &Value) -> Answer {
        let form = format!("grant_type=refresh_token&refresh_token={}", refresh_token.as_str().unwrap());
        self.form(stage, "/v1/sessions:token", &form).await
    }
}

fn polling(device_code: &Value) -> String {
    let code = device_code.as_str().unwrap();
    format!("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&device_code={code}")
}

/// A session that has its first tokens: what was offered, and the tokens.
async fn begun(scene: &Scene, device: &Device) -> (Value, Value) {
    let offer = scene.offer().await;
    let redeemed = device.redeem(&scene.stage, &offer["link"]).await;
    assert_eq!(redeemed.status, StatusCode::OK, "{redeemed:?}");
    let confirmed = scene.confirm(&offer["id"], json!({"number": redeemed.json["number"]})).await;
    assert_eq!(confirmed.status, StatusCode::NO_CONTENT, "{confirmed:?}");
    let tokens = device.poll(&scene.stage, &redeemed.json["device_code"]).await;
    assert_eq!(tokens.status, StatusCode::OK, "{tokens:?}");
    (offer, tokens.json)
}

fn refused(answer: &Answer) -> (u16, &str) {
    let name = answer.json["error"].as_str();
    let name = name.or_else(|| answer.json["type"].as_str().map(|text| text.rsplit(':').next().unwrap()));
    (answer.status.as_u16(), name.unwrap_or_default())
}

fn claims_of(token: &Value) -> (Value, Value) {
    let mut parts = token.as_str().unwrap().split('.').map(|part| {
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap_or_default()).unwrap_or(Value::Null)
    });
    (parts.next().unwrap(), parts.next().unwrap())
}

/// As the gate would tell of a request with the session's token.
fn with_session(id: &Value) -> impl FnOnce(&mut TransactionClaims) {
    let sid = id.as_str().unwrap().to_owned();
    move |claims| claims.rctx.sid = Some(sid)
}

fn second() -> Duration {
    Duration::from_secs(1)
}

/// What whoever runs the service revokes of the person's issuer.
async fn revoke(scene: &Scene, named: &str) -> StatusCode {
    let request = scene.stage.request("POST", "/v1/revocations").by("admin");
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    request.body(format!("iss={ISSUER}&{named}")).send().await.status
}

/// A second service on the same store.
fn replica(scene: &Scene, file: &Path) -> Stage {
    scene.stage.replica().with_file_of_sessions(file)
}
