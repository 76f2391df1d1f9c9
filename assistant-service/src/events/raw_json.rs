//! JSON that is kept byte by byte, and only if whoever reads it later can.

use serde_json::Value;
use serde_json::value::RawValue;

/// Common readers stop at 64 levels, and a page of events has four around the data.
const MAX_DEPTH: usize = 60;

/// Says why strict readers could not read this text. What merely looks like JSON passes as a [`RawValue`]: half of a
/// surrogate pair, a number beyond every float, and any depth.
pub(super) fn check(text: &[u8]) -> Result<(), String> {
    let value: Value = serde_json::from_slice(text).map_err(|error| format!("is not JSON: {error}"))?;
    if depth(&value) > MAX_DEPTH {
        return Err(format!("is not JSON of at most {MAX_DEPTH} levels"));
    }
    Ok(())
}

/// The text as it came.
pub(super) fn keep(text: &[u8]) -> Result<Box<RawValue>, String> {
    check(text)?;
    serde_json::from_slice(text).map_err(|error| format!("is not JSON: {error}"))
}

/// How many arrays and objects stand within each other; the parser's own bound keeps this from recursing far.
fn depth(value: &Value) -> usize {
    let below = match value {
        Value::Array(items) => items.iter().map(depth).max(),
        Value::Object(members) => members.values().map(depth).max(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return 0,
    };
    below.unwrap_or_default().saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_strict_readers_cannot_read_is_not_kept() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        for bad in [r#""\ud800""#, r#"{"a":"\udc00"}"#, "1e999", "[-1e999]", "{", "", &nested(61), &nested(10_000)] {
            assert!(check(bad.as_bytes()).is_err(), "{bad}");
        }
        for good in [r#""\ud83d\ude00""#, "1e308", "1.00000000000000000001", &nested(60)] {
            assert_eq!(keep(good.as_bytes()).unwrap().get(), good);
        }
    }
}
