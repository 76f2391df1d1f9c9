//! Events of a client's own.

use super::{Check, check};

const POLICY: &str = "event_policy.rs";
const PRINCIPAL: &str = "principal.rs";
const TAGS: &str = "tags.rs";

pub(super) const CHECKS: &[Check] = &[
    check("a client's event", TAGS, "check_clients_event(facts, permit)?;", ""),
    check(
        "an attribute that stands twice",
        TAGS,
        "for name in &attributes { facts.only_header_value(name)?; }",
        "let _ = attributes;",
    ),
    check("the type of an event", TAGS, "policy.check_type(&decoded(event_type)?)?;", "let _ = event_type;"),
    check("the source of an event", TAGS, "policy.check_source(&decoded(source)?)?;", "let _ = source;"),
    check(
        "an attribute that cannot be decoded",
        TAGS,
        "decode_header_value(value).ok_or(MalformedRequest::HeaderValue)",
        "Ok(decode_header_value(value).unwrap_or_else(|| value.replace('%', \"_\")))",
    ),
    check(
        "an attribute as readers decode it",
        TAGS,
        "decode_header_value(value).ok_or(MalformedRequest::HeaderValue)",
        "decode_header_value(value).map(|_| value.to_owned()).ok_or(MalformedRequest::HeaderValue)",
    ),
    check(
        "what a rule lets a client send",
        POLICY,
        "if is_taken { Ok(()) } else { Err(EventRefusal::Type) }",
        "let _ = is_taken; Ok(())",
    ),
    check(
        "whose an event is",
        POLICY,
        "if is_own { Ok(()) } else { Err(EventRefusal::Source) }",
        "let _ = is_own; Ok(())",
    ),
    check(
        "a type by whole parts",
        POLICY,
        ".and_then(|rest| rest.strip_prefix('.')).is_some_and(|rest| !rest.is_empty())",
        ".is_some_and(|rest| !rest.is_empty())",
    ),
    check("a type below another", POLICY, ".is_some_and(|rest| !rest.is_empty())", ".is_some()"),
    check(
        "a source by whole segments",
        PRINCIPAL,
        "below.strip_prefix('/').is_some_and(|path| path.split('/').all(is_plain_segment))",
        "below.strip_prefix('/').unwrap_or(below).split('/').all(is_plain_segment)",
    ),
    check(
        "segments of a source",
        PRINCIPAL,
        "path.split('/').all(is_plain_segment))",
        "path.split('/').all(is_plain_segment) || !path.is_empty())",
    ),
    check("an empty segment of a source", PRINCIPAL, "!segment.is_empty() && segment != \".\"", "segment != \".\""),
    check("a dot in a source", PRINCIPAL, "&& segment != \".\" &&", "&&"),
    check("two dots in a source", PRINCIPAL, "&& segment != \"..\"", ""),
    check(
        "what is not visible in a source",
        PRINCIPAL,
        "byte.is_ascii_graphic() && byte != b'\\\\'",
        "byte != b'\\\\'",
    ),
    check("a backslash in a source", PRINCIPAL, "&& byte != b'\\\\' &&", "&&"),
    check("a hash in a source", PRINCIPAL, "&& byte != b'#')", ")"),
    check("an encoded slash in a source", PRINCIPAL, "[\"%2f\", ", "["),
    check("encoded dots in a source", PRINCIPAL, "\"%2e\", ", ""),
    check("an encoded backslash in a source", PRINCIPAL, "\"%5c\", ", ""),
    check("an encoded NUL in a source", PRINCIPAL, "\"%00\", ", ""),
    check("an encoded hash in a source", PRINCIPAL, ", \"%23\"]", "]"),
    check("encodings in capitals in a source", PRINCIPAL, "segment.to_ascii_lowercase()", "segment.to_owned()"),
    check("who is meant, encoded", PRINCIPAL, "percent::encode_segment(subject, &mut uri);", "uri.push_str(subject);"),
];
