//! URI references as far as CloudEvents asks for them (RFC 3986, section 4.1): the characters, the percent-encodings,
//! one fragment, and a scheme that is one.

/// Whether `text` is a URI or a relative reference, and not empty.
pub(super) fn is_valid(text: &str) -> bool {
    !text.is_empty() && has_valid_characters(text) && scheme(text) != Scheme::Broken
}

/// Whether `text` is a URI with a scheme.
pub(super) fn is_absolute(text: &str) -> bool {
    is_valid(text) && scheme(text) == Scheme::Valid
}

#[derive(PartialEq)]
enum Scheme {
    None,
    Valid,
    Broken,
}

/// A colon before the first `/`, `?` or `#` ends a scheme: a relative reference must not have one there (section 4.2).
fn scheme(text: &str) -> Scheme {
    let first = text.split(['/', '?', '#']).next().unwrap_or_default();
    match first.split_once(':') {
        None => Scheme::None,
        Some((scheme, _)) => {
            let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
            if is_scheme { Scheme::Valid } else { Scheme::Broken }
        }
    }
}

fn has_valid_characters(text: &str) -> bool {
    let mut bytes = text.bytes();
    let mut fragments = 0_u8;
    while let Some(byte) = bytes.next() {
        let is_valid = match byte {
            b'%' => [bytes.next(), bytes.next()].iter().all(|d| d.is_some_and(|d| d.is_ascii_hexdigit())),
            b'#' => {
                fragments = fragments.saturating_add(1);
                fragments == 1
            }
            _ => byte.is_ascii_alphanumeric() || b"-._~:/?[]@!$&'()*+,;=".contains(&byte),
        };
        if !is_valid {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_told_from_other_text() {
        for valid in ["https://a.example/b?c=%20#d", "urn:uuid:1", "/relative", "a/b:c", "#f", "sensor-7", "a:"] {
            assert!(is_valid(valid), "{valid}");
        }
        for broken in ["", "a b", "%", "%2", "%zz", "a#b#c", "ä", "1a:b", ":b", "<a>", "a\\b"] {
            assert!(!is_valid(broken), "{broken}");
        }
        assert!(is_absolute("https://a.example/schema") && !is_absolute("/schema"));
    }
}
