//! One step while it is carried out: what it may ask for, how it is told to end, and how it failed.

use thiserror::Error;
use tokio::sync::watch;
use tokio::time::Instant;

use super::journal::StepTrail;
use super::work::Telling;

/// What a step did, in one sentence.
pub(super) type StepResult = Result<String, StepFailure>;

/// Why a step was not done.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum StepFailure {
    /// It was not begun.
    #[error("refused: {0}")]
    Refused(String),
    /// It was begun and is not done.
    #[error("{0}")]
    Failed(String),
    /// It was ended from outside while it was under way.
    #[error("{0}")]
    Ended(EndedBy),
    /// It may have been done or not.
    #[error("nobody knows whether it was done: {0}")]
    Unknown(String),
}

impl StepFailure {
    /// The word for it in results.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Refused(_) => "refused",
            Self::Failed(_) => "failed",
            Self::Ended(_) => "ended",
            Self::Unknown(_) => "unknown",
        }
    }
}

/// Who ended a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(super) enum EndedBy {
    /// Somebody asked for it.
    #[error("ended, because somebody asked that the command be stopped")]
    Stop,
    /// The phase's time.
    #[error("ended, because the runbook's time was over")]
    Time,
}

/// What surrounds a step.
pub(super) struct StepContext<'a> {
    pub(super) telling: &'a dyn Telling,
    /// What a later process would need to find out what became of the step.
    pub(super) trail: &'a StepTrail<'a>,
    /// Look, say what would be done, and change nothing.
    pub(super) dry_run: bool,
    pub(super) end: watch::Receiver<Option<EndedBy>>,
    /// When the phase's time is over.
    pub(super) deadline: Instant,
}

impl StepContext<'_> {
    /// Waits until the step must end.
    pub(super) async fn ended(&self) -> EndedBy {
        let mut end = self.end.clone();
        // A sender that is gone ends nothing: it lives as long as the phase does.
        match end.wait_for(Option::is_some).await {
            Ok(why) => why.unwrap_or(EndedBy::Time),
            Err(_) => std::future::pending().await,
        }
    }

    /// Says so when the step must end, to be asked between two things that must not be broken off.
    pub(super) fn go_on(&self) -> Result<(), StepFailure> {
        match *self.end.borrow() {
            Some(why) => Err(StepFailure::Ended(why)),
            None => Ok(()),
        }
    }

    /// Carries something out that may be dropped at any point.
    pub(super) async fn or_ended<T>(
        &self,
        work: impl Future<Output = Result<T, StepFailure>>,
    ) -> Result<T, StepFailure> {
        tokio::select! {
            done = work => done,
            why = self.ended() => Err(StepFailure::Ended(why)),
        }
    }
}
