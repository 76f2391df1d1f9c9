//! What a command writes: gathered, bounded, and sent on in pieces whose offsets make sending one twice harmless.

use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, timeout};

use crate::gateway::AgentError;

/// What the service keeps of a command.
const MAX_BYTES: usize = 1024 * 1024;

/// What the service takes in one piece.
const MAX_PIECE_BYTES: usize = 16 * 1024;

/// The last words of output that was cut off.
const CUT_OFF: &str = "\n… there was more output than is kept\n";

/// How long text is gathered before a piece goes out.
const GATHER: Duration = Duration::from_millis(500);

/// When a piece that did not arrive is sent again.
const AGAIN_AFTER: Duration = Duration::from_secs(2);

/// How long what is left is sent once the work has ended: the result waits for it.
const LAST_WORDS: Duration = Duration::from_secs(20);

/// All that a command has written.
#[derive(Debug, Default)]
pub(crate) struct Output {
    text: Mutex<String>,
    grown: Notify,
}

impl Output {
    /// Adds text until there is a MiB of it; then says so, and takes no more.
    pub(crate) fn push(&self, more: &str) {
        let mut text = self.text();
        if text.len() > MAX_BYTES {
            return;
        }
        let room = MAX_BYTES.saturating_sub(CUT_OFF.len()).saturating_sub(text.len());
        text.push_str(more.get(..more.floor_char_boundary(room)).unwrap_or_default());
        if more.len() > room {
            text.push_str(CUT_OFF);
            // More than the service keeps, so that the command says there, too, that it was cut off.
            while text.len() <= MAX_BYTES {
                text.push('\n');
            }
        }
        drop(text);
        self.grown.notify_one();
    }

    fn piece(&self, offset: usize) -> String {
        let text = self.text();
        let end = text.floor_char_boundary(offset.saturating_add(MAX_PIECE_BYTES));
        text.get(offset..end).unwrap_or_default().to_owned()
    }

    fn left(&self, offset: usize) -> usize {
        self.text().len().saturating_sub(offset)
    }

    /// `offset`, or `known` if that is further on, within the text and between two characters.
    fn further(&self, offset: usize, known: usize) -> usize {
        if known > offset && self.text().is_char_boundary(known) { known } else { offset }
    }

    /// Half-written text is text: a handler that panicked while it wrote has broken nothing.
    fn text(&self) -> MutexGuard<'_, String> {
        self.text.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sends on what is written until the work has ended and all of it has gone out, or does not want to. `send` takes an
/// offset and the text that stands there, and says how much the service has. Fails when the lease is lost.
pub(crate) async fn send_on<S, F>(output: &Output, send: S, mut ended: watch::Receiver<bool>) -> Result<(), AgentError>
where
    S: Fn(usize, String) -> F,
    F: Future<Output = Result<usize, AgentError>>,
{
    let (mut offset, mut has_arrived) = (0, false);
    let mut last_words = None;
    loop {
        // A sender that is gone has ended as well.
        if last_words.is_none() && (*ended.borrow() || ended.has_changed().is_err()) {
            last_words = Some(Instant::now());
        }
        let left = output.left(offset);
        match last_words {
            Some(_) if left == 0 => return Ok(()),
            Some(begun) if begun.elapsed() > LAST_WORDS => {
                tracing::warn!(bytes = left, "the last of the output did not arrive");
                return Ok(());
            }
            None if left == 0 => {
                tokio::select! {
                    _ = ended.wait_for(|has_ended| *has_ended) => {}
                    () = output.grown.notified() => {}
                }
                continue;
            }
            None if left < MAX_PIECE_BYTES => {
                // Gathered for long enough or ended, the next step is the same.
                let _ = timeout(GATHER, ended.wait_for(|has_ended| *has_ended)).await;
            }
            None | Some(_) => {}
        }
        let piece = output.piece(offset);
        let behind = offset.saturating_add(piece.len());
        match send(offset, piece).await {
            Ok(known) => (offset, has_arrived) = (output.further(behind, known), true),
            Err(AgentError::LeaseLost) => return Err(AgentError::LeaseLost),
            // Repeated from its beginning, nothing is kept twice, and the answer says from where on it is new.
            Err(AgentError::OutputGap) => {
                offset = 0;
                sleep(GATHER).await;
            }
            Err(error) if !error.may_pass() || (!has_arrived && matches!(error, AgentError::Refused(404))) => {
                tracing::warn!(%error, "the output is not taken; it is not sent");
                // The sender is dropped at the work's end at the latest.
                let _ = ended.wait_for(|has_ended| *has_ended).await;
                return Ok(());
            }
            Err(error) => {
                tracing::warn!(%error, "a piece of output did not arrive; it is sent again");
                sleep(AGAIN_AFTER).await;
            }
        }
    }
}

#[cfg(test)]
mod tests;
