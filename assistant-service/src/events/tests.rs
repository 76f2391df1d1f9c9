mod full_disk;
mod queries;

use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::testing::{Answer, Stage, TESTER};

mod batch;
mod extensions;
mod format;

const STRUCTURED: &str = "application/cloudevents+json";

async fn publish_structured(stage: &Stage, event: &Value) -> Answer {
    let request = stage.request("POST", "/v1/events").header("content-type", STRUCTURED);
    request
        .header("ce-correlationid", "gate-1")
        .header("ce-type", "dev.watchgate.telemetry")
        .body(event.to_string())
        .send()
        .await
}

fn event(id: &str) -> Value {
    json!({"specversion": "1.0", "id": id, "type": "com.example.frame", "source": TESTER, "data": {"n": 1}})
}

async fn only_event(stage: &Stage) -> Value {
    let page = stage.get("/v1/events").send().await.json;
    assert_eq!(page["events"].as_array().unwrap().len(), 1, "{page}");
    page["events"][0]["event"].clone()
}

#[tokio::test]
async fn a_structured_event_is_kept_and_stamped() {
    let stage = Stage::new();
    let mut sent = event("a");
    sent["authid"] = json!("somebody else");
    sent["authclaims"] = json!("admin");
    sent["priority"] = json!(3);
    let answer = publish_structured(&stage, &sent).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    assert_eq!(answer.json, json!({"id": "a", "source": TESTER, "position": 1, "duplicate": false}));
    let expected = json!({
        "specversion": "1.0", "id": "a", "type": "com.example.frame", "source": TESTER, "data": {"n": 1},
        "time": "2026-03-01T12:00:00Z", "priority": 3, "correlationid": "gate-1",
        "authtype": "app_user", "authid": TESTER,
    });
    assert_eq!(only_event(&stage).await, expected);
}

#[tokio::test]
async fn a_binary_event_is_kept_with_its_decoded_headers_and_its_exact_data() {
    let stage = Stage::new();
    let answer = stage
        .request("POST", "/v1/events")
        .header("ce-specversion", "1.0")
        .header("ce-id", "b")
        .header("ce-type", "com.example.frame")
        .header("ce-source", TESTER)
        .header("ce-time", "2026-02-28T23:59:59.123456789+01:00")
        .header("ce-subject", "\"f%C3%BCr \\\"x\\\" 100%25\"")
        .header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        .header("content-type", "application/json")
        .body(r#"{"n": 1.00000000000000000001}"#)
        .send()
        .await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
    let page = stage.get("/v1/events").open().await;
    let text = axum::body::to_bytes(page.into_body(), usize::MAX).await.unwrap();
    let text = std::str::from_utf8(&text).unwrap();
    for part in [
        r#""subject":"für \"x\" 100%""#,
        r#""time":"2026-02-28T23:59:59.123456789+01:00""#,
        r#""data":{"n": 1.00000000000000000001}"#,
        r#""traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01""#,
        r#""datacontenttype":"application/json""#,
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
}

#[tokio::test]
async fn other_data_is_kept_as_text_or_base64() {
    for (content_type, body, member, kept) in [
        ("text/plain; charset=utf-8", &b"h\xc3\xa4"[..], "data", "hä"),
        ("text/plain", b"\xff", "data_base64", "/w=="),
        ("application/octet-stream", b"abc", "data_base64", "YWJj"),
    ] {
        let stage = Stage::new();
        let request = stage.request("POST", "/v1/events").header("ce-specversion", "1.0").header("ce-id", "c");
        let request = request.header("ce-type", "com.example.frame").header("ce-source", TESTER);
        let answer = request.header("content-type", content_type).body(body).send().await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
        assert_eq!(only_event(&stage).await[member], kept);
    }
}

#[tokio::test]
async fn a_malformed_structured_event_is_refused_by_the_names_of_its_fields() {
    let stage = Stage::new();
    let with = |name: &str, value: Value| {
        let mut event = event("x");
        event[name] = value;
        event.to_string()
    };
    let without = |name: &str| {
        let mut event = event("x");
        event.as_object_mut().unwrap().remove(name);
        event.to_string()
    };
    for (body, fields) in [
        ("{}".to_owned(), vec!["specversion", "id", "source", "type"]),
        (without("id"), vec!["id"]),
        (with("id", json!("")), vec!["id"]),
        (with("id", json!(7)), vec!["id"]),
        (with("id", json!(null)), vec!["id"]),
        (with("id", json!("a\nb")), vec!["id"]),
        (with("id", json!("x".repeat(4000))), vec!["id"]),
        (with("specversion", json!("0.3")), vec!["specversion"]),
        (with("source", json!("not a uri")), vec!["source"]),
        (with("time", json!("yesterday")), vec!["time"]),
        (with("time", json!("2026-02-30T00:00:00Z")), vec!["time"]),
        (with("dataschema", json!("relative")), vec!["dataschema"]),
        (with("datacontenttype", json!("json")), vec!["datacontenttype"]),
        (with("Bad-Name", json!("x")), vec!["Bad-Name"]),
        (with("averyveryverylongname", json!("x")), vec!["averyveryverylongname"]),
        (with("extension", json!({"a": 1})), vec!["extension"]),
        (with("extension", json!(1.5)), vec!["extension"]),
        (with("extension", json!(3_000_000_000_u32)), vec!["extension"]),
        (with("data_base64", json!("e30=")), vec!["data_base64"]),
        (without("data").replace('}', r#","data_base64":"*"}"#), vec!["data_base64"]),
        (without("data").replace('}', r#","data_base64":"eA=="}"#), vec!["data_base64"]),
        (without("data").replace('}', r#","id":"y"}"#), vec!["id"]),
        ("[]".to_owned(), vec!["body"]),
        ("{".to_owned(), vec!["body"]),
        (event("x").to_string().replace(r#"{"n":1}"#, r#""\ud800""#), vec!["data"]),
        (event("x").to_string().replace(r#"{"n":1}"#, "1e999"), vec!["data"]),
        (event("x").to_string().replace(r#"{"n":1}"#, &"[".repeat(300_000)), vec!["body"]),
        (event("x").to_string().replace(r#"{"n":1}"#, &format!("{}{}", "[".repeat(99), "]".repeat(99))), vec!["data"]),
        (with("x", json!("y")).replace('}', &format!("{}}}", r#","x":1"#.repeat(300))), vec!["body"]),
        (String::new(), vec!["body"]),
    ] {
        let request = stage.request("POST", "/v1/events").header("content-type", STRUCTURED);
        let answer = request.header("ce-id", "gate").body(body.clone()).send().await;
        assert_eq!((answer.status, answer.wrong_fields()), (StatusCode::BAD_REQUEST, fields), "{body}");
    }
    let kept = stage.get("/v1/events?type=com.example.*").send().await.json;
    assert_eq!(kept, json!({"events": [], "next_after": null}));
}

#[tokio::test]
async fn a_malformed_binary_event_is_refused_by_the_names_of_its_fields() {
    let stage = Stage::new();
    for (name, value, body, fields) in [
        ("ce-time", "now", "{}", vec!["time"]),
        ("ce-subject", "50%", "{}", vec!["subject"]),
        ("ce-subject", "%ff", "{}", vec!["subject"]),
        ("ce-id", "second", "{}", vec!["id"]),
        ("ce-datacontenttype", "text/plain", "{}", vec!["datacontenttype"]),
        ("ce-with-dash", "x", "{}", vec!["with-dash"]),
        ("content-type", "text/plain", "{}", vec!["datacontenttype"]),
        ("ce-severitynumber", "high", "{}", vec!["severitynumber"]),
        ("ce-traceparent", "00-1-2-01", "{}", vec!["traceparent"]),
        ("ce-expirytime", "tomorrow", "{}", vec!["expirytime"]),
        ("ce-extension", "x", "{", vec!["data"]),
        ("ce-extension", "x", r#"["\ud800"]"#, vec!["data"]),
        ("ce-extension", "x", "1e999", vec!["data"]),
    ] {
        let request = stage.request("POST", "/v1/events").header("ce-specversion", "1.0").header("ce-id", "first");
        let request = request.header("ce-type", "com.example.frame").header("ce-source", TESTER);
        let request = request.header("content-type", "application/json").header(name, value);
        let answer = request.body(body).send().await;
        assert_eq!((answer.status, answer.wrong_fields()), (StatusCode::BAD_REQUEST, fields), "{name}: {value}");
    }
    let answer = stage.request("POST", "/v1/events").body("{}").send().await;
    assert_eq!(answer.wrong_fields(), ["specversion", "id", "source", "type"]);
}

#[tokio::test]
async fn a_large_malformed_event_does_not_draw_a_large_problem() {
    let stage = Stage::new();
    let long_name = "N".repeat(4000);
    let members: Vec<_> = (0..200).map(|number| format!(r#""{long_name}{number}":1"#)).collect();
    let request = stage.request("POST", "/v1/events").header("content-type", STRUCTURED);
    let answer = request.body(format!("{{{}}}", members.join(","))).send().await;
    assert_eq!((answer.status, answer.wrong_fields().len()), (StatusCode::BAD_REQUEST, 32));
    assert!(answer.json.to_string().len() < 16 * 1024);
    let request = stage.post("/v1/commands", &json!({"x".repeat(1_000_000): 1}));
    assert!(request.send().await.json.to_string().len() < 4 * 1024);
}

#[tokio::test]
async fn other_formats_and_encodings_are_not_understood() {
    let stage = Stage::new();
    for content_type in [
        "application/cloudevents+xml",
        "application/cloudevents",
        "application/cloudevents-batch+avro",
        "application/cloudevents+json; charset=iso-8859-1",
        "application/cloudevents-batch+json; charset=utf-16",
    ] {
        let request = stage.request("POST", "/v1/events").header("content-type", content_type);
        assert_eq!(request.body("[]").send().await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{content_type}");
    }
}

#[tokio::test]
async fn an_event_of_another_type_or_source_than_the_callers_is_refused() {
    let stage = Stage::new();
    for (name, value) in [
        ("type", "com.examples.frame"),
        ("type", "dev.watchgate.command.succeeded"),
        ("source", "urn:watchgate:assistant-service"),
        ("source", "https://issuer.watchgate.test#tester-70"),
        ("source", "https://issuer.watchgate.test#tester-7/../tester-8"),
    ] {
        let mut event = event("x");
        event[name] = json!(value);
        assert_eq!(publish_structured(&stage, &event).await.status, StatusCode::FORBIDDEN, "{value}");
    }
    let mut below = event("x");
    below["source"] = json!(format!("{TESTER}/input/pad"));
    assert_eq!(publish_structured(&stage, &below).await.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn what_the_gate_made_of_a_plain_post_is_kept_under_the_gates_own_name() {
    let stage = Stage::new();
    let post = |id: &str, source: &str| {
        let request = stage.post("/v1/events", &json!({"n": 1})).header("ce-specversion", "1.0").header("ce-id", id);
        request
            .header("ce-type", "dev.watchgate.anything")
            .header("ce-source", source)
            .header("ce-authtype", "service_account")
    };
    assert_eq!(post("transaction-1", "watchgate").send().await.status, StatusCode::ACCEPTED);
    let kept = only_event(&stage).await;
    assert_eq!([&kept["authtype"], &kept["authid"]], [&json!("service_account"), &json!(TESTER)]);
    for (id, source) in [("transaction-2", "watchgate"), ("transaction-1", "watchgate2")] {
        assert_eq!(post(id, source).send().await.status, StatusCode::FORBIDDEN, "{id} {source}");
    }
    let mut structured = event("transaction-1");
    structured["source"] = json!("watchgate");
    assert_eq!(publish_structured(&stage, &structured).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_second_event_of_the_same_identity_is_a_duplicate_of_the_first() {
    let stage = Stage::new();
    publish_structured(&stage, &event("a")).await;
    publish_structured(&stage, &event("b")).await;
    let mut changed = event("a");
    changed["data"] = json!("changed");
    let answer = publish_structured(&stage, &changed).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    assert_eq!(answer.json, json!({"id": "a", "source": TESTER, "position": 1, "duplicate": true}));
    let page = stage.get("/v1/events?limit=1").send().await.json;
    assert_eq!(page["events"][0]["event"]["data"], json!({"n": 1}));
    assert_eq!(page["next_after"], 1);
}

#[tokio::test]
async fn wrong_parameters_of_a_query_are_named() {
    let stage = Stage::new();
    let answer = stage.get("/v1/events?limit=0&after=x&order=up").send().await;
    assert_eq!((answer.status, answer.wrong_fields()), (StatusCode::BAD_REQUEST, vec!["after", "limit", "order"]));
    let answer = stage.get("/v1/events?colour=red").send().await;
    assert_eq!((answer.status, answer.wrong_fields()), (StatusCode::BAD_REQUEST, vec!["query"]));
    let answer = stage.get("/v1/events?after=18446744073709551615").send().await;
    assert_eq!(answer.json, json!({"events": [], "next_after": null}));
}

/// Reads a stream of server-sent events until it has `count` ids.
async fn read_ids(body: Body, count: usize) -> Vec<String> {
    let mut pieces = body.into_data_stream();
    let mut ids = Vec::new();
    while ids.len() < count {
        let piece = tokio::time::timeout(Duration::from_secs(10), pieces.next()).await.unwrap().unwrap().unwrap();
        let text = String::from_utf8(piece.to_vec()).unwrap();
        ids.extend(text.lines().filter_map(|line| line.strip_prefix("id: ")).map(str::to_owned));
    }
    ids
}

#[tokio::test]
async fn a_tail_begins_with_new_events_or_after_the_last_one_seen() {
    let stage = Stage::new();
    publish_structured(&stage, &event("a")).await;
    publish_structured(&stage, &event("b")).await;
    let tail = |target: &str| stage.get(target).header("accept", "text/event-stream");
    let fresh = tail("/v1/events").open().await;
    assert_eq!(fresh.headers()["content-type"], "text/event-stream");
    let resumed = tail("/v1/events?after=9").header("last-event-id", "1").open().await;
    let after = tail("/v1/events?after=0&type=com.example.*").open().await;
    let other = tail("/v1/events?after=0&type=com.example.other").open().await;
    publish_structured(&stage, &event("c")).await;
    let mut last = event("d");
    last["type"] = json!("com.example.other");
    publish_structured(&stage, &last).await;
    assert_eq!(read_ids(fresh.into_body(), 2).await, ["3", "4"]);
    assert_eq!(read_ids(resumed.into_body(), 3).await, ["2", "3", "4"]);
    assert_eq!(read_ids(after.into_body(), 4).await, ["1", "2", "3", "4"]);
    assert_eq!(read_ids(other.into_body(), 1).await, ["4"]);
    for unknown in ["x", "5", "18446744073709551615"] {
        let answer = tail("/v1/events").header("last-event-id", unknown).send().await;
        assert_eq!(answer.wrong_fields(), ["Last-Event-ID"], "{unknown}");
    }
    assert_eq!(tail("/v1/events?order=desc").send().await.wrong_fields(), ["order"]);
}

#[tokio::test(start_paused = true)]
async fn a_tail_ends_with_the_callers_token() {
    let stage = Stage::new();
    let started = tokio::time::Instant::now();
    let response = stage.get("/v1/events").header("accept", "text/event-stream").open().await;
    let text = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    assert_eq!(started.elapsed().as_secs(), 600);
    assert!(String::from_utf8(text.to_vec()).unwrap().lines().all(|line| line.is_empty() || line == ":"));
}

#[tokio::test]
async fn a_tail_ends_when_the_service_does() {
    let stage = Stage::new();
    let response = stage.get("/v1/events").header("accept", "text/event-stream").open().await;
    stage.state.ending.send_replace(true);
    let body = axum::body::to_bytes(response.into_body(), usize::MAX);
    tokio::time::timeout(Duration::from_secs(10), body).await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_reader_has_few_seats_and_gives_them_back_at_its_tokens_end_even_if_it_never_reads() {
    let stage = Stage::new();
    for number in 0..20 {
        publish_structured(&stage, &event(&number.to_string())).await;
    }
    let tail = || stage.get("/v1/events?after=0").header("accept", "text/event-stream");
    let mut held = Vec::new();
    for _ in 0..16 {
        held.push(tail().open().await);
    }
    assert_eq!(tail().send().await.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(tail().by("tester-8").open().await.status(), StatusCode::OK);
    drop(held.pop());
    tokio::time::sleep(Duration::from_secs(1)).await;
    held.push(tail().open().await);
    assert_eq!(tail().send().await.status, StatusCode::TOO_MANY_REQUESTS);
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(tail().open().await.status(), StatusCode::OK);
}
