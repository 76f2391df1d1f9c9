//! Extension attributes that have a type: those of CloudEvents' documented extensions. Others pass as they are.
//!
//! What the documents of the extensions say is held here for every binding; headers carry text alone, so an integer is
//! made of it first.

mod trace_context;

use std::collections::BTreeMap;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::cloud_event::Extension;

pub(crate) use trace_context::is_traceparent;
pub(super) use trace_context::is_tracestate;

/// OpenTelemetry's log data model ends here; 0 says that the severity is not known.
const MAX_SEVERITY: i32 = 24;

/// Attributes that say nothing without another one.
const NEEDS: [(&str, &str); 5] = [
    ("tracestate", "traceparent"),
    ("severitytext", "severitynumber"),
    ("sequencetype", "sequence"),
    ("dataregulation", "dataclassification"),
    ("datacategory", "dataclassification"),
];

/// An attribute as a header carries it, in the type that it has.
pub(super) fn of_text(name: &str, text: String) -> Extension {
    match (name, text.parse()) {
        // CloudEvents writes integers one way: neither `+7` nor `007`.
        ("severitynumber", Ok(number)) if i32::to_string(&number) == text => Extension::Integer(number),
        _ => Extension::Text(text),
    }
}

/// Every extension that is not what its document says, with what it must be.
pub(super) fn mistakes(extensions: &BTreeMap<String, Extension>) -> Vec<(String, String)> {
    let mut mistakes = Vec::new();
    for (name, value) in extensions {
        if let Some(expected) = expected(name, value, extensions) {
            mistakes.push((name.clone(), expected.to_owned()));
        }
    }
    for (name, other) in NEEDS {
        if extensions.contains_key(name) && !extensions.contains_key(other) {
            mistakes.push((name.to_owned(), format!("says nothing without {other}, which is missing")));
        }
    }
    mistakes
}

fn expected(name: &str, value: &Extension, all: &BTreeMap<String, Extension>) -> Option<&'static str> {
    let (is_good, expected) = match (name, value) {
        ("traceparent", Extension::Text(text)) => {
            (is_traceparent(text), "must be a traceparent (W3C Trace Context, section 3.2)")
        }
        ("tracestate", Extension::Text(text)) => {
            (is_tracestate(text), "must be a tracestate (W3C Trace Context, section 3.3)")
        }
        ("expirytime", Extension::Text(text)) => {
            (OffsetDateTime::parse(text, &Rfc3339).is_ok(), "must be a time such as 2026-03-01T12:00:00Z (RFC 3339)")
        }
        ("dataregulation", Extension::Text(text)) => (
            text.split(',').map(str::trim).all(|entry| !entry.is_empty() && !entry.contains(' ')),
            "must be names of regulations, with commas between them",
        ),
        ("sequence", Extension::Text(text)) => {
            let is_integer = all.get("sequencetype") == Some(&Extension::Text("Integer".to_owned()));
            (!is_integer || text.parse::<i32>().is_ok(), "must be a whole number of 32 bits, as its sequencetype says")
        }
        ("severitynumber", value) => (
            matches!(value, Extension::Integer(0..=MAX_SEVERITY)),
            "must be a whole number from 0 to 24 (OpenTelemetry's log data model)",
        ),
        (
            "traceparent" | "tracestate" | "expirytime" | "dataregulation" | "sequence" | "sequencetype"
            | "correlationid" | "causationid" | "partitionkey" | "severitytext" | "dataclassification" | "datacategory",
            value,
        ) => (matches!(value, Extension::Text(_)), "must be a string"),
        _ => (true, ""),
    };
    (!is_good).then_some(expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(extensions: &[(&str, Extension)]) -> BTreeMap<String, Extension> {
        extensions.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    }

    fn text(text: &str) -> Extension {
        Extension::Text(text.to_owned())
    }

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn documented_extensions_have_their_types() {
        for good in [
            vec![("traceparent", text(PARENT)), ("tracestate", text("rojo=00f067aa0ba902b7"))],
            vec![("severitynumber", Extension::Integer(17)), ("severitytext", text("ERROR"))],
            vec![("severitynumber", Extension::Integer(0))],
            vec![("sequence", text("0007")), ("sequencetype", text("Integer"))],
            vec![("sequence", text("0007-b"))],
            vec![("expirytime", text("2026-03-01T12:00:00+01:00"))],
            vec![("dataclassification", text("internal")), ("dataregulation", text("GDPR, HIPAA"))],
            vec![("dataclassification", text("internal")), ("datacategory", text("sensitive"))],
            vec![("correlationid", text("a")), ("causationid", text("b")), ("partitionkey", text("c"))],
            vec![("mine", Extension::Boolean(true)), ("other", Extension::Integer(-3))],
        ] {
            assert_eq!(mistakes(&all(&good)), [], "{good:?}");
        }
        for (name, bad) in [
            ("traceparent", vec![("traceparent", text("00-1-2-01"))]),
            ("tracestate", vec![("tracestate", text("a=1"))]),
            ("tracestate", vec![("traceparent", text(PARENT)), ("tracestate", text("no equals sign"))]),
            ("severitynumber", vec![("severitynumber", Extension::Integer(25))]),
            ("severitynumber", vec![("severitynumber", Extension::Integer(-1))]),
            ("severitynumber", vec![("severitynumber", text("17"))]),
            ("severitytext", vec![("severitytext", text("ERROR"))]),
            ("sequence", vec![("sequence", Extension::Integer(7))]),
            ("sequence", vec![("sequence", text("x")), ("sequencetype", text("Integer"))]),
            ("sequencetype", vec![("sequencetype", text("Integer"))]),
            ("expirytime", vec![("expirytime", text("tomorrow"))]),
            ("dataregulation", vec![("dataclassification", text("x")), ("dataregulation", text("GDPR,,HIPAA"))]),
            ("datacategory", vec![("datacategory", text("phi"))]),
            ("correlationid", vec![("correlationid", Extension::Integer(7))]),
            ("partitionkey", vec![("partitionkey", Extension::Boolean(true))]),
        ] {
            let found = mistakes(&all(&bad));
            assert_eq!(found.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), [name], "{bad:?}");
        }
    }

    #[test]
    fn a_header_becomes_an_integer_where_its_attribute_is_one() {
        assert_eq!(of_text("severitynumber", "9".to_owned()), Extension::Integer(9));
        for other in ["+9", "09", "9.0", "", "9000000000"] {
            assert_eq!(of_text("severitynumber", other.to_owned()), text(other));
        }
        assert_eq!(of_text("mine", "9".to_owned()), text("9"));
    }
}
