//! How an event stands in a request: in headers (binary) or in the body (structured). The content type alone decides
//! which: the gate puts its own `ce-` headers on every request (CloudEvents HTTP binding 1.0.2, section 3).

use std::fmt;

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use trust_core::percent::decode_header_value;

use super::attributes::{Attributes, UnverifiedData};
use super::cloud_event::{CloudEvent, Extension};
use crate::media_type;
use crate::problem::{FieldError, Problem};

/// Far more than any event has: all of them are looked at before anything is refused.
const MAX_MEMBERS: usize = 256;

/// Where the attributes of an event stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Binary,
    Structured,
}

/// Reads the event of a request.
pub(super) fn read(headers: &HeaderMap, body: &[u8]) -> Result<(Mode, CloudEvent), Problem> {
    let content_type = match headers.get(CONTENT_TYPE).map(HeaderValue::to_str) {
        None => None,
        Some(Ok(text)) => Some(text),
        Some(Err(_)) => return Err(Problem::invalid("content-type", "must be printable ASCII")),
    };
    let kind = content_type.map(media_type::essence).unwrap_or_default();
    if kind == "application/cloudevents+json" {
        Ok((Mode::Structured, structured(body)?))
    } else if kind.starts_with("application/cloudevents") {
        Err(Problem::UnsupportedMediaType)
    } else {
        Ok((Mode::Binary, binary(headers, content_type, body)?))
    }
}

fn binary(headers: &HeaderMap, content_type: Option<&str>, body: &[u8]) -> Result<CloudEvent, Problem> {
    let mut attributes = Attributes::default();
    for (name, value) in headers {
        match name.as_str().strip_prefix("ce-") {
            None => {}
            Some("datacontenttype") => attributes.refuse("datacontenttype", "is given as Content-Type in this mode"),
            Some("data" | "data_base64") => attributes.refuse("data", "is given as the body in this mode"),
            Some(attribute) => match header_value(value) {
                Some(text) => attributes.add(attribute, Extension::Text(text)),
                None => attributes.refuse(attribute, "must be printable ASCII, with the rest percent-encoded as UTF-8"),
            },
        }
    }
    if headers.get_all(CONTENT_TYPE).iter().count() > 1 {
        attributes.refuse("datacontenttype", "is there more than once");
    } else if let Some(content_type) = content_type {
        attributes.add("datacontenttype", Extension::Text(content_type.to_owned()));
    }
    let data = if body.is_empty() { UnverifiedData::None } else { UnverifiedData::Bytes(body.to_vec()) };
    Ok(attributes.into_event(data)?)
}

fn header_value(value: &HeaderValue) -> Option<String> {
    decode_header_value(value.to_str().ok()?)
}

fn structured(body: &[u8]) -> Result<CloudEvent, Problem> {
    let members: Members = serde_json::from_slice(body)
        .map_err(|error| Problem::invalid("body", format!("is not an event as a JSON object: {error}")))?;
    let mut attributes = Attributes::default();
    let mut data = UnverifiedData::None;
    for (name, value) in members.0 {
        let is_data = name == "data" || name == "data_base64";
        if value.get() == "null" && name != "data" {
            continue;
        }
        if !is_data {
            match attribute_value(&value) {
                Some(value) => attributes.add(&name, value),
                None => attributes.refuse(&name, "must be a string, true, false or a whole number of 32 bits"),
            }
        } else if !matches!(data, UnverifiedData::None) {
            attributes.refuse(&name, "there is data already: of data and data_base64 one may be there, once");
        } else if name == "data" {
            data = UnverifiedData::Json(value);
        } else {
            match serde_json::from_str(value.get()) {
                Ok(text) => data = UnverifiedData::Base64(text),
                Err(_) => attributes.refuse("data_base64", "must be a string"),
            }
        }
    }
    Ok(attributes.into_event(data)?)
}

/// What keeps a text from being an event in CloudEvents' JSON format; nothing if it is one.
pub(crate) fn mistakes_of(text: &[u8]) -> Vec<FieldError> {
    match structured(text) {
        Ok(_) => Vec::new(),
        Err(Problem::Invalid(errors)) => errors,
        Err(_) => vec![FieldError::new("body", "cannot be read")],
    }
}

fn attribute_value(value: &RawValue) -> Option<Extension> {
    match serde_json::from_str(value.get()).ok()? {
        serde_json::Value::String(text) => Some(Extension::Text(text)),
        serde_json::Value::Bool(value) => Some(Extension::Boolean(value)),
        serde_json::Value::Number(number) => Some(Extension::Integer(number.as_i64()?.try_into().ok()?)),
        serde_json::Value::Null | serde_json::Value::Array(_) | serde_json::Value::Object(_) => None,
    }
}

/// The members of an object in their order, with repeated ones: readers differ in which of two they believe.
struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Members;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an event in CloudEvents' JSON format")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    if members.len() >= MAX_MEMBERS {
                        return Err(serde::de::Error::custom(format!("it has more than {MAX_MEMBERS} members")));
                    }
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}
