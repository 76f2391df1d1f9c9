//! Bytes and small numbers as digits, without the machinery of `format!`: this runs for every request, and in the sandbox
//! every byte that is handled by itself costs nanoseconds.

/// Appends two lower-case digits for each byte.
pub(crate) fn push_hexadecimal(bytes: &[u8], out: &mut Vec<u8>) {
    let (quads, rest) = bytes.as_chunks::<4>();
    for quad in quads {
        out.extend_from_slice(&hexadecimal(u32::from_be_bytes(*quad)).to_be_bytes());
    }
    for byte in rest {
        let [.., high, low] = hexadecimal(u32::from(*byte)).to_be_bytes();
        out.extend_from_slice(&[high, low]);
    }
}

/// The eight digits of a number, all at once: one in each byte.
fn hexadecimal(number: u32) -> u64 {
    let spread = u64::from(number);
    let spread = (spread | spread << 16) & 0x0000_ffff_0000_ffff;
    let spread = (spread | spread << 8) & 0x00ff_00ff_00ff_00ff;
    let nibbles = (spread | spread << 4) & 0x0f0f_0f0f_0f0f_0f0f;
    // Six more than a nibble reaches 16 where the digit is a letter.
    let letters = nibbles.wrapping_add(0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101;
    let to_letters = u64::from(b'a' - b'0' - 10);
    nibbles.wrapping_add(0x3030_3030_3030_3030).wrapping_add(letters.wrapping_mul(to_letters))
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
        for byte in 0..=u8::MAX {
            let mut out = Vec::new();
            push_hexadecimal(&[byte, !byte, byte, 0x0f, byte], &mut out);
            assert_eq!(text(out), format!("{byte:02x}{:02x}{byte:02x}0f{byte:02x}", !byte));
        }
    }
}
