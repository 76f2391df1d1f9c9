//! Answers that are none or not whole, with nobody else to ask: no hung request, and none that looks whole.

use super::*;

async fn heard(acts: Vec<Act>, lines: &[&str]) -> (String, Result<Whole, ModelError>) {
    let server = ScriptedServer::start(vec![acts]).await;
    Bench::with(&[&server], lines).answer_to(prompt()).await
}

#[tokio::test]
async fn what_breaks_off_is_told_to_have_broken_off() {
    let length = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 9999\r\n\r\n";
    let chunks = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let hi = part("hi");
    let cuts = [
        stream(&hi),
        stream(&(hi.clone() + "data: {\"choices\": [{\"delta\": {\"content\": \" th")),
        Act::Send(length.to_owned() + &hi),
        Act::Send(format!("{chunks}{:x}\r\n{hi}\r\n", hi.len())),
        stream(&(hi.clone() + &last("error") + DONE)),
        stream(&(hi.clone() + &last("stop") + &part(" there") + &last("stop"))),
    ];
    for cut in cuts {
        let said = format!("{cut:?}");
        let (text, answer) = heard(vec![cut, Act::Close], &[]).await;
        assert!(text.starts_with("hi"), "{said}");
        assert_eq!(answer, Err(ModelError::CutOff), "{said}");
    }
    let document =
        Act::Send("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{\"choices\": [{\"message\":".to_owned());
    assert_eq!(heard(vec![document, Act::Close], &[]).await, (String::new(), Err(ModelError::CutOff)));
}

#[tokio::test]
async fn an_error_in_the_middle_of_a_stream_is_an_error() {
    for error in [event(&json!({"error": {"message": "overloaded"}})), "{\"error\": \"overloaded\"}\n".to_owned()] {
        let (text, answer) = heard(vec![stream(&(part("hi") + &error + DONE)), Act::Close], &[]).await;
        assert_eq!(text, "hi");
        assert!(matches!(&answer, Err(ModelError::Unavailable(said)) if said.contains("overloaded")), "{answer:?}");
    }
}

#[tokio::test]
async fn what_is_no_answer_is_none() {
    let nothing = [
        status("200 OK", "", "{}"),
        status("200 OK", "", "{\"choices\": []}"),
        vec![stream(&(event(&json!({})) + DONE)), Act::Close],
        vec![stream("data: hello\n\n"), Act::Close],
        vec![stream(&(last("stop") + DONE)), Act::Close],
    ];
    for acts in nothing {
        let said = format!("{acts:?}");
        let (text, answer) = heard(acts, &[]).await;
        assert!(text.is_empty() && matches!(answer, Err(ModelError::Malformed(_))), "{said}: {answer:?}");
    }
    assert_eq!(heard(vec![Act::Close], &[]).await.0, "", "a connection that is closed without a word");
    assert_eq!(heard(status("200 OK", "", ""), &[]).await.1, Err(ModelError::CutOff));
}

#[tokio::test]
async fn whoever_says_nothing_more_is_given_up() {
    let quick = ["firstPieceSeconds: 1", "idleSeconds: 1", "timeoutSeconds: 2"];
    let head = Act::Send("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n".to_owned());
    let keep_alive = [": still here\n\n", "data: {}\n\n"].map(|talk| vec![head.clone(), Act::Repeat(talk.to_owned())]);
    let hangs = [
        (vec![Act::Hold], ""),
        (vec![head.clone(), Act::Hold], ""),
        (vec![head, Act::Send(part("hi")), Act::Hold], "hi"),
        (keep_alive[1].clone(), ""),
    ];
    for (acts, text) in hangs {
        let said = format!("{acts:?}");
        let server = ScriptedServer::start(vec![acts]).await;
        let answer = Bench::with(&[&server], &quick).answer_to(prompt()).await;
        assert_eq!(answer, (text.to_owned(), Err(ModelError::TimedOut)), "{said}");
        server.left_by(1).await;
    }
    // As fast as they come, such words are too many before they last too long.
    let flood = heard(keep_alive[0].clone(), &quick).await.1;
    assert!(matches!(flood, Err(ModelError::TimedOut | ModelError::TooLarge)), "{flood:?}");
}

#[tokio::test]
async fn whoever_says_too_much_is_left() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n".to_owned();
    for flood in ["x".repeat(4096), part(&"x".repeat(4096))] {
        let prefix = if flood.starts_with('x') { "data: " } else { "" };
        let server = ScriptedServer::start(vec![vec![Act::Send(head.clone() + prefix), Act::Repeat(flood)]]).await;
        let answer = Bench::with(&[&server], &[]).answer().await;
        assert_eq!(answer, Err(ModelError::TooLarge));
        server.left_by(1).await;
    }
}

#[tokio::test]
async fn whoever_stops_listening_stops_the_model() {
    let server = ScriptedServer::start(vec![vec![stream(&part("hi")), Act::Hold], vec![Act::Hold]]).await;
    let bench = Bench::with(&[&server], &[]);
    let mut pieces = bench.ask();
    assert_eq!(pieces.next().await, Some(Ok(Piece::Text("hi".to_owned()))));
    drop(pieces);
    server.left_by(1).await;
    // The same before anything was said.
    let mut pieces = bench.ask();
    while server.count() < 2 {
        assert!(futures_util::poll!(pieces.next()).is_pending());
        tokio::task::yield_now().await;
    }
    drop(pieces);
    server.left_by(2).await;
}

#[tokio::test]
async fn whoever_names_a_model_may_be_told_nothing() {
    for acts in [
        vec![stream(&(last("stop") + DONE)), Act::Close],
        status("200 OK", "", "{\"choices\": [{\"message\": {\"content\": \"\"}, \"finish_reason\": \"stop\"}]}"),
    ] {
        let server = ScriptedServer::start(vec![acts]).await;
        let named = Prompt { model: Some("a".to_owned()), ..prompt() };
        let whole = Bench::with(&[&server], &[]).answer_to(named).await.1.unwrap();
        assert_eq!((whole.text.as_str(), whole.end.reason), ("", EndReason::Stop));
    }
}
