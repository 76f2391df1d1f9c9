//! What was found: one line for each thing that was looked at, and what to do where something is to be done.

use std::fmt::Write as _;
use std::io;

use serde::Serialize;

use crate::command_line::{plain, table};

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    /// As it should be.
    Good,
    /// It works, and somebody should do something about it.
    Warn,
    /// It does not work, or does not protect.
    Bad,
    /// Nobody could look.
    Unknown,
}

impl Verdict {
    fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warn => "WARN",
            Self::Bad => "BAD",
            Self::Unknown => "unknown",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    /// Which check it is of: one word for each, in the order of the walk.
    pub(super) check: &'static str,
    /// What was looked at, such as a file.
    pub(super) looked_at: String,
    /// How it is.
    pub(super) verdict: Verdict,
    /// What was seen, in a sentence.
    pub(super) found: String,
    /// What to do, in a sentence, with the command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mend: Option<String>,
}

/// Takes down what one check finds.
#[derive(Debug)]
pub(super) struct Notes<'a> {
    check: &'static str,
    into: &'a mut Report,
}

impl Notes<'_> {
    pub(super) fn good(&mut self, looked_at: impl ToString, found: impl Into<String>) {
        self.note(Verdict::Good, looked_at.to_string(), found.into(), None);
    }

    pub(super) fn warn(&mut self, looked_at: impl ToString, found: impl Into<String>, mend: impl Into<String>) {
        self.note(Verdict::Warn, looked_at.to_string(), found.into(), Some(mend.into()));
    }

    pub(super) fn bad(&mut self, looked_at: impl ToString, found: impl Into<String>, mend: impl Into<String>) {
        self.note(Verdict::Bad, looked_at.to_string(), found.into(), Some(mend.into()));
    }

    /// Nobody could look at what somebody has asked for by name.
    pub(super) fn unknown(&mut self, looked_at: impl ToString, why: impl std::fmt::Display, mend: impl Into<String>) {
        self.into.left_out = true;
        self.note(Verdict::Unknown, looked_at.to_string(), format!("could not look: {why}"), Some(mend.into()));
    }

    /// A file that somebody names: bad where it is not there, and unknown where nobody may look.
    pub(super) fn unreadable(&mut self, looked_at: impl ToString, cause: &io::Error, mend: impl Into<String>) {
        if cause.kind() == io::ErrorKind::NotFound {
            self.bad(looked_at, "it is named and not there", mend);
        } else {
            self.unknown(looked_at, cause, mend);
        }
    }

    /// Nobody has asked for this, and there is nothing to look at where it usually is.
    pub(super) fn not_here(&mut self, looked_at: impl ToString, why: impl std::fmt::Display, mend: impl Into<String>) {
        self.note(Verdict::Unknown, looked_at.to_string(), format!("could not look: {why}"), Some(mend.into()));
    }

    fn note(&mut self, verdict: Verdict, looked_at: String, found: String, mend: Option<String>) {
        self.into.findings.push(Finding { check: self.check, looked_at, verdict, found, mend });
    }
}

/// All findings.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    /// One after the other, as they were looked at.
    pub(super) findings: Vec<Finding>,
    /// Whether something that was asked for could not be looked at.
    pub(super) left_out: bool,
}

impl Report {
    pub(super) fn of(&mut self, check: &'static str) -> Notes<'_> {
        Notes { check, into: self }
    }

    pub(super) fn is_bad(&self) -> bool {
        self.findings.iter().any(|finding| finding.verdict == Verdict::Bad)
    }

    /// For people: a row for each finding, what to do below it, and how many there are of each kind.
    pub(super) fn table(&self) -> String {
        let cell = |text: &str| plain::line(text);
        let rows: Vec<_> = self
            .findings
            .iter()
            .map(|finding| [finding.verdict.name().to_owned(), finding.check.to_owned(), cell(&finding.looked_at)])
            .collect();
        let mut said = String::new();
        for (row, finding) in table::table(&rows).lines().zip(&self.findings) {
            // Writing to a text cannot fail.
            let _ = writeln!(said, "{row}: {}", cell(&finding.found));
            if let Some(mend) = finding.mend.as_deref().filter(|_| finding.verdict != Verdict::Good) {
                let _ = writeln!(said, "         -> {}", cell(mend));
            }
        }
        let count = |verdict| self.findings.iter().filter(|finding| finding.verdict == verdict).count();
        let _ = writeln!(
            said,
            "{} good, {} to mend soon, {} to mend now, {} not looked at",
            count(Verdict::Good),
            count(Verdict::Warn),
            count(Verdict::Bad),
            count(Verdict::Unknown)
        );
        said
    }
}
