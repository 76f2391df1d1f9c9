//! The body of an answer on its way to `async-openai`, which reads events without bounds, logs those that it cannot read, and
//! takes an answer that broke off for one that has ended. What passes here is bounded, readable, and its end is known.

mod events;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, Stream, StreamExt};
use serde_json::Value;
use thiserror::Error;
use tokio::sync::Semaphore;

use super::failure::Failure;
use events::Events;

/// Of a whole answer. Servers wrap each token of an answer into some 300 bytes.
const MOST_BYTES: usize = 16 * 1024 * 1024;
/// Of one line, and of an answer that is no stream.
const LONGEST_LINE: usize = 2 * 1024 * 1024;
/// Parts that were read and not heard yet: whoever listens slowly slows the server down.
const MOST_UNHEARD: usize = 64;

/// After the end, a connection is worth waiting for its own end, so that it serves the next question too.
const LEAVE_WITHIN: Duration = Duration::from_secs(1);
const LEFT_BYTES: usize = 64 * 1024;

/// What was seen of a body that `async-openai` does not tell.
#[derive(Debug)]
pub(super) struct Overheard {
    has_ended: AtomicBool,
    failure: OnceLock<Failure>,
    unheard: Semaphore,
}

impl Default for Overheard {
    fn default() -> Self {
        Self { has_ended: AtomicBool::new(false), failure: OnceLock::new(), unheard: Semaphore::new(MOST_UNHEARD) }
    }
}

impl Overheard {
    /// Whether the stream said `[DONE]`, or was a whole document.
    pub(super) fn has_ended(&self) -> bool {
        self.has_ended.load(Ordering::Acquire)
    }

    /// Why nothing more comes, where that is no end.
    pub(super) fn failure(&self) -> Failure {
        self.failure.get().cloned().unwrap_or(Failure::CutOff)
    }

    /// One part has been heard.
    pub(super) fn heard_one(&self) {
        self.unheard.add_permits(1);
    }
}

/// Ends a body whose failure was noted.
#[derive(Debug, Error)]
#[error("the body is not read any further")]
pub(super) struct Broken;

/// The same body, as far as it is good: one event for each part.
pub(super) fn frames(
    body: BoxStream<'static, reqwest::Result<Bytes>>,
    overheard: Arc<Overheard>,
) -> impl Stream<Item = Result<Bytes, Broken>> + Send + 'static {
    let frames = Frames { body: Some(body), overheard, ..Frames::default() };
    stream::unfold(frames, |mut frames| async move { frames.next().await.map(|frame| (frame, frames)) })
}

#[derive(Default)]
struct Frames {
    /// Gone when nothing more comes.
    body: Option<BoxStream<'static, reqwest::Result<Bytes>>>,
    overheard: Arc<Overheard>,
    form: Form,
    ready: VecDeque<Frame>,
    bytes: usize,
}

#[derive(Default)]
enum Form {
    /// Nothing has come but blanks.
    #[default]
    Unknown,
    Events(Events),
    /// An answer that is no stream, although one was asked for.
    Document(Vec<u8>),
}

#[derive(Debug)]
enum Frame {
    Part(Vec<u8>),
    End,
}

impl Frames {
    async fn next(&mut self) -> Option<Result<Bytes, Broken>> {
        loop {
            match self.ready.pop_front() {
                Some(Frame::Part(part)) => {
                    // Nobody closes it.
                    self.overheard.unheard.acquire().await.ok()?.forget();
                    return Some(Ok(as_event(&part)));
                }
                Some(Frame::End) => {
                    self.overheard.has_ended.store(true, Ordering::Release);
                    if let Some(body) = self.body.take() {
                        leave(body);
                    }
                    self.ready.clear();
                    return None;
                }
                None => {}
            }
            if let Err(failure) = self.read().await? {
                // The first one is the one that counts.
                let _ = self.overheard.failure.set(failure);
                self.body = None;
                return Some(Err(Broken));
            }
        }
    }

    /// Reads on; nothing when nothing more comes.
    async fn read(&mut self) -> Option<Result<(), Failure>> {
        Some(match self.body.as_mut()?.next().await {
            Some(Ok(bytes)) => {
                self.bytes = self.bytes.saturating_add(bytes.len());
                if self.bytes > MOST_BYTES { Err(Failure::TooLarge) } else { self.take(&bytes) }
            }
            Some(Err(error)) => Err(Failure::of(error)),
            None => {
                self.body = None;
                self.finish()
            }
        })
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        if matches!(self.form, Form::Unknown) {
            self.form = match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
                None => return Ok(()),
                Some(b'{' | b'[') => Form::Document(Vec::new()),
                Some(_) => Form::Events(Events::default()),
            };
        }
        match &mut self.form {
            Form::Unknown => Ok(()),
            Form::Events(events) => events.take(bytes, &mut self.ready),
            Form::Document(document) => {
                document.extend_from_slice(bytes);
                if document.len() > LONGEST_LINE { Err(Failure::TooLarge) } else { Ok(()) }
            }
        }
    }

    /// All has come.
    fn finish(&mut self) -> Result<(), Failure> {
        match &mut self.form {
            Form::Unknown => Ok(()),
            Form::Events(events) => events.finish(&mut self.ready),
            Form::Document(document) => {
                for document in serde_json::Deserializer::from_slice(document).into_iter::<Value>() {
                    match document {
                        Ok(document) => self.ready.push_back(Frame::Part(document.to_string().into_bytes())),
                        Err(error) if error.is_eof() => return Err(Failure::CutOff),
                        Err(_) => return Err(Failure::Malformed("it is no JSON")),
                    }
                }
                self.ready.push_back(Frame::End);
                Ok(())
            }
        }
    }
}

fn as_event(part: &[u8]) -> Bytes {
    let in_one_line = part.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte });
    b"data: ".iter().copied().chain(in_one_line).chain(*b"\n\n").collect()
}

fn leave(mut body: BoxStream<'static, reqwest::Result<Bytes>>) {
    tokio::spawn(tokio::time::timeout(LEAVE_WITHIN, async move {
        let mut left = LEFT_BYTES;
        while let Some(Ok(bytes)) = body.next().await {
            let Some(rest) = left.checked_sub(bytes.len()) else { break };
            left = rest;
        }
    }));
}

#[cfg(test)]
mod tests;
