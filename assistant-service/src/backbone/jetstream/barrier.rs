//! Answers that take everything into account: before a replica reads its own store it asks how far the log goes, and waits until it
//! has come so far. Those who ask at the same time share one question. The same question, asked every second, tells whether this
//! replica is cut off.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::stream::{RawMessageErrorKind, Stream};
use time::OffsetDateTime;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::time::timeout;

use super::applier::Applied;
use super::snapshot;
use crate::backbone::{BackboneError, Standing};

const ASK_EVERY: Duration = Duration::from_secs(1);
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// A replica that makes no progress for so long asks for the log anew.
const PROGRESS_WITHIN: Duration = Duration::from_secs(1);

/// Readers that may wait for the same question.
const WAITING_READERS: usize = 1024;

type Answer = oneshot::Sender<Result<(), BackboneError>>;

/// Where readers wait.
#[derive(Clone, Debug)]
pub(super) struct Barrier(mpsc::Sender<Answer>);

/// The side that asks.
pub(super) struct Asking {
    pub(super) stream: Stream,
    pub(super) applied: watch::Sender<Applied>,
    pub(super) standing: watch::Sender<Standing>,
    pub(super) again: Arc<Notify>,
    readers: mpsc::Receiver<Answer>,
    /// How far the log went when it last answered, and when its last record had come.
    end: Option<(u64, OffsetDateTime)>,
}

impl Barrier {
    pub(super) fn new() -> (Self, mpsc::Receiver<Answer>) {
        let (sender, readers) = mpsc::channel(WAITING_READERS);
        (Self(sender), readers)
    }

    /// Returns when all that was answered to anybody before this call is known here.
    pub(super) async fn pass(&self) -> Result<(), BackboneError> {
        let gone = || BackboneError::Unavailable("nobody follows the log".to_owned());
        let (answer, answered) = oneshot::channel();
        self.0.send(answer).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

impl Asking {
    pub(super) fn new(
        stream: Stream,
        applied: watch::Sender<Applied>,
        standing: watch::Sender<Standing>,
        again: Arc<Notify>,
        readers: mpsc::Receiver<Answer>,
    ) -> Self {
        Self { stream, applied, standing, again, readers, end: None }
    }

    /// Asks until nobody could read any more.
    pub(super) async fn run(mut self) {
        loop {
            let mut waiting = Vec::new();
            match timeout(ASK_EVERY, self.readers.recv()).await {
                Ok(None) => return,
                Ok(Some(first)) => waiting.push(first),
                Err(_) => {}
            }
            // Who comes later than this may have heard of something later.
            while let Ok(reader) = self.readers.try_recv() {
                waiting.push(reader);
            }
            let outcome = self.ask().await;
            let standing = if outcome.is_ok() { Standing::Current } else { Standing::Behind };
            if self.standing.send_replace(standing) != standing {
                match &outcome {
                    Ok(()) => tracing::info!("this replica knows the whole log"),
                    Err(error) => tracing::warn!(%error, "this replica is behind the log"),
                }
            }
            for reader in waiting {
                // Whoever has gone away does not need the answer.
                let _ = reader.send(outcome.clone());
            }
        }
    }

    async fn ask(&mut self) -> Result<(), BackboneError> {
        let unavailable = |why: String| BackboneError::Unavailable(why);
        if *self.standing.borrow() == Standing::Behind {
            self.is_same_log().await.map_err(unavailable)?;
        }
        let info = timeout(ANSWER_WITHIN, self.stream.get_info()).await;
        let info = info.map_err(|_| unavailable("the log does not answer".to_owned()))?;
        let info = info.map_err(|error| unavailable(format!("the log cannot be asked: {error}")))?;
        if info.created != self.stream.cached_info().created {
            return Err(unavailable(self.give_up("the stream of the log was made anew".to_owned())));
        }
        let state = info.state;
        let end = (state.last_sequence, state.last_timestamp);
        // A log only grows. One that does not was away, for less time than there is between two questions.
        if self.end.is_some_and(|(last, at)| end.0 < last || (end.0 == last && end.1 != at)) {
            self.is_same_log().await.map_err(unavailable)?;
        }
        self.end = Some(end);
        let last = end.0;
        self.come_to(last).await
    }

    async fn come_to(&mut self, last: u64) -> Result<(), BackboneError> {
        let has_come = |applied: &Applied| applied.sequence >= last || applied.stuck.is_some();
        let mut applied = self.applied.subscribe();
        let before = applied.borrow().sequence;
        let arrived = match timeout(PROGRESS_WITHIN, applied.wait_for(has_come)).await {
            Ok(Ok(applied)) => applied.clone(),
            Ok(Err(_)) => return Err(BackboneError::Unavailable("nobody applies the log".to_owned())),
            Err(_) => self.applied.borrow().clone(),
        };
        if let Some(why) = arrived.stuck {
            return Err(BackboneError::Unavailable(why));
        }
        if arrived.sequence < last {
            if arrived.sequence == before {
                self.again.notify_one();
            }
            return Err(BackboneError::Unavailable(format!("at record {} of {last} of the log", arrived.sequence)));
        }
        Ok(())
    }

    /// Servers that were away may have lost what they had said too early that they had.
    async fn is_same_log(&self) -> Result<(), String> {
        let applied = self.applied.borrow().clone();
        match look(&self.stream, &applied).await? {
            Place::Same => Ok(()),
            Place::Lost(why) => Err(self.give_up(why)),
        }
    }

    fn give_up(&self, why: String) -> String {
        tracing::error!(why, "this replica knows what the log does not; it must begin anew");
        self.applied.send_modify(|applied| applied.stuck = Some(why.clone()));
        why
    }
}

/// What stands where a record was applied from.
pub(super) enum Place {
    /// That record, or nothing because it was let go.
    Same,
    /// Another record, or not even that: the log has lost its end, or is another one.
    Lost(String),
}

/// Looks where the last record was applied from, and whether what comes after it is still there.
pub(super) async fn look(stream: &Stream, applied: &Applied) -> Result<Place, String> {
    let Applied { sequence, ref name, entries_from, .. } = *applied;
    let silent = |_| "the log does not answer".to_owned();
    let asked = |error: &dyn Display| format!("the log cannot be asked: {error}");
    if sequence == 0 {
        return Ok(Place::Same);
    }
    // First how far it goes: a place that was taken and is empty was let go, whatever has come in between.
    let info = timeout(ANSWER_WITHIN, stream.get_info()).await.map_err(silent)?;
    let last = info.map_err(|error| asked(&error))?.state.last_sequence;
    if sequence > last {
        return Ok(Place::Lost(format!("the log ends at record {last}, and {sequence} was applied here")));
    }
    let let_go = timeout(ANSWER_WITHIN, snapshot::let_go_up_to(stream)).await.map_err(silent)?;
    let let_go = let_go.map_err(|error| error.to_string())?;
    if sequence.max(entries_from) < let_go {
        return Ok(Place::Lost(format!("the log was let go up to record {let_go}, and {sequence} was applied here")));
    }
    let found = timeout(ANSWER_WITHIN, stream.get_raw_message(sequence)).await.map_err(silent)?;
    match found {
        Ok(found) => match found.headers.get(async_nats::header::NATS_MESSAGE_ID) {
            Some(found) if found.as_str() == name => Ok(Place::Same),
            _ => Ok(Place::Lost(format!("record {sequence} of the log is not the one that was applied here"))),
        },
        Err(error) if matches!(error.kind(), RawMessageErrorKind::NoMessageFound) => Ok(Place::Same),
        Err(error) => Err(asked(&error)),
    }
}
