//! Whole answers in every dialect, over a socket.

use super::*;

async fn heard(acts: Vec<Act>) -> Result<Whole, ModelError> {
    let server = ScriptedServer::start(vec![acts]).await;
    Bench::with(&[&server], &[]).answer().await
}

fn json_answer(body: &Value) -> Vec<Act> {
    status("200 OK", "content-type: application/json\r\n", &body.to_string())
}

fn chunked(pieces: &[&str]) -> Act {
    let mut text =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n".to_owned();
    for piece in pieces {
        text += &format!("{:x}\r\n{piece}\r\n", piece.len());
    }
    Act::Send(text + "0\r\n\r\n")
}

#[tokio::test]
async fn text_is_whole_in_every_dialect() {
    let (hi, stop) = (part("h") + &part("i"), last("stop"));
    let crlf = (hi.clone() + &stop + DONE).replace('\n', "\r\n");
    let dialects = [
        ("as OpenAI does it", vec![chunked(&[&hi, &stop, DONE])]),
        ("CRLF", vec![stream(&crlf), Act::Close]),
        (
            "keep-alive comments",
            vec![stream(&(": OPENROUTER PROCESSING\n\n".repeat(9) + &hi + ": x\n\n" + &stop + DONE)), Act::Close],
        ),
        ("no [DONE]", vec![stream(&(hi.clone() + &stop)), Act::Close]),
        ("no end of the last line", vec![stream((hi.clone() + &stop).trim_end()), Act::Close]),
        ("[DONE] twice", vec![stream(&(hi.clone() + &stop + DONE + DONE)), Act::Close]),
        ("[DONE] alone", vec![stream(&(hi.clone() + DONE)), Act::Close]),
        ("an invented reason", vec![stream(&(hi.clone() + &last("eos_token") + DONE)), Act::Close]),
        ("empty objects", vec![stream(&("data: {}\n\n".to_owned() + &hi + "data: {}\n\n" + &stop + DONE)), Act::Close]),
        (
            "no delta, no choices",
            vec![
                stream(&(event(&json!({"choices": [{"index": 0}]})) + &hi + &event(&json!({"choices": []})) + &stop)),
                Act::Close,
            ],
        ),
        (
            "content null, then parts",
            vec![
                stream(
                    &(event(&json!({"choices": [{"delta": {"role": "assistant", "content": null}}]}))
                        + &event(&json!({"choices": [{"delta": {"content": [{"type": "text", "text": "hi"}]}}]}))
                        + &stop),
                ),
                Act::Close,
            ],
        ),
        (
            "no stream",
            json_answer(
                &json!({"choices": [{"message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}]}),
            ),
        ),
        ("no stream and no reason", json_answer(&json!({"choices": [{"message": {"content": "hi"}}]}))),
        ("the connection stays open after the count", vec![stream(&(hi.clone() + &stop + &counted(9, 2))), Act::Hold]),
        ("the connection stays open after the reason", vec![stream(&(hi.clone() + &stop)), Act::Hold]),
        ("the connection stays open after [DONE]", vec![stream(&(hi.clone() + DONE)), Act::Hold]),
        (
            "thoughts",
            vec![
                stream(&(event(&json!({"choices": [{"delta": {"reasoning_content": "hm"}}]})) + &hi + &stop)),
                Act::Close,
            ],
        ),
    ];
    for (dialect, acts) in dialects {
        let whole = heard(acts).await.unwrap_or_else(|error| panic!("{dialect}: {error}"));
        assert_eq!((whole.text.as_str(), whole.end.reason, whole.calls.len()), ("hi", EndReason::Stop, 0), "{dialect}");
        assert_eq!(whole.end.model, "a", "{dialect}");
    }
}

#[tokio::test]
async fn usage_is_told_or_estimated() {
    let told = heard(saying("hi")).await.unwrap().end.usage;
    assert_eq!(told, Usage { input_tokens: 10, output_tokens: 5, is_estimate: false });
    let untold = heard(vec![stream(&(part("hi") + &last("stop"))), Act::Close]).await.unwrap().end.usage;
    assert_eq!(untold, Usage { input_tokens: 6, output_tokens: 1, is_estimate: true });
}

#[tokio::test]
async fn reasons_that_are_no_stop_are_kept() {
    for (said, reason) in [("length", EndReason::Length), ("content_filter", EndReason::ContentFilter)] {
        let whole = heard(vec![stream(&(part("hi") + &last(said) + DONE)), Act::Close]).await.unwrap();
        assert_eq!((whole.text.as_str(), whole.end.reason), ("hi", reason));
    }
}

#[tokio::test]
async fn calls_are_whole_in_every_dialect() {
    let delta = |calls: Value| event(&json!({"choices": [{"index": 0, "delta": {"tool_calls": calls}}]}));
    let fragments =
        delta(json!([{"index": 0, "id": "x", "type": "function", "function": {"name": "find", "arguments": ""}}]))
            + &delta(json!([{"index": 0, "function": {"arguments": "{\"q\":"}}]))
            + &delta(json!([{"index": 0, "function": {"arguments": "1}"}}]))
            + &last("tool_calls");
    let whole = delta(json!([{"id": "x", "function": {"name": "find", "arguments": {"q": 1}}}])) + &last("stop");
    let message = json!({"tool_calls": [{"function": {"name": "find", "arguments": "{\"q\":1}"}}], "content": null});
    let dialects = [
        vec![stream(&(fragments + DONE)), Act::Close],
        vec![stream(&(whole + DONE)), Act::Close],
        json_answer(&json!({"choices": [{"message": message, "finish_reason": "tool_calls"}]})),
    ];
    for acts in dialects {
        let said = format!("{acts:?}");
        let answer = heard(acts).await.unwrap();
        let [call] = &answer.calls[..] else { panic!("{answer:?}") };
        assert_eq!((call.name.as_str(), call.arguments.as_str()), ("find", "{\"q\":1}"), "{said}");
        assert!(!call.id.is_empty() && answer.end.reason == EndReason::ToolCalls, "{said}");
    }
}

#[tokio::test]
async fn whoever_ends_every_part_is_heard_to_the_end() {
    let each = |text: &str, usage: Value| {
        event(&json!({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": "stop"}], "usage": usage}))
    };
    for usage in [Value::Null, json!({"prompt_tokens": 9, "completion_tokens": 1})] {
        let parts = each("h", usage.clone()) + &each("i", usage.clone());
        for after in
            [vec![stream(&(parts.clone() + DONE)), Act::Close], vec![stream(&(parts.clone() + DONE)), Act::Hold]]
        {
            assert_eq!(heard(after).await.unwrap().text, "hi", "{usage}");
        }
        // A pause after the first part is no end of the answer: nobody can know whether there is more.
        let server = ScriptedServer::start(vec![vec![stream(&each("h", usage.clone())), Act::Hold]]).await;
        let answer = Bench::with(&[&server], &["idleSeconds: 3"]).answer().await;
        assert_eq!(answer, Err(ModelError::TimedOut), "{usage}");
    }
}
