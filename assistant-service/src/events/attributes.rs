//! From attributes as they were sent to an event: every rule of CloudEvents 1.0.2 is held here, for both bindings, and
//! all that is wrong is said at once.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::value::RawValue;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::cloud_event::{CloudEvent, Data, Extension};
use super::{extension_types, raw_json, uri_reference};
use crate::media_type;
use crate::problem::{FieldError, MAX_FIELD_ERRORS};

/// Longer attributes are refused: they are indexed, and a proxy would cut them off as headers.
const MAX_ATTRIBUTE_BYTES: usize = 2048;

/// Attributes as they were sent, and what is wrong so far.
#[derive(Debug, Default)]
pub(super) struct Attributes {
    values: BTreeMap<String, Extension>,
    errors: Vec<FieldError>,
}

/// What could not become an event: why, and the attributes by which it is known whose it is, as far as they are there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Malformed {
    pub(crate) errors: Vec<FieldError>,
    /// Whether attributes could be read at all.
    pub(crate) is_readable: bool,
    pub(crate) id: Option<String>,
    pub(crate) source: Option<String>,
    pub(crate) event_type: Option<String>,
}

impl Malformed {
    /// A body that is none of an event.
    pub(super) fn unreadable(detail: String) -> Self {
        Self { errors: vec![FieldError::new("body", detail)], ..Self::default() }
    }
}

/// Data as it was sent.
#[derive(Debug)]
pub(super) enum UnverifiedData {
    None,
    /// A body of bytes, of the type that `datacontenttype` names.
    Bytes(Vec<u8>),
    /// The member `data`.
    Json(Box<RawValue>),
    /// The member `data_base64`.
    Base64(String),
}

impl Attributes {
    pub(super) fn refuse(&mut self, field: &str, detail: impl Into<String>) {
        if self.errors.len() < MAX_FIELD_ERRORS {
            self.errors.push(FieldError::new(field, detail));
        }
    }

    pub(super) fn add(&mut self, name: &str, value: Extension) {
        let is_name =
            (1..=20).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if !is_name {
            self.refuse(name, "the name of an attribute has 1 to 20 of the characters a to z and 0 to 9");
        } else if self.values.contains_key(name) {
            self.refuse(name, "is there more than once");
        } else {
            match &value {
                Extension::Text(text) if text.is_empty() => self.refuse(name, "must not be empty"),
                Extension::Text(text) if text.len() > MAX_ATTRIBUTE_BYTES => {
                    self.refuse(name, format!("may have {MAX_ATTRIBUTE_BYTES} bytes"));
                }
                Extension::Text(text) if text.chars().any(char::is_control) => {
                    self.refuse(name, "must not hold control characters");
                }
                Extension::Text(_) | Extension::Integer(_) | Extension::Boolean(_) => {}
            }
            // Kept even when it is refused, so that it is not reported as missing too.
            self.values.insert(name.to_owned(), value);
        }
    }

    /// The event, or everything that is wrong with it.
    pub(super) fn into_event(mut self, data: UnverifiedData) -> Result<CloudEvent, Malformed> {
        match self.required("specversion").as_str() {
            "" | "1.0" => {}
            _ => self.refuse("specversion", "must be 1.0"),
        }
        let id = self.required("id");
        let source = self.required("source");
        let event_type = self.required("type");
        let subject = self.optional("subject");
        let time = self.optional("time");
        let data_content_type = self.optional("datacontenttype");
        let data_schema = self.optional("dataschema");
        if !source.is_empty() && !uri_reference::is_valid(&source) {
            self.refuse("source", "must be a URI reference (RFC 3986)");
        }
        if data_schema.as_deref().is_some_and(|schema| !uri_reference::is_absolute(schema)) {
            self.refuse("dataschema", "must be a URI with a scheme (RFC 3986)");
        }
        if time.as_deref().is_some_and(|time| OffsetDateTime::parse(time, &Rfc3339).is_err()) {
            self.refuse("time", "must be a time such as 2026-03-01T12:00:00Z (RFC 3339)");
        }
        if data_content_type.as_deref().is_some_and(|kind| !media_type::is_valid(kind)) {
            self.refuse("datacontenttype", "must be a media type such as application/json (RFC 2046)");
        }
        for (name, expected) in extension_types::mistakes(&self.values) {
            self.refuse(&name, expected);
        }
        let data = self.data(data, data_content_type.as_deref());
        if self.errors.is_empty() {
            let extensions = self.values;
            Ok(CloudEvent { id, source, event_type, subject, time, data_content_type, data_schema, extensions, data })
        } else {
            let said = |text: String| Some(text).filter(|text| !text.is_empty());
            let source = said(source).filter(|source| uri_reference::is_valid(source));
            let (id, event_type) = (said(id), said(event_type));
            Err(Malformed { errors: self.errors, is_readable: true, id, source, event_type })
        }
    }

    fn optional(&mut self, name: &str) -> Option<String> {
        match self.values.remove(name)? {
            Extension::Text(text) => Some(text),
            Extension::Integer(_) | Extension::Boolean(_) => {
                self.refuse(name, "must be a string");
                Some(String::new())
            }
        }
    }

    /// Empty when it is missing or wrong, which is then said already.
    fn required(&mut self, name: &str) -> String {
        self.optional(name).unwrap_or_else(|| {
            self.refuse(name, "is missing");
            String::new()
        })
    }

    /// Without a type data is JSON (CloudEvents JSON format, section 3.1.1).
    fn data(&mut self, data: UnverifiedData, content_type: Option<&str>) -> Option<Data> {
        let is_json = content_type.is_none_or(media_type::is_json);
        match data {
            UnverifiedData::None => None,
            UnverifiedData::Json(value) => match raw_json::check(value.get().as_bytes()) {
                Ok(()) => Some(Data::Json(value)),
                Err(reason) => {
                    self.refuse("data", reason);
                    None
                }
            },
            UnverifiedData::Bytes(bytes) if is_json => match raw_json::keep(&bytes) {
                Ok(value) => Some(Data::Json(value)),
                Err(reason) => {
                    self.refuse("data", format!("{reason}; its datacontenttype says that it is JSON"));
                    None
                }
            },
            UnverifiedData::Bytes(bytes) => {
                let is_text = content_type.is_some_and(|kind| media_type::essence(kind).starts_with("text/"));
                match String::from_utf8(bytes) {
                    Ok(text) if is_text => Some(Data::Text(text)),
                    Ok(text) => Some(Data::Base64(BASE64_STANDARD.encode(text))),
                    Err(not_text) => Some(Data::Base64(BASE64_STANDARD.encode(not_text.into_bytes()))),
                }
            }
            UnverifiedData::Base64(text) => {
                match BASE64_STANDARD.decode(&text) {
                    Err(_) => self.refuse("data_base64", "is not base64 (RFC 4648, section 4)"),
                    Ok(bytes) if is_json => {
                        if let Err(reason) = raw_json::check(&bytes) {
                            self.refuse("data_base64", format!("{reason}; its datacontenttype says that it is JSON"));
                        }
                    }
                    Ok(_) => {}
                }
                Some(Data::Base64(text))
            }
        }
    }
}
