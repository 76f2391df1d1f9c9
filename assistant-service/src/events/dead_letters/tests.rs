use std::time::Duration;

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::testing::{Answer, ISSUER, Stage, TESTER};

const STRUCTURED: &str = "application/cloudevents+json";

fn event(id: &str) -> Value {
    json!({"specversion": "1.0", "id": id, "type": "com.example.frame", "source": TESTER, "data": {"n": 1}})
}

fn wrong(id: &str) -> Value {
    let mut event = event(id);
    event["time"] = json!("noon");
    event
}

async fn publish(stage: &Stage, event: &Value) -> Answer {
    let request = stage.request("POST", "/v1/events").header("content-type", STRUCTURED);
    request.header("ce-correlationid", "gate-1").body(event.to_string()).send().await
}

/// Leaves a dead letter, and gives its id.
async fn leave(stage: &Stage, event: &Value) -> String {
    publish(stage, event).await.json["dead_letter"].as_str().unwrap().to_owned()
}

async fn replay(stage: &Stage, id: &str, with: Option<&Value>) -> Answer {
    let request = stage.request("POST", &format!("/v1/dead-letters/{id}/replay")).by("operator");
    match with {
        Some(event) => request.header("content-type", STRUCTURED).body(event.to_string()).send().await,
        None => request.send().await,
    }
}

async fn get(stage: &Stage, id: &str) -> Answer {
    stage.get(&format!("/v1/dead-letters/{id}")).send().await
}

async fn list(stage: &Stage, query: &str) -> Vec<String> {
    let page = stage.get(&format!("/v1/dead-letters{query}")).send().await.json;
    let letters = page["dead_letters"].as_array().unwrap_or_else(|| panic!("{page}"));
    letters.iter().map(|letter| letter["id"].as_str().unwrap().to_owned()).collect()
}

async fn events(stage: &Stage, event_type: &str) -> Vec<Value> {
    let page = stage.get(&format!("/v1/events?type={event_type}")).send().await.json;
    page["events"].as_array().unwrap().iter().map(|one| one["event"].clone()).collect()
}

#[tokio::test]
async fn what_could_not_be_taken_is_kept_with_all_that_came_of_it() {
    let stage = Stage::new();
    let id = leave(&stage, &wrong("a")).await;
    let letter = get(&stage, &id).await.json;
    let expected = json!({
        "id": id, "reason": "malformed", "principal": TESTER, "authtype": "app_user",
        "errors": [{"field": "time", "detail": "must be a time such as 2026-03-01T12:00:00Z (RFC 3339)"}],
        "arrived_at": "2026-03-01T12:00:00Z", "mode": "structured", "content_type": STRUCTURED, "headers": {},
        "event_id": "a", "source": TESTER, "type": "com.example.frame",
        "body": wrong("a").to_string(), "body_is_cut": false,
    });
    assert_eq!(letter, expected);
    let told = events(&stage, "dev.watchgate.event.dead-lettered").await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["data"], json!({"id": id, "reason": "malformed"}));
    assert_eq!((&told[0]["authid"], &told[0]["correlationid"]), (&json!(TESTER), &json!("gate-1")));
}

#[tokio::test]
async fn a_binary_event_is_kept_with_its_headers_and_its_bytes() {
    let stage = Stage::new();
    let request = stage.request("POST", "/v1/events").header("ce-specversion", "1.0").header("ce-id", "b");
    let request = request.header("ce-type", "com.example.frame").header("ce-source", TESTER);
    let request = request.header("ce-severitynumber", "high").header("content-type", "application/octet-stream");
    let answer = request.body(b"\xff\x00".to_vec()).send().await;
    assert_eq!((answer.status, answer.wrong_fields()), (StatusCode::BAD_REQUEST, vec!["severitynumber"]));
    let letter = get(&stage, answer.json["dead_letter"].as_str().unwrap()).await.json;
    assert_eq!((&letter["mode"], &letter["body_base64"]), (&json!("binary"), &json!("/wA=")));
    assert_eq!(letter["headers"]["ce-severitynumber"], "high");
    assert_eq!(letter["content_type"], "application/octet-stream");
}

#[tokio::test]
async fn a_body_that_nobody_can_read_is_kept_as_far_as_64_kib() {
    let stage = Stage::new();
    let request = stage.request("POST", "/v1/events").header("content-type", STRUCTURED);
    let answer = request.body("ä".repeat(40_000)).send().await;
    assert_eq!((answer.status, answer.wrong_fields()), (StatusCode::BAD_REQUEST, vec!["body"]));
    let id = answer.json["dead_letter"].as_str().unwrap();
    let letter = get(&stage, id).await.json;
    assert_eq!((letter["body"].as_str().unwrap().len(), &letter["body_is_cut"]), (65_536, &json!(true)));
    let answer = replay(&stage, id, None).await;
    assert_eq!((answer.status, answer.wrong_fields()), (StatusCode::BAD_REQUEST, vec!["body"]));
    assert_eq!(replay(&stage, id, Some(&event("c"))).await.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn nothing_is_kept_of_what_policy_refuses() {
    let stage = Stage::new();
    for (name, value) in [("type", json!("dev.watchgate.command.x")), ("source", json!(format!("{ISSUER}#tester-8")))] {
        for sent in [event("a"), wrong("a")] {
            let mut foreign = sent;
            foreign[name] = value.clone();
            assert_eq!(publish(&stage, &foreign).await.status, StatusCode::FORBIDDEN, "{foreign}");
        }
    }
    let mut without_source = wrong("a");
    without_source.as_object_mut().unwrap().remove("source");
    without_source["type"] = json!("dev.watchgate.command.x");
    assert_eq!(publish(&stage, &without_source).await.status, StatusCode::FORBIDDEN);
    assert_eq!(list(&stage, "").await, Vec::<String>::new());
    assert_eq!(events(&stage, "dev.watchgate.*").await, Vec::<Value>::new());
}

#[tokio::test]
async fn a_corrected_event_is_its_senders_and_the_letter_is_gone() {
    let stage = Stage::new();
    let id = leave(&stage, &wrong("a")).await;
    stage.clock.advance(Duration::from_secs(3600));
    let mut corrected = event("a");
    corrected["authid"] = json!("somebody else");
    let answer = replay(&stage, &id, Some(&corrected)).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
    assert_eq!(answer.json, json!({"id": "a", "source": TESTER, "position": 2, "duplicate": false}));
    let kept = events(&stage, "com.example.frame").await;
    assert_eq!((&kept[0]["authid"], &kept[0]["authtype"]), (&json!(TESTER), &json!("app_user")));
    assert_eq!((&kept[0]["time"], &kept[0]["correlationid"]), (&json!("2026-03-01T12:00:00Z"), &json!("gate-1")));
    let told = events(&stage, "dev.watchgate.event.replayed").await;
    let event = json!({"id": "a", "source": TESTER, "type": "com.example.frame"});
    assert_eq!(told[0]["data"], json!({"id": id, "event": event, "corrected": true}));
    assert_eq!(told[0]["authid"], json!(format!("{ISSUER}#operator")));
    assert_eq!(get(&stage, &id).await.status, StatusCode::NOT_FOUND);
    assert_eq!(replay(&stage, &id, None).await.status, StatusCode::NOT_FOUND);
    assert_eq!(list(&stage, "").await, Vec::<String>::new());
}

#[tokio::test]
async fn a_letter_can_be_replayed_as_it_came_once_nothing_is_wrong_with_it_any_more() {
    let schema = tempfile::tempdir().unwrap();
    std::fs::write(schema.path().join("com.example.frame.json"), r#"{"required": ["m"]}"#).unwrap();
    let strict = crate::events::EventSchemas::load(schema.path()).unwrap();
    let stage = Stage::new().with_event_schemas(strict);
    let binary = stage.request("POST", "/v1/events").header("ce-specversion", "1.0").header("ce-id", "b");
    let binary =
        binary.header("ce-type", "com.example.frame").header("ce-source", TESTER).header("ce-subject", "f%C3%BCr");
    let binary =
        binary.header("content-type", "application/json").body(r#"{"n": 1.00000000000000000001}"#).send().await;
    let binary = binary.json["dead_letter"].as_str().unwrap().to_owned();
    let structured = leave(&stage, &event("s")).await;
    let answer = replay(&stage, &structured, None).await;
    assert_eq!((answer.status, answer.wrong_fields()), (StatusCode::UNPROCESSABLE_ENTITY, vec!["/data/m"]));
    assert_eq!(answer.json["dead_letter"], json!(structured));
    let stage = stage.restarted();
    for id in [&binary, &structured] {
        assert_eq!(replay(&stage, id, None).await.status, StatusCode::ACCEPTED);
    }
    let kept = events(&stage, "com.example.frame").await;
    assert_eq!((&kept[0]["id"], &kept[0]["subject"]), (&json!("b"), &json!("für")));
    assert_eq!(kept[1]["id"], "s");
    let page = stage.get("/v1/events?limit=1000").open().await;
    let text = axum::body::to_bytes(page.into_body(), usize::MAX).await.unwrap();
    assert!(String::from_utf8(text.to_vec()).unwrap().contains("1.00000000000000000001"));
}

#[tokio::test]
async fn a_plain_post_that_the_gate_tagged_is_replayed_under_the_gates_own_name() {
    let stage = Stage::new();
    let request = stage.request("POST", "/v1/events").header("ce-specversion", "1.0").header("ce-id", "transaction-1");
    let request = request.header("ce-type", "dev.watchgate.telemetry").header("ce-source", "watchgate");
    let answer = request.header("content-type", "application/json").body("{").send().await;
    let id = answer.json["dead_letter"].as_str().unwrap();
    let mut corrected = json!({"specversion": "1.0", "id": "transaction-2", "type": "dev.watchgate.telemetry",
        "source": "watchgate", "data": {}});
    assert_eq!(
        replay(&stage, id, Some(&corrected)).await.status,
        StatusCode::FORBIDDEN,
        "an id that the gate never gave"
    );
    corrected["id"] = json!("transaction-1");
    assert_eq!(replay(&stage, id, Some(&corrected)).await.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn whoever_replays_cannot_make_the_sender_say_something_else() {
    let stage = Stage::new();
    let id = leave(&stage, &wrong("a")).await;
    for (name, value) in [
        ("type", "com.example.other"),
        ("source", "https://issuer.watchgate.test#tester-7/below"),
        ("type", "dev.watchgate.command.x"),
        ("source", "https://issuer.watchgate.test#operator"),
    ] {
        let mut other = event("a");
        other[name] = json!(value);
        assert_eq!(replay(&stage, &id, Some(&other)).await.status, StatusCode::FORBIDDEN, "{value}");
    }
    let mut nameless = event("a");
    nameless.as_object_mut().unwrap().retain(|name, _| name != "type" && name != "source");
    let nameless = leave(&stage, &nameless).await;
    let mut foreign = event("a");
    foreign["type"] = json!("dev.watchgate.command.x");
    assert_eq!(replay(&stage, &nameless, Some(&foreign)).await.status, StatusCode::FORBIDDEN);
    assert_eq!(replay(&stage, &nameless, Some(&event("a"))).await.status, StatusCode::ACCEPTED);
    assert_eq!(list(&stage, "").await, [id]);
}

#[tokio::test]
async fn a_correction_that_is_none_leaves_the_letter_where_it_is() {
    let stage = Stage::new();
    let id = leave(&stage, &wrong("a")).await;
    for (content_type, body, status) in [
        (STRUCTURED, wrong("a").to_string(), StatusCode::BAD_REQUEST),
        (STRUCTURED, "{".to_owned(), StatusCode::BAD_REQUEST),
        ("application/json", event("a").to_string(), StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("application/cloudevents-batch+json", "[]".to_owned(), StatusCode::UNSUPPORTED_MEDIA_TYPE),
    ] {
        let request = stage.request("POST", &format!("/v1/dead-letters/{id}/replay"));
        assert_eq!(request.header("content-type", content_type).body(body).send().await.status, status);
    }
    assert_eq!(replay(&stage, &id, None).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(list(&stage, "").await, [id]);
}

#[tokio::test]
async fn of_two_who_replay_the_same_letter_one_does() {
    let stage = Stage::new();
    let id = leave(&stage, &wrong("a")).await;
    let corrected = event("a");
    let (first, second) = tokio::join!(replay(&stage, &id, Some(&corrected)), replay(&stage, &id, Some(&corrected)));
    let mut statuses = [first.status.as_u16(), second.status.as_u16()];
    statuses.sort_unstable();
    assert!(statuses == [202, 404] || statuses == [202, 409], "{statuses:?}");
    assert_eq!(events(&stage, "dev.watchgate.event.replayed").await.len(), 1);
}

#[tokio::test]
async fn a_discarded_letter_is_gone_and_that_is_an_event() {
    let stage = Stage::new();
    let id = leave(&stage, &wrong("a")).await;
    let discard = || stage.request("DELETE", &format!("/v1/dead-letters/{id}")).by("operator");
    assert_eq!(discard().send().await.status, StatusCode::NO_CONTENT);
    assert_eq!(discard().send().await.status, StatusCode::NOT_FOUND);
    let told = events(&stage, "dev.watchgate.event.discarded").await;
    assert_eq!(told[0]["data"], json!({"id": id, "because": "discarded"}));
    assert_eq!(told[0]["authid"], json!(format!("{ISSUER}#operator")));
}

#[tokio::test]
async fn letters_are_listed_newest_first_in_pages_and_by_principal_or_type() {
    let stage = Stage::new();
    let mut ids = Vec::new();
    for number in 0..5 {
        let mut sent = wrong(&number.to_string());
        if number == 3 {
            sent["type"] = json!("com.example.other");
        }
        ids.push(leave(&stage, &sent).await);
    }
    ids.reverse();
    assert_eq!(list(&stage, "").await, ids);
    assert_eq!(list(&stage, "?type=com.example.other").await, [ids[1].clone()]);
    assert_eq!(list(&stage, "?principal=https://issuer.watchgate.test%23tester-7").await.len(), 5);
    assert_eq!(list(&stage, "?principal=https://issuer.watchgate.test%23tester-8").await, Vec::<String>::new());
    let page = stage.get("/v1/dead-letters?limit=2").send().await.json;
    assert_eq!(page["next_before"], json!(ids[1]));
    assert_eq!(list(&stage, &format!("?limit=2&before={}", ids[1])).await, ids[2..4]);
    let last = stage.get(&format!("/v1/dead-letters?limit=2&before={}", ids[3])).send().await.json;
    assert_eq!((last["dead_letters"].as_array().unwrap().len(), &last["next_before"]), (1, &Value::Null));
    assert_eq!(stage.get("/v1/dead-letters?limit=0").send().await.wrong_fields(), ["limit"]);
    assert_eq!(stage.get("/v1/dead-letters?colour=red").send().await.wrong_fields(), ["query"]);
}

#[tokio::test]
async fn after_thirty_days_a_letter_is_gone() {
    let stage = Stage::new();
    let id = leave(&stage, &wrong("a")).await;
    stage.clock.advance(Duration::from_secs(30 * 24 * 3600 - 1));
    assert_eq!(get(&stage, &id).await.status, StatusCode::OK);
    stage.clock.advance(Duration::from_secs(1));
    assert_eq!(get(&stage, &id).await.status, StatusCode::NOT_FOUND);
    assert_eq!(replay(&stage, &id, Some(&event("a"))).await.status, StatusCode::NOT_FOUND);
    assert_eq!(list(&stage, "").await, Vec::<String>::new());
}
