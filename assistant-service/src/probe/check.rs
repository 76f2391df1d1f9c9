//! What is looked at, in the order in which one part stands on another, and what came of it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A part of the platform, as a client meets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Check {
    /// Traefik answers, with a certificate that holds.
    Gateway,
    /// The service behind it is ready.
    Service,
    /// There is a token, and the gate takes it.
    Token,
    /// The gate denies what it must.
    Gate,
    /// An event comes in and is found.
    Event,
    /// A question is answered with a citation.
    Ask,
    /// A command is carried out.
    Command,
    /// A device is let in by a code, and shut out again.
    Session,
    /// A token that is revoked is refused.
    Revocation,
}

/// How bad it is that a check fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Severity {
    /// Nobody gets in, or somebody does who must not.
    Critical,
    /// A part of the platform is of no use.
    Warning,
}

impl Check {
    pub(super) const ALL: [Self; 9] = [
        Self::Gateway,
        Self::Service,
        Self::Token,
        Self::Gate,
        Self::Event,
        Self::Ask,
        Self::Command,
        Self::Session,
        Self::Revocation,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Service => "service",
            Self::Token => "token",
            Self::Gate => "gate",
            Self::Event => "event",
            Self::Ask => "ask",
            Self::Command => "command",
            Self::Session => "session",
            Self::Revocation => "revocation",
        }
    }

    /// What is not so when it fails, in one sentence.
    pub(super) const fn summary(self) -> &'static str {
        match self {
            Self::Gateway => "The gateway does not answer",
            Self::Service => "The service behind the gateway is not ready",
            Self::Token => "A good token is not to be had, or not taken",
            Self::Gate => "The gate does not deny what it must",
            Self::Event => "An event that is sent does not come in, or is not found",
            Self::Ask => "A question is not answered with a citation",
            Self::Command => "A command is not carried out",
            Self::Session => "A device cannot be let in by a code and shut out again",
            Self::Revocation => "A token that is revoked is not refused in time",
        }
    }

    pub(super) const fn severity(self) -> Severity {
        match self {
            Self::Gateway | Self::Service | Self::Token | Self::Gate | Self::Revocation => Severity::Critical,
            Self::Event | Self::Ask | Self::Command | Self::Session => Severity::Warning,
        }
    }
}

impl Severity {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Warning => "warning",
        }
    }
}

/// What came of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is as it must be; in a few words, what was seen.
    Passed(String),
    /// It is not, and why.
    Failed(String),
    /// What it stands on failed, or too little of it was seen: it says nothing of itself, and why.
    Blocked(String),
}

impl Outcome {
    /// Not looked at, since this failed.
    pub(super) fn blocked_by(check: Check) -> Self {
        Self::Blocked(format!("not looked at: {} failed", check.name()))
    }

    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Passed(_) => "passed",
            Self::Failed(_) => "failed",
            Self::Blocked(_) => "blocked",
        }
    }

    /// What a person reads beside it.
    pub(super) fn said(&self) -> String {
        match self {
            Self::Passed(said) | Self::Failed(said) | Self::Blocked(said) => said.clone(),
        }
    }
}

/// A check, what came of it, and how long it took.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    pub(super) check: Check,
    pub(super) outcome: Outcome,
    pub(super) took: Duration,
}
