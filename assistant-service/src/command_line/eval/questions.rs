//! Questions whose answers are known, as they stand in a file.

use std::fs;
use std::path::Path;

use anyhow::{Context, ensure};
use serde::Deserialize;

use crate::assistant::{Citation, Place};

/// One of them.
#[derive(Debug, Deserialize)]
pub(super) struct KnownQuestion {
    pub(super) id: String,
    pub(super) part: String,
    pub(super) kind: String,
    pub(super) question: String,
    pub(super) expected: Vec<ExpectedPlace>,
    pub(super) holds: Vec<String>,
    #[serde(default)]
    pub(super) scopes: Vec<String>,
}

/// Where an answer stands.
#[derive(Debug, Deserialize)]
pub(super) struct ExpectedPlace {
    file: String,
    #[serde(default)]
    heading: Option<String>,
    #[serde(default)]
    lines: Option<[usize; 2]>,
}

/// Those of one part, or all.
pub(super) fn read_questions(file: &Path, part: Option<&str>) -> anyhow::Result<Vec<KnownQuestion>> {
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let mut questions = Vec::new();
    for (number, line) in (1_usize..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let question: KnownQuestion =
            serde_json::from_str(line).with_context(|| format!("{}:{number} is no question", file.display()))?;
        if part.is_none_or(|part| part == question.part) {
            questions.push(question);
        }
    }
    let of_part = part.map(|part| format!(" of the part {part:?}")).unwrap_or_default();
    ensure!(!questions.is_empty(), "{} has no question{of_part} to ask", file.display());
    Ok(questions)
}

impl KnownQuestion {
    /// Whether there is an answer.
    pub(super) fn is_answerable(&self) -> bool {
        !self.expected.is_empty()
    }

    /// Whether a citation lies in an expected place, or holds what an answer must.
    pub(super) fn is_right(&self, citation: &Citation) -> bool {
        let title = citation.heading().rsplit(" > ").next().unwrap_or_default();
        self.expected.iter().any(|place| place.is_at(citation.file(), title, citation.lines()))
            || self.holds.iter().any(|text| citation.quote().contains(text.as_str()))
    }

    /// The share of the expected places that are among these.
    pub(super) fn recall(&self, places: &[Place]) -> f64 {
        let is_found = |expected: &&ExpectedPlace| {
            places.iter().any(|place| expected.is_at(&place.file, &place.title, place.lines))
        };
        let found = self.expected.iter().filter(is_found).count();
        if self.expected.is_empty() { 0.0 } else { found as f64 / self.expected.len() as f64 }
    }
}

impl ExpectedPlace {
    /// Where there is one folder of documents, files are named without it.
    fn is_at(&self, file: &str, title: &str, lines: Option<[usize; 2]>) -> bool {
        let is_file = self.file.strip_suffix(file).is_some_and(|before| before.is_empty() || before.ends_with('/'));
        let is_heading = self.heading.as_ref().is_none_or(|heading| heading == title);
        let overlaps = |[first, last]: [usize; 2]| lines.is_some_and(|[from, to]| from <= last && first <= to);
        is_file && is_heading && self.lines.is_none_or(overlaps)
    }
}
