//! Names of headers as different readers know them: in any case, and with anything but letters and digits for one character.

/// `name` in lower case with everything but letters and digits as `-`: back ends that pass headers on as variables turn
/// it all into one character (RFC 3875, section 4.1.18).
pub(crate) fn fold_header_name(name: &str) -> String {
    name.bytes().map(folded).map(char::from).collect()
}

/// Whether `name` folds to this, without a copy of it.
pub(crate) fn folds_to(name: &str, folded_name: &str) -> bool {
    name.bytes().map(folded).eq(folded_name.bytes())
}

fn folded(byte: u8) -> u8 {
    if byte.is_ascii_alphanumeric() { byte.to_ascii_lowercase() } else { b'-' }
}

pub(super) fn is_folded(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// A first look at which headers there are: most that a gate asks for are not. A bit stands for some folded first letter
/// and length, so that a bit that is not set is a header that is not there, in any spelling.
#[derive(Clone, Copy, Default)]
pub(super) struct HeaderNames {
    bits: u64,
}

impl HeaderNames {
    pub(super) fn with(self, name: &str) -> Self {
        Self { bits: self.bits | Self::bit(name) }
    }

    pub(super) fn may_hold(self, name: &str) -> bool {
        self.bits & Self::bit(name) != 0
    }

    fn bit(name: &str) -> u64 {
        let first = name.as_bytes().first().copied().map_or(0, folded);
        1_u64.rotate_left(u32::from(first).wrapping_add(u32::try_from(name.len()).unwrap_or(0).wrapping_mul(5)))
    }
}
