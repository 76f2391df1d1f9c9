//! Lines of a file that may be anything: numbered, and none so long that it fills the memory.

use std::io::{self, BufRead, Read, Write};

/// Far more than any event that the service takes.
const MOST_BYTES: usize = 16 * 1024 * 1024;

pub(super) struct Lines<R> {
    input: R,
    number: u64,
    is_within: bool,
    most_bytes: usize,
}

/// A line without its end, or so much of it as is looked at.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) number: u64,
    pub(super) bytes: Vec<u8>,
    pub(super) is_too_long: bool,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn of(input: R) -> Self {
        Self { input, number: 0, is_within: false, most_bytes: MOST_BYTES }
    }

    /// The next line that holds something.
    pub(super) fn next(&mut self) -> io::Result<Option<Line>> {
        if self.is_within {
            self.copy_rest(&mut io::sink())?;
        }
        loop {
            let most = u64::try_from(self.most_bytes).unwrap_or(u64::MAX);
            let mut bytes = Vec::new();
            if (&mut self.input).take(most).read_until(b'\n', &mut bytes)? == 0 {
                return Ok(None);
            }
            self.number = self.number.saturating_add(1);
            let is_too_long = bytes.len() >= self.most_bytes && !bytes.ends_with(b"\n");
            self.is_within = is_too_long;
            if !is_too_long {
                bytes.truncate(bytes.trim_ascii_end().len());
            }
            if !bytes.is_empty() || is_too_long {
                return Ok(Some(Line { number: self.number, bytes, is_too_long }));
            }
        }
    }

    /// What is left of a line that is too long, with its end.
    pub(super) fn copy_rest(&mut self, to: &mut impl Write) -> io::Result<()> {
        while self.is_within {
            let some = self.input.fill_buf()?;
            let end = some.iter().position(|byte| *byte == b'\n').map(|place| place.saturating_add(1));
            let length = end.unwrap_or(some.len());
            to.write_all(some.get(..length).unwrap_or_default())?;
            self.is_within = end.is_none() && length > 0;
            self.input.consume(length);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_numbered_and_bounded_and_nothing_of_them_is_lost() {
        let text = b"a\r\n\n  \nlong line\nb\nlonger than that";
        let mut lines = Lines { most_bytes: 5, ..Lines::of(&text[..]) };
        let mut next = || lines.next().unwrap();
        let line = |number, bytes: &str, is_too_long| Some(Line { number, bytes: bytes.into(), is_too_long });
        assert_eq!(next(), line(1, "a", false));
        assert_eq!(next(), line(4, "long ", true));
        let mut rest = Vec::new();
        lines.copy_rest(&mut rest).unwrap();
        assert_eq!(rest, b"line\n");
        assert_eq!(lines.next().unwrap(), line(5, "b", false));
        assert_eq!(lines.next().unwrap(), line(6, "longe", true));
        assert_eq!(lines.next().unwrap(), None);
    }
}
