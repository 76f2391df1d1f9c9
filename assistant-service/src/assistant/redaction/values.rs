//! Whether what stands behind a name is a secret, by the name and by how it looks.

use serde_json::Value;

pub(super) const REDACTED: &str = "[redacted:secret]";

/// What is called so is never anything else.
const ALWAYS: [&str; 4] = ["password", "passwd", "pwd", "passphrase"];
/// What is called so may be a secret.
const PERHAPS: [&str; 11] = [
    "secret",
    "token",
    "apikey",
    "accesskey",
    "privatekey",
    "signingkey",
    "encryptionkey",
    "credential",
    "passcode",
    "authorization",
    "cookie",
];
/// Fewer characters are a word.
const SHORTEST: usize = 8;
/// Bits for each character: words of a language lie below, what was drawn at random above.
const LEAST_ENTROPY: f64 = 3.2;
const LONG: usize = 16;

/// Whether a member of a JSON object is one.
pub(super) fn is_secret(name: &str, value: &Value) -> bool {
    let name = folded(name);
    match value {
        Value::String(text) => {
            !is_placeholder(text)
                && (ALWAYS.iter().any(|always| name.contains(always))
                    || name.ends_with("pass")
                    || PERHAPS.iter().any(|perhaps| name.contains(perhaps))
                        && (looks_drawn(text) || has_digit(text) && text.len() >= SHORTEST))
        }
        Value::Number(_) => ALWAYS.iter().any(|always| name.contains(always)),
        Value::Array(_) | Value::Object(_) | Value::Bool(_) | Value::Null => false,
    }
}

/// Whether what stands behind a name in a text is one. In prose a name with a colon or with `is` may say anything.
pub(super) fn is_secret_text(name: &str, between: &str, value: &str) -> bool {
    let name = folded(name);
    if is_placeholder(value) {
        return false;
    }
    let is_always = ALWAYS.iter().any(|always| name.contains(always)) || name.ends_with("pass");
    let is_assigned = between.contains(['=', '"', '\'', '`']);
    is_always && (is_assigned || has_digit(value) || between.contains(':'))
        || looks_drawn(value)
        || is_assigned && has_digit(value) && value.len() >= SHORTEST
}

fn folded(name: &str) -> String {
    name.chars().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// `$NAME`, `${NAME}`, `<name>`, `***` and what was taken out already.
fn is_placeholder(value: &str) -> bool {
    let name = value.trim_start_matches("${").trim_start_matches('$').trim_end_matches('}');
    let is_name = |character: char| character.is_ascii_uppercase() || character.is_ascii_digit() || character == '_';
    !value.contains(char::is_alphanumeric)
        || value.starts_with("[redacted:")
        || value.starts_with('$') && name.chars().all(is_name)
        || value.starts_with('<') && value.ends_with('>')
}

fn has_digit(value: &str) -> bool {
    value.contains(|character: char| character.is_ascii_digit())
}

/// Whether it is more like what a machine drew than like a word.
fn looks_drawn(value: &str) -> bool {
    let length = value.chars().count();
    let is_mixed = has_digit(value) && value.contains(|character: char| character.is_ascii_alphabetic());
    let is_path = value.contains('/') && !value.contains(['+', '=']) && !is_mixed;
    length >= SHORTEST
        && !is_path
        && (is_mixed || length >= LONG && entropy(value) >= LEAST_ENTROPY && !is_prose(value))
}

/// Words joined by hyphens, dots or underscores.
fn is_prose(value: &str) -> bool {
    let parts = value.split(['-', '_', '.', ':', '(', ')']);
    value.contains(['-', '_', '.', ':', '('])
        && parts.into_iter().all(|part| part.chars().all(char::is_lowercase) && part.len() <= 14)
}

fn entropy(value: &str) -> f64 {
    let length = value.chars().count() as f64;
    let mut counts = std::collections::BTreeMap::new();
    for character in value.chars() {
        let count: &mut f64 = counts.entry(character).or_default();
        *count += 1.0;
    }
    counts.values().map(|count: &f64| -(count / length) * (count / length).log2()).sum()
}
