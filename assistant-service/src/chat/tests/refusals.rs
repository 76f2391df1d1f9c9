//! What is refused, in the shape that OpenAI's clients read.

use axum::body::Body;
use axum::http::Request;

use super::*;
use crate::testing::HOST;

fn error(answer: &Answer) -> (u16, &Value, &Value, &Value) {
    let error = &answer.json["error"];
    assert!(error["message"].is_string(), "{answer:?}");
    assert_eq!(answer.headers["content-type"], "application/json");
    (answer.status.as_u16(), &error["type"], &error["param"], &error["code"])
}

#[tokio::test]
async fn a_wrong_member_is_named_in_their_words() {
    let stage = Stage::new();
    let good = asks("watchgate", QUESTION);
    let message = |message: Value| with(good.clone(), "messages", json!([message]));
    let function = json!([{"type": "function", "function": {"name": "f"}}]);
    for (body, param, code) in [
        (json!({"messages": []}), "model", "missing_required_parameter"),
        (json!({"model": "watchgate"}), "messages", "missing_required_parameter"),
        (with(good.clone(), "model", json!(7)), "model", "invalid_type"),
        (with(good.clone(), "messages", json!([])), "messages", "invalid_value"),
        (with(good.clone(), "messages", json!("text")), "messages", "invalid_type"),
        (with(good.clone(), "messages", json!([7])), "messages[0]", "invalid_type"),
        (with(good.clone(), "stream", json!("yes")), "stream", "invalid_type"),
        (with(good.clone(), "n", json!(2)), "n", "unsupported_value"),
        (with(good.clone(), "temperature", json!(2.5)), "temperature", "invalid_value"),
        (with(good.clone(), "stop", json!([1])), "stop", "invalid_value"),
        (with(good.clone(), "max_tokens", json!(0)), "max_completion_tokens", "invalid_value"),
        (with(good.clone(), "stream_options", json!({"include_usage": true})), "stream_options", "invalid_value"),
        (with(good.clone(), "functions", json!([{"name": "f"}])), "functions", "unsupported_parameter"),
        (with(good.clone(), "logprobs", json!(true)), "logprobs", "unsupported_parameter"),
        (with(good.clone(), "tools", function), "tools", "unsupported_parameter"),
        (with(good.clone(), "tools", json!([{"type": "custom"}])), "tools[0].type", "unsupported_value"),
        (
            with(good.clone(), "tools", json!([{"type": "function", "function": {"name": "a b"}}])),
            "tools[0].function.name",
            "invalid_value",
        ),
        (
            with(good.clone(), "response_format", json!({"type": "json_object"})),
            "response_format",
            "unsupported_parameter",
        ),
        (message(json!({"role": "wizard", "content": "a"})), "messages[0].role", "invalid_value"),
        (message(json!({"content": "a"})), "messages[0].role", "missing_required_parameter"),
        (message(json!({"role": "user"})), "messages[0].content", "missing_required_parameter"),
        (message(json!({"role": "tool", "content": "a"})), "messages[0].tool_call_id", "missing_required_parameter"),
        (message(json!({"role": "assistant"})), "messages[0].content", "missing_required_parameter"),
        (
            message(
                json!({"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://a.example"}}]}),
            ),
            "messages[0].content[0].type",
            "unsupported_value",
        ),
        (message(json!({"role": "system", "content": "obey"})), "messages", "invalid_value"),
        (message(json!({"role": "user", "content": " "})), "messages", "invalid_value"),
        (message(json!({"role": "user", "content": "a".repeat(2001)})), "messages", "string_above_max_length"),
    ] {
        let refused = post(&stage, &body).send().await;
        let expected = (400, &json!("invalid_request_error"), &json!(param), &json!(code));
        assert_eq!(error(&refused), expected, "{body}: {refused:?}");
    }
    let events = stage.get("/v1/events?type=dev.watchgate.assistant.answered").send().await;
    assert_eq!(events.json["events"], json!([]));
}

#[tokio::test]
async fn what_the_layers_refuse_has_the_same_shape() {
    let stage = Stage::new();
    let kind = json!("invalid_request_error");
    let none = Value::Null;

    let unknown = Request::get("/v1/models").header("host", HOST).body(Body::empty()).unwrap();
    let unknown = Answer::of(stage.send(unknown).await).await;
    assert_eq!(error(&unknown), (401, &kind, &none, &json!("invalid_api_key")));
    assert!(unknown.headers.contains_key("www-authenticate"));
    let nobody = stage.get("/v1/models").claiming(|claims| claims.sub = None).send().await;
    assert_eq!(error(&nobody), (401, &kind, &none, &json!("invalid_api_key")));

    for target in ["/v1/chat/nothing", "/v1/chat/completions/abc", "/v1/models/watchgate/more"] {
        assert_eq!(error(&stage.get(target).send().await), (404, &kind, &none, &none), "{target}");
    }
    for (method, target) in [("GET", "/v1/chat/completions"), ("DELETE", "/v1/models/watchgate")] {
        let refused = stage.request(method, target).send().await;
        assert_eq!(error(&refused), (405, &kind, &none, &json!("method_not_supported")), "{target}");
    }
    for target in ["/v1/models/gpt-5", "/v1/models/Watchgate"] {
        let refused = stage.get(target).send().await;
        assert_eq!(error(&refused), (404, &kind, &json!("model"), &json!("model_not_found")));
    }
    let refused = post(&stage, &asks("gpt-5", "a")).send().await;
    assert_eq!(error(&refused), (404, &kind, &json!("model"), &json!("model_not_found")));

    let large = stage.post("/v1/chat/completions", &asks("watchgate", &"a".repeat(1024 * 1024))).send().await;
    assert_eq!(error(&large), (413, &kind, &none, &none));
    let text = stage.request("POST", "/v1/chat/completions").header("content-type", "text/plain").body("{}");
    assert_eq!(error(&text.send().await), (415, &kind, &none, &none));
    let broken = stage.request("POST", "/v1/chat/completions").header("content-type", "application/json").body("{");
    assert_eq!(error(&broken.send().await), (400, &kind, &json!("body"), &json!("invalid_value")));
}

#[tokio::test]
async fn a_store_that_takes_nothing_more_is_their_server_error() {
    let stage = Stage::full().await;
    let refused = post(&stage, &asks("watchgate", QUESTION)).send().await;
    assert_eq!(error(&refused), (507, &json!("server_error"), &Value::Null, &json!("store_full")));
}
