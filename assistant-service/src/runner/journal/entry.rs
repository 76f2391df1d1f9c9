//! The lines of a command's file.

use serde::{Deserialize, Serialize};

use crate::runner::work::Ending;

/// A part of a runbook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::runner) enum Phase {
    /// Its steps.
    Steps,
    /// Whether they worked.
    Verify,
    /// Undoing them.
    Rollback,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
pub(in crate::runner) enum Fact {
    /// The command was leased.
    Taken { command: String, fence: u64, attempt: u32, runbook: String, runbook_digest: String, dry_run: bool },
    /// A step is about to be begun.
    Begun { phase: Phase, number: usize, kind: String, name: String, mark: String },
    /// How to ask about it.
    Handle { mark: String, handle: Handle },
    /// What became of it.
    Done { mark: String, said: Said },
    /// How the command ended.
    Ended { ending: Ending },
}

/// How to ask about a step of which nobody has heard the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "snake_case")]
pub(in crate::runner) enum Handle {
    /// `ansible-playbook`; its processes bear the mark, and it writes what it does into the mark's file of events.
    Playbook { playbook: String },
    /// A container: what it was before.
    Container { name: String, id: String, image: String, started_at: String },
    /// A container that the step is about to make.
    NewContainer { name: String },
    /// A container that the step replaces.
    Replaced(Replacement),
    /// The one that takes its place is made, and Podman no longer busy with what came before.
    Made { id: String },
    /// A request that cannot be asked about.
    Request { url: String },
}

/// One container that is to take the place of another, and what is needed to end that well if nobody goes on with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::runner) struct Replacement {
    pub(in crate::runner) name: String,
    /// Of the old one.
    pub(in crate::runner) id: String,
    pub(in crate::runner) was_running: bool,
    /// What the new one is called until it has the name.
    pub(in crate::runner) beside: String,
    /// What the old one is called once it has given its name away.
    pub(in crate::runner) aside: String,
}

/// What became of a step, for people and programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::runner) struct Said {
    /// `succeeded`, `refused`, `failed`, `ended` or `unknown`.
    pub(in crate::runner) outcome: String,
    /// In one sentence.
    pub(in crate::runner) what: String,
}
