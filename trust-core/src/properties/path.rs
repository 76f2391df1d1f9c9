//! However a path is written, it is read in one way or not at all.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::request::{MalformedRequest, RawRequest, RequestFacts};

/// A segment that every reader takes as it is.
fn segment() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9 ._~:@!$&'()*+,=å日-]{1,6}".prop_filter("no dot segment", |segment| segment != "." && segment != "..")
}

fn path() -> impl Strategy<Value = String> {
    (vec(segment(), 0..5), any::<bool>()).prop_map(|(segments, is_folder)| {
        let end = if is_folder && !segments.is_empty() { "/" } else { "" };
        format!("/{}{end}", segments.join("/"))
    })
}

/// The same path with some of its bytes encoded; slashes never, for that makes another one.
fn written(path: &str, is_encoded: &[bool], is_upper: bool) -> String {
    let mut bytes = Vec::new();
    for (byte, is_encoded) in path.bytes().zip(is_encoded.iter().cycle()) {
        if *is_encoded && byte != b'/' {
            bytes.extend(if is_upper { format!("%{byte:02X}") } else { format!("%{byte:02x}") }.into_bytes());
        } else {
            bytes.push(byte);
        }
    }
    // Bytes of one character that are encoded and bytes that are not make no text.
    String::from_utf8(bytes).unwrap_or_else(|_| path.to_owned())
}

fn read(target: &str) -> Result<String, MalformedRequest> {
    let raw = RawRequest {
        method: b"GET".to_vec(),
        target: target.into(),
        host: b"gw.example.com".to_vec(),
        ..RawRequest::default()
    };
    RequestFacts::read(&raw).map(|facts| facts.path().to_owned())
}

proptest! {
    #[test]
    fn every_spelling_of_a_path_is_read_as_that_path(
        path in path(), is_encoded in vec(any::<bool>(), 1..20), is_upper in any::<bool>(), query in "(\\?[ -~]{0,9})?",
    ) {
        let target = written(&path, &is_encoded, is_upper) + &query;
        let once = read(&target);
        prop_assert_eq!(once.as_deref(), Ok(path.as_str()));
        prop_assert_eq!(read(&path), once);
    }

    #[test]
    fn what_two_readers_could_read_differently_is_refused(
        before in path(), behind in path(),
        between in prop::sample::select(vec![
            "%2f", "%2F", "/%2e/", "/.%2E/", "/../", "/./", "//", "%5c", "\\", ";", "%3b", "%00", "%0a", "%25", "%23",
            "%3F", "%7f", "%", "%4", "%zz", "%c0%af", "%ff", "/%2e%2e/", "\u{85}",
        ]),
    ) {
        // Whatever stands behind must not complete what stands between, such as the two digits of a `%`.
        let target = format!("{before}{between}{behind}");
        prop_assert!(read(&target).is_err(), "{} is {:?}", target, read(&target));
    }

    #[test]
    fn what_is_read_is_read_the_same_again(target in "/[ -~]{0,30}") {
        if let Ok(path) = read(&target) {
            prop_assert_eq!(read(&path), Ok(path));
        }
    }
}
