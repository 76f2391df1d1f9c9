//! Hears one turn of a model to its end: text goes through the filter and on its way, calls are gathered.

use futures_util::StreamExt;
use thiserror::Error;

use crate::assistant::defences::Defences;
use crate::assistant::grounding::{Grounded, Grounding, Shown};
use crate::assistant::links::AllowedHosts;
use crate::assistant::words::Words;
use crate::assistant::{Progress, Removed, Step};
use crate::model::{EndReason, Model, ModelError, Piece, Prompt, ToolCall};

const LONGEST_TEXT_BYTES: usize = 64 * 1024;
const MOST_CALLS: usize = 8;

/// What a model said in one turn.
pub(super) struct Turn {
    pub(super) heard: Heard,
    /// What it said letter for letter, for it to go on from.
    pub(super) said: String,
    pub(super) calls: Vec<ToolCall>,
    /// Whether anybody was told words of it.
    pub(super) was_told: bool,
}

/// Text that passed, and what it rests on.
pub(super) struct Heard {
    pub(super) text: String,
    pub(super) removed: Vec<Removed>,
    pub(super) grounded: Grounded,
    pub(super) model: String,
}

/// Why nothing was heard that can be told.
#[derive(Debug, Error)]
pub(super) enum Unheard {
    /// The model failed.
    #[error(transparent)]
    Failed(#[from] ModelError),
    /// It ended before it was done.
    #[error("the model ended before its answer did")]
    Unfinished,
    /// Its own filter ended it.
    #[error("the model's own filter ended its answer")]
    Filtered,
    /// It called for tools to the last.
    #[error("the model calls for tools instead of answering")]
    NeverAnswered,
}

impl Unheard {
    /// What callers are told: a word of ours, never text from upstream.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Failed(error) => error.word(),
            Self::Unfinished => "cut_off",
            Self::Filtered => "refused",
            Self::NeverAnswered => "malformed",
        }
    }
}

/// Where a turn is heard.
pub(super) struct Ear<'a> {
    pub(super) model: &'a dyn Model,
    pub(super) hosts: &'a AllowedHosts,
    pub(super) defences: &'a Defences,
    pub(super) shown: &'a Shown,
    pub(super) progress: &'a Progress,
}

impl Ear<'_> {
    pub(super) async fn hear(&self, prompt: Prompt) -> Result<Turn, Unheard> {
        let grounding = Grounding::in_what_was(self.shown, self.defences.clone());
        let mut words = Words::new(self.hosts.clone(), self.defences.clone(), grounding);
        let (mut text, mut said, mut calls, mut was_told) = (String::new(), String::new(), Vec::new(), false);
        let mut pieces = self.model.complete(prompt);
        let end = loop {
            match pieces.next().await.ok_or(ModelError::CutOff)?? {
                Piece::Text(piece) => {
                    said.push_str(&piece);
                    if said.len() > LONGEST_TEXT_BYTES {
                        return Err(ModelError::TooLarge.into());
                    }
                    let passed = words.push(&piece);
                    was_told |= self.tell(&mut text, passed).await;
                }
                Piece::Call(call) if calls.len() < MOST_CALLS => calls.push(call),
                Piece::Call(_) => {}
                Piece::End(end) => break end,
            }
        };
        drop(pieces);
        match end.reason {
            EndReason::Stop | EndReason::ToolCalls => {}
            EndReason::Length => return Err(Unheard::Unfinished),
            EndReason::ContentFilter => return Err(Unheard::Filtered),
        }
        let (rest, removed, grounding) = words.finish();
        was_told |= self.tell(&mut text, rest).await;
        let heard = Heard { text, removed, grounded: grounding.finish(), model: end.model };
        Ok(Turn { heard, said, calls, was_told })
    }

    async fn tell(&self, text: &mut String, passed: String) -> bool {
        if passed.is_empty() {
            return false;
        }
        text.push_str(&passed);
        self.progress.tell(Step::Words(passed)).await;
        true
    }
}
