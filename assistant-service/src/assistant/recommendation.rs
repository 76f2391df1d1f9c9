//! Code of the company's own that helps with a question, and what to change in it.
//!
//! A recommendation can be made in one way only, and that way looks its code up in a section: nobody can recommend what nobody
//! wrote. Code is there to be copied, so it is recommended as it stands or not at all: never with something taken out.

mod change;
mod quoted;

#[cfg(test)]
mod tests;

use serde::Serialize;
use utoipa::ToSchema;

use super::links::AllowedHosts;
use super::redaction::holds_secret;
use super::words::clean;
use super::{Citation, Removed};
use crate::knowledge::{CodePart, Section};

pub(super) use quoted::quoted;

/// More is a file rather than a snippet.
pub(super) const LONGEST_SNIPPET_BYTES: usize = 4096;
pub(super) const LONGEST_CHANGE_BYTES: usize = 1000;

/// Code from the company's own source code or documents, where it stands, and what to change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Recommendation {
    /// The code, letter for letter as it stands there.
    snippet: String,
    /// Its language, such as `rust`; not there where the document does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<String>,
    /// The file, by its path below the folder of documents.
    file: String,
    /// The headings above it, where it stands in a document.
    #[serde(skip_serializing_if = "Option::is_none")]
    heading: Option<String>,
    /// Its first and its last line, counted from 1, where it stands in source code.
    #[serde(skip_serializing_if = "Option::is_none")]
    lines: Option<[usize; 2]>,
    /// What to change in it or to do with it, in Markdown: sentences of its own section or comment where no model answered, and
    /// not there if none says so; otherwise the model's own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    change: Option<String>,
}

/// A model's recommendation, with the citation of its code: an answer of a model need not cite what it recommends.
#[derive(Debug, Clone)]
pub(super) struct Recommended {
    pub(super) recommendation: Recommendation,
    pub(super) citation: Option<Citation>,
}

impl Recommended {
    /// Puts its code among an answer's citations, unless it stands in one of them.
    pub(super) fn cited_among(self, citations: &mut Vec<Citation>) -> Recommendation {
        let holds = |other: &Citation, citation: &Citation| {
            other.file() == citation.file() && other.quote().contains(citation.quote())
        };
        if let Some(citation) = self.citation.filter(|one| !citations.iter().any(|other| holds(other, one))) {
            citations.push(citation);
        }
        self.recommendation
    }
}

impl Recommendation {
    /// Recommends code of a section, unless it is no verbatim part of that. Of long code the first lines are taken.
    pub(super) fn of(section: &Section, part: &CodePart, snippet: &str) -> Option<Self> {
        let snippet = first_lines(snippet).trim_end();
        if snippet.trim().is_empty() || !section.text().get(part.range.clone())?.contains(snippet) {
            return None;
        }
        let lines = section.lines_of(snippet);
        Some(Self {
            snippet: snippet.to_owned(),
            language: part.language.clone(),
            file: section.file.clone(),
            heading: lines.is_none().then(|| section.heading.clone()),
            lines,
            change: None,
        })
    }

    /// The same, with what to change.
    pub(super) fn changing(self, change: Option<String>) -> Self {
        Self { change, ..self }
    }

    /// The same where it may be shown: its code holds no secret, and nothing that an answer's text may not hold.
    pub(super) fn admitted(self, hosts: &AllowedHosts) -> Result<Self, Removed> {
        let withheld = |why: &str| Removed { what: "recommendation", why: why.to_owned() };
        if holds_secret(&self.snippet) {
            return Err(withheld("its code holds what looks like a secret"));
        }
        let block = self.block().replace("\r\n", "\n");
        if clean(&block, hosts).0 != block {
            return Err(withheld("its code holds an address, a tag or characters that no answer may hold"));
        }
        Ok(self)
    }

    /// The same with no links but to these hosts in what it says to change, and what was taken out there.
    pub(super) fn linking_to(self, hosts: &AllowedHosts) -> (Self, Vec<Removed>) {
        let cleaned = self.change.as_deref().map(|change| clean(change, hosts));
        let (change, removed) = cleaned.map_or((None, Vec::new()), |(change, removed)| (Some(change), removed));
        (Self { change, ..self }, removed)
    }

    /// The code as a block of Markdown, behind a fence that none of its lines closes.
    #[must_use]
    pub fn block(&self) -> String {
        let runs = self.snippet.split(|character| character != '`').map(str::len);
        let fence = "`".repeat(runs.max().unwrap_or_default().saturating_add(1).max(3));
        format!("{fence}{}\n{}\n{fence}\n", self.language.as_deref().unwrap_or_default(), self.snippet)
    }

    /// What a model believes to stand there. Tests alone can do without looking.
    #[cfg(test)]
    pub(super) fn believed(section: &Section, snippet: &str) -> Self {
        let (file, heading) = (section.file.clone(), Some(section.heading.clone()));
        Self { snippet: snippet.to_owned(), language: None, file, heading, lines: None, change: None }
    }

    /// The code, letter for letter.
    #[must_use]
    pub fn snippet(&self) -> &str {
        &self.snippet
    }

    /// The file.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The headings above it, where it stands in a document.
    #[must_use]
    pub fn heading(&self) -> Option<&str> {
        self.heading.as_deref()
    }

    /// Its first and its last line, where it stands in source code.
    #[must_use]
    pub fn lines(&self) -> Option<[usize; 2]> {
        self.lines
    }

    /// What to change.
    #[must_use]
    pub fn change(&self) -> Option<&str> {
        self.change.as_deref()
    }
}

/// As many whole lines from the beginning as a snippet may have.
fn first_lines(code: &str) -> &str {
    if code.len() <= LONGEST_SNIPPET_BYTES {
        return code;
    }
    let part = code.get(..code.floor_char_boundary(LONGEST_SNIPPET_BYTES)).unwrap_or_default();
    part.rsplit_once('\n').map_or("", |(lines, _)| lines)
}
