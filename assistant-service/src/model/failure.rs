//! Why one model gave no answer, or no whole one, and what follows from it for the next.

use std::time::Duration;

use reqwest::StatusCode;
use thiserror::Error;
use zeroize::Zeroizing;

use super::ModelError;

const LONGEST_SAYING: usize = 200;

/// Why a model gave none.
#[derive(Clone, Debug, Error)]
pub(super) enum Failure {
    #[error("it answered {status}: {said}")]
    Status {
        status: StatusCode,
        said: String,
        /// What of the request the server names as its fault.
        parameter: Option<String>,
        retry_after: Option<Duration>,
    },
    #[error("an error instead of an answer: {said}")]
    Said { said: String, is_refusal: bool },
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    #[error("it took too long")]
    TimedOut,
    #[error("its answer broke off")]
    CutOff,
    #[error("it said nothing")]
    SaidNothing,
    #[error("its answer is not understood: {0}")]
    Malformed(&'static str),
    #[error("its answer is too large")]
    TooLarge,
    #[error("what it must be shown cannot be read: {0}")]
    Credentials(String),
}

impl Failure {
    /// What a request or the reading of its answer failed with.
    pub(super) fn of(error: reqwest::Error) -> Self {
        if error.is_timeout() {
            return Self::TimedOut;
        }
        if error.is_body() || error.is_decode() {
            return Self::CutOff;
        }
        let mut said = String::new();
        let mut cause: Option<&dyn std::error::Error> = Some(&error);
        while let Some(error) = cause {
            // The innermost one says most.
            said = error.to_string();
            cause = error.source();
        }
        Self::Unreachable(quoted(&said, &[]))
    }

    /// Whether the conversation is at fault, so that nobody else need be asked.
    pub(super) fn is_refusal(&self) -> bool {
        match self {
            Self::Status { status, .. } => matches!(status.as_u16(), 400 | 413 | 422),
            Self::Said { is_refusal, .. } => *is_refusal,
            Self::Unreachable(_)
            | Self::TimedOut
            | Self::CutOff
            | Self::SaidNothing
            | Self::Malformed(_)
            | Self::TooLarge
            | Self::Credentials(_) => false,
        }
    }

    /// Whether the model is there, though this caller got no answer: what one caller can bring about leaves it to all others.
    pub(super) fn is_of_one_that_answers(&self) -> bool {
        self.is_refusal() || matches!(self, Self::SaidNothing)
    }

    /// Whether the server may have failed at what a client wrote: some answer 500 to what they should refuse, and some break off.
    pub(super) fn may_be_of_the_conversation(&self) -> bool {
        match self {
            Self::Status { status, .. } => *status == StatusCode::INTERNAL_SERVER_ERROR || self.is_refusal(),
            Self::Said { .. } | Self::CutOff | Self::SaidNothing | Self::Malformed(_) | Self::TooLarge => true,
            Self::Unreachable(_) | Self::TimedOut | Self::Credentials(_) => false,
        }
    }

    /// When the server would be asked again, if it said so because it was busy.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { status, retry_after, .. } if matches!(status.as_u16(), 429 | 503) => *retry_after,
            _ => None,
        }
    }

    /// What it is counted under.
    pub(super) fn outcome(&self) -> &'static str {
        match self {
            Self::Status { .. } | Self::Said { .. } if self.is_refusal() => "refused",
            Self::Status { status, .. } if *status == StatusCode::TOO_MANY_REQUESTS => "rate_limited",
            Self::Status { .. } | Self::Said { .. } => "failed",
            Self::Unreachable(_) => "unreachable",
            Self::TimedOut => "timed_out",
            Self::CutOff => "cut_off",
            Self::SaidNothing | Self::Malformed(_) => "malformed",
            Self::TooLarge => "too_large",
            Self::Credentials(_) => "no_credentials",
        }
    }
}

impl From<Failure> for ModelError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Status { ref said, .. } | Failure::Said { ref said, .. } if failure.is_refusal() => {
                Self::Refused(said.clone())
            }
            Failure::TimedOut => Self::TimedOut,
            Failure::CutOff => Self::CutOff,
            Failure::SaidNothing => Self::Malformed("nothing was said".to_owned()),
            Failure::Malformed(what) => Self::Malformed(what.to_owned()),
            Failure::TooLarge => Self::TooLarge,
            Failure::Status { .. } | Failure::Said { .. } | Failure::Unreachable(_) | Failure::Credentials(_) => {
                Self::Unavailable(failure.to_string())
            }
        }
    }
}

/// Somebody else's words for our log: one short line, and none of the secrets that the other was shown, which servers like to
/// repeat when they do not take them.
pub(super) fn quoted(text: &str, secrets: &[Zeroizing<String>]) -> String {
    let mut text = text.to_owned();
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        text = text.replace(secret.as_str(), "…");
    }
    let words: Vec<_> = text.split(|character: char| character.is_whitespace() || character.is_control()).collect();
    let line = words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    line.chars().take(LONGEST_SAYING).collect()
}
