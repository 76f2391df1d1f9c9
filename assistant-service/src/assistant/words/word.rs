//! One word of prose: what is written between spaces, and what a renderer would make of it by itself.

use super::{LINK_REMOVED, Marks, NOT_ALLOWED, Words};
use crate::assistant::links::suspicion::{holds_address, holds_host, without_joiners};

/// What may stand around an address or a host without being a part of it.
const AROUND: &[char] = &['*', '"', '\'', '(', ')', '<', '>', ',', '.', ';', ':', '!', '?', '~', '“', '”', '‘', '’'];
/// Of the names for characters, those that are no way to write anything else.
const PLAIN_ENTITIES: [&str; 5] = ["amp;", "lt;", "gt;", "quot;", "nbsp;"];

/// A character, and whether a backslash took its meaning.
type Atom = (char, bool);

impl<M: Marks> Words<M> {
    pub(super) fn word(&mut self, rest: &str, is_end: bool) -> Option<usize> {
        let Some((atoms, used)) = scan(rest, is_end) else {
            return self.is_full.then(|| self.too_long(rest));
        };
        let next = rest.get(used..).and_then(|behind| behind.chars().next());
        self.let_out(&atoms, next);
        Some(used)
    }

    fn too_long(&mut self, rest: &str) -> usize {
        let is_harmless = rest.chars().all(char::is_alphanumeric);
        if is_harmless || !self.guards_links() {
            self.out.prose(rest);
            rest.len()
        } else {
            self.skip(rest)
        }
    }

    fn let_out(&mut self, atoms: &[Atom], next: Option<char>) {
        let rendered = without_joiners(&atoms.iter().map(|(character, _)| *character).collect::<String>());
        if !self.guards_links() {
            self.out.prose(&rendered);
        } else if holds_address(&with_next(&rendered, next)) {
            self.address(&rendered);
        } else if holds_host(&rendered) || begins_a_suffix(&rendered) {
            self.host(&rendered);
        } else {
            let escaped = escaped(atoms, next);
            self.out.prose(&escaped);
        }
    }

    fn address(&mut self, word: &str) {
        let (before, address, after) = parted(word);
        match self.hosts.admit(address) {
            Some(address) if before.ends_with('<') && after.starts_with('>') => {
                self.out.prose(&without_angles(before.strip_suffix('<').unwrap_or(before)));
                self.out.prose(&format!("<{address}>"));
                self.out.prose(&without_angles(after.strip_prefix('>').unwrap_or(after)));
            }
            Some(address) => {
                self.out.prose(&without_angles(before));
                self.out.prose(&address);
                self.out.prose(&without_angles(after));
            }
            None => {
                self.remove("link", NOT_ALLOWED);
                self.out.prose(&without_angles(before));
                self.out.prose(LINK_REMOVED);
                self.out.prose(&without_angles(after));
            }
        }
    }

    /// As code it stays what it is, a name, in every renderer.
    fn host(&mut self, word: &str) {
        let (before, name, after) = parted(word);
        self.out.prose(&without_angles(before));
        self.out.span(&format!("`{}`", name.replace('`', "'").replace('<', "&lt;")));
        self.out.prose(&without_angles(after));
    }
}

/// The characters of a word, and how many bytes it has; nothing while it may go on.
fn scan(rest: &str, is_end: bool) -> Option<(Vec<Atom>, usize)> {
    let mut atoms = Vec::new();
    let mut characters = rest.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let next = characters.peek().map(|(_, next)| *next);
        match character {
            '\\' | '!' if next.is_none() && !is_end => return None,
            '\\' => match next.filter(char::is_ascii_punctuation) {
                Some(literal) => {
                    characters.next();
                    atoms.push((literal, true));
                }
                None => atoms.push(('\\', false)),
            },
            '!' if next == Some('[') && !atoms.is_empty() => return Some((atoms, at)),
            '|' | '`' | '[' => return Some((atoms, at)),
            _ if character.is_whitespace() => return Some((atoms, at)),
            // Scripts that are written without spaces.
            _ if is_wide(character) && atoms.is_empty() => {
                return Some((vec![(character, false)], character.len_utf8()));
            }
            _ if is_wide(character) => return Some((atoms, at)),
            _ => atoms.push((character, false)),
        }
    }
    is_end.then_some((atoms, rest.len()))
}

fn is_wide(character: char) -> bool {
    matches!(character, '\u{2e80}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// A word that goes on without a space goes on for whoever renders it.
fn with_next(word: &str, next: Option<char>) -> String {
    word.chars().chain(next.filter(|next| !next.is_whitespace())).collect()
}

/// `.com` behind a word that has left already.
fn begins_a_suffix(word: &str) -> bool {
    let mut characters = word.chars();
    characters.next() == Some('.')
        && characters.next().is_some_and(char::is_alphabetic)
        && characters.next().is_some_and(char::is_alphabetic)
}

fn parted(word: &str) -> (&str, &str, &str) {
    let begun = word.trim_start_matches(AROUND);
    let middle = begun.trim_end_matches(AROUND);
    // A word that begins with a dot is a name with it.
    let dots = word.get(..word.len().saturating_sub(begun.len())).unwrap_or_default();
    let middle_start = if dots.ends_with('.') { dots.len().saturating_sub(1) } else { dots.len() };
    let middle_end = dots.len().saturating_add(middle.len());
    let part = |from: usize, to: usize| word.get(from..to).unwrap_or_default();
    (part(0, middle_start), part(middle_start, middle_end), part(middle_end, word.len()))
}

fn without_angles(text: &str) -> String {
    text.replace('<', "&lt;")
}

/// A word as it is written so that nothing but its own characters comes of it.
fn escaped(atoms: &[Atom], after: Option<char>) -> String {
    let mut text = String::with_capacity(atoms.len().saturating_add(8));
    for (at, (character, is_literal)) in atoms.iter().enumerate() {
        let behind = atoms.get(at.saturating_add(1)..).unwrap_or_default();
        let next = behind.first().map(|(next, _)| *next).or(after);
        match character {
            '`' => text.push_str("&#96;"),
            // Where formulas are read, one that begins here would end within code, and what follows there would be none.
            '$' => text.push_str("\\$"),
            '<' if *is_literal || !is_harmless_behind_angle(next) => text.push_str("&lt;"),
            '&' if *is_literal || begins_entity(behind, after) => text.push_str("&amp;"),
            '\\' if !is_literal && next == Some('\n') => {}
            '\\' => text.push_str("\\\\"),
            _ if *is_literal => text.extend(['\\', *character]),
            _ => text.push(*character),
        }
    }
    text
}

/// HTML begins with `<` and a letter, `/`, `!` or `?`; nothing that a program compares with does.
fn is_harmless_behind_angle(next: Option<char>) -> bool {
    next.is_none_or(|next| next.is_whitespace() || next.is_ascii_digit() || matches!(next, '=' | '-' | '<'))
}

fn begins_entity(behind: &[Atom], after: Option<char>) -> bool {
    let name: String = behind.iter().take(6).map(|(character, _)| *character).collect();
    match name.chars().next().or(after) {
        Some(first) if first == '#' || first.is_alphanumeric() => {
            !PLAIN_ENTITIES.iter().any(|entity| name.starts_with(entity))
        }
        Some(first) => !first.is_whitespace() && !name.starts_with(first),
        None => false,
    }
}
