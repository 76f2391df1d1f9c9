//! Sources without their layout, so that a list of texts outlives the next run of rustfmt.

use std::ops::Range;

/// What counts of a source: every character but blanks and comments on lines of their own, each with its place.
pub(crate) struct Plain {
    bytes: Vec<u8>,
    places: Vec<usize>,
}

impl Plain {
    pub(crate) fn of(source: &str) -> Plain {
        let mut plain = Plain { bytes: Vec::new(), places: Vec::new() };
        let mut line_begins = 0_usize;
        for line in source.split_inclusive('\n') {
            if !line.trim_start().starts_with("//") {
                for (place, byte) in (line_begins..).zip(line.bytes()) {
                    if !byte.is_ascii_whitespace() {
                        plain.bytes.push(byte);
                        plain.places.push(place);
                    }
                }
            }
            line_begins = line_begins.saturating_add(line.len());
        }
        plain
    }

    /// Every place in the source where the text stands.
    pub(crate) fn find(&self, text: &str) -> Vec<Range<usize>> {
        let wanted: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
        let found =
            self.bytes.windows(wanted.len().max(1)).enumerate().filter(|(_, bytes)| *bytes == wanted.as_slice());
        found
            .filter_map(|(index, _)| {
                let first = self.places.get(index)?;
                let last = self.places.get(index.saturating_add(wanted.len()).checked_sub(1)?)?;
                Some(*first..last.saturating_add(1))
            })
            .collect()
    }

    /// The only place where it stands.
    pub(crate) fn find_once(&self, text: &str) -> Result<Range<usize>, String> {
        let mut found = self.find(text);
        match (found.pop(), found.len()) {
            (Some(place), 0) => Ok(place),
            (Some(_), others) => Err(format!("stands there {} times, not once", others.saturating_add(1))),
            (None, _) => Err("does not stand there".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_found_however_it_is_broken_into_lines() {
        let source = "fn a() {\n    // Why.\n    if b\n        .c() { return; }\n}\n";
        let place = Plain::of(source).find_once("{ if b.c() { return; } }").unwrap();
        assert!(source.get(place).unwrap().starts_with("{\n    // Why."));
        assert!(Plain::of(source).find_once("why").is_err());
        assert!(Plain::of("a a").find_once("a").is_err());
    }
}
