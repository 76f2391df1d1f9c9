//! How much of what is said still goes into one span, in bytes as they are written: what JSON escapes grows sixfold.

/// Longer texts are cut, so that one does not leave the others without room.
const LONGEST_TEXT: usize = 16 * 1024;
/// What stands around the texts of one message or call.
const AROUND: usize = 128;

pub(super) struct Room(usize);

impl Room {
    pub(super) fn of(bytes: usize) -> Self {
        Self(bytes.saturating_sub(AROUND))
    }

    /// Takes what one more message or call needs besides its texts, unless there is too little.
    pub(super) fn open(&mut self) -> Option<()> {
        self.0 = self.0.checked_sub(AROUND)?;
        Some(())
    }

    /// As much of a text as there is room for.
    pub(super) fn take<'text>(&mut self, text: &'text str) -> &'text str {
        let mut left = self.0.min(LONGEST_TEXT);
        let most = left;
        let mut end = 0_usize;
        for character in text.chars() {
            match left.checked_sub(written_bytes(character)) {
                Some(rest) => left = rest,
                None => break,
            }
            end = end.saturating_add(character.len_utf8());
        }
        self.0 = self.0.saturating_sub(most.saturating_sub(left));
        text.get(..end).unwrap_or_default()
    }
}

fn written_bytes(character: char) -> usize {
    match character {
        '"' | '\\' => 2,
        control if control.is_control() => 6,
        other => other.len_utf8(),
    }
}
