//! Pairs made of code: an item under a comment that says what it is for.

use crate::knowledge::Section;

/// A comment of less says hardly more than the item's name.
const SHORTEST_COMMENT_CHARACTERS: usize = 40;

/// An item that its comment explains.
#[derive(Debug)]
pub(super) struct Explained {
    pub(super) question: String,
    pub(super) answer: String,
}

/// The item with what its comment says; nothing where it has no name or no comment to speak of.
pub(super) fn explained(section: &Section, language: &str) -> Option<Explained> {
    let (file, name) = section.heading.split_once(" > ")?;
    let name = name.replace(" > ", "::");
    let (mut comment, mut code) = (Vec::new(), Vec::new());
    for line in section.text().trim_end().lines() {
        match said(line).filter(|_| code.is_empty()) {
            Some(said) => comment.push(said),
            None => code.push(line),
        }
    }
    let comment = comment.join(" ").trim().to_owned();
    if comment.chars().count() < SHORTEST_COMMENT_CHARACTERS || code.iter().all(|line| line.trim().is_empty()) {
        return None;
    }
    let code = code.join("\n");
    Some(Explained {
        question: format!("What is `{name}` in `{file}` for?"),
        answer: format!("{comment}\n\n```{language}\n{}\n```", code.trim_matches('\n')),
    })
}

/// What a line of a comment says.
fn said(line: &str) -> Option<&str> {
    let line = line.trim();
    let marks = ["///", "//!", "//", "/**", "/*", "*/", "*", "# ", "--"];
    // An attribute of Rust is no comment.
    if line.starts_with("#[") {
        return None;
    }
    let mark = marks.iter().find(|mark| line.starts_with(**mark))?;
    let rest = line.strip_prefix(mark).unwrap_or_default();
    Some(rest.trim().trim_end_matches("*/").trim_end())
}
