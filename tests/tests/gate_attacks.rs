//! The gate against attackers: a table of requests and the status that each must get. Traefik's own defences are off,
//! so whatever is refused here was refused by the gate; the back end would have answered 200 to all of it.

#![expect(clippy::indexing_slicing, reason = "a JSON value answers null for a member that it has not")]

use std::fs;
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde_json::{Value, json};
use watchgate_tests::back_end::EchoBackEnd;
use watchgate_tests::client::{expect_json, status};
use watchgate_tests::forgery::{self, Parts, Signer, set};
use watchgate_tests::raw::{RawAnswer, RawRequest};
use watchgate_tests::{BackEnd, SharedStage, Stage, StageOptions, artifacts, shipped_gate};

static STAGE: SharedStage = SharedStage::new(gate_before_an_echo);

/// A second issuer that the gate trusts with a key of its own, given inline.
const SECOND_ISSUER: &str = "https://second.watchgate.test";

fn gate_before_an_echo() -> Result<StageOptions> {
    let jwks = &second_issuer()?.jwks;
    let mut gate = shipped_gate()?;
    let issuers = gate["issuers"].as_array_mut().context("the shipped gate names no issuers")?;
    issuers.push(json!({"issuer": SECOND_ISSUER, "audiences": ["watchgate"], "jwks": jwks, "leewaySeconds": 0}));
    let back_end = BackEnd::DropIn(EchoBackEnd::start("echo")?.url());
    Ok(StageOptions { back_end, gate: Some(gate), gate_alone: true, ..StageOptions::default() })
}

struct SecondIssuer {
    jwks: Value,
    signer: Signer,
}

/// Made once, in a folder that is gone when its keys have been read.
fn second_issuer() -> Result<&'static SecondIssuer> {
    static MADE: OnceLock<std::result::Result<SecondIssuer, String>> = OnceLock::new();
    let made = MADE.get_or_init(|| make_second_issuer().map_err(|error| format!("{error:#}")));
    made.as_ref().map_err(|error| anyhow!("{error}"))
}

fn make_second_issuer() -> Result<SecondIssuer> {
    let folder = tempfile::tempdir()?;
    let made = Command::new(artifacts::watchgate()?)
        .args(["keys", "dev", "--issuer", SECOND_ISSUER, "--dir"])
        .arg(folder.path())
        .output()?;
    ensure!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let jwks = serde_json::from_slice(&fs::read(folder.path().join("trust/jwks/dev.json"))?)?;
    Ok(SecondIssuer { jwks, signer: Signer::read(&folder.path().join("issuer"))? })
}

/// What the rows are made of.
struct Forge {
    good: String,
    parts: Parts,
    signer: Signer,
    second: &'static Signer,
}

impl Forge {
    fn new(stage: &Stage) -> Result<Forge> {
        let good = stage.mint("console-7", "events:write assistant:ask")?;
        let parts = Parts::of(&good)?;
        let second = &second_issuer()?.signer;
        Ok(Forge { good, parts, signer: Signer::read(&stage.issuer_keys())?, second })
    }

    /// A token of the right issuer, rightly signed, with one claim changed; `null` leaves it out.
    fn claim(&self, name: &str, value: Value) -> Result<String> {
        let mut claims = self.parts.claims.clone();
        set(&mut claims, name, value);
        self.signer.sign(&self.parts.header, &claims)
    }

    /// The same for a member of the header.
    fn header(&self, name: &str, value: Value) -> Result<String> {
        let mut header = self.parts.header.clone();
        set(&mut header, name, value);
        self.signer.sign(&header, &self.parts.claims)
    }

    /// A good token of the second issuer.
    fn of_the_second(&self, exp: Value) -> Result<String> {
        let (mut header, mut claims) = (self.parts.header.clone(), self.parts.claims.clone());
        set(&mut header, "kid", json!(self.second.kid()));
        set(&mut claims, "iss", json!(SECOND_ISSUER));
        set(&mut claims, "exp", exp);
        self.second.sign(&header, &claims)
    }
}

struct Row {
    name: String,
    expected: &'static [u16],
    request: RawRequest,
}

fn row(name: &str, expected: &'static [u16], request: RawRequest) -> Row {
    Row { name: name.into(), expected, request }
}

fn post(token: &str) -> RawRequest {
    RawRequest::new("POST", "/v1/events").header(format!("Authorization: Bearer {token}"))
}

fn with_token(name: &str, token: &str) -> Row {
    row(name, &[401], post(token))
}

fn forged_tokens(stage: &Stage, forge: &Forge) -> Result<Vec<Row>> {
    let good = &forge.good;
    let foreign_with_our_kid = {
        let mut header = forge.parts.header.clone();
        set(&mut header, "kid", json!(forge.signer.kid()));
        forge.second.sign(&header, &forge.parts.claims)?
    };
    let foreign_with_its_kid = {
        let mut header = forge.parts.header.clone();
        set(&mut header, "kid", json!(forge.second.kid()));
        forge.second.sign(&header, &forge.parts.claims)?
    };
    let ours_for_the_second = forge.claim("iss", json!(SECOND_ISSUER))?;
    let mut rows = vec![
        with_token("a tampered subject", &forgery::tampered(good, "sub", json!("root"))?),
        with_token("a tampered scope", &forgery::tampered(good, "scope", json!("events:write admin"))?),
        with_token("a prolonged expiry", &forgery::tampered(good, "exp", json!(4_102_444_800_u64))?),
        with_token("alg none", &forgery::unsigned(good, "none")?),
        with_token("alg None", &forgery::unsigned(good, "None")?),
        with_token("alg NONE", &forgery::unsigned(good, "NONE")?),
        with_token("no alg at all", &forge.header("alg", Value::Null)?),
        with_token("an empty alg", &forge.header("alg", json!(""))?),
        with_token("a number as alg", &forge.header("alg", json!(0))?),
        with_token("alg none with the real signature", &forge.header("alg", json!("none"))?),
        with_token("RS256 announced, Ed25519 signed", &forge.header("alg", json!("RS256"))?),
        with_token("an algorithm that the issuer may not use", &forge.header("alg", json!("ES256"))?),
        with_token("another issuer's key under our key id", &foreign_with_our_kid),
        with_token("another trusted issuer's key for our issuer", &foreign_with_its_kid),
        with_token("our key for another trusted issuer", &ours_for_the_second),
        with_token("an unknown key id", &forge.header("kid", json!("nobody"))?),
        with_token("a number as key id", &forge.header("kid", json!(7))?),
        with_token("an object as key id", &forge.header("kid", json!({"a": 1}))?),
        with_token("a path as key id", &forge.header("kid", json!("../../gate.key"))?),
        with_token("a critical extension", &forge.header("crit", json!(["exp"]))?),
        with_token(
            "an unencoded payload",
            &forge.header("b64", json!(false)).and_then(|token| {
                let mut parts = Parts::of(&token)?;
                set(&mut parts.header, "crit", json!(["b64"]));
                forge.signer.sign(&parts.header, &parts.claims)
            })?,
        ),
    ];
    let mut embedded = forge.parts.header.clone();
    set(&mut embedded, "jwk", second_public_key()?);
    rows.push(with_token("a key brought along in the header", &forge.second.sign(&embedded, &forge.parts.claims)?));
    set(&mut embedded, "jwk", Value::Null);
    set(&mut embedded, "jku", json!("https://attacker.example/jwks.json"));
    rows.push(with_token("a link to a key in the header", &forge.second.sign(&embedded, &forge.parts.claims)?));
    for (number, secret) in forgery::public_key_secrets(&stage.keys().join("trust/jwks/dev.json"))?.iter().enumerate() {
        let name = format!("an HMAC made from the public key, form {number}");
        rows.push(with_token(&name, &forgery::hmac_signed(good, secret)?));
    }
    Ok(rows)
}

fn second_public_key() -> Result<Value> {
    let keys = second_issuer()?.jwks["keys"].as_array().context("no keys")?;
    keys.iter().find(|key| key["kty"] == "OKP").cloned().context("no Ed25519 key")
}

fn wrong_claims(stage: &Stage, forge: &Forge) -> Result<Vec<Row>> {
    let claim =
        |name: &str, claim: &str, value: Value| Ok::<_, anyhow::Error>(with_token(name, &forge.claim(claim, value)?));
    let typ = |name: &str, value: Value| Ok::<_, anyhow::Error>(with_token(name, &forge.header("typ", value)?));
    Ok(vec![
        with_token("an expired token", &stage.token("console-7").scope("events:write").ttl_seconds(-60).mint()?),
        claim("no expiry", "exp", Value::Null)?,
        claim("text as expiry", "exp", json!("4102444800"))?,
        claim("a list as expiry", "exp", json!([4_102_444_800_u64]))?,
        claim("a negative expiry", "exp", json!(-1))?,
        claim("not valid before 2100", "nbf", json!(4_102_444_800_u64))?,
        claim("text as not-before", "nbf", json!("0"))?,
        claim("no issuer", "iss", Value::Null)?,
        claim("an unknown issuer", "iss", json!("https://issuer.example"))?,
        claim("our issuer with a slash behind it", "iss", json!("https://issuer.watchgate.test/"))?,
        claim("a list as issuer", "iss", json!(["https://issuer.watchgate.test"]))?,
        claim("a number as issuer", "iss", json!(1))?,
        claim("no audience", "aud", Value::Null)?,
        claim("another audience", "aud", json!("billing"))?,
        claim("an audience that begins like ours", "aud", json!("watchgate-staging"))?,
        claim("other audiences", "aud", json!(["billing", "mail"]))?,
        claim("an empty list of audiences", "aud", json!([]))?,
        claim("a number as audience", "aud", json!(7))?,
        claim("an object as audience", "aud", json!({"watchgate": true}))?,
        claim("no subject", "sub", Value::Null)?,
        claim("a number as subject", "sub", json!(7))?,
        claim(
            "a token bound to a key that nobody showed",
            "cnf",
            json!({"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}),
        )?,
        typ("no type", Value::Null)?,
        typ("an ID token", json!("JWT"))?,
        typ("one of our own transaction tokens' type", json!("txntoken+jwt"))?,
        typ("a number as type", json!(7))?,
        with_token("claims that are a list", &forge.signer.sign(&forge.parts.header, &json!(["sub", "console-7"]))?),
    ])
}

fn malformed_tokens(forge: &Forge) -> Vec<Row> {
    let good = &forge.good;
    let plain = || RawRequest::new("POST", "/v1/events");
    let two_parts = good.rsplit_once('.').map_or("", |(two, _)| two);
    vec![
        row("no token", &[401], plain()),
        row("an empty header", &[401], plain().header("Authorization:")),
        row("a scheme and no token", &[401], plain().header("Authorization: Bearer")),
        row("a scheme and a space", &[401], plain().header("Authorization: Bearer ")),
        row("a token without a scheme", &[401], plain().header(format!("Authorization: {good}"))),
        row("another scheme", &[401], plain().header(format!("Authorization: Basic {good}"))),
        row("a scheme that begins like ours", &[401], plain().header(format!("Authorization: BearerX {good}"))),
        row("two tokens in one header", &[401], post(&format!("{good} {good}"))),
        row("two tokens with a comma", &[401], post(&format!("{good}, Bearer {good}"))),
        row("two Authorization headers", &[400], post(good).header(format!("Authorization: Bearer {good}"))),
        row("two Authorization headers, the first one empty", &[400, 401], {
            plain().header("Authorization:").header(format!("Authorization: Bearer {good}"))
        }),
        with_token("no JWT", "let-me-in"),
        with_token("two parts", two_parts),
        with_token("four parts", &format!("{good}.x")),
        with_token("five parts", &format!("{good}.x.y")),
        with_token("padding behind the signature", &format!("{good}=")),
        with_token("an empty signature", &format!("{two_parts}.")),
        with_token("a token of 20 KiB", &format!("{good}{}", "A".repeat(20_000))),
        row("the token in the query", &[401], RawRequest::new("POST", &format!("/v1/events?access_token={good}"))),
        row("the token in a cookie", &[401], plain().header(format!("Cookie: access_token={good}"))),
        row(
            "the token under an alias of the header",
            &[401],
            plain().header(format!("X-Authorization: Bearer {good}")),
        ),
    ]
}

fn ways_around_the_rules(forge: &Forge) -> Vec<Row> {
    let good = &forge.good;
    let get = |target: &str| RawRequest::new("GET", target).header(format!("Authorization: Bearer {good}"));
    let anonymous = |target: &str| RawRequest::new("GET", target);
    vec![
        row("an event stream without a token", &[401], anonymous("/v1/events").header("Accept: text/event-stream")),
        row("a WebSocket without a token", &[401], {
            anonymous("/v1/events").header("Upgrade: websocket").header("Sec-WebSocket-Version: 13")
        }),
        row(
            "a preflight without a token",
            &[401, 403],
            RawRequest::new("OPTIONS", "/v1/events").header("Origin: https://a.example"),
        ),
        row("a method override", &[401], anonymous("/v1/events").header("X-HTTP-Method-Override: OPTIONS")),
        row("another path in X-Original-URL", &[401], anonymous("/v1/events").header("X-Original-URL: /healthz")),
        row("another path in X-Forwarded-Uri", &[401], anonymous("/v1/events").header("X-Forwarded-Uri: /healthz")),
        row("another path in X-Rewrite-URL", &[401], anonymous("/v1/events").header("X-Rewrite-URL: /healthz")),
        row("a scope that is not in the token", &[403], get("/v1/events")),
        row(
            "a method without a rule",
            &[403],
            RawRequest::new("DELETE", "/v1/events").header(format!("Authorization: Bearer {good}")),
        ),
        row(
            "a method in lower case",
            &[400, 403],
            RawRequest::new("post", "/v1/events").header(format!("Authorization: Bearer {good}")),
        ),
        row("a path without a rule", &[403], get("/")),
        row("a path that begins like a public one", &[403], anonymous("/healthzz")),
        row("a path below a public one", &[403], anonymous("/healthz/v1/events")),
        row("a path in capitals", &[403], get("/V1/EVENTS")),
        row(
            "a slash at the end",
            &[400, 403],
            RawRequest::new("POST", "/v1/events/").header(format!("Authorization: Bearer {good}")),
        ),
        row("a doubled slash", &[400], anonymous("//v1/events")),
        row("a doubled slash inside", &[400], anonymous("/v1//events")),
        row("dot segments", &[400], anonymous("/healthz/../v1/events")),
        row("a single dot", &[400], anonymous("/healthz/./x")),
        row("encoded dot segments", &[400], anonymous("/healthz/%2e%2e/v1/events")),
        row("half-encoded dot segments", &[400], anonymous("/healthz/.%2E/v1/events")),
        row("an encoded slash", &[400], anonymous("/healthz%2fv1%2fevents")),
        row("an encoded backslash", &[400], anonymous("/healthz%5cv1")),
        row("an encoded NUL", &[400], anonymous("/healthz%00")),
        row("an encoded percent sign", &[400], anonymous("/healthz%252f..")),
        row("an encoded question mark", &[400], anonymous("/healthz%3fa")),
        row("an encoded hash", &[400], anonymous("/healthz%23a")),
        row("an encoded semicolon", &[400], anonymous("/healthz%3ba")),
        row("a path parameter", &[400, 403], anonymous("/healthz;a=b/../v1/events")),
        row("an encoding that is none", &[400], anonymous("/healthz%zz")),
        row("another host", &[403], get("/healthz").host("gateway.example")),
        row("our host as a part of another", &[403], get("/healthz").host("localhost.example")),
        row("our host on another port", &[403], get("/healthz").host("localhost:1")),
        row("another host in the request line", &[403], get("https://gateway.example/healthz")),
    ]
}

fn events_of_others(forge: &Forge) -> Vec<Row> {
    let event = |kind: &str, source: &str| {
        post(&forge.good)
            .header("ce-specversion: 1.0")
            .header("ce-id: 1")
            .header(format!("ce-type: {kind}"))
            .header(format!("ce-source: {source}"))
    };
    let own = "https://issuer.watchgate.test#console-7";
    vec![
        row(
            "an event in another's name",
            &[403],
            event("com.example.telemetry.a", "https://issuer.watchgate.test#console-8"),
        ),
        row(
            "an event in the name of one that begins like ours",
            &[403],
            event("com.example.telemetry.a", &format!("{own}0")),
        ),
        row(
            "an event in another issuer's name",
            &[403],
            event("com.example.telemetry.a", "https://other.example#console-7"),
        ),
        row(
            "an event in the service's name",
            &[403],
            event("com.example.telemetry.a", "urn:watchgate:assistant-service"),
        ),
        row("an event of a type that is not the client's", &[403], event("dev.watchgate.command.succeeded", own)),
        row("an event of a type that begins like the client's", &[403], event("com.example.telemetryx.a", own)),
    ]
}

fn must_pass(forge: &Forge) -> Result<Vec<Row>> {
    let good = &forge.good;
    let of_the_second = forge.of_the_second(forge.parts.claims["exp"].clone())?;
    Ok(vec![
        row("a good token", &[200], post(good)),
        row(
            "a good token, the scheme in lower case",
            &[200],
            RawRequest::new("POST", "/v1/events").header(format!("authorization: bearer {good}")),
        ),
        row("a good token of the second issuer", &[200], post(&of_the_second)),
        row("several audiences, ours among them", &[200], post(&forge.claim("aud", json!(["billing", "watchgate"]))?)),
        row("a public path without a token", &[200], RawRequest::new("GET", "/healthz")),
        row("a public path with a query", &[200], RawRequest::new("GET", "/healthz?verbose=1")),
        row("an event of the client's own", &[200], {
            post(good)
                .header("ce-specversion: 1.0")
                .header("ce-id: 1")
                .header("ce-type: com.example.telemetry.a")
                .header("ce-source: https://issuer.watchgate.test#console-7/unit-a")
        }),
    ])
}

/// What holds for every refusal, whichever check made it.
fn judge(row: &Row, answer: &RawAnswer) -> Result<()> {
    ensure!(row.expected.contains(&answer.status), "answered {}, not {:?}", answer.status, row.expected);
    if answer.status == 200 {
        return Ok(());
    }
    ensure!(!answer.body.contains("back_end"), "the back end was reached");
    let challenge = answer.header("www-authenticate");
    if answer.status == 401 {
        let brought = row.request.headers.iter().any(|line| line.to_lowercase().starts_with("authorization:"));
        let invalid = challenge.is_some_and(|challenge| challenge.contains("invalid_token"));
        ensure!(
            challenge.is_some_and(|text| text.starts_with("Bearer realm=\"watchgate\"")),
            "challenge: {challenge:?}"
        );
        ensure!(!invalid || brought, "called invalid what was not there: {challenge:?}");
    }
    // Traefik's HTTP server refuses some requests before any middleware sees them, in words of its own.
    if answer.header("www-authenticate").is_some() || answer.status == 403 || answer.status == 503 {
        ensure!(answer.header("content-type") == Some("application/problem+json"), "no problem: {answer:?}");
    }
    Ok(())
}

#[tokio::test]
async fn every_attack_gets_its_status_and_never_reaches_the_back_end() -> Result<()> {
    STAGE
        .play(async |stage| {
            let forge = Forge::new(stage)?;
            let mut rows = forged_tokens(stage, &forge)?;
            rows.extend(wrong_claims(stage, &forge)?);
            rows.extend(malformed_tokens(&forge));
            rows.extend(ways_around_the_rules(&forge));
            rows.extend(events_of_others(&forge));
            rows.extend(must_pass(&forge)?);
            ensure!(rows.len() > 100, "the table has shrunk to {} rows", rows.len());

            let mut wrong = Vec::new();
            for row in &rows {
                let judged = row.request.send(stage.https_port(), &stage.ca()).and_then(|answer| judge(row, &answer));
                if let Err(why) = judged {
                    wrong.push(format!("{}: {why:#}", row.name));
                }
            }
            if !wrong.is_empty() {
                bail!("{} of {} rows:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
            }
            Ok(())
        })
        .await
}

#[tokio::test]
async fn identity_headers_of_a_client_never_reach_the_back_end() -> Result<()> {
    STAGE
        .play(async |stage| {
            let caller = stage.caller("console-7", "events:write")?;
            let mut request = caller.post("/v1/events", &json!({}));
            let spoofed = [
                "X-Auth-Subject",
                "x_auth_subject",
                "X.Auth.Subject",
                "Txn-Token",
                "txn_token",
                "ce-authid",
                "ce_authid",
                "ce-authtype",
                "ce-correlationid",
                "ce-subject",
            ];
            for name in spoofed {
                request = request.header(name, "root");
            }
            let received = expect_json(200, request).await?;
            let headers = received["headers"].as_array().context("no headers")?;
            for header in headers {
                ensure!(header[1] != "root", "the back end saw {header}");
            }
            let value = |name: &str| headers.iter().find(|header| header[0] == name).map(|header| header[1].clone());
            ensure!(
                value("x-auth-subject") == Some(json!("console-7")),
                "x-auth-subject: {:?}",
                value("x-auth-subject")
            );
            ensure!(
                value("ce-authid") == Some(json!("https://issuer.watchgate.test#console-7")),
                "{:?}",
                value("ce-authid")
            );
            ensure!(value("txn-token").is_some(), "no transaction token was forwarded");
            ensure!(value("authorization").is_none(), "the access token was forwarded beside the transaction token");
            Ok(())
        })
        .await
}

#[tokio::test]
async fn a_client_cannot_have_the_gates_headers_dropped_as_hop_by_hop() -> Result<()> {
    STAGE
        .play(async |stage| {
            let good = stage.mint("console-7", "events:write")?;
            let answer = post(&good)
                .header("Connection: Txn-Token, ce-authid, X-Auth-Subject")
                .send(stage.https_port(), &stage.ca())?;
            let arrived = ["txn-token", "ce-authid", "x-auth-subject"].iter().all(|name| answer.body.contains(name));
            ensure!(answer.status == 400 || arrived, "answered {} with {}", answer.status, answer.body);
            Ok(())
        })
        .await
}

#[tokio::test]
async fn anonymous_requests_carry_no_identity_at_all() -> Result<()> {
    STAGE
        .play(async |stage| {
            let request =
                stage.stranger()?.get("/healthz").header("X-Auth-Subject", "root").header("ce-authid", "root");
            let received = expect_json(200, request).await?;
            let headers = received["headers"].as_array().context("no headers")?;
            ensure!(!headers.iter().any(|header| header[1] == "root"), "the back end saw {headers:?}");
            ensure!(!headers.iter().any(|header| header[0] == "x-auth-subject"), "the back end saw {headers:?}");
            Ok(())
        })
        .await
}

#[tokio::test]
async fn a_token_that_passed_one_rule_is_held_against_the_next_one_too() -> Result<()> {
    STAGE
        .play(async |stage| {
            let caller = stage.caller("console-7", "events:write")?;
            // Often enough that every instance of the gate has let this token pass before.
            for _ in 0..20 {
                ensure!(status(caller.post("/v1/events", &json!({}))).await? == 200, "a good token was refused");
                ensure!(status(caller.get("/v1/events")).await? == 403, "a token that had passed read what it may not");
                ensure!(
                    status(caller.post("/v1/ask", &json!({}))).await? == 403,
                    "a token that had passed asked what it may not"
                );
            }
            Ok(())
        })
        .await
}

#[tokio::test]
async fn a_token_that_passed_is_denied_from_the_second_of_its_expiry() -> Result<()> {
    STAGE
        .play(async |stage| {
            // The second issuer has no leeway, so that nobody waits for it.
            let exp = now()?.saturating_add(2);
            let token = Forge::new(stage)?.of_the_second(json!(exp))?;
            let caller = stage.stranger()?.with_token(&token);
            let mut passed = 0_u32;
            loop {
                let before = now()?;
                let answered = status(caller.post("/v1/events", &json!({}))).await?;
                if answered == 401 {
                    break;
                }
                ensure!(before < exp, "passed {} s after its expiry", before.abs_diff(exp));
                passed = passed.saturating_add(1);
            }
            ensure!(now()? >= exp, "refused before its expiry");
            ensure!(passed > 5, "passed only {passed} times before");
            Ok(())
        })
        .await
}

fn now() -> Result<u64> {
    Ok(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs())
}
