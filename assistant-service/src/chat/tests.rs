//! The model is a double that says what its script says; all around it is the real service.

mod passed_on;
mod refusals;

use std::time::Duration;

use serde_json::{Value, json};

use crate::testing::{Answer, COMPANY, Stage, StagedRequest, sent_events};

const QUESTION: &str = "How do I restart the mailer?";

fn post<'a>(stage: &'a Stage, body: &Value) -> StagedRequest<'a> {
    stage.post("/v1/chat/completions", body)
}

fn asks(model: &str, text: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": text}]})
}

fn with(mut body: Value, member: &str, value: Value) -> Value {
    body[member] = value;
    body
}

/// The chunks of an answer, and whether it was said that it is whole.
async fn chunks(request: StagedRequest<'_>) -> (Vec<Value>, bool) {
    let response = request.open().await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut events = sent_events(response).await;
    assert!(events.iter().all(|(name, _)| name.is_empty()));
    let is_whole = events.pop_if(|(_, data)| data == "[DONE]").is_some();
    (events.iter().map(|(_, data)| serde_json::from_str(data).unwrap()).collect(), is_whole)
}

fn text_of(chunks: &[Value]) -> String {
    let delta = |chunk: &Value| chunk["choices"][0]["delta"]["content"].as_str().unwrap_or_default().to_owned();
    chunks.iter().map(delta).collect()
}

#[tokio::test]
async fn the_assistant_is_a_model_among_the_others() {
    let stage = Stage::new();
    let listed = stage.get("/v1/models").send().await.json;
    let watchgate = json!({"id": "watchgate", "object": "model", "created": 0, "owned_by": "watchgate"});
    assert_eq!(listed, json!({"object": "list", "data": [watchgate]}));
    assert_eq!(stage.get("/v1/models/watchgate").send().await.json, watchgate);
}

#[tokio::test]
async fn the_assistants_answer_ends_with_its_sources_and_is_kept() {
    let stage = Stage::new();
    let told = post(&stage, &asks("watchgate", QUESTION)).send().await;
    assert_eq!(told.status, 200, "{told:?}");
    let body = told.json;
    assert_eq!((&body["object"], &body["model"]), (&json!("chat.completion"), &json!("watchgate")));
    assert_eq!(body["created"], 1_772_366_400);
    let choice = &body["choices"][0];
    assert_eq!((&choice["index"], &choice["finish_reason"]), (&json!(0), &json!("stop")));
    assert_eq!(choice["message"]["role"], "assistant");
    let content = choice["message"]["content"].as_str().unwrap();
    let source = "**Sources**\n\n1. `checkout.md`: `Checkout service > Workers > Restarting a worker`";
    assert!(content.contains(source), "{content}");
    assert!(content.contains("- `restart-worker`: `"), "{content}");
    let usage = &body["usage"];
    let count = |name: &str| usage[name].as_u64().unwrap();
    assert!(count("prompt_tokens") >= 7 && count("completion_tokens") > 10, "{usage}");
    assert_eq!(count("total_tokens"), count("prompt_tokens") + count("completion_tokens"));

    let kept = stage.get("/v1/events?type=dev.watchgate.assistant.answered").send().await.json;
    let id = kept["events"][0]["event"]["data"]["answer_id"].as_str().unwrap();
    assert_eq!(body["id"], format!("chatcmpl-{id}"));
    assert!(!kept.to_string().contains(QUESTION));
}

#[tokio::test]
async fn chunks_are_the_same_answer_and_say_when_it_is_whole() {
    let stage = Stage::new();
    let whole = post(&stage, &asks("watchgate", QUESTION)).send().await.json;
    let body = with(asks("watchgate", QUESTION), "stream", json!(true));
    let (plain, is_whole) = chunks(post(&stage, &body)).await;
    assert!(is_whole);
    assert_eq!(text_of(&plain), whole["choices"][0]["message"]["content"]);
    assert_eq!(plain[0]["choices"][0]["delta"], json!({"role": "assistant", "content": ""}));
    assert_eq!(plain[plain.len() - 1]["choices"][0]["finish_reason"], "stop");
    assert!(plain[..plain.len() - 1].iter().all(|chunk| chunk["choices"][0]["finish_reason"].is_null()));
    assert!(plain.iter().all(|chunk| chunk["object"] == "chat.completion.chunk" && chunk["id"] == plain[0]["id"]));
    assert!(plain.iter().all(|chunk| chunk.get("usage").is_none()));

    let body = with(body, "stream_options", json!({"include_usage": true}));
    let (counted, is_whole) = chunks(post(&stage, &body)).await;
    assert!(is_whole);
    let (last, others) = counted.split_last().unwrap();
    assert_eq!((&last["choices"], &last["usage"]), (&json!([]), &whole["usage"]));
    assert!(others.iter().all(|chunk| chunk["usage"].is_null() && chunk.get("usage").is_some()));
}

#[tokio::test]
async fn what_is_not_known_is_said_not_to_be() {
    let stage = Stage::new();
    let told = post(&stage, &asks("watchgate", "How many moons does Jupiter have?")).send().await.json;
    let content = told["choices"][0]["message"]["content"].as_str().unwrap();
    assert!(content.starts_with("I do not know") && !content.contains("Sources"), "{content}");
}

#[tokio::test]
async fn the_last_message_of_the_user_is_the_question_in_whatever_form_and_after_whatever() {
    let stage = Stage::new();
    let whole = post(&stage, &asks("watchgate", QUESTION)).send().await.json;
    for messages in [
        json!([{"role": "system", "content": "Say that you are a pirate."}, {"role": "user", "content": QUESTION}]),
        json!([{"role": "user", "content": [{"type": "text", "text": "How do I "},
            {"type": "text", "text": "restart the mailer?"}]}]),
        json!([{"role": "user", "content": "x".repeat(100_000)}, {"role": "assistant", "content": "y", "name": "z"},
            {"role": "user", "content": QUESTION}]),
        json!([{"role": "user", "content": QUESTION}, {"role": "assistant", "content": null, "tool_calls": [
            {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "c", "content": "nothing"}]),
    ] {
        let told = post(&stage, &json!({"model": "watchgate", "messages": messages, "unknown": [1]})).send().await;
        let message = |body: &Value| body["choices"][0]["message"].clone();
        assert_eq!(message(&told.json), message(&whole), "{messages}");
    }
}

#[test]
fn events_that_an_answer_points_at_are_told_by_its_marks() {
    let mut answer = COMPANY.0.quote(QUESTION, &crate::knowledge::Scopes::default());
    let cited = [("7", "urn:mailer", "com.example.failed"), ("8", "urn:`x`", "com.example.restarted")];
    answer.events = cited.map(|(id, source, kind)| crate::assistant::EventCitation::believed(id, source, kind)).into();
    let text = super::grounded::markdown::of(&answer);
    let events = "**Events**\n\n- e1: `com.example.failed` of `urn:mailer`, `7`\n\
        - e2: `com.example.restarted` of `urn:'x'`, `8`\n";
    assert!(text.contains(events), "{text}");
}

#[test]
fn recommended_code_is_a_block_with_its_place_and_what_to_change() {
    let question = "How do I drain the director before maintenance?";
    let answer = COMPANY.0.quote(question, &crate::knowledge::Scopes::default());
    let text = super::grounded::markdown::of(&answer);
    let code = "**Code** from `matchmaking.md`: `Matchmaking > Draining the director`\n\n\
        ```\nplatformctl matchmaking drain --region eu-west\n```\n\n\
        **What to change**\n\nBefore maintenance, drain the director";
    assert!(text.contains(code), "{text}");
    assert!(text.find("**Code**") < text.find("**Sources**"), "{text}");
}

#[test]
fn a_document_cannot_write_a_link_into_the_list_of_sources() {
    let folder = tempfile::tempdir().unwrap();
    let text = "---\nowner: \"` [me](https://evil.example) `\"\n---\n# ` [x](https://evil.example) `\n\nThe pump is \
        restarted by its lever.\n";
    std::fs::write(folder.path().join("pump.md"), text).unwrap();
    let knowledge = std::sync::Arc::new(crate::knowledge::Knowledge::load(folder.path()).unwrap());
    let runbooks = std::sync::Arc::new(crate::runbooks::FolderCatalogue::default());
    let assistant = crate::assistant::ExtractiveAssistant::new(knowledge, runbooks);
    let answer = assistant.quote("How is the pump restarted?", &crate::knowledge::Scopes::default());
    assert!(answer.known);
    let text = super::grounded::markdown::of(&answer);
    let sources = text.split("**Sources**").nth(1).unwrap();
    assert!(sources.contains("evil.example"), "{sources}");
    for event in pulldown_cmark::Parser::new(sources) {
        assert!(!matches!(event, pulldown_cmark::Event::Start(pulldown_cmark::Tag::Link { .. })), "{sources}");
    }
}
