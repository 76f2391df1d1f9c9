//! Who somebody is: always the pair of issuer and subject, never a subject alone.

use serde::{Deserialize, Serialize};

use crate::percent;

/// An issuer and the subject it vouches for.
///
/// ```
/// use trust_core::principal::Principal;
/// let tester = Principal::new("https://idp.example.com", "tester 7");
/// assert_eq!(tester.uri(), "https://idp.example.com#tester%207");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Principal {
    #[serde(rename = "iss")]
    issuer: String,
    #[serde(rename = "sub")]
    subject: String,
}

impl Principal {
    /// The principal that `issuer` names `subject`.
    pub fn new(issuer: impl Into<String>, subject: impl Into<String>) -> Self {
        Self { issuer: issuer.into(), subject: subject.into() }
    }

    /// The issuer's identifier, a URL without query or fragment (RFC 8414, section 2).
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The subject, unique within its issuer.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// `<issuer>#<percent-encoded subject>`. Unambiguous, because an issuer has no fragment and an
    /// encoded subject holds neither `/` nor `#`.
    #[must_use]
    pub fn uri(&self) -> String {
        principal_uri(&self.issuer, &self.subject)
    }

    /// Whether `source` is this principal's URI or lies below it by whole segments. A source with an empty or a dot
    /// segment, or an encoded separator, lies below nothing: readers resolve such paths differently.
    #[must_use]
    pub(crate) fn owns_source(&self, source: &str) -> bool {
        match source.strip_prefix(self.uri().as_str()) {
            Some("") => true,
            Some(below) => below.strip_prefix('/').is_some_and(|path| path.split('/').all(is_plain_segment)),
            None => false,
        }
    }
}

/// The URI of the principal that `issuer` names `subject`.
pub(crate) fn principal_uri(issuer: &str, subject: &str) -> String {
    let mut uri = String::with_capacity(issuer.len().saturating_add(subject.len()).saturating_add(1));
    uri.push_str(issuer);
    uri.push('#');
    percent::encode_segment(subject, &mut uri);
    uri
}

fn is_plain_segment(segment: &str) -> bool {
    let folded = segment.to_ascii_lowercase();
    !segment.is_empty()
        && segment != "."
        && segment != ".."
        && segment.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\' && byte != b'#')
        && !["%2f", "%5c", "%2e", "%00", "%23"].iter().any(|encoded| folded.contains(encoded))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_held_against_the_principal_by_whole_segments() {
        let console = Principal::new("https://idp.example.com", "console-7");
        for owned in ["https://idp.example.com#console-7", "https://idp.example.com#console-7/input/pad"] {
            assert!(console.owns_source(owned), "{owned}");
        }
        for foreign in [
            "https://idp.example.com#console-70",
            "https://idp.example.com#console-7/",
            "https://idp.example.com#console-7/../console-8",
            "https://idp.example.com#console-7/%2e%2e/console-8",
            "https://idp.example.com#console-7/a%2Fb",
            "https://idp.example.com#console-7/a#b",
            "https://idp.example.com/#console-7",
            "console-7",
            "",
        ] {
            assert!(!console.owns_source(foreign), "{foreign}");
        }
    }

    #[test]
    fn two_principals_never_share_a_uri() {
        let of_realm = Principal::new("https://idp.example.com/a", "b");
        assert_ne!(of_realm.uri(), Principal::new("https://idp.example.com", "a/b").uri());
        assert!(!Principal::new("https://idp.example.com", "a").owns_source(&of_realm.uri()));
        assert!(!Principal::new("https://idp.example.com", "").owns_source(&of_realm.uri()));
    }
}
