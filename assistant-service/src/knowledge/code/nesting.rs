//! How deep lines are nested: by brackets, by indentation, by where statements end.

use super::super::kind::Language;

/// Reads lines one after the other.
pub(super) trait Nesting {
    /// The next line: how deep it begins, whether it cannot begin anything, whether it is a comment or the like.
    fn take(&mut self, text: &str) -> (usize, bool, bool);
}

/// In what the next character stands.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Within {
    Code,
    BlockComment,
    /// A text up to these characters, in which a backslash may escape.
    Text {
        end: String,
        escapes: bool,
        has_lines: bool,
    },
}

impl Within {
    fn text(end: &str, has_lines: bool) -> Self {
        Self::Text { end: end.to_owned(), escapes: true, has_lines }
    }
}

/// Nested by brackets outside of texts and comments.
pub(super) struct Braces {
    language: Language,
    depth: usize,
    within: Within,
}

/// What begins an item at the margin, however many brackets seem to be open: a stray one must not hide the rest of a file.
const AT_MARGIN: [&str; 16] = [
    "class",
    "const",
    "enum",
    "export",
    "fn",
    "func",
    "function",
    "impl",
    "import",
    "interface",
    "mod",
    "pub",
    "struct",
    "trait",
    "type",
    "use",
];

impl Braces {
    pub(super) fn new(language: Language) -> Self {
        Self { language, depth: 0, within: Within::Code }
    }

    fn scan(&mut self, text: &str) {
        let mut rest = text;
        while let Some(character) = rest.chars().next() {
            let taken = match &self.within {
                Within::Code => self.scan_code(rest, character),
                Within::BlockComment if rest.starts_with("*/") => {
                    self.within = Within::Code;
                    2
                }
                Within::Text { escapes: true, .. } if character == '\\' => {
                    rest.chars().take(2).map(char::len_utf8).sum()
                }
                Within::Text { end, .. } if rest.starts_with(end.as_str()) => {
                    let taken = end.len();
                    self.within = Within::Code;
                    taken
                }
                Within::BlockComment | Within::Text { .. } => character.len_utf8(),
            };
            rest = rest.get(taken..).unwrap_or_default();
        }
        if matches!(self.within, Within::Text { has_lines: false, .. }) {
            self.within = Within::Code;
        }
    }

    /// Takes what begins with a character of code; how many bytes that is.
    fn scan_code(&mut self, rest: &str, character: char) -> usize {
        match character {
            '/' if rest.starts_with("//") => return rest.len(),
            '/' if rest.starts_with("/*") => {
                self.within = Within::BlockComment;
                return 2;
            }
            'r' if self.language == Language::Rust => {
                let hashes = rest.chars().skip(1).take_while(|character| *character == '#').count();
                let begin = hashes.saturating_add(1);
                if rest.get(begin..).is_some_and(|after| after.starts_with('"')) {
                    let end = format!("\"{}", "#".repeat(hashes));
                    self.within = Within::Text { end, escapes: false, has_lines: true };
                    return begin.saturating_add(1);
                }
            }
            '"' => self.within = Within::text("\"", self.language == Language::Rust),
            '`' if self.language != Language::Rust => self.within = Within::text("`", true),
            '\'' if self.language == Language::Script => self.within = Within::text("'", false),
            '\'' => return letter_length(rest),
            '(' | '[' | '{' => self.depth = self.depth.saturating_add(1),
            ')' | ']' | '}' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        character.len_utf8()
    }
}

/// The bytes of a letter between quotes; one for the quote alone, which begins a lifetime.
fn letter_length(rest: &str) -> usize {
    let mut characters = rest.char_indices().skip(1);
    let is_escaped = characters.next().is_some_and(|(_, letter)| letter == '\\');
    let mut after = characters.skip(usize::from(is_escaped));
    let end = if is_escaped { after.find(|(_, letter)| *letter == '\'') } else { after.next() };
    end.filter(|(_, letter)| *letter == '\'').map_or(1, |(at, _)| at.saturating_add(1))
}

impl Nesting for Braces {
    fn take(&mut self, text: &str) -> (usize, bool, bool) {
        let trimmed = text.trim_start();
        let was = self.within.clone();
        if was == Within::Code && first_word(text).is_some_and(|word| AT_MARGIN.contains(&word)) {
            self.depth = 0;
        }
        let depth = self.depth;
        self.scan(text);
        let is_comment =
            was == Within::BlockComment || ["//", "/*", "#[", "#![", "@"].iter().any(|mark| trimmed.starts_with(mark));
        let is_rest =
            was == Within::Code && trimmed.starts_with([')', ']', '}', '{', '.', '?', ':', '=', '&', '|', '+']);
        let is_where = trimmed == "where" || trimmed.starts_with("where ");
        (depth, matches!(was, Within::Text { .. }) || is_rest || is_where, is_comment)
    }
}

/// The word at a line's margin.
fn first_word(text: &str) -> Option<&str> {
    text.split(|character: char| !character.is_alphanumeric() && character != '_').next()
}

/// Nested by columns, as in Python and YAML.
pub(super) struct Indentation {
    language: Language,
    brackets: Braces,
    is_in_text: Option<&'static str>,
    key_depth: usize,
}

impl Indentation {
    pub(super) fn new(language: Language) -> Self {
        Self { language, brackets: Braces::new(Language::Script), is_in_text: None, key_depth: 0 }
    }

    /// Whether a Python text of several lines is open at the end of the line.
    fn scan_long_texts(&mut self, text: &str) {
        let mut rest = text;
        loop {
            let marks = match self.is_in_text {
                Some(mark) => [mark, mark],
                None => ["\"\"\"", "'''"],
            };
            let next = marks.into_iter().filter_map(|mark| Some((rest.find(mark)?, mark))).min();
            let Some((at, mark)) = next else { return };
            self.is_in_text = if self.is_in_text.is_some() { None } else { Some(mark) };
            rest = rest.get(at.saturating_add(mark.len())..).unwrap_or_default();
        }
    }
}

impl Nesting for Indentation {
    fn take(&mut self, text: &str) -> (usize, bool, bool) {
        let trimmed = text.trim_start();
        let depth = text.len().saturating_sub(trimmed.len());
        let is_comment = trimmed.starts_with('#') || trimmed.starts_with('@');
        if self.language == Language::Yaml {
            let is_entry = trimmed.starts_with("- ") || trimmed == "-";
            if !is_entry && !is_comment && !trimmed.is_empty() {
                self.key_depth = depth;
            }
            return (depth, is_entry && depth == self.key_depth && depth == 0, trimmed.starts_with('#'));
        }
        let was_open = self.is_in_text.is_some() || self.brackets.depth > 0;
        let was_in_text = self.is_in_text.is_some();
        self.scan_long_texts(text);
        if !was_in_text && self.is_in_text.is_none() {
            // Python's comments begin with another sign; what is behind it opens nothing.
            let code = text.split_once(" #").map_or(text, |(code, _)| code);
            if !trimmed.starts_with('#') {
                self.brackets.scan(code);
            }
        }
        let is_branch = matches!(first_word(trimmed), Some("else" | "elif" | "except" | "finally"));
        (depth, was_open || is_branch || trimmed.starts_with([')', ']', '}']), is_comment && !was_open)
    }
}

/// Ended by semicolons outside of texts, as in SQL; what is inside a statement is deeper than its beginning.
#[derive(Default)]
pub(super) struct Statements {
    is_inside: bool,
    text_end: Option<String>,
}

impl Nesting for Statements {
    fn take(&mut self, text: &str) -> (usize, bool, bool) {
        let (depth, is_in_text) = (usize::from(self.is_inside), self.text_end.is_some());
        let mut rest = text;
        while let Some(character) = rest.chars().next() {
            let taken = match &self.text_end {
                Some(end) if rest.starts_with(end.as_str()) => {
                    let taken = end.len();
                    self.text_end = None;
                    taken
                }
                Some(_) => character.len_utf8(),
                None if rest.starts_with("--") => rest.len(),
                None if rest.starts_with("/*") => {
                    self.text_end = Some("*/".to_owned());
                    2
                }
                None => {
                    if let Some(end) = text_end(rest) {
                        self.text_end = Some(end.to_owned());
                        self.is_inside = true;
                        end.len()
                    } else {
                        self.is_inside = if character.is_whitespace() { self.is_inside } else { character != ';' };
                        character.len_utf8()
                    }
                }
            };
            rest = rest.get(taken..).unwrap_or_default();
        }
        let trimmed = text.trim_start();
        let is_comment = !is_in_text && depth == 0 && (trimmed.starts_with("--") || trimmed.starts_with("/*"));
        (depth, is_in_text, is_comment)
    }
}

/// What ends the text that begins here: a quote, or PostgreSQL's `$name$`.
fn text_end(rest: &str) -> Option<&str> {
    if rest.starts_with(['\'', '"']) {
        return rest.get(..1);
    }
    let name = rest.strip_prefix('$')?.split_once('$')?.0;
    let is_name = name.chars().all(|character| character.is_alphanumeric() || character == '_');
    rest.get(..name.len().saturating_add(2)).filter(|_| is_name)
}
