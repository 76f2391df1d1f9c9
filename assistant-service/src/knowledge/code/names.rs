//! By what an item is called, as far as its first line tells.

use super::super::kind::Language;

const DEFINING: [&str; 19] = [
    "class",
    "const",
    "def",
    "enum",
    "fn",
    "func",
    "function",
    "interface",
    "let",
    "macro_rules",
    "mod",
    "namespace",
    "package",
    "static",
    "struct",
    "trait",
    "type",
    "union",
    "var",
];
const CONTAINERS: [&str; 7] = ["class", "impl", "interface", "mod", "module", "namespace", "trait"];
/// These begin what is no definition.
const NAMELESS: [&str; 14] = [
    "extern", "else", "for", "from", "if", "import", "match", "require", "return", "switch", "throw", "try", "use",
    "while",
];
const LONGEST_BYTES: usize = 80;
/// A name stands near the beginning of its line.
const LONGEST_LINE_BYTES: usize = 200;

/// The name of what begins with this line.
pub(super) fn name(text: &str, language: Language) -> Option<String> {
    let text = text.trim();
    let text = text.get(..text.floor_char_boundary(LONGEST_LINE_BYTES)).unwrap_or_default();
    match language {
        Language::Yaml => until(text.trim_start_matches("- "), &[':']),
        Language::Sql => until(text, &['(', ';', '=']),
        Language::Other => None,
        _ if NAMELESS.contains(&words(text).next()?.1) => None,
        Language::Rust if words(text).take(3).any(|(_, word)| word == "impl") => until(text, &['{']),
        Language::Go if text.starts_with("func (") => name_of_word(text.split_once(')')?.1),
        _ => defined(text).or_else(|| before_sign(text)),
    }
}

/// Whether what begins with this line holds items of its own.
pub(super) fn is_container(text: &str, language: Language) -> bool {
    match language {
        Language::Yaml => true,
        Language::Sql | Language::Go | Language::Other => false,
        Language::Rust | Language::Script | Language::Python => {
            let head = text.split(['(', '{', '=']).next().unwrap_or_default();
            words(if text.contains("pub(") { text } else { head }).take(4).any(|(_, word)| CONTAINERS.contains(&word))
        }
    }
}

fn until(text: &str, ends: &[char]) -> Option<String> {
    let name = text.split(ends).next().unwrap_or_default().trim();
    let name = name.get(..name.floor_char_boundary(LONGEST_BYTES)).unwrap_or_default();
    (!name.is_empty()).then(|| name.to_owned())
}

/// The word after one that defines.
fn defined(text: &str) -> Option<String> {
    let (at, word) = words(text).find(|(_, word)| DEFINING.contains(word))?;
    let after = text.get(at.saturating_add(word.len())..)?;
    // `const fn` defines a function, `const enum` an enumeration.
    defined(after)
        .filter(|_| words(after).next().is_some_and(|(_, next)| DEFINING.contains(&next)))
        .or_else(|| name_of_word(after))
}

/// The last word before a bracket or a sign that gives a value or a type.
fn before_sign(text: &str) -> Option<String> {
    let head = text.split(['(', '=', ':', ';', '{', '?']).next()?;
    words(head).last().map(|(_, word)| word.to_owned())
}

fn name_of_word(text: &str) -> Option<String> {
    words(text).next().map(|(_, word)| word.to_owned())
}

/// The identifiers of a line and where they begin.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_part = |character: char| character.is_alphanumeric() || matches!(character, '_' | '$');
    let mut at = 0_usize;
    text.split_inclusive(move |character| !is_part(character)).filter_map(move |piece| {
        let start = at;
        at = at.saturating_add(piece.len());
        let word = piece.trim_end_matches(|character| !is_part(character));
        (!word.is_empty()).then_some((start, word))
    })
}
