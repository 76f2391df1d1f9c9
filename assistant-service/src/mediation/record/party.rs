//! One side of a mediation, and the texts that come of it.

use std::fmt;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use trust_core::principal::Principal;
use utoipa::ToSchema;

/// Words that are not for everybody. They show themselves in no log: `Debug` prints how many they are.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(in super::super) struct Private(String);

impl Private {
    pub(in super::super) fn new(text: String) -> Self {
        Self(text)
    }

    pub(in super::super) fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Private {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Private({} bytes)", self.0.len())
    }
}

/// Who wrote something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(in super::super) enum MadeBy {
    /// A form: the party's own words in the order of its questions, and nothing else.
    Form {
        /// What was with the model that should have written it, where there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        instead_of_model: Option<ModelIs>,
    },
    /// A model.
    Model {
        /// Its name in the settings.
        model: String,
    },
    /// The party itself.
    Party,
}

/// What is told of a model that was no help. It is one word whatever happened: another one for an answer that was withheld would say
/// that the other side has used a word of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in super::super) enum ModelIs {
    /// It gave nothing that could be used.
    Unavailable,
}

/// How a side's view is said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct Restatement {
    /// Of this very text: whoever accepts says which text they have read.
    pub(in super::super) id: String,
    pub(in super::super) text: Private,
    pub(in super::super) made_by: MadeBy,
}

/// What a side says of an agreement when its time has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct Outcome {
    pub(in super::super) held: bool,
    /// For the side itself alone.
    pub(in super::super) note: Option<Private>,
}

/// What comes of what both have shared: everything but the drafts is for both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct Joint {
    pub(in super::super) common: Vec<String>,
    pub(in super::super) open: Vec<String>,
    pub(in super::super) next_steps: Vec<String>,
    /// What the first could write to the second.
    pub(in super::super) first_draft: Option<String>,
    /// The other way.
    pub(in super::super) second_draft: Option<String>,
    pub(in super::super) made_by: MadeBy,
}

/// One side.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in super::super) struct Party {
    pub(in super::super) principal: Principal,
    pub(in super::super) has_left: bool,
    /// When anything was changed that this side may see.
    #[serde(with = "time::serde::rfc3339")]
    pub(in super::super) updated_at: OffsetDateTime,
    /// How many of its texts were taken.
    pub(in super::super) turns: u32,
    /// For the side itself alone, and for the model that restates it.
    pub(in super::super) account: Option<Private>,
    /// The same, until it is shared.
    pub(in super::super) restatement: Option<Restatement>,
    /// What the other side may read once both have shared something.
    pub(in super::super) shared: Option<Private>,
    pub(in super::super) outcome: Option<Outcome>,
}

impl Party {
    pub(in super::super) fn of(principal: Principal, now: OffsetDateTime) -> Self {
        Self {
            principal,
            has_left: false,
            updated_at: now,
            turns: 0,
            account: None,
            restatement: None,
            shared: None,
            outcome: None,
        }
    }

    /// Keeps nothing but who it was.
    pub(in super::super) fn forget(&mut self) {
        *self = Self { has_left: true, ..Self::of(self.principal.clone(), self.updated_at) };
    }

    /// Everything that it has said and the other side cannot read by itself.
    pub(in super::super) fn private_words(&self) -> impl Iterator<Item = &str> {
        let account = self.account.iter();
        let restatement = self.restatement.iter().map(|restatement| &restatement.text);
        let note = self.outcome.iter().filter_map(|outcome| outcome.note.as_ref());
        account.chain(restatement).chain(self.shared.iter()).chain(note).map(Private::text)
    }
}
