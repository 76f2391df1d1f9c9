//! Dead letters for people. What strangers sent stands in them: nothing of it may command the terminal.

use std::fmt::Write as _;

use serde_json::Value;

use crate::command_line::table::table;

const HEAD: [&str; 5] = ["ID", "ARRIVED", "REASON", "TYPE", "PRINCIPAL"];

/// A page as a table.
pub(super) fn page(page: &Value) -> String {
    let letters = page.get("dead_letters").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let names = ["id", "arrived_at", "reason", "type", "principal"];
    let mut rows = vec![HEAD.map(str::to_owned)];
    rows.extend(letters.iter().map(|letter| names.map(|name| text(letter, name))));
    let mut said = table(&rows);
    if letters.is_empty() {
        line(&mut said, "(none here)");
    }
    if let Some(before) = page.get("next_before").and_then(Value::as_str) {
        line(&mut said, &format!("more: --before {}", printable(before)));
    }
    said
}

/// One letter, line by line, and then its body as it came.
pub(super) fn letter(letter: &Value) -> String {
    let mut said = String::new();
    for name in
        ["id", "reason", "principal", "authtype", "arrived_at", "mode", "content_type", "event_id", "source", "type"]
    {
        line(&mut said, &format!("{name}: {}", text(letter, name)));
    }
    for error in letter.get("errors").and_then(Value::as_array).into_iter().flatten() {
        line(&mut said, &format!("error: {}: {}", text(error, "field"), text(error, "detail")));
    }
    for (name, value) in letter.get("headers").and_then(Value::as_object).into_iter().flatten() {
        line(&mut said, &format!("{}: {}", printable(name), printable(value.as_str().unwrap_or_default())));
    }
    let cut = if letter.get("body_is_cut") == Some(&Value::Bool(true)) { " (the rest was not kept)" } else { "" };
    for name in ["body", "body_base64"] {
        if let Some(body) = letter.get(name).and_then(Value::as_str) {
            line(&mut said, &format!("{name}{cut}:\n{}", printable(body)));
        }
    }
    said
}

/// What has become of a replayed letter.
pub(super) fn receipt(receipt: &Value) -> String {
    let was_there = receipt.get("duplicate") == Some(&Value::Bool(true));
    let position = receipt.get("position").and_then(Value::as_u64).unwrap_or_default();
    let how = if was_there { "was there already" } else { "is kept" };
    format!("event {} of {} {how}, at position {position}\n", text(receipt, "id"), text(receipt, "source"))
}

fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).map_or_else(|| "-".to_owned(), printable)
}

/// Control characters move cursors and rename windows; line breaks are let be.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

fn line(said: &mut String, text: &str) {
    // Writing to a string has no way to fail.
    let _ = writeln!(said, "{text}");
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_page_is_a_table_that_says_where_it_goes_on() {
        let letter = json!({"id": "0199", "arrived_at": "2026-03-01T12:00:00Z", "reason": "schema", "type": null,
            "principal": "https://idp.example.com#a"});
        let said = page(&json!({"dead_letters": [letter], "next_before": "0199"}));
        let expected = "\
            ID    ARRIVED               REASON  TYPE  PRINCIPAL\n\
            0199  2026-03-01T12:00:00Z  schema  -     https://idp.example.com#a\n\
            more: --before 0199\n";
        assert_eq!(said, expected);
        assert!(page(&json!({"dead_letters": [], "next_before": null})).ends_with("(none here)\n"));
    }

    #[test]
    fn what_a_stranger_sent_does_not_command_the_terminal() {
        let said =
            letter(&json!({"id": "x", "body": "a\u{1b}]0;owned\u{7}\nb", "type": "\u{9b}2J", "body_is_cut": true}));
        assert!(said.chars().all(|c| !c.is_control() || c == '\n'), "{said:?}");
        assert!(said.contains("the rest was not kept"), "{said}");
    }
}
