//! Reads values of a configuration at their places, and writes down what is wrong with them: all of it, not the first.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use reqwest::Url;
use serde_json::Value;
use trust_core::Mistake;
use trust_core::network::Network;

/// A value and its place; what is absent has a place too.
pub(crate) struct Section<'a> {
    value: Option<&'a Value>,
    place: String,
}

impl<'a> Section<'a> {
    pub(crate) fn root(value: &'a Value) -> Self {
        Self { value: Some(value), place: String::new() }
    }

    /// What stands behind a key; `null` counts as absent.
    pub(crate) fn at(&self, key: &str) -> Self {
        let value = self.value.and_then(|value| value.get(key)).filter(|value| !value.is_null());
        let place = if self.place.is_empty() { key.to_owned() } else { format!("{}.{key}", self.place) };
        Self { value, place }
    }

    /// What stands here, whatever it is.
    pub(crate) fn value(&self) -> Option<&'a Value> {
        self.value
    }

    pub(crate) fn is_there(&self) -> bool {
        self.value.is_some()
    }

    pub(crate) fn mistake(&self, what: impl Into<String>, mistakes: &mut Vec<Mistake>) {
        mistakes.push(Mistake { place: self.place.clone(), what: what.into() });
    }

    /// Reports every key that nobody would read: a misspelt key must not silently mean its default.
    pub(crate) fn only_keys(&self, known: &[&str], mistakes: &mut Vec<Mistake>) {
        let Some(Value::Object(map)) = self.value else {
            self.mistake("a map was expected", mistakes);
            return;
        };
        for key in map.keys().filter(|key| !known.contains(&key.as_str())) {
            self.at(key).mistake(format!("no such key; there are {}", known.join(", ")), mistakes);
        }
    }

    pub(crate) fn text(&self, key: &str, mistakes: &mut Vec<Mistake>) -> Option<String> {
        let here = self.at(key);
        let text = here.value?.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        if text.is_none() {
            here.mistake("a text was expected", mistakes);
        }
        text
    }

    pub(crate) fn required(&self, key: &str, mistakes: &mut Vec<Mistake>) -> Option<String> {
        if !self.at(key).is_there() {
            self.at(key).mistake("this is required", mistakes);
        }
        self.text(key, mistakes)
    }

    /// The text that stands here, if it is one.
    pub(crate) fn as_text(&self) -> Option<&'a str> {
        self.value.and_then(Value::as_str)
    }

    pub(crate) fn path(&self, key: &str, mistakes: &mut Vec<Mistake>) -> Option<PathBuf> {
        self.text(key, mistakes).map(PathBuf::from)
    }

    pub(crate) fn boolean(&self, key: &str, mistakes: &mut Vec<Mistake>) -> Option<bool> {
        let here = self.at(key);
        let read = here.value?.as_bool();
        if read.is_none() {
            here.mistake("true or false was expected", mistakes);
        }
        read
    }

    /// A whole number within bounds.
    pub(crate) fn number(&self, key: &str, bounds: RangeInclusive<u64>, mistakes: &mut Vec<Mistake>) -> Option<u64> {
        let here = self.at(key);
        let read = here.value?.as_u64().filter(|number| bounds.contains(number));
        if read.is_none() {
            here.mistake(format!("a whole number from {} to {} was expected", bounds.start(), bounds.end()), mistakes);
        }
        read
    }

    /// A number within bounds that need not be whole.
    pub(crate) fn decimal(&self, key: &str, bounds: RangeInclusive<f64>, mistakes: &mut Vec<Mistake>) -> Option<f64> {
        let here = self.at(key);
        let read = here.value?.as_f64().filter(|number| bounds.contains(number));
        if read.is_none() {
            here.mistake(format!("a number from {} to {} was expected", bounds.start(), bounds.end()), mistakes);
        }
        read
    }

    /// What stands in a map whose keys anybody may choose.
    pub(crate) fn entries(&self, key: &str, mistakes: &mut Vec<Mistake>) -> Vec<(String, Self)> {
        let here = self.at(key);
        match here.value {
            None => Vec::new(),
            Some(Value::Object(map)) => map.keys().map(|name| (name.clone(), here.at(name))).collect(),
            Some(_) => {
                here.mistake("a map was expected", mistakes);
                Vec::new()
            }
        }
    }

    pub(crate) fn list(&self, key: &str, mistakes: &mut Vec<Mistake>) -> Vec<Self> {
        let here = self.at(key);
        match here.value {
            None => Vec::new(),
            Some(Value::Array(items)) => (0..)
                .zip(items)
                .map(|(index, item): (usize, _)| Self { value: Some(item), place: format!("{}[{index}]", here.place) })
                .collect(),
            Some(_) => {
                here.mistake("a list was expected", mistakes);
                Vec::new()
            }
        }
    }

    /// A list of texts that say something.
    pub(crate) fn texts(&self, key: &str, mistakes: &mut Vec<Mistake>) -> Vec<String> {
        let mut texts = Vec::new();
        for item in self.list(key, mistakes) {
            match item.value.and_then(Value::as_str).filter(|text| !text.is_empty()) {
                Some(text) => texts.push(text.to_owned()),
                None => item.mistake("a text was expected", mistakes),
            }
        }
        texts
    }

    pub(crate) fn networks(&self, key: &str, mistakes: &mut Vec<Mistake>) -> Vec<Network> {
        let mut networks = Vec::new();
        for item in self.list(key, mistakes) {
            let text = item.value.and_then(Value::as_str).unwrap_or_default();
            match Network::parse(text) {
                Ok(network) => networks.push(network),
                Err(what) => item.mistake(what, mistakes),
            }
        }
        networks
    }

    /// An address with `https`, or with `http`, which only loopback addresses may have; those are looked at when asked.
    pub(crate) fn url(&self, key: &str, mistakes: &mut Vec<Mistake>) -> Option<Url> {
        let text = self.text(key, mistakes)?;
        let url = Url::parse(&text).ok().filter(|url| matches!(url.scheme(), "https" | "http") && url.has_host());
        let url = url.filter(|url| url.username().is_empty() && url.password().is_none() && url.fragment().is_none());
        if url.is_none() {
            self.at(key).mistake("an address such as https://idp.example.com was expected", mistakes);
        }
        url
    }
}
