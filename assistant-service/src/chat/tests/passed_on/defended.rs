//! The assistant's own defences around a client's conversation.

use std::thread::{self, ThreadId};

use super::*;
use crate::assistant::settings::Settings;
use crate::chat::Defended;

fn defended(model: &Arc<Scripted>) -> Stage {
    let file = "redaction: {members: [iban]}\nlinks: {allowedHosts: [docs.example.com]}\n";
    let settings = Settings::read(file).unwrap();
    Stage::new().with_models(PassedOn::new(model.clone(), Arc::new(Defended::by(&settings))))
}

#[tokio::test]
async fn what_json_holds_is_looked_at_by_its_names_before_it_leaves() {
    let model = model(vec![text("Hello"), end(EndReason::Stop)], false);
    let stage = defended(&model);
    let arguments =
        json!({"password": "hunter2", "pin": {"pwd": 4711}, "IBAN": "DE89", "page_token": 12345678}).to_string();
    let call = json!({"id": "c1", "type": "function", "function": {"name": "look", "arguments": arguments}});
    let schema = json!({"type": "object", "required": ["iban"], "properties": {
        "iban": {"type": "string", "default": "DE89", "enum": ["DE89", "DE90"]},
        "password": {"type": "string", "description": "of the user", "const": "hunter2"},
    }});
    let body = json!({
        "model": "large",
        "tools": [{"type": "function", "function": {"name": "look", "parameters": schema, "strict": true}}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}},
        "messages": [
            {"role": "user", "content": "Go on."}, {"role": "assistant", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c1", "content": "{\"iban\": \"DE89\"}"},
            {"role": "tool", "tool_call_id": "c1", "content": "{ \"kept\" : [ 1 ] }"},
        ],
    });
    post(&stage, &body).send().await;
    let prompt = model.heard.lock().unwrap().pop().unwrap();
    let Message::Assistant { calls, .. } = &prompt.messages[1] else { panic!("{prompt:?}") };
    let (secret, member) = ("[redacted:secret]", "[redacted:member]");
    let left = json!({"password": secret, "pin": {"pwd": secret}, "IBAN": member, "page_token": 12345678});
    assert_eq!(serde_json::from_str::<Value>(&calls[0].arguments).unwrap(), left);
    let result = |content: &str| Message::ToolResult { call: "c1".to_owned(), content: content.to_owned() };
    assert_eq!(prompt.messages[2..], [result("{\"iban\":\"[redacted:member]\"}"), result("{ \"kept\" : [ 1 ] }")]);
    let left = json!({"type": "object", "required": ["iban"], "properties": {
        "iban": {"type": "string", "default": member, "enum": [member, member]},
        "password": {"type": "string", "description": "of the user", "const": secret},
    }});
    assert_eq!((&prompt.tools[0].parameters, prompt.tools[0].strict), (&left, Some(true)));
    assert_eq!(prompt.options["response_format"]["json_schema"]["schema"], left);
    assert!(!format!("{prompt:?}").contains("hunter2") && !format!("{prompt:?}").contains("DE89"), "{prompt:?}");
}

#[tokio::test]
async fn an_answer_in_json_stays_json_and_leads_nowhere_else() {
    let answer = json!({
        "price": "$5 <b> *x* _y_ `z", "list": [[1]], "lines": "a\n\tb\\", "long": "x".repeat(5000),
        "allowed": "[see](https://docs.example.com/a) and https://docs.example.com.",
        "foreign": "[see](https://evil.example/a), javascript:(x) now", "https://evil.example/b": null,
    });
    let left = json!({
        "price": "$5 <b> *x* _y_ `z", "list": [[1]], "lines": "a\n\tb\\", "long": "x".repeat(5000),
        "allowed": "[see](https://docs.example.com/a) and https://docs.example.com.",
        "foreign": "[see]((link removed)), (link removed) now", "(link removed)": null,
    });
    let written = answer.to_string();
    let (first, second) = written.split_at(written.len() / 2);
    let model = model(vec![text(first), text(second), end(EndReason::Stop)], false);
    let stage = defended(&model);
    for kind in ["json_object", "json_schema"] {
        let body = with(asks("large", "a"), "response_format", json!({"type": kind}));
        let whole = post(&stage, &body).send().await.json;
        let content = whole["choices"][0]["message"]["content"].as_str().unwrap();
        assert_eq!(serde_json::from_str::<Value>(content).unwrap(), left);
        let (chunks, is_whole) = chunks(post(&stage, &streamed(body))).await;
        assert!(is_whole);
        assert_eq!(serde_json::from_str::<Value>(&text_of(&chunks)).unwrap(), left);
    }
}

#[tokio::test]
async fn what_is_no_json_is_never_told_where_json_was_asked_for() {
    let body = with(asks("large", "a"), "response_format", json!({"type": "json_object"}));
    let broken = defended(&model(vec![text("{\"a\": ![x](https://evil.example)"), end(EndReason::Stop)], false));
    let told = post(&broken, &body).send().await;
    assert_eq!((told.status.as_u16(), &told.json["error"]["code"]), (502, &json!("model_malformed")));
    let long = defended(&model(vec![text("{\"a\": "), end(EndReason::Length)], false));
    let choice = post(&long, &body).send().await.json["choices"][0].clone();
    assert_eq!((&choice["message"]["content"], &choice["finish_reason"]), (&json!(""), &json!("length")));
    let large = defended(&model(vec![text(&"1".repeat(1024 * 1024)), text("1"), end(EndReason::Stop)], false));
    let told = post(&large, &body).send().await;
    assert_eq!(told.json["error"]["code"], "model_too_large");
}

/// Notes who looks.
struct Noting(Mutex<Vec<ThreadId>>);

impl Guard for Noting {
    fn may_leave(&self, text: &str) -> String {
        self.0.lock().unwrap().push(thread::current().id());
        text.to_owned()
    }

    fn json_may_leave(&self, value: Value) -> Value {
        value
    }

    fn filter(&self) -> Box<dyn Filter> {
        Box::new(Blunt(String::new()))
    }

    fn json_may_come(&self, value: Value) -> Value {
        value
    }
}

#[tokio::test]
async fn a_conversation_is_looked_through_by_no_thread_that_serves_others() {
    let guard = Arc::new(Noting(Mutex::default()));
    let model = model(vec![text("Hello"), end(EndReason::Stop)], false);
    let stage = Stage::new().with_models(PassedOn::new(model, guard.clone()));
    assert_eq!(post(&stage, &asks("large", "a")).send().await.status, 200);
    let looked = guard.0.lock().unwrap().clone();
    assert_eq!(looked.len(), 1);
    assert_ne!(looked[0], thread::current().id());
}
