//! What clients see of a provider that is slow, down or lying; and what is kept of that.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::provider::{Answer, http};
use crate::stage::{Stage, challenge, good, good_but, json_answer, now};

fn json_of(body: &[u8]) -> Answer {
    http("200 OK", &["Content-Type: application/json"], body)
}

#[tokio::test]
async fn a_provider_that_cannot_be_believed_is_no_verdict_on_the_token() {
    let stage = Stage::good().await;
    let typed = |kind: &str| http("200 OK", &[&format!("Content-Type: {kind}")], good().to_string().as_bytes());
    let Answer::Bytes(whole) = json_answer(&good()) else { panic!("no bytes") };
    let half = whole.get(..whole.len() / 2).unwrap().to_vec();
    let large = json!({"active": true, "sub": "x".repeat(5 * 1024 * 1024)}).to_string();
    let head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{".to_vec();
    let cases: Vec<(&str, Answer)> = vec![
        ("slow", Answer::After(Duration::from_secs(5), whole)),
        ("silent", Answer::Silence(half.clone())),
        ("broken-off", Answer::Bytes(half)),
        ("garbage", Answer::Bytes(b"\x00\x01 this is no HTTP".to_vec())),
        ("html", json_of(b"<html>")),
        ("list", json_of(b"[true]")),
        ("large", json_of(large.as_bytes())),
        ("endless", Answer::Endless(head)),
        ("redirect", http("307 Temporary Redirect", &["Location: https://localhost/introspect"], b"")),
        (
            "error",
            http("500 Internal Server Error", &["Content-Type: application/json"], good().to_string().as_bytes()),
        ),
        ("stranger", http("401 Unauthorized", &["Content-Type: application/json"], b"{\"active\":true}")),
        ("throttled", http("429 Too Many Requests", &[], b"")),
        ("jwt", typed("application/token-introspection+jwt")),
        ("text", typed("text/plain")),
        ("untyped", http("200 OK", &[], good().to_string().as_bytes())),
        ("active-text", json_answer(&good_but(&json!({"active": "true"})))),
        ("active-number", json_answer(&good_but(&json!({"active": 1})))),
        ("exp-text", json_answer(&good_but(&json!({"exp": (now() + 60).to_string()})))),
        ("members", json_answer(&good_but(&json!({"groups": vec!["operators"; 2000]})))),
        ("nobody", json_answer(&good_but(&json!({"sub": "", "client_id": ""})))),
    ];
    for (name, answer) in cases {
        stage.provider.answer(move |_, _| answer.clone());
        let began = Instant::now();
        let refused = stage.bearer(name).await;
        let took = began.elapsed();
        assert_eq!((refused.status().as_u16(), challenge(&refused)), (503, ""), "{name}");
        assert_eq!(refused.headers()["retry-after"], "1", "{name}");
        assert!(refused.headers().get("authorization").is_none(), "{name}");
        assert!(took < Duration::from_secs(3), "{name} took {took:?}");
        let problem: Value = serde_json::from_slice(&refused.bytes().await.unwrap()).unwrap();
        assert_eq!(problem["detail"], "The token cannot be looked up at this moment.", "{name}");
    }
}

#[tokio::test]
async fn a_token_that_is_not_for_us_is_refused_whatever_it_is_good_for() {
    let stage = Stage::good().await;
    for (name, changes) in [
        ("inactive", json!({"active": false})),
        ("other-issuer", json!({"iss": "https://idp.example.com"})),
        ("other-audience", json!({"aud": ["payroll"]})),
        ("no-audience", json!({"aud": []})),
        ("expired", json!({"exp": now() - 1})),
        ("early", json!({"nbf": now() + 120})),
        ("refresh", json!({"token_type": "refresh_token"})),
        ("unbound", json!({"token_type": "DPoP"})),
    ] {
        stage.provider.answer(move |_, _| json_answer(&good_but(&changes)));
        let refused = stage.bearer(name).await;
        let said = r#"Bearer realm="watchgate", error="invalid_token""#;
        assert_eq!((refused.status().as_u16(), challenge(&refused)), (401, said), "{name}");
        assert!(refused.headers().get("retry-after").is_none(), "{name}");
    }
}

#[tokio::test]
async fn a_provider_that_is_down_is_asked_again_soon_and_its_known_tokens_stay_good_meanwhile() {
    let stage = Stage::good().await;
    let known = stage.phantom(&stage.bearer("known").await).claims;
    stage.provider.answer(|_, _| http("502 Bad Gateway", &[], b""));
    assert_eq!(stage.bearer("new").await.status(), 503);
    assert_eq!(stage.bearer("new").await.status(), 503);
    assert_eq!(stage.questions(), 2, "within a second nobody is asked about the same token again");
    stage.provider.answer(|_, _| json_answer(&good()));
    let began = Instant::now();
    while stage.bearer("new").await.status() != 200 {
        assert!(began.elapsed() < Duration::from_secs(5), "a failure was kept for too long");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(stage.phantom(&stage.bearer("known").await).claims, known);
}

#[tokio::test]
async fn where_nobody_listens_the_answer_comes_at_once() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut stage = Stage::good().await;
    stage.restart(&|settings| {
        let endpoint = settings.lines().find(|line| line.contains("introspectionEndpoint")).unwrap().to_owned();
        settings.replace(&endpoint, &format!("    introspectionEndpoint: https://{closed}/introspect"))
    });
    let began = Instant::now();
    assert_eq!(stage.bearer("one").await.status(), 503);
    assert!(began.elapsed() < Duration::from_secs(2));
}
