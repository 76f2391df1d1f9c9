//! Bytes and small numbers as digits, without the machinery of `format!`: this runs for every request, and in the sandbox
//! every byte that is handled by itself costs nanoseconds.

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Appends two lower-case digits for each byte.
pub(crate) fn push_hexadecimal(bytes: &[u8], out: &mut Vec<u8>) {
    for byte in bytes {
        let [high, low] = [byte >> 4, byte & 15].map(|nibble| DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0'));
        out.extend_from_slice(&[high, low]);
    }
}

/// Appends a number below 100 as two digits.
pub(crate) fn push_two_digits(number: u8, out: &mut Vec<u8>) {
    let (tens, ones) = (number / 10, number % 10);
    out.extend_from_slice(&[b'0'.wrapping_add(tens), b'0'.wrapping_add(ones)]);
}

/// Digits are text.
pub(crate) fn text(digits: Vec<u8>) -> String {
    String::from_utf8(digits).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_those_of_the_number() {
        let mut out = Vec::new();
        push_hexadecimal(&[0x00, 0x9f, 0xa0], &mut out);
        push_two_digits(7, &mut out);
        push_two_digits(99, &mut out);
        assert_eq!(text(out), "009fa00799");
    }
}
