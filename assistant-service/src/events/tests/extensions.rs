use axum::http::StatusCode;
use serde_json::json;

use super::{event, only_event, publish_structured};
use crate::testing::{Stage, TESTER};

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const OTHER_PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[tokio::test]
async fn documented_extensions_have_the_same_types_whatever_the_binding() {
    let rows = [
        ("traceparent", json!(PARENT)),
        ("tracestate", json!("rojo=1")),
        ("correlationid", json!("c-1")),
        ("causationid", json!("e-1")),
        ("severitytext", json!("ERROR")),
        ("severitynumber", json!(17)),
        ("partitionkey", json!("p")),
        ("sequence", json!("007")),
        ("sequencetype", json!("Integer")),
        ("expirytime", json!("2026-04-01T00:00:00Z")),
        ("dataclassification", json!("internal")),
    ];
    let binary = Stage::new();
    let request = binary.request("POST", "/v1/events").header("ce-specversion", "1.0").header("ce-id", "a");
    let mut request = request.header("ce-type", "com.example.frame").header("ce-source", TESTER);
    let structured = Stage::new();
    let mut whole = event("a");
    for (name, value) in &rows {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        request = request.header(&format!("ce-{name}"), &text);
        whole[*name] = value.clone();
    }
    assert_eq!(request.send().await.status, StatusCode::ACCEPTED);
    assert_eq!(publish_structured(&structured, &whole).await.status, StatusCode::ACCEPTED);
    for stage in [binary, structured] {
        let kept = only_event(&stage).await;
        for (name, value) in &rows {
            assert_eq!(kept[name], *value, "{name}");
        }
    }
}

#[tokio::test]
async fn an_extension_of_the_wrong_type_is_named() {
    let stage = Stage::new();
    for (name, value) in [
        ("severitynumber", json!("17")),
        ("severitynumber", json!(25)),
        ("severitytext", json!("ERROR")),
        ("correlationid", json!(7)),
        ("sequence", json!(7)),
        ("expirytime", json!("soon")),
        ("traceparent", json!("00-1-2-01")),
        ("tracestate", json!("rojo=1")),
    ] {
        let mut wrong = event("a");
        wrong[name] = value.clone();
        let answer = publish_structured(&stage, &wrong).await;
        assert_eq!((answer.status, answer.wrong_fields()), (StatusCode::BAD_REQUEST, vec![name]), "{name}: {value}");
    }
}

#[tokio::test]
async fn the_trace_of_the_request_is_that_of_an_event_that_has_none() {
    for (own, header, state, kept_parent, kept_state) in [
        (None, PARENT, "rojo=1", json!(PARENT), json!("rojo=1")),
        (Some(OTHER_PARENT), PARENT, "rojo=1", json!(OTHER_PARENT), json!(null)),
        (None, "00-1-2-01", "rojo=1", json!(null), json!(null)),
        (None, PARENT, "not a state", json!(PARENT), json!(null)),
    ] {
        let stage = Stage::new();
        let mut sent = event("a");
        if let Some(own) = own {
            sent["traceparent"] = json!(own);
        }
        let request = stage.request("POST", "/v1/events").header("content-type", super::STRUCTURED);
        let request = request.header("traceparent", header).header("tracestate", state).body(sent.to_string());
        assert_eq!(request.send().await.status, StatusCode::ACCEPTED);
        let kept = only_event(&stage).await;
        assert_eq!((&kept["traceparent"], &kept["tracestate"]), (&kept_parent, &kept_state), "{header} {state}");
    }
}
