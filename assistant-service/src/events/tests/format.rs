//! Every event that is kept or returned fits the JSON Schema of CloudEvents' JSON format.

use std::sync::LazyLock;

use axum::http::StatusCode;
use jsonschema::Validator;
use serde_json::{Value, json};

use super::{event, publish_structured};
use crate::testing::{Stage, TESTER};

static CLOUDEVENTS: LazyLock<Validator> = LazyLock::new(|| {
    let schema: Value = serde_json::from_str(include_str!("../../../schemas/cloudevents-1.0.2.json")).unwrap();
    jsonschema::options().should_validate_formats(true).build(&schema).unwrap()
});

/// Looks at every event of a stage, and gives their types.
async fn types_of_good_events(stage: &Stage) -> Vec<String> {
    let page = stage.get("/v1/events?limit=1000").send().await.json;
    let mut types = Vec::new();
    for one in page["events"].as_array().unwrap() {
        let errors: Vec<_> = CLOUDEVENTS.iter_errors(&one["event"]).map(|error| error.to_string()).collect();
        assert_eq!(errors, Vec::<String>::new(), "{}", one["event"]);
        for name in one["event"].as_object().unwrap().keys().filter(|name| *name != "data_base64") {
            assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()), "{name}");
        }
        types.push(one["event"]["type"].as_str().unwrap().to_owned());
    }
    types
}

#[test]
fn the_schema_tells_events_from_others() {
    assert!(CLOUDEVENTS.is_valid(&event("a")));
    for (name, value) in
        [("id", json!("")), ("source", json!("not a uri")), ("time", json!("noon")), ("type", json!(7))]
    {
        let mut wrong = event("a");
        wrong[name] = value;
        assert!(!CLOUDEVENTS.is_valid(&wrong), "{wrong}");
    }
}

#[tokio::test]
async fn events_of_every_binding_fit() {
    let stage = Stage::new();
    for (id, content_type, body) in [
        ("json", "application/json", &br#"{"n":1}"#[..]),
        ("null", "application/json", b"null"),
        ("text", "text/plain", b"h\xc3\xa4"),
        ("bytes", "application/octet-stream", b"\xff\x00"),
        ("none", "application/octet-stream", b""),
    ] {
        let request = stage.request("POST", "/v1/events").header("ce-specversion", "1.0").header("ce-id", id);
        let request = request.header("ce-type", "com.example.frame").header("ce-source", TESTER);
        let request = request.header("ce-severitynumber", "9").header("content-type", content_type).body(body);
        assert_eq!(request.send().await.status, StatusCode::ACCEPTED, "{id}");
    }
    for (id, name, value) in [
        ("s-1", "data", json!([1, "two", null])),
        ("s-2", "data", json!(true)),
        ("s-3", "dataschema", json!("https://example.com/schema#1")),
        ("s-4", "subject", json!("für")),
    ] {
        let mut whole = event(id);
        whole[name] = value;
        assert_eq!(publish_structured(&stage, &whole).await.status, StatusCode::ACCEPTED, "{id}");
    }
    let request = stage.request("POST", "/v1/events").header("content-type", "application/cloudevents-batch+json");
    let answer = request.body(json!([event("b-1"), 7, event("b-2")]).to_string()).send().await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    let types = types_of_good_events(&stage).await;
    assert_eq!(types.iter().filter(|kind| *kind == "com.example.frame").count(), 11);
    assert!(types.contains(&"dev.watchgate.event.dead-lettered".to_owned()), "{types:?}");
}

#[tokio::test]
async fn the_services_own_events_fit() {
    let stage = Stage::new();
    let command = json!({"runbook": "show-status", "parameters": {}, "reason": "looks slow"});
    let answer = stage.post("/v1/commands", &command).send().await;
    assert!(answer.status.is_success(), "{answer:?}");
    let request = stage.request("POST", "/v1/revocations").header("content-type", "application/x-www-form-urlencoded");
    let answer = request.body("iss=https%3A%2F%2Fissuer.watchgate.test&sub=tester-9").send().await;
    assert!(answer.status.is_success(), "{answer:?}");
    let answer = stage.post("/v1/ask", &json!({"question": "What does the checkout service do?"})).send().await;
    assert!(answer.status.is_success(), "{answer:?}");
    for end in ["replay", "discard"] {
        let mut wrong = event(end);
        wrong["time"] = json!("noon");
        let id = publish_structured(&stage, &wrong).await.json["dead_letter"].as_str().unwrap().to_owned();
        let answer = match end {
            "replay" => {
                let request = stage.request("POST", &format!("/v1/dead-letters/{id}/replay"));
                request.header("content-type", super::STRUCTURED).body(event(end).to_string()).send().await
            }
            _ => stage.request("DELETE", &format!("/v1/dead-letters/{id}")).send().await,
        };
        assert!(answer.status.is_success(), "{answer:?}");
    }
    let types = types_of_good_events(&stage).await;
    for wanted in ["command.requested", "revocation", "event.dead-lettered", "event.replayed", "event.discarded"] {
        assert!(types.contains(&format!("dev.watchgate.{wanted}")), "{wanted} is not in {types:?}");
    }
}
