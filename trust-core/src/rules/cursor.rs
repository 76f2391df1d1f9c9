//! Where the reading of a rule stands, and how it gets over what cannot be read.

/// A rule's characters and a place among them.
pub(super) struct Cursor {
    characters: Vec<char>,
    at: usize,
}

impl Cursor {
    pub(super) fn new(text: &str) -> Self {
        Self { characters: text.chars().collect(), at: 0 }
    }

    /// The place, in characters from 1.
    pub(super) fn column(&self) -> usize {
        self.at.saturating_add(1)
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.characters.get(self.at).copied()
    }

    /// Whether nothing but space follows.
    pub(super) fn is_at_end(&mut self) -> bool {
        self.skip_space();
        self.peek().is_none()
    }

    pub(super) fn go_to_end(&mut self) {
        self.at = self.characters.len();
    }

    pub(super) fn skip_space(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.advance();
        }
    }

    /// Whether `token` comes next, after any space.
    pub(super) fn sees(&mut self, token: &str) -> bool {
        self.skip_space();
        let end = self.at.saturating_add(token.len());
        self.characters.get(self.at..end).is_some_and(|next| next.iter().copied().eq(token.chars()))
    }

    /// Steps over `token`, if it comes next.
    pub(super) fn takes(&mut self, token: &str) -> bool {
        let is_next = self.sees(token);
        if is_next {
            self.at = self.at.saturating_add(token.len());
        }
        is_next
    }

    pub(super) fn take_name(&mut self) -> String {
        self.take_while(|character| character.is_ascii_alphanumeric() || character == '_')
    }

    /// The text between the quote that comes next and its twin; nothing, and the end, if that is missing.
    pub(super) fn take_quoted(&mut self) -> Option<String> {
        let quote = self.peek()?;
        self.advance();
        let text = self.take_while(|character| character != quote);
        self.peek()?;
        self.advance();
        Some(text)
    }

    /// Whether a condition may begin here.
    pub(super) fn begins_condition(&mut self) -> bool {
        self.skip_space();
        self.peek().is_some_and(|next| next.is_ascii_alphanumeric() || matches!(next, '_' | '!' | '('))
    }

    /// Steps over what somebody wrote in place of `&&` or `||`; over nothing where the next condition follows at once.
    pub(super) fn take_wrong_operator(&mut self) -> String {
        let start = self.at;
        let name = self.take_name();
        if matches!(name.to_ascii_lowercase().as_str(), "and" | "or") {
            return name;
        }
        self.at = start;
        if self.begins_condition() {
            return String::new();
        }
        let mut skipped = String::new();
        while let Some(next) = self.peek() {
            let at = self.at;
            let is_operator = !skipped.is_empty() && (self.sees("&&") || self.sees("||"));
            if is_operator || self.begins_condition() || self.sees(")") {
                break;
            }
            // To look ahead is to go over space.
            self.at = at;
            skipped.push(next);
            self.advance();
        }
        skipped.trim_end().to_owned()
    }

    /// Goes to the next operator, or to the end of the brackets that the place lies in, over all that is quoted.
    pub(super) fn skip_to_operator(&mut self) {
        let mut depth = 0_usize;
        while !self.is_at_end() {
            let Some(next) = self.peek() else { return };
            match next {
                '`' | '"' => {
                    self.take_quoted();
                    continue;
                }
                '(' => depth = depth.saturating_add(1),
                ')' if depth == 0 => return,
                ')' => depth = depth.saturating_sub(1),
                _ if depth == 0 && (self.sees("&&") || self.sees("||")) => return,
                _ => {}
            }
            self.advance();
        }
    }

    /// Goes behind the bracket that closes the call in whose values the place lies, or to the next operator.
    pub(super) fn skip_out_of_call(&mut self) {
        self.skip_to_operator();
        self.takes(")");
    }

    fn take_while(&mut self, belongs: impl Fn(char) -> bool) -> String {
        let mut taken = String::new();
        while let Some(character) = self.peek().filter(|character| belongs(*character)) {
            taken.push(character);
            self.advance();
        }
        taken
    }

    fn advance(&mut self) {
        self.at = self.at.saturating_add(1);
    }
}
