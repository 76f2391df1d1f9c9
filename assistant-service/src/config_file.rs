//! A YAML file that one of our processes is told by: every mistake in it is found at once, with its line, and said as compilers
//! say theirs.

use std::path::Path;

use anyhow::Context;
use policy::located::Located;
use trust_core::Mistake;

use crate::section::Section;

/// A mistake and its line, where the file has one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LocatedMistake {
    pub(crate) line: Option<u64>,
    pub(crate) mistake: Mistake,
}

/// Reads a file's text. `whole` reads its values and writes down their mistakes; what it builds beside mistakes is not used.
pub(crate) fn read<T>(
    text: &str,
    whole: impl FnOnce(&Section<'_>, &mut Vec<Mistake>) -> Option<T>,
) -> Result<T, Vec<LocatedMistake>> {
    let located = Located::read(text).map_err(|unreadable| {
        let mistake = Mistake { place: String::new(), what: unreadable.what };
        vec![LocatedMistake { line: unreadable.line, mistake }]
    })?;
    let mut mistakes = Vec::new();
    match whole(&Section::root(&located.to_value()), &mut mistakes) {
        Some(config) if mistakes.is_empty() => Ok(config),
        _ => Err(mistakes
            .into_iter()
            .map(|mistake| LocatedMistake { line: located.line_of(&mistake.place), mistake })
            .collect()),
    }
}

/// What a file says, by one of its readers; nothing when it has mistakes, which are printed.
pub(crate) fn load<T>(
    file: &Path,
    read: impl FnOnce(&str) -> Result<T, Vec<LocatedMistake>>,
) -> anyhow::Result<Option<T>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let file = file.display();
    let read = read(&text).map(Some);
    Ok(read.unwrap_or_else(|mistakes| {
        for LocatedMistake { line, mistake } in mistakes {
            let line = line.map_or(String::new(), |line| format!(":{line}"));
            eprintln!("{file}{line}: {mistake}");
        }
        None
    }))
}
