//! Extra variables as YAML that is `!unsafe` as a whole: Ansible takes every text in it as it stands and evaluates nothing.
//!
//! A single text must not be marked so: Ansible resolves what is marked anew, quoted or not, and makes a truth value of `"yes"`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Number, Value};

use super::names::is_free;

const DEEPEST: usize = 16;

/// The file's text, or which name is not allowed in it.
pub(super) fn yaml(values: &BTreeMap<String, Value>) -> Result<String, String> {
    let mut out = String::from("!unsafe {");
    for (name, value) in values {
        if !is_free(name, true) {
            return Err(format!(
                "{name:?} is no name for a variable: use letters, digits and _, and no name of Ansible's own"
            ));
        }
        // Writing to a text cannot fail.
        let _ = write!(out, "\n{name}: ");
        write_value(&mut out, value, 0)?;
        out.push(',');
    }
    out.push_str("\n}\n");
    Ok(out)
}

fn write_value(out: &mut String, value: &Value, depth: usize) -> Result<(), String> {
    if depth > DEEPEST {
        return Err(format!("a value is nested deeper than {DEEPEST} levels"));
    }
    let deeper = depth.saturating_add(1);
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => write_number(out, number),
        Value::String(text) => write_text(out, text),
        Value::Array(items) => {
            out.push('[');
            for item in items {
                write_value(out, item, deeper)?;
                out.push_str(", ");
            }
            out.push(']');
        }
        Value::Object(members) => {
            out.push('{');
            for (name, member) in members {
                if !is_free(name, false) {
                    return Err(format!("{name:?} is no name for a member of a value: use letters, digits and _"));
                }
                // A plain word such as `yes` would be a truth value.
                let _ = write!(out, "\"{name}\": ");
                write_value(out, member, deeper)?;
                out.push_str(", ");
            }
            out.push('}');
        }
    }
    Ok(())
}

/// YAML 1.1 takes a plain `1e300` for a text.
fn write_number(out: &mut String, number: &Number) {
    let _ = if number.is_f64() { write!(out, "!!float \"{number}\"") } else { write!(out, "{number}") };
}

/// In double quotes, everything but plain ASCII as an escape: what YAML takes for the end of a line, or not at all, is
/// among the rest.
fn write_text(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        let _ = match character {
            '"' | '\\' => write!(out, "\\{character}"),
            ' '..='~' => write!(out, "{character}"),
            '\0'..='\u{ffff}' => write!(out, "\\u{:04X}", u32::from(character)),
            _ => write!(out, "\\U{:08X}", u32::from(character)),
        };
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_whole_is_marked_and_no_text_can_end_itself() {
        let values =
            json!({"a": "x\" y\\ \n\u{85}\u{2028}\u{1F600}{{ b }}", "b": {"c": ["d", 1, -2.5, 1e300, null, true]}});
        let values: BTreeMap<String, Value> = serde_json::from_value(values).unwrap();
        let expected = concat!(
            "!unsafe {\n",
            r#"a: "x\" y\\ \u000A\u0085\u2028\U0001F600{{ b }}","#,
            "\n",
            r#"b: {"c": ["d", 1, !!float "-2.5", !!float "1e+300", null, true, ], },"#,
            "\n}\n"
        );
        assert_eq!(yaml(&values).unwrap(), expected);
    }

    #[test]
    fn names_that_are_not_free_are_refused_at_any_depth() {
        for values in [
            json!({"ansible_connection": "local"}),
            json!({"a": {"ansible_host": "x"}}),
            json!({"a": [{"__ansible_unsafe": "x"}]}),
            json!({"a: !vault": 1}),
            json!({"a": {"x\": !unsafe \"": 1}}),
        ] {
            let values: BTreeMap<String, Value> = serde_json::from_value(values).unwrap();
            assert!(yaml(&values).is_err(), "{values:?}");
        }
    }
}
