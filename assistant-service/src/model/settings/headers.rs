//! Headers that a model's server wants besides the key. What may be a secret stands in a file of its own.

use std::path::PathBuf;

use reqwest::header::{HeaderName, HeaderValue};
use trust_core::Mistake;

use crate::section::Section;

/// A header of every request to one model.
#[derive(Clone, Debug)]
pub(in crate::model) struct HeaderSetting {
    pub(in crate::model) name: HeaderName,
    pub(in crate::model) value: HeaderSource,
}

/// Where a header's value comes from.
#[derive(Clone, Debug)]
pub(in crate::model) enum HeaderSource {
    /// It is no secret.
    Text(HeaderValue),
    /// It is read for each request.
    File(PathBuf),
}

/// They say how a message is carried, and others would read another message than we sent.
const OF_THE_CARRIER: [&str; 8] =
    ["connection", "content-length", "content-type", "expect", "host", "te", "transfer-encoding", "upgrade"];

const SECRETS: [&str; 5] = ["api-key", "authorization", "cookie", "proxy-authorization", "x-api-key"];

pub(super) fn read(item: &Section<'_>, mistakes: &mut Vec<Mistake>) -> Vec<HeaderSetting> {
    let entries = item.entries("headers", mistakes);
    entries.iter().filter_map(|(name, entry)| read_one(name, entry, mistakes)).collect()
}

fn read_one(name: &str, entry: &Section<'_>, mistakes: &mut Vec<Mistake>) -> Option<HeaderSetting> {
    let Some(name) = HeaderName::try_from(name).ok().filter(|name| !OF_THE_CARRIER.contains(&name.as_str())) else {
        entry.mistake("this is no header that can be set", mistakes);
        return None;
    };
    let value = match entry.as_text() {
        Some(_) if SECRETS.contains(&name.as_str()) => {
            entry.mistake("this is a secret: {file: /path/of/it} was expected", mistakes);
            return None;
        }
        Some(text) => match HeaderValue::try_from(text) {
            Ok(value) => HeaderSource::Text(value),
            Err(_) => {
                entry.mistake("no header can carry this", mistakes);
                return None;
            }
        },
        None => {
            entry.only_keys(&["file"], mistakes);
            HeaderSource::File(entry.required("file", mistakes).map(PathBuf::from)?)
        }
    };
    Some(HeaderSetting { name, value })
}
