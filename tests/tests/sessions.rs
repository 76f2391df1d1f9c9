//! Sessions of further devices through the real Traefik and the shipped rules: from a picture to an answer, and to the end.

use std::io::{Cursor, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use programs::artifacts;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::time::timeout;
use watchgate_tests::client::{Caller, expect_json, status};
use watchgate_tests::dpop::DpopKey;
use watchgate_tests::{Stage, StageOptions, shipped_gate_with_sessions};

const SCOPES: &str = "sessions:write events:read assistant:ask runbooks:read";
const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const PATIENCE: Duration = Duration::from_secs(20);

async fn stage() -> Result<Stage> {
    let gate = shipped_gate_with_sessions(&["https://issuer.watchgate.test"])?;
    Stage::start(StageOptions { gate: Some(gate), sessions: true, ..StageOptions::default() }).await
}

/// A phone.
struct Phone {
    key: DpopKey,
    caller: Caller,
    base_url: String,
}

impl Phone {
    fn new(stage: &Stage) -> Result<Phone> {
        Ok(Phone { key: DpopKey::generate()?, caller: stage.stranger()?, base_url: stage.base_url() })
    }

    fn proved(&self, request: RequestBuilder, path: &str) -> Result<RequestBuilder> {
        let proof = self.key.proof("POST", &format!("{}{path}", self.base_url)).sign();
        Ok(request.header("DPoP", proof))
    }

    async fn redeem(&self, link: &str) -> Result<Value> {
        let (_, handle) = link.split_once("/watch#").context("no handle in the link")?;
        let path = "/v1/sessions:redeem";
        let request = self.caller.post(path, &json!({"handle": handle, "device": "a phone"}));
        expect_json(200, self.proved(request, path)?).await
    }

    fn form(&self, path: &str, form: &[(&str, &str)]) -> Result<RequestBuilder> {
        self.proved(self.caller.request(Method::POST, path).form(form), path)
    }

    fn poll(&self, device_code: &Value) -> Result<RequestBuilder> {
        let code = device_code.as_str().context("no device code")?;
        self.form("/v1/sessions:token", &[("grant_type", DEVICE_CODE), ("device_code", code)])
    }

    fn refresh(&self, tokens: &Value) -> Result<RequestBuilder> {
        let token = tokens["refresh_token"].as_str().context("no refresh token")?;
        self.form("/v1/sessions:token", &[("grant_type", "refresh_token"), ("refresh_token", token)])
    }

    /// A request with the session's token and a proof for it.
    fn with(&self, tokens: &Value, method: Method, path: &str) -> Result<RequestBuilder> {
        let token = tokens["access_token"].as_str().context("no access token")?;
        let proof = self.key.proof(method.as_str(), &format!("{}{path}", self.base_url)).token(token).sign();
        let request = self.caller.request(method, path);
        Ok(request.header("Authorization", format!("DPoP {token}")).header("DPoP", proof))
    }
}

/// What a camera reads.
fn read(picture: &[u8]) -> Result<String> {
    let mut reader = png::Decoder::new(Cursor::new(picture)).read_info()?;
    let mut pixels = vec![0; reader.output_buffer_size().context("too large")?];
    let info = reader.next_frame(&mut pixels)?;
    let (width, height) = (usize::try_from(info.width)?, usize::try_from(info.height)?);
    let channels = info.color_type.samples();
    let grey = |x: usize, y: usize| {
        let at = y.saturating_mul(width).saturating_add(x).saturating_mul(channels);
        pixels.get(at).copied().unwrap_or(u8::MAX)
    };
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, height, grey);
    let grids = image.detect_grids();
    Ok(grids.first().context("no code in the picture")?.decode()?.1)
}

async fn let_in(person: &Caller, id: &Value, body: &Value) -> Result<()> {
    let path = format!("/v1/sessions/{}/confirmation", id.as_str().context("no id")?);
    ensure!(status(person.post(&path, body)).await? == 204, "the confirmation was refused");
    Ok(())
}

/// Reads until the stream ends.
async fn ended(mut stream: Response) -> Result<Instant> {
    loop {
        match timeout(PATIENCE, stream.chunk()).await.context("the stream does not end")? {
            Ok(Some(_)) => {}
            Ok(None) => return Ok(Instant::now()),
            Err(error) => bail!("the stream broke off instead of ending: {error}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_phone_that_reads_the_picture_asks_for_its_person_until_the_session_is_ended() -> Result<()> {
    stage()
        .await?
        .play(async |stage| {
            let person = stage.caller("ada", SCOPES)?;
            let offer = expect_json(201, person.post("/v1/sessions", &json!({"label": "phone"}))).await?;
            let id = offer["id"].as_str().context("no id")?;
            let picture = person.get(&format!("/v1/sessions/{id}/code.png")).send().await?.error_for_status()?;
            let phone = Phone::new(stage)?;
            let redeemed = phone.redeem(&read(&picture.bytes().await?)?).await?;
            ensure!(redeemed["account"] == "ada", "{redeemed}");
            let_in(&person, &offer["id"], &json!({"number": redeemed["number"]})).await?;
            let tokens = expect_json(200, phone.poll(&redeemed["device_code"])?).await?;

            let question = json!({"question": "How do I restart the mailer?"});
            expect_json(200, phone.with(&tokens, Method::POST, "/v1/ask")?.json(&question)).await?;
            // It is the person, who sees what it has done as her own; and it may not do all that she may.
            ensure!(status(phone.with(&tokens, Method::POST, "/v1/sessions")?.json(&json!({}))).await? == 403);
            let borne = stage.stranger()?.with_token(tokens["access_token"].as_str().context("no token")?);
            ensure!(status(borne.get("/v1/events")).await? == 401, "a session's token was taken without a proof");

            let stream = phone.with(&tokens, Method::GET, "/v1/events")?.header("accept", "text/event-stream");
            let stream = stream.send().await?.error_for_status()?;
            let began = Instant::now();
            ensure!(status(person.request(Method::DELETE, &format!("/v1/sessions/{id}"))).await? == 204);
            let took = ended(stream).await?.duration_since(began);
            println!("the stream ended after {took:?}");
            ensure!(status(phone.with(&tokens, Method::GET, "/v1/events")?).await? == 401);
            ensure!(status(phone.refresh(&tokens)?).await? == 400);
            Ok(())
        })
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_shows_a_code_is_let_in_and_a_refresh_token_that_comes_twice_ends_it() -> Result<()> {
    stage()
        .await?
        .play(async |stage| {
            let person = stage.caller("ada", SCOPES)?;
            let phone = Phone::new(stage)?;
            let waiting = expect_json(200, phone.form("/v1/sessions:device", &[("device", "a screen")])?).await?;
            let pending = expect_json(400, phone.poll(&waiting["device_code"])?).await?;
            ensure!(pending["error"] == "authorization_pending", "{pending}");
            let code = json!({"user_code": waiting["user_code"]});
            let joined = expect_json(200, person.post("/v1/sessions:join", &code)).await?;
            ensure!(joined["device"] == "a screen", "{joined}");
            let_in(&person, &joined["id"], &json!({})).await?;
            let first = expect_json(200, phone.poll(&waiting["device_code"])?).await?;
            ensure!(status(phone.with(&first, Method::GET, "/v1/events")?).await? == 200);
            let second = expect_json(200, phone.refresh(&first)?).await?;
            ensure!(status(phone.with(&second, Method::GET, "/v1/events")?).await? == 200);
            let third = expect_json(200, phone.refresh(&second)?).await?;
            ensure!(status(phone.refresh(&first)?).await? == 400);
            ensure!(status(phone.refresh(&third)?).await? == 400);
            ensure!(status(phone.with(&third, Method::GET, "/v1/events")?).await? == 401);
            Ok(())
        })
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_revoked_by_a_login_is_out_of_the_sessions_that_were_opened_in_it_and_their_streams_end()
-> Result<()> {
    stage()
        .await?
        .play(async |stage| {
            let token = stage.token("ada").scope(SCOPES).claim("sid", "\"login-1\"").mint()?;
            let person = stage.stranger()?.with_token(&token);
            let phone = Phone::new(stage)?;
            let offer = expect_json(201, person.post("/v1/sessions", &json!({}))).await?;
            let redeemed = phone.redeem(offer["link"].as_str().context("no link")?).await?;
            let_in(&person, &offer["id"], &json!({"number": redeemed["number"]})).await?;
            let tokens = expect_json(200, phone.poll(&redeemed["device_code"])?).await?;
            let stream = phone.with(&tokens, Method::GET, "/v1/events")?.header("accept", "text/event-stream");
            let stream = stream.send().await?.error_for_status()?;
            let operator = stage.caller("operator", "revocations:write")?;
            let login = [("iss", "https://issuer.watchgate.test"), ("sid", "login-1")];
            let began = Instant::now();
            ensure!(status(operator.request(Method::POST, "/v1/revocations").form(&login)).await? == 200);
            let took = ended(stream).await?.duration_since(began);
            println!("the stream ended after {took:?}");
            ensure!(status(phone.with(&tokens, Method::GET, "/v1/events")?).await? == 401);
            ensure!(status(phone.refresh(&tokens)?).await? == 400);
            Ok(())
        })
        .await
}

/// What an independent JOSE library reads in a handle.
fn opened(handle: &str, secret: &Path) -> Result<Value> {
    let mut node = Command::new(artifacts::node()?)
        .arg(artifacts::root().join("tests/identity-provider/open-handle.mjs"))
        .arg(secret)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    node.stdin.take().context("no standard input")?.write_all(handle.as_bytes())?;
    let said = node.wait_with_output()?;
    ensure!(said.status.success(), "the library does not open the handle");
    Ok(serde_json::from_slice(&said.stdout)?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_library_opens_the_handle_of_a_link_and_finds_no_token_in_it() -> Result<()> {
    stage()
        .await?
        .play(async |stage| {
            let person = stage.caller("ada", SCOPES)?;
            let offer = expect_json(201, person.post("/v1/sessions", &json!({}))).await?;
            let (_, handle) = offer["link"].as_str().and_then(|link| link.split_once('#')).context("no handle")?;
            let read = opened(handle, &stage.folder().join("sessions/handle.key"))?;
            ensure!(read["header"] == json!({"alg": "dir", "enc": "A256GCM"}), "{read}");
            let said = read["handle"].as_object().context("no object")?;
            ensure!(said.keys().map(String::as_str).eq(["exp", "nonce", "sid"]), "{read}");
            ensure!(said["sid"] == offer["id"], "{read}");
            Ok(())
        })
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs zbarimg: make test-host"]
async fn zbar_reads_the_picture_of_a_code() -> Result<()> {
    stage()
        .await?
        .play(async |stage| {
            let person = stage.caller("ada", SCOPES)?;
            let offer = expect_json(201, person.post("/v1/sessions", &json!({}))).await?;
            let path = format!("/v1/sessions/{}/code.png", offer["id"].as_str().context("no id")?);
            let picture = person.get(&path).send().await?.error_for_status()?.bytes().await?;
            let file = stage.folder().join("code.png");
            std::fs::write(&file, &picture)?;
            let said = Command::new("zbarimg").args(["--quiet", "--raw"]).arg(&file).output()?;
            ensure!(said.status.success(), "zbarimg found no code");
            let link = String::from_utf8(said.stdout)?;
            // Each picture is sealed anew: the same session, by another handle.
            let (page, handle) = link.trim_end().split_once('#').context("no handle")?;
            ensure!(offer["link"].as_str().is_some_and(|offered| offered.starts_with(page)), "another page: {page}");
            let read = opened(handle, &stage.folder().join("sessions/handle.key"))?;
            ensure!(read["handle"]["sid"] == offer["id"], "{read}");
            Ok(())
        })
        .await
}
