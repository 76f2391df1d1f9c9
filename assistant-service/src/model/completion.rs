//! An answer by whichever model gives one: the models in their order, until one has said something. From then on it is that
//! model's answer or none, for nobody can tell a second answer glued to the first half of another.

use std::sync::Arc;

use super::attempt::{Attempt, Said};
use super::failure::Failure;
use super::open_ai::Shared;
use super::request::{input_bytes, output_limit};
use super::speech::estimated_tokens;
use super::taken::Taken;
use super::{End, EndReason, ModelError, Piece, Prompt};

/// An answer on its way. Dropped before its end, it is cancelled where the model runs, and what it took is settled.
pub(super) struct Completion {
    shared: Arc<Shared>,
    prompt: Arc<Prompt>,
    stage: Stage,
    /// Models that were not asked yet, by their places, the next one last.
    candidates: Vec<usize>,
    last_failure: ModelError,
    taken: Option<Taken>,
}

enum Stage {
    Begun,
    Choosing,
    Speaking { place: usize, attempt: Box<Attempt>, has_spoken: bool },
    Over,
}

impl Completion {
    pub(super) fn new(shared: Arc<Shared>, prompt: Prompt) -> Self {
        let candidates = shared.candidates(prompt.model.as_deref());
        Self {
            shared,
            prompt: Arc::new(prompt),
            stage: Stage::Begun,
            candidates,
            last_failure: ModelError::NotConfigured,
            taken: None,
        }
    }

    /// What comes next; nothing after the end or an error.
    pub(super) async fn next(&mut self) -> Option<Result<Piece, ModelError>> {
        loop {
            match &mut self.stage {
                Stage::Begun => match self.reserve().await {
                    Ok(()) => self.stage = Stage::Choosing,
                    Err(error) => return Some(self.fail(error)),
                },
                Stage::Choosing => match self.choose() {
                    Some(chosen) => self.stage = chosen,
                    None => return Some(self.fail(self.last_failure.clone())),
                },
                Stage::Speaking { attempt, has_spoken, .. } => match attempt.next().await {
                    Ok(Said::Text(text)) => {
                        *has_spoken = true;
                        return Some(Ok(Piece::Text(text)));
                    }
                    Ok(Said::Call(call)) => {
                        *has_spoken = true;
                        return Some(Ok(Piece::Call(call)));
                    }
                    Ok(Said::End(reason)) => return self.end(reason).map(Ok),
                    Err(failure) => {
                        if let Some(error) = self.failed(failure) {
                            return Some(self.fail(error));
                        }
                    }
                },
                Stage::Over => return None,
            }
        }
    }

    async fn reserve(&mut self) -> Result<(), ModelError> {
        // Nobody knows yet who answers.
        let candidates = self.candidates.iter().filter_map(|place| self.shared.endpoint(*place));
        let limits = candidates.map(|endpoint| output_limit(&self.prompt, &endpoint.settings));
        let longest = limits.max().ok_or(ModelError::NotConfigured)?;
        let Some(budgets) = &self.shared.budgets else { return Ok(()) };
        let most = estimated_tokens(input_bytes(&self.prompt)).saturating_add(longest.into());
        let taken = Taken::of(Arc::clone(budgets), self.prompt.account.clone(), most).await;
        if let Err(ModelError::OverBudget { .. }) = taken {
            self.shared.metrics.was_over_budget();
        }
        self.taken = Some(taken?);
        Ok(())
    }

    /// The next model that does not rest.
    fn choose(&mut self) -> Option<Stage> {
        while let Some(place) = self.candidates.pop() {
            let endpoint = self.shared.endpoint(place)?;
            if self.shared.is_awake(place) {
                let (prompt, clock) = (Arc::clone(&self.prompt), Arc::clone(&self.shared.clock));
                let attempt = Box::new(Attempt::new(endpoint, prompt, clock));
                return Some(Stage::Speaking { place, attempt, has_spoken: false });
            }
            if self.last_failure == ModelError::NotConfigured {
                self.last_failure = ModelError::Unavailable("it failed a moment ago and rests".to_owned());
            }
        }
        None
    }

    fn end(&mut self, reason: EndReason) -> Option<Piece> {
        let Stage::Speaking { place, attempt, .. } = std::mem::replace(&mut self.stage, Stage::Over) else {
            return None;
        };
        let (usage, model) = (attempt.usage(), self.shared.name(place));
        self.shared.answered(place);
        self.shared.metrics.came_of(&model, outcome(reason));
        self.took(&model, &attempt);
        // The connection is free for the next question while the store writes.
        drop(attempt);
        self.taken = None;
        Some(Piece::End(End { reason, usage, model }))
    }

    /// What the caller learns of a failure; nothing where another model may be asked.
    fn failed(&mut self, failure: Failure) -> Option<ModelError> {
        let stage = std::mem::replace(&mut self.stage, Stage::Choosing);
        let Stage::Speaking { place, attempt, has_spoken } = stage else { return None };
        let model = self.shared.name(place);
        self.shared.metrics.came_of(&model, failure.outcome());
        self.took(&model, &attempt);
        if self.prompt.is_private {
            tracing::warn!(%model, outcome = failure.outcome(), has_spoken, "a model gave no answer");
        } else {
            tracing::warn!(%model, %failure, has_spoken, "a model gave no answer");
        }
        let is_final = has_spoken || failure.is_refusal();
        // Whoever names a model writes the conversation and its options themselves.
        let is_of_the_caller = self.prompt.model.is_some() && failure.may_be_of_the_conversation();
        if failure.is_refusal() || is_of_the_caller {
            // Else whoever writes what is refused could ask for ever.
            self.count_request();
        }
        if failure.is_of_one_that_answers() {
            self.shared.answered(place);
        } else if !is_of_the_caller {
            self.shared.failed(place, failure.retry_after());
        }
        let error = ModelError::from(failure);
        if is_final {
            return Some(error);
        }
        self.last_failure = error;
        None
    }

    /// Counts what a try took.
    fn took(&mut self, model: &str, attempt: &Attempt) {
        if attempt.has_begun() {
            let usage = attempt.usage();
            self.shared.metrics.took(model, usage, attempt.first_piece_after());
            self.count_request();
            if let Some(taken) = &mut self.taken {
                taken.count_tokens(usage.input_tokens.saturating_add(usage.output_tokens));
            }
        }
    }

    fn count_request(&mut self) {
        if let Some(taken) = &mut self.taken {
            taken.count_request();
        }
    }

    fn fail(&mut self, error: ModelError) -> Result<Piece, ModelError> {
        self.stage = Stage::Over;
        self.taken = None;
        Err(error)
    }
}

impl Drop for Completion {
    fn drop(&mut self) {
        if let Stage::Speaking { place, attempt, .. } = std::mem::replace(&mut self.stage, Stage::Over) {
            let model = self.shared.name(place);
            self.shared.metrics.came_of(&model, "cancelled");
            self.took(&model, &attempt);
            // The model may be at it already, and whoever leaves early is not to have that for nothing.
            self.count_request();
        }
    }
}

fn outcome(reason: EndReason) -> &'static str {
    match reason {
        EndReason::Stop | EndReason::ToolCalls => "answered",
        EndReason::Length => "too_long",
        EndReason::ContentFilter => "filtered",
    }
}
