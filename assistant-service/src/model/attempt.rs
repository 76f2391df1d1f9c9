//! One model's try at an answer, with all that it may take: so long until something comes, so long between two parts, so long
//! in all.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::time::{Instant, sleep, timeout_at};

use super::endpoint::{Endpoint, Opened};
use super::failure::{Failure, quoted};
use super::request::input_bytes;
use super::speech::Speech;
use super::{EndReason, Prompt, ToolCall, Usage};
use crate::clock::Clock;

/// A server that is busy for longer is left to rest, and the next model asked.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// After its end an answer is worth waiting for its count, and for nothing longer.
const COUNTED_WITHIN: Duration = Duration::from_secs(2);

/// What a model says next.
#[derive(Debug)]
pub(super) enum Said {
    Text(String),
    Call(ToolCall),
    End(EndReason),
}

/// A try.
pub(super) struct Attempt {
    endpoint: Arc<Endpoint>,
    prompt: Arc<Prompt>,
    clock: Arc<dyn Clock>,
    began: Instant,
    deadline: Instant,
    /// Until when the next part must be there.
    patience: Instant,
    opened: Option<Opened>,
    speech: Speech,
    first_piece_after: Option<Duration>,
    ready: VecDeque<Said>,
}

impl Attempt {
    pub(super) fn new(endpoint: Arc<Endpoint>, prompt: Arc<Prompt>, clock: Arc<dyn Clock>) -> Self {
        let began = Instant::now();
        let deadline = after(began, endpoint.settings.timeout);
        Self {
            endpoint,
            prompt,
            clock,
            began,
            deadline,
            patience: deadline,
            opened: None,
            speech: Speech::default(),
            first_piece_after: None,
            ready: VecDeque::new(),
        }
    }

    /// What comes next. After the end, and after a failure, there is nothing to be asked for.
    pub(super) async fn next(&mut self) -> Result<Said, Failure> {
        loop {
            if let Some(said) = self.ready.pop_front() {
                return Ok(said);
            }
            if self.opened.is_none() {
                self.open().await?;
            }
            let Some(opened) = &mut self.opened else { return Err(Failure::CutOff) };
            match timeout_at(self.patience.min(self.deadline), opened.parts.next()).await {
                Ok(Some(Ok(chunk))) => {
                    opened.overheard.heard_one();
                    let goes_on = chunk.goes_on();
                    let text = self.speech.hear(chunk).map_err(|failure| failure.without(&opened.secrets))?;
                    self.heard(goes_on, text);
                }
                Ok(Some(Err(_)) | None) => {
                    let has_ended = opened.overheard.has_ended();
                    let failure = opened.overheard.failure();
                    return self.end(has_ended, failure);
                }
                Err(_) if self.speech.is_over() => return self.end(false, Failure::TimedOut),
                Err(_) => return Err(Failure::TimedOut),
            }
            if self.speech.is_over() && self.speech.is_counted() {
                return self.end(false, Failure::CutOff);
            }
        }
    }

    /// Whether an answer began, so that the model worked for it.
    pub(super) fn has_begun(&self) -> bool {
        self.opened.is_some()
    }

    /// What it has taken so far.
    pub(super) fn usage(&self) -> Usage {
        self.speech.usage(input_bytes(&self.prompt))
    }

    /// How long it took until the model said something, from when it was first asked.
    pub(super) fn first_piece_after(&self) -> Option<Duration> {
        self.first_piece_after
    }

    async fn open(&mut self) -> Result<(), Failure> {
        let mut may_wait = true;
        let mut dialect = self.endpoint.dialect();
        loop {
            self.patience = after(Instant::now(), self.endpoint.settings.first_piece);
            let asked = self.endpoint.ask(&self.prompt, dialect, self.clock.now());
            let failure = match timeout_at(self.patience.min(self.deadline), asked).await {
                Ok(Ok(opened)) => {
                    self.endpoint.keep(dialect);
                    self.opened = Some(opened);
                    return Ok(());
                }
                Ok(Err(failure)) => failure,
                Err(_) => Failure::TimedOut,
            };
            match failure.retry_after() {
                Some(wait) if may_wait && wait <= LONGEST_WAIT && after(Instant::now(), wait) < self.deadline => {
                    may_wait = false;
                    sleep(wait).await;
                }
                _ => match dialect.after(&failure, &self.prompt) {
                    Some(learned) => dialect = learned,
                    None => return Err(failure),
                },
            }
        }
    }

    fn heard(&mut self, goes_on: bool, text: String) {
        if goes_on {
            let within = if self.speech.is_over() { COUNTED_WITHIN } else { self.endpoint.settings.idle };
            self.patience = after(Instant::now(), within);
            self.first_piece_after.get_or_insert_with(|| self.began.elapsed());
        }
        if !text.is_empty() {
            self.ready.push_back(Said::Text(text));
        }
    }

    /// The end, where it is one; else the failure.
    fn end(&mut self, stream_said_so: bool, failure: Failure) -> Result<Said, Failure> {
        if !stream_said_so && !self.speech.is_finished() {
            return Err(failure);
        }
        let (calls, reason) = self.speech.end(stream_said_so, self.prompt.model.is_some())?;
        self.ready.extend(calls.into_iter().map(Said::Call));
        self.ready.push_back(Said::End(reason));
        self.ready.pop_front().ok_or(Failure::CutOff)
    }
}

impl Failure {
    /// The same, with nothing in it that the server was shown.
    fn without(self, secrets: &[zeroize::Zeroizing<String>]) -> Self {
        match self {
            Self::Said { said, is_refusal } => Self::Said { said: quoted(&said, secrets), is_refusal },
            other => other,
        }
    }
}

fn after(now: Instant, wait: Duration) -> Instant {
    now.checked_add(wait).unwrap_or(now)
}
