//! An event whose parts have all been looked at (CloudEvents 1.0.2), and its JSON format.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use trust_core::principal::Principal;

use crate::backbone::NewEvent;
use crate::gate::Caller;
use crate::media_type;

/// An event. Whoever holds one may believe that each attribute is well formed.
#[derive(Clone, Debug)]
pub struct CloudEvent {
    pub(super) id: String,
    pub(super) source: String,
    pub(super) event_type: String,
    pub(super) subject: Option<String>,
    /// As it was written, which may be more exact than what we could write.
    pub(super) time: Option<String>,
    pub(super) data_content_type: Option<String>,
    pub(super) data_schema: Option<String>,
    pub(super) extensions: BTreeMap<String, Extension>,
    pub(super) data: Option<Data>,
}

/// The value of an extension attribute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Extension {
    /// `true` or `false`.
    Boolean(bool),
    /// A whole number of 32 bits.
    Integer(i32),
    /// Anything else.
    Text(String),
}

impl<'de> Deserialize<'de> for Extension {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Scalar;
        impl Visitor<'_> for Scalar {
            type Value = Extension;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a string, true, false or a whole number of 32 bits")
            }

            fn visit_bool<E: de::Error>(self, value: bool) -> Result<Extension, E> {
                Ok(Extension::Boolean(value))
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Extension, E> {
                value.try_into().map(Extension::Integer).map_err(E::custom)
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Extension, E> {
                value.try_into().map(Extension::Integer).map_err(E::custom)
            }

            fn visit_str<E: de::Error>(self, value: &str) -> Result<Extension, E> {
                Ok(Extension::Text(value.to_owned()))
            }
        }
        deserializer.deserialize_any(Scalar)
    }
}

/// What an event carries.
#[derive(Clone, Debug)]
pub enum Data {
    /// JSON, byte by byte as it came, so that no number loses a digit.
    Json(Box<RawValue>),
    /// Text of another type.
    Text(String),
    /// Bytes, in base64.
    Base64(String),
}

/// What the service adds to every event, from what it knows and not from what was said.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stamp<'a> {
    /// Who made it happen; `None` for the service itself.
    pub(crate) caller: Option<&'a Caller>,
    /// What it belongs to, if the event does not say.
    pub(crate) correlation_id: Option<&'a str>,
    /// The trace it is a part of, if the event does not say.
    pub(crate) traceparent: Option<&'a str>,
    /// When it came, if the event does not say when it happened.
    pub(crate) arrived_at: OffsetDateTime,
}

const AUTHENTICATION_EXTENSIONS: [&str; 3] = ["authtype", "authid", "authclaims"];
pub(super) const CORRELATION: &str = "correlationid";

impl CloudEvent {
    /// An event that the service makes itself.
    pub(crate) fn own(event_type: String, subject: Option<String>, data: Box<RawValue>) -> Self {
        Self {
            id: uuid::Uuid::now_v7().to_string(),
            source: super::OWN_SOURCE.to_owned(),
            event_type,
            subject,
            time: None,
            data_content_type: Some("application/json".to_owned()),
            data_schema: None,
            extensions: BTreeMap::new(),
            data: Some(Data::Json(data)),
        }
    }

    /// The same under an id that follows from what it says, so that saying it twice is saying it once.
    pub(crate) fn named(self, id: String) -> Self {
        Self { id, ..self }
    }

    /// Unique within the source.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Who made it.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What kind of event it is.
    #[must_use]
    pub fn event_type(&self) -> &str {
        &self.event_type
    }

    /// What it is about.
    pub(crate) fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// Its data as JSON text, if it is JSON.
    pub(crate) fn json_data(&self) -> Option<Cow<'_, [u8]>> {
        match self.data.as_ref()? {
            Data::Json(text) => Some(Cow::Borrowed(text.get().as_bytes())),
            Data::Base64(text) if self.data_content_type.as_deref().is_none_or(media_type::is_json) => {
                BASE64_STANDARD.decode(text).ok().map(Cow::Owned)
            }
            Data::Text(_) | Data::Base64(_) => None,
        }
    }

    /// The event as it is kept.
    pub(crate) fn stamped(self, stamp: &Stamp<'_>) -> Self {
        let auth_id = stamp.caller.and_then(Caller::principal).map(Principal::uri);
        self.attested(stamp.caller.map_or("system", Caller::auth_type), auth_id.as_deref())
            .with_default(CORRELATION, stamp.correlation_id)
            .with_default("traceparent", stamp.traceparent)
            .at(stamp.arrived_at)
    }

    /// With what the gate knows of its sender. What a sender says about its own authentication never stays.
    pub(super) fn attested(mut self, auth_type: &str, auth_id: Option<&str>) -> Self {
        for name in AUTHENTICATION_EXTENSIONS {
            self.extensions.remove(name);
        }
        for (name, value) in [("authtype", Some(auth_type)), ("authid", auth_id)] {
            if let Some(value) = value {
                self.extensions.insert(name.to_owned(), Extension::Text(value.to_owned()));
            }
        }
        self
    }

    /// With an extension that it has not said itself.
    pub(crate) fn with_default(mut self, name: &str, value: Option<&str>) -> Self {
        if let Some(value) = value
            && !self.extensions.contains_key(name)
        {
            self.extensions.insert(name.to_owned(), Extension::Text(value.to_owned()));
        }
        self
    }

    /// With the time when it came, if it has not said when it happened.
    pub(super) fn at(mut self, arrived_at: OffsetDateTime) -> Self {
        if self.time.is_none() {
            self.time = arrived_at.format(&Rfc3339).ok();
        }
        self
    }
}

impl Serialize for CloudEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("specversion", "1.0")?;
        map.serialize_entry("id", &self.id)?;
        map.serialize_entry("source", &self.source)?;
        map.serialize_entry("type", &self.event_type)?;
        for (name, value) in [
            ("subject", &self.subject),
            ("time", &self.time),
            ("datacontenttype", &self.data_content_type),
            ("dataschema", &self.data_schema),
        ] {
            if let Some(value) = value {
                map.serialize_entry(name, value)?;
            }
        }
        for (name, value) in &self.extensions {
            map.serialize_entry(name, value)?;
        }
        match &self.data {
            None => {}
            Some(Data::Json(data)) => map.serialize_entry("data", data)?,
            Some(Data::Text(data)) => map.serialize_entry("data", data)?,
            Some(Data::Base64(data)) => map.serialize_entry("data_base64", data)?,
        }
        map.end()
    }
}

impl TryFrom<CloudEvent> for NewEvent {
    type Error = serde_json::Error;

    fn try_from(event: CloudEvent) -> Result<Self, serde_json::Error> {
        let json = serde_json::to_string(&event)?;
        let correlation_id = match event.extensions.get(CORRELATION) {
            Some(Extension::Text(value)) => Some(value.clone()),
            Some(Extension::Integer(_) | Extension::Boolean(_)) | None => None,
        };
        let principal = match event.extensions.get("authid") {
            Some(Extension::Text(principal)) => Some(principal.clone()),
            Some(Extension::Integer(_) | Extension::Boolean(_)) | None => None,
        };
        let CloudEvent { id, source, event_type, subject, .. } = event;
        Ok(Self { source, id, event_type, subject, correlation_id, principal, json })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_found_by_the_same_when_only_its_text_is_left() {
        for correlation in [None, Some(Extension::Text("c".to_owned()))] {
            let data = RawValue::from_string(r#"{"id":7,"type":[]}"#.to_owned()).unwrap();
            let mut event = CloudEvent::own("a.b".to_owned(), Some("\"ä\"".to_owned()), data);
            event.extensions.extend(correlation.map(|value| (CORRELATION.to_owned(), value)));
            event.extensions.insert("authid".to_owned(), Extension::Text("https://issuer.example#ada".to_owned()));
            let made = NewEvent::try_from(event).unwrap();
            assert_eq!(NewEvent::from_json(made.json.clone()).unwrap(), made);
        }
    }
}
