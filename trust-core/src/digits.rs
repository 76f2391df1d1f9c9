//! Bytes and small numbers as digits, without the machinery of `format!`: this runs for every request.

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Appends two lower-case digits for each byte.
pub(crate) fn push_hexadecimal(bytes: &[u8], out: &mut String) {
    for byte in bytes {
        for nibble in [byte >> 4, byte & 15] {
            out.push(DIGITS.get(usize::from(nibble)).map_or('0', |digit| char::from(*digit)));
        }
    }
}

/// Appends the last `width` decimal digits of a number, with leading zeros.
pub(crate) fn push_decimal(number: u32, width: u32, out: &mut String) {
    for position in (0..width).rev() {
        let digit = number.checked_div(10_u32.saturating_pow(position)).unwrap_or(0) % 10;
        out.push(char::from_digit(digit, 10).unwrap_or('0'));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_those_of_the_number() {
        let mut out = String::new();
        push_hexadecimal(&[0x00, 0x9f, 0xa0], &mut out);
        push_decimal(7, 3, &mut out);
        push_decimal(12_345, 4, &mut out);
        assert_eq!(out, "009fa00072345");
    }
}
