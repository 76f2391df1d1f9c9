//! What a model has said so far, and whether that is all of it.

use super::calls::Calls;
use super::chunk::Chunk;
use super::failure::{Failure, quoted};
use super::{EndReason, ToolCall, Usage};

/// Text and calls together. No model that is asked here says a tenth of it.
const LONGEST: usize = 1024 * 1024;

/// An answer as it grows.
#[derive(Debug, Default)]
pub(super) struct Speech {
    text: String,
    calls: Calls,
    finish: Option<Finish>,
    /// Some end every part of their answers; then only the stream's own end is one.
    has_gone_on_after_its_end: bool,
    /// Whether the newest part that said anything brought none of the answer.
    is_past_its_words: bool,
    usage: Option<Usage>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Finish {
    /// Complete, or waiting for calls: dialects do not keep these apart.
    Stop,
    Length,
    ContentFilter,
    /// Whoever made the answer says that it is not all of it.
    Broken,
}

impl Speech {
    /// Takes the next part and gives what is new of the text.
    pub(super) fn hear(&mut self, chunk: Chunk) -> Result<String, Failure> {
        if let Some(error) = chunk.error {
            return Err(Failure::Said { said: quoted(&error.said, &[]), is_refusal: error.is_refusal });
        }
        let new = match chunk.text.strip_prefix(self.text.as_str()) {
            Some(rest) if chunk.is_message => rest.to_owned(),
            _ => chunk.text,
        };
        let repeats = chunk.is_message && !self.calls.is_empty();
        let calls = if repeats { Vec::new() } else { chunk.calls };
        let brings_more = chunk.thinks || !new.is_empty() || !calls.is_empty();
        if brings_more || chunk.finish.is_some() || chunk.usage.is_some() {
            self.is_past_its_words = !brings_more;
        }
        self.has_gone_on_after_its_end |= self.finish.is_some() && (!new.is_empty() || !calls.is_empty());
        self.text.push_str(&new);
        for fragment in calls {
            self.calls.take(fragment)?;
        }
        if self.text.len().saturating_add(self.calls.length()) > LONGEST {
            return Err(Failure::TooLarge);
        }
        self.finish = chunk.finish.as_deref().map(Finish::named).or(self.finish);
        self.usage = chunk.usage.or(self.usage);
        Ok(new)
    }

    /// Whether the model has said that this is all, which it may have though the stream goes on.
    pub(super) fn is_finished(&self) -> bool {
        self.finish.is_some() && !self.has_gone_on_after_its_end
    }

    /// Whether it has said so apart from its words. An end beside words may be one of many.
    pub(super) fn is_over(&self) -> bool {
        self.is_finished() && self.is_past_its_words
    }

    /// Whether nothing more is waited for.
    pub(super) fn is_counted(&self) -> bool {
        self.usage.is_some()
    }

    /// What it took; what nobody counted is estimated, with that many bytes of conversation.
    pub(super) fn usage(&self, input_bytes: usize) -> Usage {
        let said = self.text.len().saturating_add(self.calls.length());
        self.usage.unwrap_or_else(|| Usage {
            input_tokens: estimated_tokens(input_bytes),
            output_tokens: estimated_tokens(said),
            is_estimate: true,
        })
    }

    /// The end, when the stream is at its own. Calls are worth something only now: until then any of them may be half of one.
    /// An answer that is complete and empty is one where `may_be_empty`: whoever wants words asks somebody else then.
    pub(super) fn end(&self, stream_said_so: bool, may_be_empty: bool) -> Result<(Vec<ToolCall>, EndReason), Failure> {
        if self.finish == Some(Finish::Broken) || !(stream_said_so || self.is_finished()) {
            return Err(Failure::CutOff);
        }
        match self.finish {
            Some(Finish::Length) => return Ok((Vec::new(), EndReason::Length)),
            Some(Finish::ContentFilter) => return Ok((Vec::new(), EndReason::ContentFilter)),
            Some(Finish::Stop | Finish::Broken) | None => {}
        }
        let calls = self.calls.clone().whole()?;
        match (calls.is_empty(), self.text.trim().is_empty()) {
            (true, true) if !(may_be_empty && self.finish.is_some()) => Err(Failure::SaidNothing),
            (true, _) => Ok((calls, EndReason::Stop)),
            (false, _) => Ok((calls, EndReason::ToolCalls)),
        }
    }
}

/// Four bytes for a token: near enough for English, and too many for nothing.
pub(super) fn estimated_tokens(bytes: usize) -> u64 {
    u64::try_from(bytes.div_ceil(4)).unwrap_or(u64::MAX)
}

impl Finish {
    /// A reason in any dialect. What is not known is an end: the model did say so.
    fn named(reason: &str) -> Self {
        match reason.to_ascii_lowercase().as_str() {
            "length"
            | "max_tokens"
            | "max_output_tokens"
            | "model_length"
            | "token_limit"
            | "incomplete"
            | "model_context_window_exceeded" => Self::Length,
            "content_filter" | "content_filtered" | "safety" | "sensitive" | "recitation" | "blocklist" | "refusal"
            | "prohibited_content" | "spii" => Self::ContentFilter,
            "error"
            | "abort"
            | "aborted"
            | "cancel"
            | "canceled"
            | "cancelled"
            | "failed"
            | "timeout"
            | "network_error"
            | "insufficient_system_resource" => Self::Broken,
            _ => Self::Stop,
        }
    }
}

#[cfg(test)]
mod tests;
