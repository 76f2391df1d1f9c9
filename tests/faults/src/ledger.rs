//! What people and services of commands were answered. It is in the memory of whoever injects faults, who outlives them all.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use time::OffsetDateTime;

/// One answer, or what a service did on its own.
#[derive(Clone, Debug)]
pub(crate) enum Line {
    /// A command was asked for: 201, or 200 where the same was asked for again.
    Asked { id: String, by: String, body: Value },
    /// Somebody's decision counts.
    Decided { id: String, by: String, decision: &'static str },
    /// Called off before it was begun.
    CalledOff { id: String },
    /// Whoever carries it out is to stop.
    AskedToStop { id: String },
    /// A service has it.
    Leased(Lease),
    /// A sign of life was heard, and when it was sent.
    Alive { lease: Lease, sent: OffsetDateTime },
    /// So many bytes of output are kept.
    Written { lease: Lease, bytes: u64 },
    /// A result counts.
    Taken { lease: Lease, end: End },
    /// A result came too late.
    Refused { lease: Lease },
    /// A handler of the library has begun, and knows of no answers.
    Begun { lease: Lease },
    /// It has come to its end, which the library tells.
    Ended { lease: Lease, end: End },
    /// A service died with it, or fell silent.
    Died { lease: Lease },
    /// No answer, or one that promised nothing.
    Unanswered,
}

impl Line {
    /// The command that it is about.
    pub(crate) fn id(&self) -> Option<&str> {
        match self {
            Self::Asked { id, .. } | Self::Decided { id, .. } | Self::CalledOff { id } | Self::AskedToStop { id } => {
                Some(id)
            }
            Self::Leased(lease)
            | Self::Alive { lease, .. }
            | Self::Written { lease, .. }
            | Self::Taken { lease, .. }
            | Self::Refused { lease }
            | Self::Begun { lease }
            | Self::Ended { lease, .. }
            | Self::Died { lease } => Some(&lease.id),
            Self::Unanswered => None,
        }
    }
}

/// A command in somebody's hands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Lease {
    pub(crate) id: String,
    pub(crate) fence: u64,
}

impl Lease {
    /// A text that no other lease has.
    pub(crate) fn word(&self) -> String {
        format!("{} under fence {}", self.id, self.fence)
    }
}

/// How a command ended by its service's word. What it said beside is [`Lease::word`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Succeeded,
    Failed,
    Canceled,
}

impl End {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }
}

/// Everybody's lines, in the order in which they were put down.
#[derive(Debug, Default)]
pub(crate) struct Ledger(Mutex<Pages>);

#[derive(Debug, Default)]
struct Pages {
    lines: Vec<Line>,
    /// The newest lease of each command.
    fences: BTreeMap<String, u64>,
}

impl Ledger {
    pub(crate) fn put(&self, line: Line) {
        let mut pages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Line::Leased(Lease { id, fence }) = &line {
            pages.fences.insert(id.clone(), *fence);
        }
        pages.lines.push(line);
    }

    /// Whether somebody else has the command by now.
    pub(crate) fn is_overtaken(&self, lease: &Lease) -> bool {
        let pages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pages.fences.get(&lease.id).is_some_and(|fence| *fence > lease.fence)
    }

    pub(crate) fn lines(&self) -> Vec<Line> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).lines.clone()
    }
}
