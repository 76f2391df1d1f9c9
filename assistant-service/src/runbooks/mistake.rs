//! What is wrong with the files of a folder of runbooks, and where.

use std::fmt;

use serde::Serialize;
use thiserror::Error;

use crate::config_file::LocatedMistake;

/// All mistakes of all files.
#[derive(Debug, Error)]
#[error("mistakes in the runbooks: {}; correct them:\n{}", .0.len(), sentences(.0))]
pub struct InvalidRunbooks(pub Vec<Mistake>);

/// One mistake and where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mistake {
    /// The file below the folder of runbooks; the folder itself where that is meant.
    pub file: String,
    /// The line, where one can be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// What is wrong.
    pub detail: String,
}

impl Mistake {
    /// A file's mistakes as its reader found them.
    pub(super) fn all(file: &str, found: Vec<LocatedMistake>) -> Vec<Self> {
        let all = found.into_iter().map(|LocatedMistake { line, mistake }| {
            let detail = if mistake.place.is_empty() { mistake.what } else { mistake.to_string() };
            Self { file: file.to_owned(), line, detail }
        });
        all.collect()
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(formatter, "{}:{line}: {}", self.file, self.detail),
            None => write!(formatter, "{}: {}", self.file, self.detail),
        }
    }
}

fn sentences(mistakes: &[Mistake]) -> String {
    mistakes.iter().map(|mistake| format!("  {mistake}")).collect::<Vec<_>>().join("\n")
}
