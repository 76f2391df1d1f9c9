//! What is printed.

use std::io::Write as _;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::verdict::Verdict;

/// One fault: what was injected, what was found.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) injected: String,
    pub(crate) verdict: Verdict,
    /// What else there is to say.
    pub(crate) notes: Vec<String>,
}

/// At most so many sentences of one fault; more of the same say nothing.
const SENTENCES: usize = 20;

/// All that were injected.
#[derive(Debug, Default)]
pub(crate) struct Reports {
    faults: u64,
    violations: usize,
}

impl Reports {
    pub(crate) fn add(&mut self, name: &str, begun: Instant, report: Result<Report>) -> Result<()> {
        let mut out = std::io::stdout();
        self.faults += 1;
        let seconds = begun.elapsed().as_secs_f64();
        match report {
            Ok(report) => {
                let violations = &report.verdict.violations;
                self.violations += violations.len();
                let outcome = if violations.is_empty() { "held" } else { "BROKEN" };
                writeln!(out, "{outcome}: {name} ({seconds:.1} s)\n  injected: {}", report.injected)?;
                writeln!(out, "  found: {}", report.verdict)?;
                for note in &report.notes {
                    writeln!(out, "  {note}")?;
                }
                for sentence in violations.iter().take(SENTENCES) {
                    writeln!(out, "  violation: {sentence}")?;
                }
            }
            Err(error) => {
                self.violations += 1;
                writeln!(out, "BROKEN: {name} ({seconds:.1} s)\n  {error:#}")?;
            }
        }
        out.flush()?;
        Ok(())
    }

    /// Whether every promise was kept.
    pub(crate) fn close(&self, took: Duration) -> Result<bool> {
        let (faults, violations, seconds) = (self.faults, self.violations, took.as_secs());
        writeln!(std::io::stdout(), "faults: {faults} injected in {seconds} s, {violations} violation(s)")?;
        Ok(violations == 0)
    }
}
