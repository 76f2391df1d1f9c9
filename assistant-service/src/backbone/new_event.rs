//! What an event is found by, read from its JSON: the JSON is the event, the rest can be made from it again.

use std::borrow::Cow;

use serde::Deserialize;

use super::NewEvent;

#[derive(Deserialize)]
struct Attributes<'j> {
    #[serde(borrow)]
    source: Cow<'j, str>,
    #[serde(borrow)]
    id: Cow<'j, str>,
    #[serde(rename = "type", borrow)]
    event_type: Cow<'j, str>,
    #[serde(default, borrow)]
    subject: Option<Cow<'j, str>>,
    #[serde(default, borrow)]
    correlationid: Option<Scalar<'j>>,
    #[serde(default, borrow)]
    authid: Option<Scalar<'j>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Scalar<'j> {
    Text(#[serde(borrow)] Cow<'j, str>),
    Integer(i64),
    Boolean(bool),
}

impl Scalar<'_> {
    fn into_text(self) -> String {
        match self {
            Self::Text(text) => text.into_owned(),
            Self::Integer(number) => number.to_string(),
            Self::Boolean(value) => value.to_string(),
        }
    }
}

impl NewEvent {
    /// Reads an event in CloudEvents' JSON format.
    pub(crate) fn from_json(json: String) -> Result<Self, serde_json::Error> {
        let Attributes { source, id, event_type, subject, correlationid, authid } = serde_json::from_str(&json)?;
        let (source, id, event_type) = (source.into_owned(), id.into_owned(), event_type.into_owned());
        let (subject, correlation_id) = (subject.map(Cow::into_owned), correlationid.map(Scalar::into_text));
        let principal = authid.map(Scalar::into_text);
        Ok(Self { source, id, event_type, subject, correlation_id, principal, json })
    }
}
