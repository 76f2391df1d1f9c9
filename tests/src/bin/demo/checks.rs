//! The demo's account: what was shown, and whether it held.

use std::process::ExitCode;

use anyhow::Result;

/// Counts and prints checks.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    passed: u32,
    failed: u32,
    left_out: u32,
}

impl Checks {
    /// Opens a chapter.
    pub(crate) fn chapter(&self, title: &str) {
        println!("{title}");
    }

    /// Makes one check and prints how it went; its value, when it held.
    pub(crate) async fn check<T>(&mut self, what: &str, scene: impl AsyncFnOnce() -> Result<T>) -> Option<T> {
        match scene().await {
            Ok(value) => {
                self.passed = self.passed.saturating_add(1);
                println!("  ok  {what}");
                Some(value)
            }
            Err(why) => {
                self.failed = self.failed.saturating_add(1);
                println!("  FAIL {what}: {why:#}");
                None
            }
        }
    }

    /// Says that checks were not made, and why.
    pub(crate) fn leave_out(&mut self, checks: u32, what: &str, why: &str) {
        self.left_out = self.left_out.saturating_add(checks);
        println!("  --  left out, {checks}: {what}: {why}");
    }

    /// Whether any check failed so far.
    pub(crate) fn have_failed(&self) -> bool {
        self.failed > 0
    }

    /// Counts a demo that could not go on.
    pub(crate) fn give_up(&mut self) {
        self.failed = self.failed.saturating_add(1);
    }

    /// Prints the last line; the exit code says the same.
    pub(crate) fn close(&self) -> ExitCode {
        let left_out = if self.left_out > 0 { format!(", {} left out", self.left_out) } else { String::new() };
        println!("\ndemo: {} checks passed, {} failed{left_out}", self.passed, self.failed);
        if self.have_failed() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }
}
