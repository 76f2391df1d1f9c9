use serde_json::json;

use super::*;

fn chunk(value: Value) -> Chunk {
    Chunk::from(value)
}

#[test]
fn text_is_found_wherever_servers_put_it() {
    for said in [
        json!({"choices": [{"index": 0, "delta": {"role": "assistant", "content": "hi"}, "finish_reason": null}]}),
        json!({"choices": [{"delta": {"content": [{"type": "text", "text": "h"}, {"type": "image_url"}, "i"]}}]}),
        json!({"choices": [{"message": {"content": "hi"}}]}),
        json!({"choices": [{"delta": null, "message": {"content": "hi"}}]}),
        json!({"choices": [{"text": "hi"}]}),
        json!({"choices": {"delta": {"content": {"text": "hi"}}}}),
        json!({"choices": [{"index": 1, "delta": {"content": "other"}}, {"index": 0, "delta": {"content": "hi"}}]}),
        json!([{"choices": [{"delta": {"content": "hi"}, "finish_reason": ""}], "error": null, "usage": {}}]),
        json!({"choices": [{"delta": {"refusal": "hi", "content": null}}], "error": {}}),
    ] {
        let chunk = chunk(said.clone());
        assert_eq!((chunk.text.as_str(), chunk.finish, chunk.usage, chunk.error), ("hi", None, None, None), "{said}");
    }
}

#[test]
fn what_says_nothing_is_nothing_and_never_an_error() {
    for said in [
        json!({}),
        json!(null),
        json!("text"),
        json!([]),
        json!(7),
        json!({"choices": []}),
        json!({"choices": null, "usage": null}),
        json!({"choices": [null, 1, "x"]}),
        json!({"choices": [{}]}),
        json!({"choices": [{"delta": {}}]}),
        json!({"choices": [{"delta": {"content": null, "tool_calls": null}, "finish_reason": null}]}),
        json!({"choices": [{"delta": {"tool_calls": [null, 1]}, "finish_reason": 7}]}),
    ] {
        let chunk = chunk(said.clone());
        assert_eq!(chunk, Chunk { is_message: chunk.is_message, ..Chunk::default() }, "{said}");
        assert!(!chunk.goes_on());
    }
}

#[test]
fn calls_are_read_in_every_form() {
    let fragment = |index, id: &str, arguments: &str| CallFragment {
        index,
        id: id.to_owned(),
        name: "find".to_owned(),
        arguments: arguments.to_owned(),
    };
    for (calls, expected) in [
        (
            json!([{"index": 0, "id": "a", "function": {"name": "find", "arguments": "{}"}}]),
            fragment(Some(0), "a", "{}"),
        ),
        (json!([{"id": 3, "function": {"name": "find", "arguments": {"q": 1}}}]), fragment(None, "3", r#"{"q":1}"#)),
        (json!({"name": "find", "arguments": null}), fragment(None, "", "")),
    ] {
        assert_eq!(chunk(json!({"choices": [{"delta": {"tool_calls": calls}}]})).calls, [expected]);
    }
    let old = json!({"choices": [{"delta": {"function_call": {"name": "find", "arguments": "{}"}}}]});
    assert_eq!(chunk(old).calls, [fragment(Some(0), "", "{}")]);
    let both = json!({"choices": [{"delta": {
        "function_call": {"name": "find", "arguments": "{}"},
        "tool_calls": [{"index": 0, "id": "a", "function": {"name": "find", "arguments": "{}"}}],
    }}]});
    assert_eq!(chunk(both).calls, [fragment(Some(0), "a", "{}")], "the same call twice is one");
}

#[test]
fn usage_is_what_somebody_counted() {
    let counted = Some(Usage { input_tokens: 12, output_tokens: 3, is_estimate: false });
    for (usage, expected) in [
        (json!({"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15}), counted),
        (json!({"input_tokens": 12.0, "output_tokens": 3}), counted),
        (json!({"prompt_tokens": 0, "completion_tokens": 0}), None),
        (json!({"prompt_tokens": 12, "completion_tokens": -3}), None),
        (json!({"prompt_tokens": 12, "completion_tokens": 1e300}), None),
        (json!({"total_tokens": 15}), None),
        (json!("12"), None),
    ] {
        assert_eq!(chunk(json!({"choices": [], "usage": usage})).usage, expected, "{usage}");
    }
}

#[test]
fn errors_are_found_in_every_form_and_the_conversation_is_blamed_for_its_own_alone() {
    for (said, words, is_refusal) in [
        (json!({"error": {"message": "overloaded", "type": "server_error", "code": 503}}), "overloaded", false),
        (json!({"error": "overloaded"}), "overloaded", false),
        (json!([{"error": {"message": "overloaded", "status": "UNAVAILABLE"}}]), "overloaded", false),
        (json!({"object": "error", "message": "too long", "code": 400}), "too long", true),
        (json!({"error": {"message": "too long", "type": "invalid_request_error"}}), "too long", true),
        (json!({"error": {"message": "no key", "type": "invalid_request_error", "code": 401}}), "no key", false),
        (json!({"detail": "Not Found"}), "Not Found", false),
        (json!({"choices": [{"delta": {"content": ""}}], "error": {"message": "gone"}}), "gone", false),
    ] {
        assert_eq!(chunk(said).error, Some(ErrorSaid { said: words.to_owned(), parameter: None, is_refusal }));
    }
}
