//! Server-sent events (HTML, section 9.2.6) as servers of models write them, whose data is JSON or `[DONE]`.

use std::collections::VecDeque;

use bytes::BytesMut;

use super::{Frame, LONGEST_LINE};
use crate::model::chunk::Chunk;
use crate::model::failure::Failure;

/// Events that have their own names for saying nothing.
const IDLE_TALK: [&[u8]; 4] = [b"heartbeat", b"keep-alive", b"keepalive", b"ping"];

/// A stream of events so far.
#[derive(Default)]
pub(super) struct Events {
    /// What has come and is no whole line yet.
    buffer: BytesMut,
    /// Of that, what has no end of a line in it.
    looked_at: usize,
    follows_return: bool,
    event: Vec<u8>,
    is_idle_talk: bool,
}

impl Events {
    /// Takes what has come next.
    pub(super) fn take(&mut self, bytes: &[u8], ready: &mut VecDeque<Frame>) -> Result<(), Failure> {
        self.buffer.extend_from_slice(bytes);
        while let Some(length) = self.next_line() {
            let line = self.buffer.split_to(length);
            self.looked_at = 0;
            let ending = self.buffer.split_to(1);
            // CR and LF together are one end.
            let is_second_half = self.follows_return && ending.first() == Some(&b'\n') && line.is_empty();
            self.follows_return = ending.first() == Some(&b'\r');
            if !is_second_half {
                self.line(&line, false, ready)?;
            }
        }
        if self.buffer.len().max(self.event.len()) > LONGEST_LINE { Err(Failure::TooLarge) } else { Ok(()) }
    }

    /// Nothing more comes. What stands there without an end of its line counts if it can be read.
    pub(super) fn finish(&mut self, ready: &mut VecDeque<Frame>) -> Result<(), Failure> {
        let line = self.buffer.split();
        self.line(&line, true, ready)?;
        self.dispatch(true, ready)
    }

    fn next_line(&mut self) -> Option<usize> {
        let rest = self.buffer.get(self.looked_at..)?;
        let found = memchr::memchr2(b'\n', b'\r', rest).map(|place| place.saturating_add(self.looked_at));
        if found.is_none() {
            self.looked_at = self.buffer.len();
        }
        found
    }

    fn line(&mut self, line: &[u8], is_last: bool, ready: &mut VecDeque<Frame>) -> Result<(), Failure> {
        if line.is_empty() {
            return self.dispatch(is_last, ready);
        }
        if line.starts_with(b"{") {
            // An error that was written past all that writes events.
            self.event = line.to_vec();
            return self.dispatch(is_last, ready);
        }
        let line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line);
        if let Some(data) = line.strip_prefix(b"data:") {
            if !self.event.is_empty() {
                self.event.push(b'\n');
            }
            self.event.extend_from_slice(data);
        } else if let Some(name) = line.strip_prefix(b"event:") {
            self.is_idle_talk = IDLE_TALK.contains(&name.trim_ascii());
        }
        Ok(())
    }

    fn dispatch(&mut self, is_last: bool, ready: &mut VecDeque<Frame>) -> Result<(), Failure> {
        let event = std::mem::take(&mut self.event);
        if std::mem::take(&mut self.is_idle_talk) {
            return Ok(());
        }
        match event.trim_ascii() {
            b"" => {}
            b"[DONE]" => ready.push_back(Frame::End),
            // As it will be read again, so that it can be.
            part if std::str::from_utf8(part).is_ok() && serde_json::from_slice::<Chunk>(part).is_ok() => {
                ready.push_back(Frame::Part(part.to_vec()));
            }
            _ if is_last => return Err(Failure::CutOff),
            _ => return Err(Failure::Malformed("an event is no JSON")),
        }
        Ok(())
    }
}
