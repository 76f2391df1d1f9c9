//! Media types as far as the service asks about them (RFC 9110, section 8.3.1).

use axum::http::HeaderMap;
use axum::http::header::ACCEPT;

/// The type and subtype in lower case, without parameters.
#[must_use]
pub(crate) fn essence(media_type: &str) -> String {
    media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Whether a client names this type, of lower case, among those that it takes.
#[must_use]
pub(crate) fn accepts(headers: &HeaderMap, kind: &str) -> bool {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|list| list.split(',')).any(|range| essence(range) == kind)
}

/// Whether content of this type is JSON (RFC 6839, section 3.1).
#[must_use]
pub(crate) fn is_json(media_type: &str) -> bool {
    let essence = essence(media_type);
    essence.ends_with("/json") || essence.ends_with("+json")
}

/// Whether a content type says nothing of its characters' encoding, or that it is UTF-8.
#[must_use]
pub(crate) fn is_utf8(media_type: &str) -> bool {
    media_type.split(';').skip(1).filter_map(|parameter| parameter.split_once('=')).all(|(name, value)| {
        !name.trim().eq_ignore_ascii_case("charset") || value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
    })
}

/// Whether this is a type and a subtype of token characters, perhaps with parameters.
#[must_use]
pub(crate) fn is_valid(media_type: &str) -> bool {
    let is_token = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
    };
    essence(media_type).split_once('/').is_some_and(|(kind, subtype)| is_token(kind) && is_token(subtype))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf8_is_what_json_is_written_in() {
        for good in ["a/b", "a/b; charset=utf-8", r#"a/b;CHARSET="UTF-8""#, "a/b; q=1; charset=utf-8"] {
            assert!(is_utf8(good), "{good}");
        }
        for other in ["a/b; charset=iso-8859-1", "a/b;charset=utf-16", "a/b; charset=utf-8; charset=latin1"] {
            assert!(!is_utf8(other), "{other}");
        }
    }

    #[test]
    fn json_is_known_by_name_and_by_suffix() {
        for json in ["application/json", "Application/JSON; charset=utf-8", "application/vnd.x+json", "text/json"] {
            assert!(is_json(json) && is_valid(json), "{json}");
        }
        for other in ["text/plain", "application/jsonx", "application/octet-stream"] {
            assert!(!is_json(other) && is_valid(other), "{other}");
        }
        for broken in ["", "json", "a/", "/b", "a b/c", "a/b/c"] {
            assert!(!is_valid(broken), "{broken}");
        }
    }
}
