//! Reads members at their places, and writes down what is wrong with them.

use std::cell::RefCell;
use std::ops::RangeInclusive;
use std::str::FromStr;

use serde_json::Value;
use trust_core::Mistake;

/// What has been found wrong so far.
#[derive(Debug, Default)]
pub(super) struct Mistakes(RefCell<Vec<Mistake>>);

impl Mistakes {
    pub(super) fn into_found(self) -> Vec<Mistake> {
        self.0.into_inner()
    }
}

/// A map and its place. A key that is not there and one without a value are the same.
pub(super) struct Fields<'a> {
    value: Option<&'a Value>,
    place: String,
    mistakes: &'a Mistakes,
}

impl<'a> Fields<'a> {
    pub(super) fn root(value: &'a Value, mistakes: &'a Mistakes) -> Self {
        Self { value: Some(value), place: String::new(), mistakes }
    }

    /// The map behind a key.
    pub(super) fn at(&self, key: &str) -> Self {
        Self { value: self.value(key), place: self.place_of(key), mistakes: self.mistakes }
    }

    /// Says what is wrong with a key.
    pub(super) fn mistake(&self, key: &str, what: impl Into<String>) {
        self.mistakes.0.borrow_mut().push(Mistake { place: self.place_of(key), what: what.into() });
    }

    /// A misspelt key must not silently mean its default.
    pub(super) fn only(&self, known: &[&str]) {
        let Some(members) = self.value.and_then(Value::as_object) else {
            let what = format!("must be a map with {}", known.join(", "));
            self.mistakes.0.borrow_mut().push(Mistake { place: self.place.clone(), what });
            return;
        };
        for key in members.keys().filter(|key| !known.contains(&key.as_str())) {
            self.mistake(key, format!("no such key; there are {}", known.join(", ")));
        }
    }

    pub(super) fn text(&self, key: &str) -> Option<String> {
        let text = self.optional_text(key);
        if text.is_none() && self.value(key).is_none() {
            self.mistake(key, "is missing");
        }
        text
    }

    pub(super) fn text_or(&self, key: &str, default: &str) -> Option<String> {
        if self.value(key).is_none() { Some(default.to_owned()) } else { self.text(key) }
    }

    pub(super) fn optional_text(&self, key: &str) -> Option<String> {
        let text = self.value(key)?.as_str().filter(|text| !text.is_empty());
        if text.is_none() {
            self.mistake(key, "must be a text");
        }
        text.map(str::to_owned)
    }

    pub(super) fn parsed_or<T: FromStr>(&self, key: &str, default: &str, expected: &str) -> Option<T> {
        let parsed = self.text_or(key, default)?.parse().ok();
        if parsed.is_none() {
            self.mistake(key, format!("must be {expected}"));
        }
        parsed
    }

    pub(super) fn number_or(&self, key: &str, default: u64, range: RangeInclusive<u64>) -> Option<u64> {
        let Some(value) = self.value(key) else { return Some(default) };
        let number = value.as_u64().filter(|number| range.contains(number));
        if number.is_none() {
            self.mistake(key, format!("must be a whole number from {} to {}", range.start(), range.end()));
        }
        number
    }

    pub(super) fn switch_or_off(&self, key: &str) -> Option<bool> {
        let Some(value) = self.value(key) else { return Some(false) };
        let switch = value.as_bool();
        if switch.is_none() {
            self.mistake(key, "must be true or false");
        }
        switch
    }

    pub(super) fn texts(&self, key: &str) -> Vec<String> {
        self.list_of(key, |text| if text.is_empty() { Err("must be a text".to_owned()) } else { Ok(text.to_owned()) })
    }

    /// Each member of a list of texts, read by `read`, which says what is wrong with one.
    pub(super) fn list_of<T>(&self, key: &str, read: impl Fn(&str) -> Result<T, String>) -> Vec<T> {
        let read = |item: &Self| {
            let text = item.value.and_then(Value::as_str).ok_or_else(|| "must be a text".to_owned());
            let outcome = text.and_then(&read);
            outcome.map_err(|what| {
                self.mistakes.0.borrow_mut().push(Mistake { place: item.place.clone(), what });
            })
        };
        self.list(key).iter().filter_map(|item| read(item).ok()).collect()
    }

    /// The members of a list, each with its place.
    pub(super) fn list(&self, key: &str) -> Vec<Self> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let Some(items) = value.as_array() else {
            self.mistake(key, "must be a list");
            return Vec::new();
        };
        let place = self.place_of(key);
        let item =
            |(index, value)| Self { value: Some(value), place: format!("{place}[{index}]"), mistakes: self.mistakes };
        items.iter().enumerate().map(item).collect()
    }

    fn value(&self, key: &str) -> Option<&'a Value> {
        self.value?.get(key).filter(|value| !value.is_null())
    }

    fn place_of(&self, key: &str) -> String {
        if self.place.is_empty() { key.to_owned() } else { format!("{}.{key}", self.place) }
    }
}
