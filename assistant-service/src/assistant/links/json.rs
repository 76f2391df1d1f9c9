//! Addresses within JSON. Its texts are no Markdown: whatever is no address stays as it is, letter for letter.

use serde_json::Value;

use super::AllowedHosts;
use super::suspicion::{holds_address, without_joiners};
use crate::assistant::words::{LINK_REMOVED, visible};

/// What may stand between an address and the words around it.
const BETWEEN: &[char] = &['(', ')', '[', ']', '<', '>', '"', '\'', '`', ',', '|', '{', '}'];
/// What may stand at an address's end without being a part of it.
const BEHIND: &[char] = &['*', '.', ';', ':', '!', '?', '~'];

/// The same JSON, without addresses that lead elsewhere. As deep as it is, which its reader has bounded.
pub(crate) fn without_foreign_addresses(value: Value, hosts: &AllowedHosts) -> Value {
    match value {
        Value::String(text) => Value::String(without(&text, hosts)),
        Value::Array(items) => items.into_iter().map(|item| without_foreign_addresses(item, hosts)).collect(),
        Value::Object(members) => {
            let filtered =
                |(name, value): (String, Value)| (without(&name, hosts), without_foreign_addresses(value, hosts));
            members.into_iter().map(filtered).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}

fn without(text: &str, hosts: &AllowedHosts) -> String {
    text.split_inclusive(char::is_whitespace).map(|word| without_in_word(word, hosts)).collect()
}

fn without_in_word(word: &str, hosts: &AllowedHosts) -> String {
    if !is_suspicious(word.trim_end()) {
        return word.to_owned();
    }
    let parts = word.split_inclusive(|character: char| character.is_whitespace() || BETWEEN.contains(&character));
    let (mut left, mut is_found) = (String::new(), false);
    for part in parts {
        let address =
            part.trim_end_matches(|character: char| character.is_whitespace() || BETWEEN.contains(&character));
        let is_address = is_suspicious(address);
        let is_foreign = is_address && hosts.admit(address.trim_matches(BEHIND)).is_none();
        left.push_str(&if is_foreign { part.replacen(address, LINK_REMOVED, 1) } else { part.to_owned() });
        is_found |= is_address;
    }
    // `javascript:(x)` is one as a whole and none in its parts.
    if is_found { left } else { word.replacen(word.trim_end(), LINK_REMOVED, 1) }
}

fn is_suspicious(word: &str) -> bool {
    holds_address(&without_joiners(&visible(word)))
}
