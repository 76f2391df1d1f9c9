//! Secret values in what a service says: replaced before anything of it is kept, told or counted as known.

use serde_json::Value;

use super::command::{Outcome, Progress};
use super::secret_parameters::HIDDEN;

/// The text with every secret replaced; where secrets overlap, what they cover together is replaced as one.
pub(super) fn masked(text: &str, secrets: &[String]) -> String {
    let mut masked = String::new();
    let mut from = 0;
    for (begin, end) in covered(text, secrets) {
        masked.push_str(text.get(from..begin).unwrap_or_default());
        masked.push_str(HIDDEN);
        from = end;
    }
    masked.push_str(text.get(from..).unwrap_or_default());
    masked
}

/// The same in every text of a JSON value, names of members too. A number that is written like a secret is one.
pub(super) fn masked_value(value: Value, secrets: &[String]) -> Value {
    match value {
        Value::String(text) => Value::String(masked(&text, secrets)),
        Value::Array(items) => items.into_iter().map(|item| masked_value(item, secrets)).collect(),
        Value::Object(members) => {
            members.into_iter().map(|(name, value)| (masked(&name, secrets), masked_value(value, secrets))).collect()
        }
        Value::Number(number) if secrets.contains(&number.to_string()) => Value::String(HIDDEN.to_owned()),
        Value::Number(_) | Value::Bool(_) | Value::Null => value,
    }
}

pub(super) fn masked_progress(progress: &Progress, secrets: &[String]) -> Progress {
    let line = progress.line.as_deref().map(|line| masked(line, secrets));
    Progress { percent: progress.percent, line }
}

pub(super) fn masked_outcome(outcome: &Outcome, secrets: &[String]) -> Outcome {
    Outcome {
        outcome: outcome.outcome,
        result: masked_value(outcome.result.clone(), secrets),
        message: outcome.message.as_deref().map(|message| masked(message, secrets)),
    }
}

/// A text that goes on: what can be told of it, with secrets replaced, and the end of it that must wait, because it may be
/// the beginning of a secret.
pub(super) fn split_before_secret(text: &str, secrets: &[String]) -> (String, String) {
    let longest = secrets.iter().map(String::len).max().unwrap_or_default();
    let first = text.len().saturating_sub(longest.saturating_sub(1));
    let begins = |at: &usize| {
        let end = text.get(*at..).unwrap_or_default();
        !end.is_empty() && secrets.iter().any(|secret| secret.len() > end.len() && secret.starts_with(end))
    };
    let at = (first..text.len()).find(begins).unwrap_or(text.len());
    // A secret that is here as a whole may be a part of a longer one, or share its end with the next: it waits as a whole,
    // since half of it is nothing that anybody would know again.
    let around = covered(text, secrets).into_iter().find(|(begin, end)| (*begin..*end).contains(&at));
    let at = around.map_or(at, |(begin, _)| begin);
    let (told, waits) = text.split_at_checked(at).unwrap_or((text, ""));
    (masked(told, secrets), waits.to_owned())
}

/// The beginning of a secret that never came to its end. It is not told: it may be nearly all of it.
pub(super) fn cut_off(waits: &str) -> String {
    if waits.is_empty() { String::new() } else { HIDDEN.to_owned() }
}

/// The places of secrets in a text, joined where they overlap. Not where they only touch, so that a text comes to the same
/// however it is cut.
fn covered(text: &str, secrets: &[String]) -> Vec<(usize, usize)> {
    let mut places: Vec<_> = secrets.iter().flat_map(|secret| places(text, secret)).collect();
    places.sort_unstable();
    let mut covered: Vec<(usize, usize)> = Vec::new();
    for (begin, end) in places {
        match covered.last_mut() {
            Some(last) if begin < last.1 => last.1 = last.1.max(end),
            _ => covered.push((begin, end)),
        }
    }
    covered
}

/// Where a secret stands in a text, overlapping with itself too.
fn places(text: &str, secret: &str) -> Vec<(usize, usize)> {
    let mut places = Vec::new();
    let mut from = 0;
    while let Some(at) = text.get(from..).filter(|_| !secret.is_empty()).and_then(|rest| rest.find(secret)) {
        let begin = from.saturating_add(at);
        places.push((begin, begin.saturating_add(secret.len())));
        from = begin.saturating_add(secret.chars().next().map_or(1, char::len_utf8));
    }
    places
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn secrets(secrets: &[&str]) -> Vec<String> {
        secrets.iter().map(|secret| (*secret).to_owned()).collect()
    }

    #[test]
    fn every_secret_is_replaced_wherever_it_stands() {
        for (text, known, expected) in [
            ("login with hunter2, then hunter2", &["hunter2"][..], "login with ***, then ***"),
            ("nothing here", &["hunter2"], "nothing here"),
            ("abcde", &["abc", "cde"], "***"),
            ("aaa", &["aa"], "***"),
            ("a long one", &["long", "a long one"], "***"),
            ("über-geheim und so", &["über-geheim", ""], "*** und so"),
            ("none known", &[], "none known"),
        ] {
            assert_eq!(masked(text, &secrets(known)), expected, "{text}");
        }
        let value = json!({"hunter2": ["hunter2!", 4711, 47, true, null]});
        let masked = masked_value(value, &secrets(&["hunter2", "4711"]));
        assert_eq!(masked, json!({"***": ["***!", "***", 47, true, null]}));
    }

    #[test]
    fn what_may_be_the_beginning_of_a_secret_waits() {
        for (text, told, waits) in [
            ("password hunt", "password ", "hunt"),
            ("password hunter2", "password ***", ""),
            ("hunter2hun", "***", "hun"),
            ("hunters", "hunters", ""),
            ("", "", ""),
        ] {
            assert_eq!(
                split_before_secret(text, &secrets(&["hunter2"])),
                (told.to_owned(), waits.to_owned()),
                "{text}"
            );
        }
        assert_eq!(split_before_secret("all told", &[]), ("all told".to_owned(), String::new()));
    }

    /// What is told of a text that comes in these pieces.
    fn told_of(pieces: &[&str], secrets: &[String]) -> String {
        let (mut whole, mut waits) = (String::new(), String::new());
        for piece in pieces {
            let (told, then) = split_before_secret(&(waits + piece), secrets);
            whole += &told;
            waits = then;
        }
        whole + &cut_off(&waits)
    }

    #[test]
    fn a_secret_within_another_waits_for_what_may_be_the_rest() {
        let known = secrets(&["Summer", "Summer2026"]);
        assert_eq!(split_before_secret("Summer", &known), (String::new(), "Summer".to_owned()));
        assert_eq!(told_of(&["in Summer", "2026!"], &known), "in ***!");
        assert_eq!(told_of(&["in Summer", " it is hot"], &known), "in *** it is hot");
        assert_eq!(told_of(&["in Summer"], &known), "in ***");
    }

    #[test]
    fn however_a_text_is_cut_the_same_is_told_as_of_the_whole() {
        for (text, known) in [
            ("das geheimnis-ü und heim, geheimnis-ünd", &["geheimnis-ü", "heim", "nis-ünd"][..]),
            ("Summer2026, Summer, Summer20 and Summer2026Summer.", &["Summer", "Summer2026"]),
            ("aaaa, aaa, aa and a.", &["aa", "aaa"]),
            ("abcXQ abcXY abcabc", &["abc", "cXY"]),
        ] {
            let known = secrets(known);
            let expected = masked(text, &known);
            let cuts: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
            for (nth, first) in cuts.iter().enumerate() {
                for second in &cuts[nth..] {
                    let pieces = [&text[..*first], &text[*first..*second], &text[*second..]];
                    assert_eq!(told_of(&pieces, &known), expected, "{pieces:?}");
                }
            }
        }
    }
}
