//! Binary mode: the attributes are headers, the data is the body.

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue};
use trust_core::percent::decode_header_value;

use crate::events::attributes::{Attributes, Malformed, UnverifiedData};
use crate::events::cloud_event::{CloudEvent, Extension};
use crate::events::extension_types;

pub(super) fn event(headers: &HeaderMap, body: &[u8]) -> Result<CloudEvent, Malformed> {
    let mut attributes = Attributes::default();
    for (name, value) in headers {
        match name.as_str().strip_prefix("ce-") {
            None => {}
            Some("datacontenttype") => attributes.refuse("datacontenttype", "is given as Content-Type in this mode"),
            Some("data" | "data_base64") => attributes.refuse("data", "is given as the body in this mode"),
            Some(attribute) => match header_value(value) {
                Some(text) => attributes.add(attribute, extension_types::of_text(attribute, text)),
                None => attributes.refuse(attribute, "must be printable ASCII, with the rest percent-encoded as UTF-8"),
            },
        }
    }
    if let Some(content_type) = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()) {
        attributes.add("datacontenttype", Extension::Text(content_type.to_owned()));
    }
    let data = if body.is_empty() { UnverifiedData::None } else { UnverifiedData::Bytes(body.to_vec()) };
    attributes.into_event(data)
}

fn header_value(value: &HeaderValue) -> Option<String> {
    decode_header_value(value.to_str().ok()?)
}
