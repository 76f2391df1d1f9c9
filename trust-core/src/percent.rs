//! Percent-encoding (RFC 3986, section 2.1), for the few forms that the gate writes and reads.

const HEXADECIMAL: &[u8; 16] = b"0123456789ABCDEF";

/// Appends `text` to `out` with everything but unreserved characters (RFC 3986, section 2.3) encoded.
pub(crate) fn encode_segment(text: &str, out: &mut String) {
    let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    if text.bytes().all(is_unreserved) {
        out.push_str(text);
    } else {
        encode(text, out, is_unreserved);
    }
}

/// `text` as the value of a CloudEvents HTTP header: space, `"`, `%` and everything outside printable ASCII is encoded
/// (CloudEvents HTTP binding 1.0.2, section 3.1.3.2).
#[must_use]
pub fn encode_header_value(text: &str) -> String {
    let stays = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'%';
    if text.bytes().all(stays) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    encode(text, &mut out, stays);
    out
}

/// The text of a CloudEvents HTTP header: quotes taken off, then percent-decoded (same section). Nothing when it is not
/// well-formed.
#[must_use]
pub fn decode_header_value(value: &str) -> Option<String> {
    let Some(quoted) = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else { return decode(value) };
    let mut unquoted = String::with_capacity(quoted.len());
    let mut characters = quoted.chars();
    while let Some(character) = characters.next() {
        unquoted.push(if character == '\\' { characters.next()? } else { character });
    }
    decode(&unquoted)
}

fn encode(text: &str, out: &mut String, stays: impl Fn(u8) -> bool) {
    for byte in text.bytes() {
        if stays(byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            for nibble in [byte >> 4, byte & 15] {
                out.push(HEXADECIMAL.get(usize::from(nibble)).map_or('0', |digit| char::from(*digit)));
            }
        }
    }
}

/// `text` with every `%xx` decoded; nothing when a `%` is not followed by two hexadecimal digits, or the result is not
/// UTF-8.
#[must_use]
pub fn decode(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let high = char::from(bytes.next()?).to_digit(16)?;
            let low = char::from(bytes.next()?).to_digit(16)?;
            decoded.push(u8::try_from(high << 4 | low).ok()?);
        } else {
            decoded.push(byte);
        }
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_values_survive_the_round_trip() {
        for text in ["plain", "50 % \"quoted\"", "Ångström\n", ""] {
            let encoded = encode_header_value(text);
            assert!(encoded.bytes().all(|byte| byte.is_ascii_graphic()), "{encoded}");
            assert_eq!(decode_header_value(&encoded).as_deref(), Some(text));
        }
        assert_eq!(encode_header_value("a b"), "a%20b");
        for (value, expected) in
            [(r#""a b""#, Some("a b")), (r#""a\"b""#, Some("a\"b")), (r#""a\""#, None), ("%zz", None)]
        {
            assert_eq!(decode_header_value(value).as_deref(), expected, "{value}");
        }
    }

    #[test]
    fn broken_encodings_are_refused() {
        for text in ["%", "%4", "%zz", "%ff"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
