//! A question and the answer that a model should learn to give.

use serde::Serialize;
use serde_json::json;

/// What a model may learn from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) question: String,
    pub(crate) answer: String,
    /// What the question is about, without the words that every question of its kind has: by it likeness is told.
    pub(crate) topic: String,
    pub(crate) origin: Origin,
    /// The document, or the answer that was rated.
    pub(crate) from: String,
    /// Where in it.
    pub(crate) place: String,
}

/// What a pair was made of. What people have looked at comes first: where two pairs answer one question, the first is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Origin {
    /// Somebody said what should have been answered.
    Correction,
    /// Somebody said that the answer helped.
    HelpfulAnswer,
    /// A heading that is a question, with the text below it.
    Faq,
    /// A section of a document.
    Section,
    /// Code with the comment above it.
    Code,
}

impl Origin {
    /// All of them.
    pub(crate) const ALL: [Self; 5] = [Self::Correction, Self::HelpfulAnswer, Self::Faq, Self::Section, Self::Code];

    /// What a person calls them.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Correction => "corrections",
            Self::HelpfulAnswer => "helpful answers",
            Self::Faq => "questions of documents",
            Self::Section => "sections of documents",
            Self::Code => "items of code",
        }
    }
}

impl Pair {
    /// A line of OpenAI's chat format, without its end.
    pub(crate) fn line(&self, system: &str) -> String {
        json!({"messages": [
            {"role": "system", "content": system},
            {"role": "user", "content": self.question},
            {"role": "assistant", "content": self.answer},
        ]})
        .to_string()
    }
}
