//! CloudEvents' JSON format: one event, or a list of events. Values stay the text that was sent; a batch is cut into its
//! events without any of them being built.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::events::attributes::{Attributes, Malformed, UnverifiedData};
use crate::events::cloud_event::{CloudEvent, Extension};

/// Far more than any event has: all of them are looked at before anything is refused.
const MAX_MEMBERS: usize = 256;

/// As many events are taken at once.
pub(crate) const MAX_BATCH_EVENTS: usize = 1000;

/// What the body of a batch is.
pub(crate) enum Items<'a> {
    /// A list, whose events nobody has looked at yet.
    All(Vec<&'a RawValue>),
    /// A list of more than [`MAX_BATCH_EVENTS`].
    TooMany,
}

/// Cuts a batch into its events.
pub(crate) fn items(body: &[u8]) -> Result<Items<'_>, Malformed> {
    serde_json::from_slice(body)
        .map_err(|error| Malformed::unreadable(format!("is not a list of events as a JSON array: {error}")))
}

/// Reads one event.
pub(super) fn event(body: &[u8]) -> Result<CloudEvent, Malformed> {
    let members: Members<'_> = serde_json::from_slice(body)
        .map_err(|error| Malformed::unreadable(format!("is not an event as a JSON object: {error}")))?;
    let mut attributes = Attributes::default();
    let mut data = UnverifiedData::None;
    for (name, value) in members.0 {
        let is_data = name == "data" || name == "data_base64";
        if value.get() == "null" && name != "data" {
            continue;
        }
        if !is_data {
            match serde_json::from_str::<Extension>(value.get()) {
                Ok(value) => attributes.add(&name, value),
                Err(_) => attributes.refuse(&name, "must be a string, true, false or a whole number of 32 bits"),
            }
        } else if !matches!(data, UnverifiedData::None) {
            attributes.refuse(&name, "there is data already: of data and data_base64 one may be there, once");
        } else if name == "data" {
            data = UnverifiedData::Json(value.to_owned());
        } else {
            match serde_json::from_str(value.get()) {
                Ok(text) => data = UnverifiedData::Base64(text),
                Err(_) => attributes.refuse("data_base64", "must be a string"),
            }
        }
    }
    attributes.into_event(data)
}

/// The members of an object in their order, with repeated ones: readers differ in which of two they believe.
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Members<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an event in CloudEvents' JSON format")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((Name(name), value)) = map.next_entry()? {
                    if members.len() >= MAX_MEMBERS {
                        return Err(Error::custom(format!("it has more than {MAX_MEMBERS} members")));
                    }
                    members.push((name, value));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

/// A member's name, copied only when it was written with escapes.
struct Name<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Borrowed;
        impl<'de> Visitor<'de> for Borrowed {
            type Value = Name<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a name")
            }

            fn visit_borrowed_str<E: Error>(self, name: &'de str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Borrowed(name)))
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
                Ok(Name(Cow::Owned(name.to_owned())))
            }
        }
        deserializer.deserialize_str(Borrowed)
    }
}

impl<'de> Deserialize<'de> for Items<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Cut;
        impl<'de> Visitor<'de> for Cut {
            type Value = Items<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a list of events")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut items = Vec::new();
                let mut count = 0_usize;
                while let Some(item) = list.next_element()? {
                    count = count.saturating_add(1);
                    if count <= MAX_BATCH_EVENTS {
                        items.push(item);
                    }
                }
                Ok(if count > MAX_BATCH_EVENTS { Items::TooMany } else { Items::All(items) })
            }
        }
        deserializer.deserialize_seq(Cut)
    }
}
