use std::fs;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::*;
use crate::testing::{Answer, Stage, TESTER};

const READING: &str = r##"{
    "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
    "properties": {
        "celsius": {"type": "number", "minimum": -273.15},
        "gpu/1": {"$ref": "#/$defs/name"},
        "tags": {"type": "array", "items": {"$ref": "#/$defs/name"}}
    },
    "required": ["celsius"], "additionalProperties": false, "$defs": {"name": {"type": "string", "pattern": "^[a-z]+$"}}
}"##;

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn stage() -> Stage {
    let schemas = EventSchemas::load(folder(&[("com.example.reading.json", READING)]).path()).unwrap();
    assert_eq!(schemas.count(), 1);
    Stage::new().with_event_schemas(schemas)
}

async fn publish(stage: &Stage, change: impl FnOnce(&mut Value)) -> Answer {
    let mut event = json!({"specversion": "1.0", "id": "a", "source": TESTER, "type": "com.example.reading"});
    change(&mut event);
    let request = stage.request("POST", "/v1/events").header("content-type", "application/cloudevents+json");
    request.body(event.to_string()).send().await
}

#[tokio::test]
async fn data_that_fits_its_schema_is_taken_however_it_was_written() {
    for (name, value) in
        [("data", json!({"celsius": 61.5, "tags": ["hot"]})), ("data_base64", json!("eyJjZWxzaXVzIjogMX0="))]
    {
        let answer = publish(&stage(), |event| event[name] = value).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
    }
    let other = publish(&stage(), |event| event["type"] = json!("com.example.readings")).await;
    assert_eq!(other.status, StatusCode::ACCEPTED, "a type without a schema");
}

#[tokio::test]
async fn data_that_does_not_fit_is_named_by_json_pointers_and_kept_as_a_dead_letter() {
    for (name, value, fields) in [
        ("data", json!({}), vec!["/data/celsius"]),
        ("data", json!({"celsius": "hot"}), vec!["/data/celsius"]),
        ("data", json!({"celsius": -300, "gpu/1": "X1"}), vec!["/data/celsius", "/data/gpu~11"]),
        ("data", json!({"celsius": 1, "tags": ["a", "B"]}), vec!["/data/tags/1"]),
        ("data", json!({"celsius": 1, "more": 1}), vec!["/data"]),
        ("data", json!(null), vec!["/data"]),
        ("data_base64", json!("e30="), vec!["/data/celsius"]),
        ("subject", json!("no data at all"), vec!["/data"]),
    ] {
        let stage = stage();
        let answer = publish(&stage, |event| event[name] = value.clone()).await;
        assert_eq!((answer.status, answer.wrong_fields()), (StatusCode::UNPROCESSABLE_ENTITY, fields), "{value}");
        assert_eq!(answer.json["type"], "urn:watchgate:problem:schema");
        let id = answer.json["dead_letter"].as_str().unwrap();
        let letter = stage.get(&format!("/v1/dead-letters/{id}")).send().await.json;
        assert_eq!((&letter["reason"], &letter["errors"]), (&json!("schema"), &answer.json["errors"]));
    }
}

#[tokio::test]
async fn the_values_of_an_event_are_not_repeated_in_the_answer() {
    let answer = publish(&stage(), |event| event["data"] = json!({"celsius": "a-secret"})).await;
    assert!(!answer.json.to_string().contains("a-secret"), "{}", answer.json);
}

#[tokio::test]
async fn data_of_another_kind_does_not_fit() {
    let stage = stage();
    let request = stage.request("POST", "/v1/events").header("ce-specversion", "1.0").header("ce-id", "a");
    let request = request.header("ce-type", "com.example.reading").header("ce-source", TESTER);
    let answer = request.header("content-type", "text/plain").body(r#"{"celsius":1}"#).send().await;
    assert_eq!((answer.status, answer.wrong_fields()), (StatusCode::UNPROCESSABLE_ENTITY, vec!["/data"]));
}

#[test]
fn every_mistake_in_a_folder_is_said_with_its_place() {
    let folder = folder(&[
        ("a.json", "{\n  \"type\": \"object\",\n}"),
        ("b.json", r#"{"properties": {"x": {"type": "strin"}}}"#),
        ("c.json", r#"{"$ref": "https://example.com/schema.json"}"#),
        ("d e.json", "{}"),
        ("f.json", r#"{"pattern": "(?=lookahead)"}"#),
        ("good.json", "{}"),
        ("README.md", "not read"),
    ]);
    fs::write(folder.path().join("g.json"), format!("\"{}\"", "x".repeat(300_000))).unwrap();
    let mistakes = EventSchemas::load(folder.path()).unwrap_err().to_string();
    for part in [
        "a.json: it is not JSON: trailing comma at line 3 column 1",
        "b.json: it is no JSON Schema",
        "at /properties/x/type",
        "c.json: it is no JSON Schema",
        "d e.json: its name is not that of an event type",
        "f.json: it is no JSON Schema",
        "g.json: it cannot be read: it is larger than 256 KiB",
    ] {
        assert!(mistakes.contains(part), "`{part}` is not in {mistakes}");
    }
    assert!(!mistakes.contains("good.json") && !mistakes.contains("README"), "{mistakes}");
    let missing = EventSchemas::load(&folder.path().join("missing")).unwrap_err().to_string();
    assert!(missing.contains("missing cannot be read"), "{missing}");
}

#[tokio::test]
async fn a_schema_that_refers_to_itself_ends() {
    for schema in [r##"{"type": "object", "additionalProperties": {"$ref": "#"}}"##, r##"{"$ref": "#"}"##] {
        let schemas = EventSchemas::load(folder(&[("com.example.reading.json", schema)]).path()).unwrap();
        let stage = Stage::new().with_event_schemas(schemas);
        let answer = publish(&stage, |event| event["data"] = json!({"a": {"b": {}}})).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{schema}");
    }
}
