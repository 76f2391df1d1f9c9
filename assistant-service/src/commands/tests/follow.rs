//! Following a command to its end.

use axum::body::to_bytes;
use axum::response::Response;

use super::*;

/// One event of a stream.
#[derive(Debug)]
struct Sent {
    id: String,
    name: String,
    data: Value,
}

async fn follow(stage: &Stage, command: &Value, last: Option<&str>) -> Response {
    let request = stage.get(&format!("/v1/commands/{}/follow", command["id"].as_str().unwrap()));
    let request = last.into_iter().fold(request, |request, last| request.header("last-event-id", last));
    request.open().await
}

/// All that a stream says until it ends.
async fn read(response: Response) -> Vec<Sent> {
    assert_eq!(response.status(), StatusCode::OK);
    let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let field = |event: &str, name: &str| {
        event.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim_start().to_owned()
    };
    let events = text.split("\n\n").filter(|event| event.lines().any(|line| line.starts_with("data:")));
    let sent = |event: &str| Sent {
        id: field(event, "id:"),
        name: field(event, "event:"),
        data: serde_json::from_str(&field(event, "data:")).unwrap(),
    };
    events.map(sent).collect()
}

/// What a stream says, in short.
fn story(sent: &[Sent]) -> Vec<String> {
    let short = |one: &Sent| match one.name.as_str() {
        "output" => one.data["text"].as_str().unwrap().to_owned(),
        _ => format!("{} {}", one.name, one.data["state"].as_str().unwrap()),
    };
    sent.iter().map(short).collect()
}

async fn output(stage: &Stage, command: &Value, fence: &Value, offset: u64, text: &str) {
    let piece = json!({"fence": fence, "offset": offset, "text": text});
    assert_eq!(on(stage, command, "output", SERVICE, piece).await.status, StatusCode::OK);
}

async fn finish(stage: &Stage, command: &Value, fence: &Value) {
    let report = json!({"fence": fence, "outcome": "succeeded"});
    assert_eq!(on(stage, command, "result", SERVICE, report).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_command_is_followed_through_every_state_and_all_output_to_its_end() {
    let stage = Stage::new();
    let command = ask(&stage, "show-status").await;
    let stream = follow(&stage, &command, None).await;
    let life = async {
        let fence = try_lease(&stage, 0).await.json["fence"].clone();
        on(&stage, &command, "heartbeat", SERVICE, json!({"fence": fence})).await;
        output(&stage, &command, &fence, 0, "one\n").await;
        output(&stage, &command, &fence, 4, "two\n").await;
        finish(&stage, &command, &fence).await;
    };
    let (sent, ()) = tokio::join!(read(stream), life);
    let expected = [
        "command scheduled",
        "command leased",
        "command running",
        "one\n",
        "two\n",
        "command succeeded",
        "end succeeded",
    ];
    assert_eq!(story(&sent), expected);
    assert_eq!(sent[4].data, json!({"offset": 4, "text": "two\n"}));
    assert_eq!(sent[5].data["id"], command["id"]);
}

#[tokio::test]
async fn whoever_comes_later_begins_with_the_command_as_it_stands_and_all_output_so_far() {
    let stage = Stage::new();
    let (command, fence) = running(&stage, "show-status").await;
    output(&stage, &command, &fence, 0, "one\n").await;
    let stream = follow(&stage, &command, None).await;
    let (sent, ()) = tokio::join!(read(stream), finish(&stage, &command, &fence));
    assert_eq!(story(&sent), ["command running", "one\n", "command succeeded", "end succeeded"]);
    let sent = read(follow(&stage, &command, None).await).await;
    assert_eq!(story(&sent), ["command succeeded", "one\n", "end succeeded"]);
}

#[tokio::test]
async fn whoever_comes_back_gets_what_came_after_the_last_that_he_has_seen() {
    let stage = Stage::new();
    let (command, fence) = running(&stage, "show-status").await;
    output(&stage, &command, &fence, 0, "one\n").await;
    output(&stage, &command, &fence, 4, "two\n").await;
    finish(&stage, &command, &fence).await;
    let sent = read(follow(&stage, &command, None).await).await;
    assert_eq!(story(&sent), ["command succeeded", "one\n", "two\n", "end succeeded"]);
    for (last, rest) in [(0, &["one\n", "two\n"][..]), (1, &["two\n"]), (2, &[])] {
        let again = read(follow(&stage, &command, Some(&sent[last].id)).await).await;
        let expected: Vec<_> = ["command succeeded"].iter().chain(rest).chain(&["end succeeded"]).copied().collect();
        assert_eq!(story(&again), expected, "{last}");
    }
    for odd in ["x", "-1", "999999"] {
        let refused = Answer::of(follow(&stage, &command, Some(odd)).await).await;
        assert_eq!((refused.status, refused.wrong_fields()), (StatusCode::BAD_REQUEST, vec!["Last-Event-ID"]), "{odd}");
    }
}

#[tokio::test]
async fn progress_is_told_and_a_mere_sign_of_life_is_not() {
    let stage = Stage::new();
    let (command, fence) = running(&stage, "show-status").await;
    let stream = follow(&stage, &command, None).await;
    let life = async {
        stage.clock.advance(Duration::from_secs(1));
        on(&stage, &command, "heartbeat", SERVICE, json!({"fence": fence})).await;
        // Looks are a while apart: each of these is seen by one of its own.
        tokio::time::sleep(Duration::from_millis(500)).await;
        let progress = json!({"percent": 40, "line": "half"});
        on(&stage, &command, "heartbeat", SERVICE, json!({"fence": fence, "progress": progress})).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        finish(&stage, &command, &fence).await;
    };
    let (sent, ()) = tokio::join!(read(stream), life);
    assert_eq!(story(&sent), ["command running", "command running", "command succeeded", "end succeeded"]);
    assert_eq!(sent[1].data["progress"], json!({"percent": 40, "line": "half"}));
}

#[tokio::test]
async fn a_stream_ends_with_the_callers_token_and_does_not_say_that_the_command_did() {
    let stage = Stage::new();
    let command = ask(&stage, "show-status").await;
    let request = stage.get(&format!("/v1/commands/{}/follow", command["id"].as_str().unwrap()));
    let stream = request.claiming(|claims| claims.rctx.exp = Some(claims.iat + 1)).open().await;
    assert_eq!(story(&read(stream).await), ["command scheduled"]);
}

#[tokio::test]
async fn streams_are_bounded_and_what_is_not_there_is_not_followed() {
    let stage = Stage::new();
    let missing = json!({"id": "019ca000-0000-7000-8000-000000000000"});
    assert_eq!(follow(&stage, &missing, None).await.status(), StatusCode::NOT_FOUND);
    let command = ask(&stage, "show-status").await;
    let mut streams = Vec::new();
    for _ in 0..16 {
        streams.push(follow(&stage, &command, None).await);
    }
    let refused = Answer::of(follow(&stage, &command, None).await).await;
    assert_eq!((refused.status, problem(&refused)), (StatusCode::TOO_MANY_REQUESTS, "too-many-streams"));
}
