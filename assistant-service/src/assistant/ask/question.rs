//! A question as it comes in, and the turns before it.

use serde::Deserialize;
use utoipa::ToSchema;

use crate::assistant::{Asked, Asker, Turn};
use crate::problem::{FieldError, Problem};

/// In characters.
pub(crate) const LONGEST_QUESTION: usize = 2000;
/// More of a conversation helps no answer, and all of it is paid for each time.
pub(crate) const MOST_EARLIER_TURNS: usize = 32;
/// Of all turns together.
pub(crate) const MOST_EARLIER_BYTES: usize = 32 * 1024;

/// A question.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct QuestionBody {
    /// 1 to 2,000 characters.
    #[schema(min_length = 1, max_length = 2000)]
    question: String,
    /// What was said before, oldest first: 32 turns and 32 KiB of text at most. It is believed no more than the question.
    #[serde(default)]
    #[schema(max_items = 32)]
    earlier: Vec<TurnBody>,
}

/// A turn of the conversation so far.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum TurnBody {
    /// Said by whoever asks.
    Asked(String),
    /// Said to have been answered.
    Answered(String),
}

impl QuestionBody {
    pub(super) fn checked(self, asker: Asker) -> Result<Asked, Problem> {
        let mut errors = Vec::new();
        if self.question.trim().is_empty() {
            errors.push(FieldError::new("question", "must not be empty"));
        } else if self.question.chars().nth(LONGEST_QUESTION).is_some() {
            errors.push(FieldError::new("question", format!("may have {LONGEST_QUESTION} characters")));
        }
        let earlier: Vec<Turn> = self.earlier.into_iter().map(Turn::from).collect();
        if earlier.len() > MOST_EARLIER_TURNS {
            errors.push(FieldError::new("earlier", format!("may have {MOST_EARLIER_TURNS} turns")));
        } else if earlier.iter().map(|turn| turn.text().len()).sum::<usize>() > MOST_EARLIER_BYTES {
            errors.push(FieldError::new("earlier", format!("may have {MOST_EARLIER_BYTES} bytes of text")));
        }
        if errors.is_empty() { Ok(Asked { question: self.question, earlier, asker }) } else { Err(errors.into()) }
    }
}

impl From<TurnBody> for Turn {
    fn from(body: TurnBody) -> Self {
        match body {
            TurnBody::Asked(text) => Self::Asked(text),
            TurnBody::Answered(text) => Self::Answered(text),
        }
    }
}
