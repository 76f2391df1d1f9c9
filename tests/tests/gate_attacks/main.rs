//! The gate against attackers: the attack table through the real Traefik. Traefik's own defences are off, so whatever is
//! refused here was refused by the gate; the back end would have answered 200 to all of it.

#![expect(clippy::indexing_slicing, reason = "a JSON value answers null for a member that it has not")]

use anyhow::{Context, Result, bail, ensure};
use attack_table::rows::forwarding::spoofed;
use attack_table::{Expected, Forge, GateName, Played, Request, Row, Seen, Step, gates, rows};
use serde_json::{Value, json};
use watchgate_tests::back_end::EchoBackEnd;
use watchgate_tests::client::{expect_json, status};
use watchgate_tests::raw::{RawAnswer, send};
use watchgate_tests::{BackEnd, SharedStage, Stage, StageOptions, shipped_gate};

static STAGE: SharedStage = SharedStage::new(gates_before_an_echo);

fn gates_before_an_echo() -> Result<StageOptions> {
    let forge = Forge::new(now()?)?;
    // The stage puts its own address in place of this one.
    let main = gates::config(GateName::Main, &forge, "localhost");
    let (mut routers, mut middlewares) = (json!({}), json!({}));
    for gate in GateName::BESIDE {
        let name = gate.text();
        middlewares[name] = json!({"plugin": {"watchgate": gates::config(gate, &forge, "localhost")}});
        routers[name] = json!({
            "entryPoints": ["websecure"], "rule": format!("Host(`{}`)", gate.authority("localhost")),
            "middlewares": [name], "service": "assistant-service",
        });
    }
    Ok(StageOptions {
        back_end: BackEnd::DropIn(EchoBackEnd::start("echo")?.url()),
        gate: Some(main),
        dynamic: Some(json!({"http": {"routers": routers, "middlewares": middlewares}})),
        trust_files: gates::trust_files(&forge),
        gate_alone: true,
        ..StageOptions::default()
    })
}

/// Sends a row's requests, and holds the last answer against what the row expects.
fn play(stage: &Stage, row: &Row) -> Result<()> {
    let authority = format!("localhost:{}", stage.https_port());
    let send =
        |gate: GateName, request: &Request| send(request, &gate.authority(&authority), stage.https_port(), &stage.ca());
    for step in &row.before {
        let Step::Send { gate, request, status } = step else { bail!("nobody can do this to Traefik: {step:?}") };
        let answered = send(*gate, request)?.status;
        ensure!(answered == *status, "a request before it was answered {answered}, not {status}");
    }
    judge(row, &send(row.gate, &row.request)?)
}

fn judge(row: &Row, answer: &RawAnswer) -> Result<()> {
    let wanted = match row.expected {
        Expected::Denied { status, .. } | Expected::RefusedByServer { status } => status,
        Expected::AnsweredByGate | Expected::Passes(_) => 200,
    };
    ensure!(answer.status == wanted, "answered {}, not {wanted}", answer.status);
    match &row.expected {
        Expected::Passes(seen) => return sees(seen, &serde_json::from_str(&answer.body)?),
        Expected::Denied { .. } => judge_refusal(row, answer)?,
        Expected::RefusedByServer { .. } | Expected::AnsweredByGate => {}
    }
    ensure!(!answer.body.contains("back_end"), "the back end was reached");
    Ok(())
}

/// What holds for every refusal, whichever check made it.
fn judge_refusal(row: &Row, answer: &RawAnswer) -> Result<()> {
    ensure!(answer.header("content-type") == Some("application/problem+json"), "no problem: {answer:?}");
    if answer.status == 401 {
        let challenge = answer.header("www-authenticate");
        let brings = |what: &str| row.request.headers.iter().any(|line| line.to_lowercase().starts_with(what));
        let (brought, by_proof) = (brings("authorization:"), brings("authorization: dpop "));
        // Where no origin is public no proof is taken, and none is asked for.
        let scheme = if by_proof && row.gate != GateName::Anywhere { "DPoP" } else { "Bearer" };
        let invalid = challenge.is_some_and(|challenge| challenge.contains("invalid_token"));
        ensure!(
            challenge.is_some_and(|text| text.starts_with(&format!("{scheme} realm=\"watchgate\""))),
            "challenge: {challenge:?}"
        );
        ensure!(!invalid || brought, "called invalid what was not there: {challenge:?}");
    }
    Ok(())
}

fn sees(seen: &[Seen], received: &Value) -> Result<()> {
    let headers = received["headers"].as_array().context("no headers")?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let arrived: Vec<_> = headers.iter().map(|header| (text(&header[0]), text(&header[1]))).collect();
    for seen in seen {
        ensure!(seen.holds(&arrived), "the back end did not see {seen:?} in {arrived:?}");
    }
    Ok(())
}

#[tokio::test]
async fn every_attack_gets_its_status_and_never_reaches_the_back_end() -> Result<()> {
    STAGE
        .play(async |stage| {
            let authority = format!("localhost:{}", stage.https_port());
            let mut rows = rows::all(&Forge::new(now()?)?, &authority)?;
            rows.retain(|row| row.played == Played::Everywhere);
            ensure!(rows.len() > 300, "the table has shrunk to {} rows", rows.len());

            let mut wrong = Vec::new();
            for row in &rows {
                if let Err(why) = play(stage, row) {
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

#[test]
fn the_tables_main_gate_begins_with_what_is_shipped() -> Result<()> {
    let shipped = shipped_gate()?;
    ensure!(shipped["rules"] == gates::shipped_rules(), "the shipped rules are {}", shipped["rules"]);
    ensure!(shipped["issuers"] == json!([gates::shipped_issuer()]), "the shipped issuers are {}", shipped["issuers"]);
    let main = gates::config(GateName::Main, &Forge::new(now()?)?, "localhost");
    for member in ["publicOrigins", "forwardClaims", "transactionToken"] {
        ensure!(shipped[member] == main[member], "{member} is shipped as {}", shipped[member]);
    }
    Ok(())
}

/// What the gate says of a caller, and nobody else may.
const IDENTITY_HEADERS: [&str; 6] =
    ["x-auth-subject", "txn-token", "ce-authid", "ce-authtype", "ce-correlationid", "ce-subject"];

fn post(token: &str) -> Request {
    Request::new("POST", "/v1/events").token(token)
}

fn events_write() -> Result<String> {
    Ok(Forge::new(now()?)?.scope("events:write"))
}

fn send_to(stage: &Stage, request: &Request) -> Result<RawAnswer> {
    send(request, &format!("localhost:{}", stage.https_port()), stage.https_port(), &stage.ca())
}

/// What the back end received names the caller, once, and nobody else.
fn names_only_the_caller(received: &Value) -> Result<()> {
    let headers = received["headers"].as_array().context("no headers")?;
    for header in headers {
        ensure!(!header[1].as_str().is_some_and(|value| value.contains("root")), "the back end saw {header}");
    }
    let values = |name: &str| headers.iter().filter(|header| header[0] == name).collect::<Vec<_>>();
    for (name, expected) in [("x-auth-subject", "console-7"), ("ce-authid", "https://issuer.watchgate.test#console-7")]
    {
        let found = values(name);
        ensure!(found.len() == 1 && found[0][1] == expected, "{name}: {found:?}");
    }
    ensure!(values("txn-token").len() == 1, "no transaction token was forwarded, or two");
    ensure!(values("authorization").is_empty(), "the access token was forwarded beside the transaction token");
    Ok(())
}

#[tokio::test]
async fn identity_headers_of_a_client_never_arrive_however_spelled_or_repeated_over_http_1_2_and_3() -> Result<()> {
    STAGE
        .play(async |stage| {
            let token = events_write()?;
            let http2 = stage.stranger()?.with_token(&token);
            let mut http3 = stage.http3().await?;
            for name in IDENTITY_HEADERS {
                let fields = spoofed(name);
                let mut request = post(&token);
                for (name, value) in &fields {
                    request = request.header(format!("{name}: {value}"));
                }
                let answer = send_to(stage, &request)?;
                ensure!(answer.status == 200, "{name}, HTTP/1.1: answered {}", answer.status);
                names_only_the_caller(&serde_json::from_str(&answer.body)?)
                    .with_context(|| format!("{name}, HTTP/1.1"))?;

                let mut request = http2.post("/v1/events", &json!({}));
                for (name, value) in &fields {
                    request = request.header(name, value);
                }
                let answer = request.send().await?;
                ensure!(answer.version() == reqwest::Version::HTTP_2, "spoke {:?}", answer.version());
                names_only_the_caller(&answer.json().await?).with_context(|| format!("{name}, HTTP/2"))?;

                let answer = http3.post_with("/v1/events", &token, &fields, &json!({})).await?;
                names_only_the_caller(&serde_json::from_slice(&answer.body)?)
                    .with_context(|| format!("{name}, HTTP/3"))?;
            }
            Ok(())
        })
        .await
}

#[tokio::test]
async fn a_client_cannot_have_the_gates_headers_dropped_as_hop_by_hop() -> Result<()> {
    STAGE
        .play(async |stage| {
            let good = events_write()?;
            let answer = send_to(stage, &post(&good).header("Connection: Txn-Token, ce-authid, X-Auth-Subject"))?;
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
            let caller = stage.stranger()?.with_token(&events_write()?);
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
            let token = Forge::new(now()?)?.of_the_second(json!(exp));
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
