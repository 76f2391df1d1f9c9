//! The body of an answer on its way to `async-openai`, which reads events without bounds, logs those that it cannot read, and
//! takes an answer that broke off for one that has ended. What passes here is bounded, readable, and its end is known.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, BoxStream, Stream, StreamExt};
use serde_json::Value;
use thiserror::Error;
use tokio::sync::Semaphore;

use super::chunk::Chunk;
use super::failure::Failure;

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
    form: Option<Form>,
    /// What has come and is no part of `ready` yet.
    buffer: BytesMut,
    /// Of that, what has no end of a line in it.
    looked_at: usize,
    follows_return: bool,
    event: Vec<u8>,
    is_idle_talk: bool,
    ready: VecDeque<Frame>,
    bytes: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Events,
    /// An answer that is no stream, although one was asked for.
    Document,
}

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
                self.buffer.extend_from_slice(&bytes);
                if self.bytes > MOST_BYTES { Err(Failure::TooLarge) } else { self.split(false) }
            }
            Some(Err(error)) => Err(Failure::of(error)),
            None => {
                self.body = None;
                self.split(true)
            }
        })
    }

    fn split(&mut self, is_all: bool) -> Result<(), Failure> {
        if self.form.is_none() {
            let first = self.buffer.iter().find(|byte| !byte.is_ascii_whitespace());
            self.form = first.map(|first| if b"{[".contains(first) { Form::Document } else { Form::Events });
        }
        match self.form {
            None if is_all => Ok(()),
            Some(Form::Document) if is_all => self.document(),
            Some(Form::Events) => self.events(is_all),
            None | Some(Form::Document) => Ok(()),
        }?;
        if self.buffer.len().max(self.event.len()) > LONGEST_LINE { Err(Failure::TooLarge) } else { Ok(()) }
    }

    fn document(&mut self) -> Result<(), Failure> {
        for document in serde_json::Deserializer::from_slice(&self.buffer).into_iter::<Value>() {
            match document {
                Ok(document) => self.ready.push_back(Frame::Part(document.to_string().into_bytes())),
                Err(error) if error.is_eof() => return Err(Failure::CutOff),
                Err(_) => return Err(Failure::Malformed("it is no JSON")),
            }
        }
        self.ready.push_back(Frame::End);
        self.buffer.clear();
        Ok(())
    }

    fn events(&mut self, is_all: bool) -> Result<(), Failure> {
        while let Some(length) = self.next_line() {
            let line = self.buffer.split_to(length);
            self.looked_at = 0;
            let ending = self.buffer.split_to(1);
            // CR and LF together are one end.
            let is_second_half = self.follows_return && ending.first() == Some(&b'\n') && line.is_empty();
            self.follows_return = ending.first() == Some(&b'\r');
            if !is_second_half {
                self.line(&line, false)?;
            }
        }
        if is_all {
            let line = self.buffer.split();
            self.line(&line, true)?;
            self.dispatch(true)?;
        }
        Ok(())
    }

    fn next_line(&mut self) -> Option<usize> {
        let rest = self.buffer.get(self.looked_at..)?;
        let found = memchr::memchr2(b'\n', b'\r', rest).map(|place| place.saturating_add(self.looked_at));
        if found.is_none() {
            self.looked_at = self.buffer.len();
        }
        found
    }

    /// One line of a stream (HTML, section 9.2.6).
    fn line(&mut self, line: &[u8], is_last: bool) -> Result<(), Failure> {
        if line.is_empty() {
            return self.dispatch(is_last);
        }
        if line.starts_with(b"{") {
            // An error that was written past all that writes events.
            self.event = line.to_vec();
            return self.dispatch(is_last);
        }
        let line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line);
        if let Some(data) = line.strip_prefix(b"data:") {
            if !self.event.is_empty() {
                self.event.push(b'\n');
            }
            self.event.extend_from_slice(data);
        } else if let Some(name) = line.strip_prefix(b"event:") {
            self.is_idle_talk = [&b"ping"[..], b"keepalive", b"keep-alive", b"heartbeat"].contains(&name.trim_ascii());
        }
        Ok(())
    }

    fn dispatch(&mut self, is_last: bool) -> Result<(), Failure> {
        let event = std::mem::take(&mut self.event);
        if std::mem::take(&mut self.is_idle_talk) {
            return Ok(());
        }
        match event.trim_ascii() {
            b"" => Ok(()),
            b"[DONE]" => {
                self.ready.push_back(Frame::End);
                Ok(())
            }
            // As it will be read again, so that it can be.
            part if std::str::from_utf8(part).is_ok() && serde_json::from_slice::<Chunk>(part).is_ok() => {
                self.ready.push_back(Frame::Part(part.to_vec()));
                Ok(())
            }
            _ if is_last => Err(Failure::CutOff),
            _ => Err(Failure::Malformed("an event is no JSON")),
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
