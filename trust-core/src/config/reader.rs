//! Reads values at places, and writes down what is wrong with them.
//!
//! Traefik hands every scalar over as a string, and lists from labels and key-value stores as `key[0]`, `key[1]`: all
//! shapes are read alike.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::suggestion::nearest;

/// What is wrong with a configuration, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Such as `rules[2].match`; empty for the whole.
    pub place: String,
    /// One sentence.
    pub what: String,
}

impl std::fmt::Display for Mistake {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let place = if self.place.is_empty() { "the configuration" } else { &self.place };
        write!(formatter, "{place}: {}", self.what)
    }
}

/// A value and its place; what is absent has a place too.
#[derive(Clone)]
pub(super) struct Reader<'a> {
    value: Option<&'a Value>,
    place: String,
}

impl<'a> Reader<'a> {
    pub(super) fn root(value: &'a Value) -> Self {
        Self { value: Some(value), place: String::new() }
    }

    /// The value behind a key; `null` and the empty string count as absent, as Traefik writes both for what is unset.
    pub(super) fn at(&self, key: &str) -> Self {
        let value = self.value.and_then(|value| value.get(key));
        let is_set = |value: &&Value| !value.is_null() && value.as_str() != Some("");
        // An empty key must not pass for the whole.
        let name = if key.is_empty() { "\"\"" } else { key };
        let place = if self.place.is_empty() { name.to_owned() } else { format!("{}.{name}", self.place) };
        Self { value: value.filter(is_set), place }
    }

    pub(super) fn value(&self, key: &str) -> Option<&'a Value> {
        self.at(key).value
    }

    /// Whether nothing is written behind a key, or an empty list.
    pub(super) fn is_empty(&self, key: &str) -> bool {
        self.value(key).is_none_or(|value| value.as_array().is_some_and(Vec::is_empty))
    }

    pub(super) fn mistake(&self, what: impl Into<String>, mistakes: &mut Vec<Mistake>) {
        mistakes.push(Mistake { place: self.place.clone(), what: what.into() });
    }

    /// Reports every key that nobody would read: a misspelt key must not silently mean its default.
    pub(super) fn only_keys(&self, known: &[&str], mistakes: &mut Vec<Mistake>) {
        match self.value {
            Some(Value::Object(map)) => {
                // A key that stands already is not what another one was meant to be.
                let free: Vec<_> = known.iter().filter(|name| !map.contains_key(**name)).copied().collect();
                for key in map.keys().filter(|key| !known.contains(&key.as_str())) {
                    let meant = nearest(key, &free).map_or_else(
                        || format!("there are {}", known.join(", ")),
                        |near| format!("did you mean {near}?"),
                    );
                    let place = Self { value: None, place: self.at(key).place };
                    place.mistake(format!("no such key; {meant}"), mistakes);
                }
            }
            _ => self.mistake("an object was expected", mistakes),
        }
    }

    pub(super) fn string(&self, key: &str, mistakes: &mut Vec<Mistake>) -> Option<String> {
        let reader = self.at(key);
        let text = scalar(reader.value?);
        if text.is_none() {
            reader.mistake("a text was expected", mistakes);
        }
        text
    }

    pub(super) fn required_string(&self, key: &str, mistakes: &mut Vec<Mistake>) -> Option<String> {
        if self.value(key).is_none() {
            self.at(key).mistake("this is required", mistakes);
        }
        self.string(key, mistakes)
    }

    pub(super) fn boolean(&self, key: &str, mistakes: &mut Vec<Mistake>) -> Option<bool> {
        let reader = self.at(key);
        let read = scalar(reader.value?).and_then(|text| text.to_ascii_lowercase().parse().ok());
        if read.is_none() {
            reader.mistake("true or false was expected", mistakes);
        }
        read
    }

    pub(super) fn whole_number(&self, key: &str, most: u64, mistakes: &mut Vec<Mistake>) -> Option<u64> {
        let reader = self.at(key);
        let read = scalar(reader.value?).and_then(|text| text.parse().ok()).filter(|number| *number <= most);
        if read.is_none() {
            reader.mistake(format!("a whole number from 0 to {most} was expected"), mistakes);
        }
        read
    }

    pub(super) fn list(&self, key: &str, mistakes: &mut Vec<Mistake>) -> Vec<Self> {
        let reader = self.at(key);
        match reader.value {
            None => Vec::new(),
            Some(Value::Array(items)) => items
                .iter()
                .enumerate()
                .map(|(index, item)| Self { value: Some(item), place: format!("{}[{index}]", reader.place) })
                .collect(),
            Some(_) => {
                reader.mistake("a list was expected", mistakes);
                Vec::new()
            }
        }
    }

    /// A list of texts; a single text counts as a list of one, or of several when it holds commas.
    pub(super) fn strings(&self, key: &str, mistakes: &mut Vec<Mistake>) -> Vec<(Self, String)> {
        let reader = self.at(key);
        if let Some(text) = reader.value.and_then(scalar) {
            let parts: Vec<_> = text.split(',').map(str::trim).collect();
            if parts.contains(&"") {
                reader.mistake("there is nothing before or behind a comma", mistakes);
            }
            return parts.into_iter().map(|part| (reader.clone(), part.to_owned())).collect();
        }
        let mut texts = Vec::new();
        for item in self.list(key, mistakes) {
            match item.value.and_then(scalar).filter(|text| !text.is_empty()) {
                Some(text) => texts.push((item, text)),
                None => item.mistake("a text was expected", mistakes),
            }
        }
        texts
    }

    /// The same, with a default for when nothing is written.
    pub(super) fn strings_or(&self, key: &str, default: &[&str], mistakes: &mut Vec<Mistake>) -> Vec<(Self, String)> {
        match self.value(key) {
            None => default.iter().map(|text| (self.at(key), (*text).to_owned())).collect(),
            Some(_) => self.strings(key, mistakes),
        }
    }

    pub(super) fn string_map(&self, key: &str, mistakes: &mut Vec<Mistake>) -> Vec<(Self, String, String)> {
        let reader = self.at(key);
        let map = match reader.value {
            None => return Vec::new(),
            Some(Value::Object(map)) => map,
            Some(_) => {
                reader.mistake("an object was expected", mistakes);
                return Vec::new();
            }
        };
        let mut entries = Vec::new();
        for name in map.keys() {
            if let Some(text) = reader.required_string(name, mistakes) {
                entries.push((reader.at(name), name.clone(), text));
            }
        }
        entries
    }
}

fn scalar(value: &Value) -> Option<String> {
    crate::claims::scalar_text(value).filter(|_| !value.is_null())
}

/// The same value with `key[0]`, `key[1]`, … gathered into lists, in the order of their numbers.
pub(super) fn normalised(value: Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.into_iter().map(normalised).collect()),
        Value::Object(map) => {
            let mut plain = Map::new();
            let mut lists: BTreeMap<String, BTreeMap<usize, Value>> = BTreeMap::new();
            for (key, value) in map {
                match indexed_key(&key) {
                    Some((name, index)) => {
                        lists.entry(name).or_default().insert(index, normalised(value));
                    }
                    None => {
                        plain.insert(key, normalised(value));
                    }
                }
            }
            for (name, items) in lists {
                // Beside a plain `name` they stay what they are, and are reported as keys that nobody reads.
                let key = if plain.contains_key(&name) { format!("{name}[…]") } else { name };
                plain.insert(key, Value::Array(items.into_values().collect()));
            }
            Value::Object(plain)
        }
        scalar => scalar,
    }
}

fn indexed_key(key: &str) -> Option<(String, usize)> {
    let (name, index) = key.strip_suffix(']')?.split_once('[')?;
    let number: usize = index.parse().ok()?;
    // `[00]` and `[0]` would be one.
    (number.to_string() == index).then(|| (name.to_owned(), number))
}
