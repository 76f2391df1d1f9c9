//! One round as it is printed, for a person or for a program.

use serde_json::{Value, json};

use super::attacks::Verdict;
use super::check::Finding;
use super::prober::Round;
use crate::command_line::table;

/// Rows of checks, and of the attacks that were not denied.
pub(super) fn printed(round: &Round) -> String {
    let mut rows = vec![["CHECK", "OUTCOME", "MS", "FOUND"].map(str::to_owned)];
    for Finding { check, outcome, took } in &round.findings {
        rows.push([check.name().to_owned(), outcome.name().to_owned(), took.as_millis().to_string(), outcome.said()]);
    }
    let mut said = table(&rows);
    for (attack, verdict) in &round.attacks {
        if let Verdict::NotDenied(how) | Verdict::NotJudged(how) = verdict {
            said += &format!("attack {}: {}: {how}\n", attack.name(), verdict.name());
        }
    }
    said
}

/// The report of the round's event, and whether it passed.
pub(super) fn json(round: &Round) -> Value {
    let mut report = round.report();
    if let Some(members) = report.as_object_mut() {
        members.insert("passed".to_owned(), json!(round.has_passed()));
    }
    report
}
