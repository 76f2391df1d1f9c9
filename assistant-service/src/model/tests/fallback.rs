//! Which model is asked when another gives no answer.

use super::*;

async fn servers(first: Vec<Act>) -> (ScriptedServer, ScriptedServer) {
    (ScriptedServer::start(vec![first]).await, ScriptedServer::start(vec![saying("second")]).await)
}

#[tokio::test]
async fn the_next_model_answers_for_one_that_cannot() {
    let head = Act::Send("HTTP/1.1 200 OK\r\n\r\n".to_owned());
    let failures = [
        status("500 Internal Server Error", "", "oops"),
        status("502 Bad Gateway", "", ""),
        status("401 Unauthorized", "", "{\"error\": {\"message\": \"no\"}}"),
        status("403 Forbidden", "", ""),
        status("404 Not Found", "", "{\"detail\": \"Not Found\"}"),
        status("429 Too Many Requests", "retry-after: 60\r\n", "{}"),
        status("503 Service Unavailable", "", ""),
        status("302 Found", "location: /elsewhere\r\n", ""),
        status("200 OK", "", "{}"),
        vec![Act::Close],
        vec![Act::Hold],
        vec![head.clone(), Act::Hold],
        vec![stream(&event(&json!({"error": {"message": "busy"}}))), Act::Close],
        vec![stream("data: hello\n\n"), Act::Close],
        vec![
            stream(&event(&json!({"choices": [{"delta": {"tool_calls": [{"index": 0, "function": {"name": "f"}}]}}]}))),
            Act::Close,
        ],
    ];
    for failure in failures {
        let said = format!("{failure:?}");
        let (first, second) = servers(failure).await;
        let whole = Bench::with(&[&first, &second], &["firstPieceSeconds: 1"]).answer().await.unwrap();
        assert_eq!((whole.text.as_str(), whole.end.model.as_str()), ("second", "b"), "{said}");
        assert!(whole.calls.is_empty(), "{said}: nothing of the first is left");
        assert_eq!((first.count(), second.count()), (1, 1), "{said}");
    }
}

#[tokio::test]
async fn a_server_that_is_gone_is_passed_over() {
    let (gone, second) = servers(saying("first")).await;
    let url = gone.url();
    drop(gone);
    let bench = Bench::new(&format!(
        "models:
  - {{name: a, baseUrl: '{url}', model: m, allowedNetworks: [127.0.0.0/8]}}
  - {{name: b, baseUrl: '{}', model: m, allowedNetworks: [127.0.0.0/8]}}",
        second.url()
    ));
    // Its listener ends with its task, a moment later.
    while bench.answer().await.unwrap().end.model == "a" {}
    assert_eq!(bench.answer().await.unwrap().text, "second");
}

#[tokio::test]
async fn a_conversation_that_one_refuses_is_put_to_nobody_else() {
    for refusal in ["400 Bad Request", "413 Content Too Large", "422 Unprocessable Content"] {
        let (first, second) = servers(status(refusal, "", "{\"error\": {\"message\": \"too long\"}}")).await;
        let bench = Bench::with(&[&first, &second], &[]);
        assert_eq!(bench.answer().await, Err(ModelError::Refused("too long".to_owned())), "{refusal}");
        bench.answer().await.unwrap_err();
        assert_eq!((first.count(), second.count()), (2, 0), "and the model need not rest for it");
    }
}

#[tokio::test]
async fn no_second_answer_is_glued_to_the_first_half_of_another() {
    let (first, second) = servers(vec![stream(&part("half")), Act::Close]).await;
    let answer = Bench::with(&[&first, &second], &[]).answer_to(prompt()).await;
    assert_eq!(answer, ("half".to_owned(), Err(ModelError::CutOff)));
    assert_eq!(second.count(), 0);
}

#[tokio::test]
async fn a_short_wait_is_waited_for_once() {
    for wait in ["retry-after: 1", "retry-after-ms: 20", "retry-after: Sun, 01 Mar 2026 12:00:01 GMT"] {
        let busy = || status("429 Too Many Requests", &format!("{wait}\r\n"), "{}");
        let patient = ScriptedServer::start(vec![busy(), saying("first")]).await;
        let second = ScriptedServer::start(vec![saying("second")]).await;
        let whole = Bench::with(&[&patient, &second], &[]).answer().await.unwrap();
        assert_eq!((whole.text.as_str(), patient.count(), second.count()), ("first", 2, 0), "{wait}");

        let busy = ScriptedServer::start(vec![busy()]).await;
        let whole = Bench::with(&[&busy, &second], &[]).answer().await.unwrap();
        assert_eq!((whole.text.as_str(), busy.count()), ("second", 2), "{wait}: not for ever");
    }
}

#[tokio::test]
async fn a_model_that_failed_rests_and_is_tried_again() {
    let first = ScriptedServer::start(vec![status("500 Internal Server Error", "", ""), saying("first")]).await;
    let second = ScriptedServer::start(vec![saying("second")]).await;
    let bench = Bench::with(&[&first, &second], &[]);
    for _ in 0..3 {
        assert_eq!(bench.answer().await.unwrap().text, "second");
    }
    assert_eq!(first.count(), 1, "not every question waits for it");
    bench.stage.clock.advance(Duration::from_secs(1));
    assert_eq!(bench.answer().await.unwrap().text, "first");
    assert_eq!(bench.answer().await.unwrap().text, "first");
}

#[tokio::test]
async fn while_all_rest_nobody_is_asked() {
    let server = ScriptedServer::start(vec![status("500 Internal Server Error", "", "oops")]).await;
    let bench = Bench::with(&[&server], &[]);
    assert!(matches!(bench.answer().await, Err(ModelError::Unavailable(said)) if said.contains("oops")));
    assert!(matches!(bench.answer().await, Err(ModelError::Unavailable(said)) if said.contains("rests")));
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn whoever_names_a_model_gets_that_one_or_none() {
    let (first, second) = servers(status("500 Internal Server Error", "", "")).await;
    let bench = Bench::with(&[&first, &second], &[]);
    assert_eq!(bench.models.names(), ["a", "b"]);
    let named = |name: &str| Prompt { model: Some(name.to_owned()), ..prompt() };
    assert_eq!(bench.answer_to(named("b")).await.1.unwrap().text, "second");
    assert_eq!(first.count(), 0);
    assert!(matches!(bench.answer_to(named("a")).await.1, Err(ModelError::Unavailable(_))));
    assert_eq!(bench.answer_to(named("c")).await.1, Err(ModelError::NotConfigured));
    assert_eq!((first.count(), second.count()), (1, 1));
    assert_eq!(Bench::new("{}").answer().await, Err(ModelError::NotConfigured));
}

#[tokio::test]
async fn a_model_that_said_nothing_need_not_rest_for_it() {
    let nothing = || vec![stream(&(last("stop") + DONE)), Act::Close];
    let server = ScriptedServer::start(vec![nothing(), nothing(), saying("first")]).await;
    let bench = Bench::with(&[&server], &[]);
    for _ in 0..2 {
        assert!(matches!(bench.answer().await, Err(ModelError::Malformed(_))));
    }
    assert_eq!(bench.answer().await.unwrap().text, "first");
}

#[tokio::test]
async fn what_a_client_wrote_itself_lets_no_model_rest_for_all() {
    let named = || Prompt { model: Some("a".to_owned()), ..prompt() };
    let head = Act::Send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_owned());
    let of_the_client = [
        status("500 Internal Server Error", "", "{\"error\": {\"message\": \"1 validation error\"}}"),
        vec![head, Act::Close],
        vec![stream("data: hello\n\n"), Act::Close],
    ];
    for failure in of_the_client {
        let said = format!("{failure:?}");
        let server = ScriptedServer::start(vec![failure.clone(), failure, saying("first")]).await;
        let bench = Bench::with(&[&server], &[]);
        for _ in 0..2 {
            bench.answer_to(named()).await.1.unwrap_err();
        }
        assert_eq!(bench.answer().await.map(|whole| whole.text), Ok("first".to_owned()), "{said}");
    }
    // One that is not there is not there for anybody.
    let server = ScriptedServer::start(vec![status("502 Bad Gateway", "", ""), saying("first")]).await;
    let bench = Bench::with(&[&server], &[]);
    bench.answer_to(named()).await.1.unwrap_err();
    assert!(matches!(bench.answer().await, Err(ModelError::Unavailable(said)) if said.contains("rests")));
}
