//! What has left, as far as what follows depends on it.

/// Text that may leave.
#[derive(Debug, Default)]
pub(super) struct Out {
    text: String,
    last: Option<char>,
}

impl Out {
    pub(super) fn take(&mut self) -> String {
        std::mem::take(&mut self.text)
    }

    /// Prose. Links that are made on purpose are written by [`Out::link`]; `](` and `]:` of any other origin, what was taken
    /// out from between them among it, would make one that nobody has checked, and so does `[[` for readers of wikis.
    pub(super) fn prose(&mut self, text: &str) {
        for character in text.chars() {
            let is_link = matches!((self.last, character), (Some(']'), '(' | ':') | (Some('['), '['));
            if is_link {
                self.text.push('\\');
            }
            self.push(character);
        }
    }

    pub(super) fn link(&mut self, text: &str) {
        if self.last == Some('[') {
            self.push(' ');
        }
        self.code(text);
    }

    /// A span of code. Two of them without anything between would be one.
    pub(super) fn span(&mut self, text: &str) {
        if self.last == Some('`') {
            self.push(' ');
        }
        self.code(text);
    }

    /// Text that is what it is meant to be already.
    pub(super) fn code(&mut self, text: &str) {
        self.text.push_str(text);
        self.last = text.chars().next_back().or(self.last);
    }

    pub(super) fn end_line(&mut self) {
        if self.last.is_some_and(|last| last != '\n') {
            self.push('\n');
        }
    }

    fn push(&mut self, character: char) {
        self.text.push(character);
        self.last = Some(character);
    }
}
