//! What an event is found by, read out of its JSON: wherever there is nothing but the text (a shared log, an export, a store that is
//! made again) the columns come from here.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use thiserror::Error;

use super::NewEvent;

/// Why a text is no event.
#[derive(Debug, Error)]
pub enum InvalidEventJson {
    /// It is no JSON object, or an attribute is not of the type that it must be.
    #[error("it is not an event in CloudEvents' JSON format: {0}")]
    Malformed(#[from] serde_json::Error),
    /// An attribute is missing that every event has.
    #[error("it has no {0}")]
    Missing(&'static str),
}

impl NewEvent {
    /// The event of a text in CloudEvents' JSON format, which is kept as it is. Members that nothing is found by are passed over,
    /// whatever they are: this reads what was checked when it came in.
    pub fn from_json(json: String) -> Result<Self, InvalidEventJson> {
        let Attributes { source, id, event_type, subject, correlation_id, principal } = serde_json::from_str(&json)?;
        Ok(Self {
            source: source.ok_or(InvalidEventJson::Missing("source"))?,
            id: id.ok_or(InvalidEventJson::Missing("id"))?,
            event_type: event_type.ok_or(InvalidEventJson::Missing("type"))?,
            subject,
            correlation_id: correlation_id.and_then(Scalar::into_text),
            principal: principal.and_then(|principal| match principal {
                Scalar::Text(text) => Some(text),
                Scalar::Other(_) | Scalar::None => None,
            }),
            json,
        })
    }
}

#[derive(Deserialize)]
struct Attributes {
    source: Option<String>,
    id: Option<String>,
    #[serde(rename = "type")]
    event_type: Option<String>,
    subject: Option<String>,
    #[serde(rename = "correlationid")]
    correlation_id: Option<Scalar>,
    #[serde(rename = "authid")]
    principal: Option<Scalar>,
}

/// An extension attribute may be a number or a boolean; it is found by how it is written.
enum Scalar {
    Text(String),
    Other(String),
    None,
}

impl Scalar {
    fn into_text(self) -> Option<String> {
        match self {
            Self::Text(text) | Self::Other(text) => Some(text),
            Self::None => None,
        }
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Scalar;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a string, a number or a boolean")
            }

            fn visit_str<E>(self, text: &str) -> Result<Scalar, E> {
                Ok(Scalar::Text(text.to_owned()))
            }

            fn visit_string<E>(self, text: String) -> Result<Scalar, E> {
                Ok(Scalar::Text(text))
            }

            fn visit_bool<E>(self, value: bool) -> Result<Scalar, E> {
                Ok(Scalar::Other(value.to_string()))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Scalar, E> {
                Ok(Scalar::Other(value.to_string()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Scalar, E> {
                Ok(Scalar::Other(value.to_string()))
            }

            fn visit_f64<E>(self, _: f64) -> Result<Scalar, E> {
                Ok(Scalar::None)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Scalar, A::Error> {
                while items.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Scalar::None)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Scalar, A::Error> {
                while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Scalar::None)
            }
        }
        deserializer.deserialize_any(Any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_attributes_are_read_and_everything_else_is_passed_over() {
        let json = r#"{"specversion":"1.0","id":"a\u00e4","source":"urn:x","type":"t","subject":null,"data":{"id":[1e999]},
            "correlationid":-7,"authid":"https://issuer.example#ada","strange":{"type":["deep"]}}"#;
        let event = NewEvent::from_json(json.to_owned()).unwrap();
        assert_eq!((event.source.as_str(), event.id.as_str(), event.event_type.as_str()), ("urn:x", "aä", "t"));
        assert_eq!((event.subject, event.correlation_id.as_deref()), (None, Some("-7")));
        assert_eq!((event.principal.as_deref(), event.json.as_str()), (Some("https://issuer.example#ada"), json));
    }

    #[test]
    fn extensions_that_nothing_can_be_found_by_make_no_event_unreadable() {
        for (written, correlation_id) in [("true", Some("true")), ("null", None), ("[{}]", None), ("{\"a\":1}", None)] {
            let json = format!(r#"{{"id":"a","source":"s","type":"t","correlationid":{written},"authid":{written}}}"#);
            let event = NewEvent::from_json(json).unwrap();
            assert_eq!((event.correlation_id.as_deref(), event.principal), (correlation_id, None), "{written}");
        }
    }

    #[test]
    fn what_is_no_event_is_refused_with_a_reason() {
        for (json, reason) in [
            ("{}", "it has no source"),
            (r#"{"source":"s","type":"t"}"#, "it has no id"),
            (r#"{"source":"s","id":"i"}"#, "it has no type"),
        ] {
            assert_eq!(NewEvent::from_json(json.to_owned()).unwrap_err().to_string(), reason);
        }
        for json in ["", "[]", "7", r#"{"id":7}"#, r#"{"id":"a","id":"b"}"#, r#"{"id":"a"} x"#] {
            let refused = NewEvent::from_json(json.to_owned());
            assert!(matches!(refused, Err(InvalidEventJson::Malformed(_))), "{json}");
        }
    }
}
