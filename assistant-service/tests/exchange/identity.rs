//! Who the exchange says that the client is, and who it says that it is itself.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;

use crate::program::watchgate;
use crate::provider::http;
use crate::stage::{SECRET, Stage, good, good_but, issuer, json_answer, now};

#[tokio::test]
async fn an_opaque_token_becomes_a_phantom_that_says_what_the_provider_says() {
    let asked = Arc::new(Mutex::new(String::new()));
    let note = Arc::clone(&asked);
    let bound = json!({"x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"});
    let answer = good_but(&json!({"cnf": bound, "sid": "s-1", "jti": "t-1", "roles": ["operator"], "exp": now() + 20}));
    let end = answer["exp"].clone();
    let stage = Stage::start(move |_, question| {
        *note.lock().unwrap() = question.to_owned();
        json_answer(&answer)
    })
    .await;

    let exchanged = stage.bearer("opaque+1/~==").await;
    assert_eq!(exchanged.headers()["cache-control"], "no-store");
    let phantom = stage.phantom(&exchanged);
    assert_eq!(phantom.header.typ.as_deref(), Some("phantom+jwt"));
    let claims = phantom.claims;
    assert_eq!(claims["sub"], "anna");
    assert_eq!((&claims["cnf"], &claims["roles"]), (&bound, &json!(["operator"])));
    assert_eq!((&claims["sid"], &claims["jti"], &claims["exp"]), (&json!("s-1"), &json!("t-1"), &end));
    assert_eq!(claims["origin"]["iss"], issuer(&stage.provider));
    // printf %s 'opaque+1/~==' | openssl dgst -sha256 -binary | basenc --base64url
    assert_eq!(claims["origin"]["digest"], "9XZuAh06a9BjNjJTpfEOuSJ3ZNqoLqWwjr_5XeqJS1I");

    let question = asked.lock().unwrap().clone();
    let (head, body) = question.split_once("\r\n\r\n").unwrap();
    let head = head.to_lowercase();
    assert!(head.starts_with("post /introspect http/1.1\r\n"), "{head}");
    assert!(head.contains("\r\naccept: application/json"), "{head}");
    assert_eq!(body, "token=opaque%2B1%2F~%3D%3D&token_type_hint=access_token");
    let sent = question.lines().find_map(|line| line.split_once(": Basic ").or(line.split_once(": basic "))).unwrap().1;
    let encoded = SECRET.replace(':', "%3A").replace(' ', "%20");
    assert_eq!(BASE64_STANDARD.decode(sent).unwrap(), format!("the%20gateway:{encoded}").into_bytes());
}

#[tokio::test]
async fn the_scheme_follows_the_key_that_the_token_is_bound_to_and_stays_as_the_client_wrote_it() {
    let stage = Stage::start(|_, question| {
        let bound = json!({"cnf": {"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}, "token_type": "DPoP"});
        json_answer(&if question.contains("bound") { good_but(&bound) } else { good() })
    })
    .await;
    for (line, passes) in [
        ("dPoP bound", true),
        ("bearer bound", false),
        ("bEARER free", true),
        ("DPoP free", false),
        ("Bearer free", true),
    ] {
        let answer = stage.forward(&[("Authorization", line)]).await;
        let scheme = line.split(' ').next().unwrap();
        if passes {
            assert!(answer.headers()["authorization"].to_str().unwrap().starts_with(&format!("{scheme} ey")), "{line}");
            stage.phantom(&answer);
        } else {
            assert_eq!(answer.status(), 401, "{line}");
            let challenge = crate::stage::challenge(&answer).to_lowercase();
            assert!(
                challenge.starts_with(&scheme.to_lowercase()) && challenge.contains("invalid_token"),
                "{challenge}"
            );
        }
    }
    assert_eq!(stage.questions(), 2, "how a token is presented is no question for the provider");
}

#[tokio::test]
async fn the_endpoint_is_found_in_the_issuers_own_document_and_nobody_elses() {
    let answers = |of: &'static str| {
        move |path: &str, question: &str| {
            let host = question.lines().find_map(|line| line.to_lowercase().strip_prefix("host: ").map(str::to_owned));
            let issuer = format!("https://{}{of}", host.unwrap());
            let document = json!({"issuer": issuer, "introspection_endpoint": format!("{issuer}/ask")});
            json_answer(&if path == "/.well-known/openid-configuration" { document } else { good() })
        }
    };
    let stage = Stage::start_with("# discovery", answers("")).await;
    for token in ["one", "two"] {
        stage.phantom(&stage.bearer(token).await);
    }
    let seen: Vec<_> = stage.provider.seen().iter().map(|line| line.split(' ').nth(1).unwrap().to_owned()).collect();
    assert_eq!(seen, ["/.well-known/openid-configuration", "/ask", "/ask"]);

    let stage = Stage::start_with("# discovery", answers("/other")).await;
    assert_eq!(stage.bearer("one").await.status(), 503);
    assert_eq!(stage.questions(), 1, "no token went to an endpoint that another issuer names");

    let stage =
        Stage::start_with("# discovery", |_, _| http("302 Found", &["Location: https://localhost/x"], b"")).await;
    assert_eq!(stage.bearer("one").await.status(), 503);
}

#[tokio::test]
async fn a_rotated_key_signs_without_a_restart_and_without_a_key_nothing_is_signed() {
    let stage = Stage::good().await;
    let first = stage.phantom(&stage.bearer("one").await).header.kid;
    let folder = |name| stage.path(name).display().to_string();
    let made = watchgate(&["keys", "exchange", "--dir", &folder("keys"), "--trust", &folder("trust")]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    stage.phantom(&stage.bearer("one").await);
    until(async |round| stage.phantom(&stage.bearer(&format!("new{round}")).await).header.kid != first).await;

    std::fs::remove_file(stage.path("keys/phantom.pem")).unwrap();
    until(async |_| stage.get("/readyz").await.status() == 503).await;
    let asked = stage.questions();
    assert_eq!(stage.bearer("late").await.status(), 503);
    assert_eq!(stage.questions(), asked, "nobody is asked for an answer that could not be signed");
    stage.phantom(&stage.bearer("one").await);
    assert_eq!(stage.get("/healthz").await.status(), 200);
}

/// Waits until something holds, ten seconds at the most.
async fn until(holds: impl AsyncFn(u32) -> bool) {
    let began = Instant::now();
    let mut round = 0;
    while !holds(round).await {
        assert!(began.elapsed() < Duration::from_secs(10));
        round += 1;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[test]
fn every_mistake_of_the_settings_is_said_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("exchange.yml");
    std::fs::write(&file, "audience: watchgate\nttlSeconds: 900\nproviders: []\nkeys: x\n").unwrap();
    let file = file.display().to_string();
    let ended = watchgate(&["exchange", "--check", "--config", &file]);
    assert_eq!(ended.code, 1);
    for said in [":2: ttlSeconds", ":3: providers", ":4: keys", ":1: keyFile"] {
        assert!(ended.stderr.contains(&format!("{file}{said}: ")), "{said} in {}", ended.stderr);
    }
    let ended = watchgate(&["exchange", "--check", "--config", "/nowhere/exchange.yml"]);
    assert!(ended.code == 2 && ended.stderr.contains("/nowhere/exchange.yml"), "{ended:?}");
}
