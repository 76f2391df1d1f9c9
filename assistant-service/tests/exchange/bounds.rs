//! How often a provider is asked, whatever comes.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;

use crate::provider::Answer;
use crate::stage::{Stage, good, good_but, json_answer};

fn later(answer: Answer, milliseconds: u64) -> Answer {
    let Answer::Bytes(bytes) = answer else { panic!("no bytes") };
    Answer::After(Duration::from_millis(milliseconds), bytes)
}

async fn phantoms(stage: &Stage, tokens: impl Iterator<Item = String>) -> Vec<(u16, String)> {
    join_all(tokens.map(async |token| {
        let answer = stage.bearer(&token).await;
        let value = answer.headers().get("authorization").map(|value| value.to_str().unwrap().to_owned());
        (answer.status().as_u16(), value.unwrap_or_default())
    }))
    .await
}

#[tokio::test]
async fn two_hundred_requests_with_one_token_ask_once_and_get_the_same_phantom() {
    let stage = Stage::start(|_, _| later(json_answer(&good()), 300)).await;
    let answers: BTreeSet<_> = phantoms(&stage, (0..200).map(|_| "one".to_owned())).await.into_iter().collect();
    assert_eq!(answers.len(), 1);
    assert_eq!(answers.first().unwrap().0, 200);
    assert_eq!(stage.questions(), 1);
    let later = phantoms(&stage, (0..50).map(|_| "one".to_owned())).await;
    assert!(later.iter().all(|answer| Some(answer) == answers.first()));
    assert_eq!(stage.questions(), 1, "a fresh phantom is handed out again");

    let metrics = stage.get("/metrics").await.text().await.unwrap();
    for line in [
        r#"watchgate_exchange_requests_total{provider="idp",outcome="exchanged"} 250"#,
        r#"watchgate_exchange_introspections_total{provider="idp",outcome="active"} 1"#,
        r#"watchgate_exchange_introspection_seconds_count{provider="idp"} 1"#,
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line} in {metrics}");
    }
    // How many of the first two hundred came before the answer is the machine's affair; of the fifty later ones all know it.
    let known = |outcome| {
        let name = format!(r#"watchgate_exchange_known_tokens_total{{provider="idp",outcome="{outcome}"}} "#);
        metrics.lines().find_map(|line| line.strip_prefix(&name)?.parse::<u64>().ok()).unwrap()
    };
    assert_eq!(known("hit") + known("miss"), 250);
    assert!(known("miss") >= 1 && known("hit") >= 50, "{metrics}");
}

#[tokio::test]
async fn two_hundred_requests_with_one_bad_token_ask_once_for_seconds() {
    let stage = Stage::start(|_, _| later(json_answer(&json!({"active": false})), 300)).await;
    for _ in 0..2 {
        let answers = phantoms(&stage, (0..200).map(|_| "bad".to_owned())).await;
        assert!(answers.iter().all(|(status, _)| *status == 401));
        assert_eq!(stage.questions(), 1);
    }
}

#[tokio::test]
async fn a_refusal_is_forgotten_after_seconds() {
    let stage = Stage::start(|_, _| json_answer(&json!({"active": false}))).await;
    assert_eq!(stage.bearer("one").await.status(), 401);
    stage.provider.answer(|_, _| json_answer(&good()));
    assert_eq!(stage.bearer("one").await.status(), 401);
    let began = std::time::Instant::now();
    while stage.bearer("one").await.status() != 200 {
        assert!(began.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(began.elapsed() > Duration::from_secs(3), "asked again after {:?}", began.elapsed());
}

#[tokio::test]
async fn a_phantom_ends_with_its_token_and_so_does_what_is_known_of_it() {
    let stage = Stage::start(|_, _| json_answer(&good_but(&json!({"exp": crate::stage::now() + 2})))).await;
    let first = stage.phantom(&stage.bearer("short").await).claims;
    stage.provider.answer(|_, _| json_answer(&json!({"active": false})));
    while crate::stage::now() < first["exp"].as_u64().unwrap() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(stage.bearer("short").await.status(), 401);
}

#[tokio::test]
async fn a_source_that_makes_tokens_up_is_stopped_and_nobody_else_is() {
    let stage = Stage::start_with("    perSourcePerMinute: 3", |_, question| {
        json_answer(&if question.contains("good") { good() } else { json!({"active": false}) })
    })
    .await;
    let ask = async |token: &str, source: &str| {
        stage.forward(&[("Authorization", &format!("Bearer {token}")), ("X-Forwarded-For", source)]).await
    };
    assert_eq!(ask("good", "192.0.2.1").await.status(), 200);
    assert_eq!(ask("bad1", "192.0.2.1").await.status(), 401);
    assert_eq!(ask("bad2", "192.0.2.1").await.status(), 401);
    for token in ["bad3", "bad4", "good2"] {
        let refused = ask(token, "192.0.2.1").await;
        assert_eq!(refused.status(), 429);
        let seconds: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=60).contains(&seconds));
    }
    // What a client writes before Traefik's own word changes nothing.
    assert_eq!(ask("bad5", "198.51.100.9, 192.0.2.1").await.status(), 429);
    assert_eq!(ask("good", "192.0.2.1").await.status(), 200, "what is known costs nothing");
    assert_eq!(ask("bad1", "192.0.2.1").await.status(), 401);
    assert_eq!(ask("good2", "192.0.2.2").await.status(), 200, "a refusal for the source is none for the token");
    assert_eq!(stage.questions(), 4);
}

#[tokio::test]
async fn no_more_questions_are_open_than_may_be_and_nobody_waits_for_a_turn() {
    let stage = Stage::start_with("    maxConcurrent: 4", |_, _| later(json_answer(&good()), 1000)).await;
    let began = std::time::Instant::now();
    let answers = phantoms(&stage, (0..40).map(|number| format!("token{number}"))).await;
    let count = |wanted| answers.iter().filter(|(status, _)| *status == wanted).count();
    assert_eq!((count(200), count(503)), (4, 36));
    assert_eq!(stage.questions(), 4);
    assert!(began.elapsed() < Duration::from_millis(2500));
    // Busy is said of a moment, not of a token.
    let refused = answers.iter().position(|(status, _)| *status == 503).unwrap();
    assert_eq!(stage.bearer(&format!("token{refused}")).await.status(), 200);
}
