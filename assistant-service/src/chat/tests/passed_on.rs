//! Conversations that a client leads with a model itself.

mod defended;

use std::sync::{Arc, Mutex};

use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use tokio::sync::watch;

use super::*;
use crate::chat::{Filter, Guard, PassedOn};
use crate::model::{End, EndReason, Message, Model, ModelError, Piece, Prompt, ToolCall, Usage};
use crate::testing::TESTER;

type Said = Vec<Result<Piece, ModelError>>;

struct Scripted {
    says: Said,
    /// Whether nothing comes after what it says, not even an end.
    hangs: bool,
    heard: Mutex<Vec<Prompt>>,
    at_work: watch::Sender<usize>,
}

struct AtWork(watch::Sender<usize>);

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

impl Model for Scripted {
    fn complete(&self, prompt: Prompt) -> BoxStream<'static, Result<Piece, ModelError>> {
        self.heard.lock().unwrap().push(prompt);
        self.at_work.send_modify(|count| *count += 1);
        let at_work = AtWork(self.at_work.clone());
        let said = stream::iter(self.says.clone());
        let rest = if self.hangs { stream::pending().boxed() } else { stream::empty().boxed() };
        said.chain(rest)
            .map(move |piece| {
                let _ = &at_work;
                piece
            })
            .boxed()
    }

    fn names(&self) -> Vec<String> {
        vec!["large".to_owned(), "small".to_owned(), "watchgate".to_owned()]
    }
}

/// Lets no `secret` out and no `evil` in, and holds back what may become one.
struct Blunt(String);

impl Guard for Blunt {
    fn may_leave(&self, text: &str) -> String {
        text.replace("secret", "[redacted]")
    }

    fn json_may_leave(&self, value: Value) -> Value {
        serde_json::from_str(&self.may_leave(&value.to_string())).unwrap()
    }

    fn filter(&self) -> Box<dyn Filter> {
        Box::new(Self(String::new()))
    }

    fn json_may_come(&self, value: Value) -> Value {
        serde_json::from_str(&value.to_string().replace("evil", "")).unwrap()
    }
}

impl Filter for Blunt {
    fn pass(&mut self, piece: &str) -> String {
        self.0.push_str(piece);
        let text = self.0.replace("evil", "");
        let held = ["evi", "ev", "e"].into_iter().find(|held| text.ends_with(held)).unwrap_or_default();
        self.0 = held.to_owned();
        text.strip_suffix(held).unwrap().to_owned()
    }

    fn rest(&mut self) -> String {
        std::mem::take(&mut self.0)
    }
}

fn text(text: &str) -> Result<Piece, ModelError> {
    Ok(Piece::Text(text.to_owned()))
}

fn end(reason: EndReason) -> Result<Piece, ModelError> {
    let usage = Usage { input_tokens: 11, output_tokens: 7, is_estimate: false };
    Ok(Piece::End(End { reason, usage, model: "large".to_owned() }))
}

fn model(says: Said, hangs: bool) -> Arc<Scripted> {
    Arc::new(Scripted { says, hangs, heard: Mutex::default(), at_work: watch::Sender::new(0) })
}

fn stage(model: &Arc<Scripted>) -> Stage {
    Stage::new().with_models(PassedOn::new(model.clone(), Arc::new(Blunt(String::new()))))
}

fn streamed(body: Value) -> Value {
    with(with(body, "stream", json!(true)), "stream_options", json!({"include_usage": true}))
}

#[tokio::test]
async fn the_models_of_the_settings_are_listed_and_none_takes_the_assistants_name() {
    let stage = stage(&model(Vec::new(), false));
    let listed = stage.get("/v1/models").send().await.json;
    let ids: Vec<_> = listed["data"].as_array().unwrap().iter().map(|model| &model["id"]).collect();
    assert_eq!(ids, ["watchgate", "large", "small"]);
    assert_eq!(stage.get("/v1/models/small").send().await.json["id"], "small");
}

#[tokio::test]
async fn a_conversation_goes_to_the_model_without_what_must_not_leave() {
    let model = model(vec![text("Hello"), end(EndReason::Stop)], false);
    let stage = stage(&model);
    let call =
        json!({"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{\"at\":\"the secret\"}"}});
    let body = json!({
        "model": "small", "max_completion_tokens": 50, "temperature": 0.5, "stop": "the secret", "user": "u",
        "tools": [{"type": "function", "function": {"name": "look", "description": "a secret tool",
            "parameters": {"type": "object", "properties": {"at": {"enum": ["secret"]}}}}}],
        "messages": [
            {"role": "developer", "content": "Keep the secret."}, {"role": "user", "content": "secret?"},
            {"role": "assistant", "content": "no secret", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "a secret"}]},
        ],
    });
    assert_eq!(post(&stage, &body).send().await.status, 200);
    let prompt = model.heard.lock().unwrap().pop().unwrap();
    assert_eq!((prompt.account.as_str(), prompt.model.as_deref()), (TESTER, Some("small")));
    assert_eq!(prompt.max_output_tokens, Some(50));
    assert_eq!(json!(prompt.options), json!({"temperature": 0.5, "stop": "the [redacted]"}));
    let arguments = "{\"at\":\"the [redacted]\"}".to_owned();
    assert_eq!(
        prompt.messages,
        [
            Message::System("Keep the [redacted].".to_owned()),
            Message::User("[redacted]?".to_owned()),
            Message::Assistant {
                text: "no [redacted]".to_owned(),
                calls: vec![ToolCall { id: "c1".to_owned(), name: "look".to_owned(), arguments }],
            },
            Message::ToolResult { call: "c1".to_owned(), content: "a [redacted]".to_owned() },
        ]
    );
    assert_eq!((prompt.tools[0].name.as_str(), prompt.tools[0].description.as_str()), ("look", "a [redacted] tool"));
    assert!(!format!("{prompt:?}").contains("secret"), "{prompt:?}");
}

#[tokio::test]
async fn what_comes_back_is_filtered_and_told_whole_or_in_chunks_with_its_usage() {
    let model = model(vec![text("go ev"), text("il here"), text(" e"), end(EndReason::Length)], false);
    let stage = stage(&model);
    let whole = post(&stage, &asks("large", "a")).send().await.json;
    let choice = &whole["choices"][0];
    assert_eq!((&choice["message"]["content"], &choice["finish_reason"]), (&json!("go  here e"), &json!("length")));
    let usage = json!({"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18});
    assert_eq!((&whole["usage"], &whole["model"]), (&usage, &json!("large")));

    let (chunks, is_whole) = chunks(post(&stage, &streamed(asks("large", "a")))).await;
    assert!(is_whole);
    assert_eq!(text_of(&chunks), "go  here e");
    assert_eq!(chunks[chunks.len() - 1]["usage"], usage);
    assert_eq!(chunks[chunks.len() - 2]["choices"][0]["finish_reason"], "length");
}

#[tokio::test]
async fn calls_go_back_to_the_client_whose_tools_they_are() {
    let call = |id: &str| {
        Ok(Piece::Call(ToolCall { id: id.to_owned(), name: "look".to_owned(), arguments: "{\"at\":1".to_owned() }))
    };
    let model = model(vec![call("c1"), call("c2"), end(EndReason::ToolCalls)], false);
    let stage = stage(&model);
    let whole = post(&stage, &asks("large", "a")).send().await.json;
    let choice = &whole["choices"][0];
    assert_eq!((&choice["message"]["content"], &choice["finish_reason"]), (&Value::Null, &json!("tool_calls")));
    let object =
        |id: &str| json!({"id": id, "type": "function", "function": {"name": "look", "arguments": "{\"at\":1"}});
    assert_eq!(choice["message"]["tool_calls"], json!([object("c1"), object("c2")]));

    let (chunks, is_whole) = chunks(post(&stage, &streamed(asks("large", "a")))).await;
    assert!(is_whole);
    for (number, id) in ["c1", "c2"].into_iter().enumerate() {
        let expected = with(object(id), "index", json!(number));
        assert_eq!(chunks[number + 1]["choices"][0]["delta"]["tool_calls"], json!([expected]));
    }
}

#[tokio::test]
async fn what_goes_wrong_has_a_status_before_the_first_word_and_is_said_in_the_stream_after_it() {
    let refused = "their own words".to_owned();
    for (failure, status, code) in [
        (ModelError::Unavailable(refused.clone()), 503, "model_unavailable"),
        (ModelError::TimedOut, 504, "model_timed_out"),
        (ModelError::CutOff, 502, "model_cut_off"),
        (ModelError::Refused(refused.clone()), 400, "model_refused"),
        (ModelError::Malformed(refused), 502, "model_malformed"),
        (ModelError::TooLarge, 502, "model_too_large"),
        (ModelError::OverBudget { retry_after: Duration::from_secs(59) }, 429, "insufficient_quota"),
    ] {
        let silent = stage(&model(vec![Err(failure.clone())], false));
        for body in [asks("large", "a"), streamed(asks("large", "a"))] {
            let answer = post(&silent, &body).send().await;
            assert_eq!((answer.status.as_u16(), &answer.json["error"]["code"]), (status, &json!(code)), "{answer:?}");
            assert!(!answer.json.to_string().contains("their own words"));
            if status == 429 {
                assert_eq!(
                    (&answer.headers["retry-after"], &answer.headers["x-should-retry"]),
                    (&"60".parse().unwrap(), &"false".parse().unwrap())
                );
            }
        }
        let talking = stage(&model(vec![text("Hello"), Err(failure.clone())], false));
        assert_eq!(post(&talking, &asks("large", "a")).send().await.status, status);
        let (chunks, is_whole) = chunks(post(&talking, &streamed(asks("large", "a")))).await;
        assert_eq!((text_of(&chunks).as_str(), is_whole), ("Hello", false));
        assert_eq!(chunks[chunks.len() - 1]["error"]["code"], code);
        assert!(chunks.iter().all(|chunk| chunk["choices"][0]["finish_reason"].is_null()));
    }
}

#[tokio::test]
async fn an_answer_without_an_end_is_never_told_as_a_whole_one() {
    let stage = stage(&model(vec![text("Hello")], false));
    let answer = post(&stage, &asks("large", "a")).send().await;
    assert_eq!((answer.status.as_u16(), &answer.json["error"]["code"]), (502, &json!("model_cut_off")));
    let (chunks, is_whole) = chunks(post(&stage, &streamed(asks("large", "a")))).await;
    assert!(!is_whole);
    assert_eq!(chunks[chunks.len() - 1]["error"]["code"], "model_cut_off");
}

#[tokio::test]
async fn a_client_who_goes_away_ends_the_models_work() {
    let model = model(vec![text("Hello")], true);
    let stage = stage(&model);
    let mut pieces = post(&stage, &streamed(asks("large", "a"))).open().await.into_body().into_data_stream();
    assert!(pieces.next().await.unwrap().is_ok());
    let mut at_work = model.at_work.subscribe();
    assert_eq!(*at_work.borrow(), 1);
    drop(pieces);
    tokio::time::timeout(Duration::from_secs(10), at_work.wait_for(|now| *now == 0)).await.unwrap().unwrap();
}
