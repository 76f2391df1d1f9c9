//! Bytes as they come, cut into lines of bounded length.

use memchr::memchr;

/// More than any line of 64 metrics has.
pub(crate) const MOST_LINE_BYTES: usize = 64 * 1024;

/// Lines out of bytes that come in pieces.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    buffer: Vec<u8>,
    /// Where the next line begins in the buffer.
    begin: usize,
    /// Within a line that is longer than is kept.
    is_skipping: bool,
    passed: u64,
}

/// A line without its end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    Whole(Vec<u8>),
    TooLong,
}

impl Lines {
    /// More bytes.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.begin);
        self.begin = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next line that has ended.
    pub(crate) fn next(&mut self) -> Option<Line> {
        let rest = self.buffer.get(self.begin..).unwrap_or_default();
        let Some(length) = memchr(b'\n', rest) else {
            if self.is_skipping || rest.len() > MOST_LINE_BYTES {
                self.is_skipping = true;
                self.pass(rest.len());
            }
            return None;
        };
        let line = rest.get(..length).unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let is_too_long = std::mem::take(&mut self.is_skipping) || line.len() > MOST_LINE_BYTES;
        let line = if is_too_long { Line::TooLong } else { Line::Whole(line.to_vec()) };
        self.pass(length.saturating_add(1));
        Some(line)
    }

    /// How many bytes stand before the next line, counted from the first byte fed.
    pub(crate) fn passed(&self) -> u64 {
        self.passed
    }

    /// Whether nothing stands behind the last line that has ended.
    pub(crate) fn is_between_lines(&self) -> bool {
        !self.is_skipping && self.begin == self.buffer.len()
    }

    fn pass(&mut self, bytes: usize) {
        self.begin = self.begin.saturating_add(bytes);
        self.passed = self.passed.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_line_that_is_too_long_is_one_and_the_next_is_whole() {
        let mut lines = Lines::default();
        for _ in 0..40 {
            lines.feed(&[b'x'; 4096]);
            assert_eq!(lines.next(), None);
            assert!(lines.buffer.len() <= MOST_LINE_BYTES + 4096, "nothing is kept of it");
        }
        lines.feed(b"x\nnext\r\n");
        assert_eq!(lines.next(), Some(Line::TooLong));
        assert_eq!(lines.next(), Some(Line::Whole(b"next".to_vec())));
        assert_eq!((lines.next(), lines.passed()), (None, 40 * 4096 + 2 + 6));
    }

    proptest! {
        #[test]
        fn lines_are_the_same_however_their_bytes_come(
            text in proptest::collection::vec("[a-c]{0,5}", 0..20),
            cuts in proptest::collection::vec(1_usize..9, 0..60),
        ) {
            let bytes: Vec<u8> = text.iter().flat_map(|line| format!("{line}\n").into_bytes()).collect();
            let (mut lines, mut found, mut rest) = (Lines::default(), Vec::new(), &bytes[..]);
            for cut in cuts.into_iter().chain([bytes.len()]) {
                let (piece, behind) = rest.split_at(cut.min(rest.len()));
                lines.feed(piece);
                rest = behind;
                while let Some(Line::Whole(line)) = lines.next() {
                    found.push(String::from_utf8(line).unwrap());
                    let said: usize = found.iter().map(|line| line.len() + 1).sum();
                    prop_assert_eq!(lines.passed(), said as u64);
                }
            }
            prop_assert!(lines.is_between_lines());
            prop_assert_eq!(found, text);
        }
    }
}
