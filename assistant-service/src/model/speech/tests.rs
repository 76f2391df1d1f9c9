use serde_json::{Value, json};

use super::*;

type Heard = Result<(String, Vec<ToolCall>, EndReason), Failure>;

/// Hears parts and then the end of the stream.
fn heard(parts: &[Value], stream_said_so: bool) -> Heard {
    let mut speech = Speech::default();
    let mut text = String::new();
    for part in parts {
        text.push_str(&speech.hear(Chunk::from(part.clone()))?);
    }
    let (calls, reason) = speech.end(stream_said_so, false)?;
    Ok((text, calls, reason))
}

fn part(text: &str) -> Value {
    json!({"choices": [{"delta": {"content": text}}]})
}

fn last(reason: &str) -> Value {
    json!({"choices": [{"delta": {}, "finish_reason": reason}]})
}

fn call(arguments: &str) -> Value {
    json!({"choices": [{"delta": {"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": arguments}}]}}]})
}

#[test]
fn an_end_is_one_only_where_somebody_said_so() {
    let whole =
        |heard: &Heard| heard.as_ref().is_ok_and(|(text, _, reason)| text == "hi" && *reason == EndReason::Stop);
    assert!(whole(&heard(&[part("h"), part("i"), last("stop")], false)));
    assert!(whole(&heard(&[part("h"), part("i")], true)));
    assert!(whole(&heard(&[part("hi"), last("stop"), json!({"choices": [], "usage": {}})], false)));
    for cut in [&[][..], &[part("hi")], &[part("hi"), last("")], &[part("hi"), json!({})]] {
        assert!(matches!(heard(cut, false), Err(Failure::CutOff)), "{cut:?}");
    }
}

#[test]
fn whoever_ends_each_part_is_believed_at_the_end_of_the_stream_alone() {
    let ended = json!({"choices": [{"delta": {"content": "h"}, "finish_reason": "stop"}]});
    assert!(matches!(heard(&[ended.clone(), ended.clone()], false), Err(Failure::CutOff)));
    assert_eq!(heard(&[ended.clone(), ended], true).unwrap().0, "hh");
}

#[test]
fn reasons_are_known_in_every_dialect_and_invented_ones_are_an_end() {
    for (said, reason) in [
        ("stop", EndReason::Stop),
        ("STOP", EndReason::Stop),
        ("eos_token", EndReason::Stop),
        ("because", EndReason::Stop),
        ("tool_calls", EndReason::Stop),
        ("length", EndReason::Length),
        ("MAX_TOKENS", EndReason::Length),
        ("content_filter", EndReason::ContentFilter),
        ("SAFETY", EndReason::ContentFilter),
    ] {
        assert_eq!(heard(&[part("hi"), last(said)], true).unwrap().2, reason, "{said}");
    }
    for broken in ["error", "abort", "cancelled", "insufficient_system_resource"] {
        assert!(matches!(heard(&[part("hi"), last(broken)], true), Err(Failure::CutOff)), "{broken}");
    }
}

#[test]
fn an_answer_that_says_nothing_is_none() {
    for nothing in [&[][..], &[json!({})], &[part(" \n"), last("stop")], &[last("tool_calls")]] {
        assert!(matches!(heard(nothing, true), Err(Failure::SaidNothing)), "{nothing:?}");
    }
    assert_eq!(heard(&[last("length")], true).unwrap().2, EndReason::Length, "it thought until it had no room");
}

#[test]
fn calls_are_given_out_whole_or_not_at_all() {
    let (_, calls, reason) = heard(&[call("{\"a\""), call(":1}"), last("stop")], false).unwrap();
    assert_eq!((calls[0].arguments.as_str(), reason), ("{\"a\":1}", EndReason::ToolCalls));
    assert!(matches!(heard(&[call("{\"a\"")], false), Err(Failure::CutOff)));
    let (_, calls, reason) = heard(&[call("{\"a\""), last("length")], true).unwrap();
    assert_eq!((calls.len(), reason), (0, EndReason::Length), "the call may be half of one");
}

#[test]
fn the_whole_answer_after_its_parts_is_not_said_twice() {
    let message = json!({"choices": [{"message": {"content": "hi all"}, "finish_reason": "stop"}]});
    assert_eq!(heard(&[part("hi"), message], false).unwrap().0, "hi all");
}

#[test]
fn usage_is_counted_or_an_estimate_that_says_so() {
    let mut speech = Speech::default();
    speech.hear(Chunk::from(part("12345"))).unwrap();
    assert_eq!(speech.usage(401), Usage { input_tokens: 101, output_tokens: 2, is_estimate: true });
    speech.hear(Chunk::from(json!({"usage": {"prompt_tokens": 7, "completion_tokens": 3}}))).unwrap();
    assert_eq!(speech.usage(401), Usage { input_tokens: 7, output_tokens: 3, is_estimate: false });
}

#[test]
fn calls_count_in_an_estimate_after_the_end_too() {
    let mut speech = Speech::default();
    speech.hear(Chunk::from(call("{\"a\":1}"))).unwrap();
    let before = speech.usage(0);
    assert_eq!(before, Usage { input_tokens: 0, output_tokens: 2, is_estimate: true });
    assert_eq!(speech.end(true, false).unwrap().0.len(), 1);
    assert_eq!(speech.usage(0), before);
}

#[test]
fn an_answer_without_an_end_is_too_large_one_day() {
    let mut speech = Speech::default();
    let long = Chunk::from(part(&"x".repeat(64 * 1024)));
    let heard = (0..100).try_for_each(|_| speech.hear(long.clone()).map(drop));
    assert!(matches!(heard, Err(Failure::TooLarge)));
}
