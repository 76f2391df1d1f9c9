//! What an export says of itself: how much is learnt, and of everything that is not, where it stands and why.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::split::Split;
use super::{Origin, Pair, tokens};

/// Something that no model learns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct LeftOut {
    /// The document, or the answer that was rated.
    pub(crate) from: String,
    /// The headings, where it is a part of one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) place: String,
    #[serde(flatten)]
    pub(crate) reason: Reason,
}

/// Why something is left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub(crate) enum Reason {
    /// The document is not for everybody, and no scope was named that opens it.
    Restricted,
    /// It repeats what stands in such a document.
    QuotesRestricted,
    /// The answer cites such a document.
    RestsOnRestricted,
    /// No event says what the answer cites.
    SourcesUnknown,
    /// It looks as if it held a secret.
    Secret,
    /// The file could not be read.
    NotRead {
        /// Why.
        cause: String,
    },
    /// The answer says too little.
    TooShort,
    /// The example is longer than may be.
    TooLong {
        /// About how many tokens it has.
        tokens: usize,
    },
    /// The same question with the same answer is there already.
    Duplicate,
    /// The same question is there already, with another answer.
    AnsweredBefore,
    /// The heading could stand over any text.
    GenericHeading,
    /// Nothing says what the text is about.
    NoHeading,
    /// No comment says what the code is for.
    NotExplained,
    /// The answer did not help, and nobody said what would have.
    NotHelpful,
    /// The rating came without question or answer.
    NoText,
}

impl Reason {
    fn sentence(&self) -> &'static str {
        match self {
            Self::Restricted => "not for everybody (open with --scope)",
            Self::QuotesRestricted => "repeats a document that is not for everybody",
            Self::RestsOnRestricted => "answer from a document that is not for everybody",
            Self::SourcesUnknown => "answer of which no event says what it cites",
            Self::Secret => "looks like a secret",
            Self::NotRead { .. } => "file could not be read",
            Self::TooShort => "too short",
            Self::TooLong { .. } => "too long",
            Self::Duplicate => "there already",
            Self::AnsweredBefore => "its question is there already with another answer",
            Self::GenericHeading => "heading that could stand over any text",
            Self::NoHeading => "text without a heading",
            Self::NotExplained => "code without a comment that explains it",
            Self::NotHelpful => "rated as not helpful, without a correction",
            Self::NoText => "rating without question or answer",
        }
    }
}

/// Everything that is said of an export. It holds no time: the same input gives the same report.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// Documents that were looked at, whoever may read them.
    pub(crate) documents: usize,
    /// Ratings that were read.
    pub(crate) ratings: usize,
    /// Lines that should have been ratings and were none.
    pub(crate) ratings_not_understood: usize,
    /// The scopes by which restricted documents were opened. Whoever may use the model can have it tell what they hold.
    pub(crate) opened_scopes: Vec<String>,
    pub(crate) train: Side,
    pub(crate) validation: Side,
    /// How much was left out, by reason.
    pub(crate) left_out_by_reason: BTreeMap<&'static str, usize>,
    /// All that was left out, by file.
    pub(crate) left_out: Vec<LeftOut>,
}

/// One side of the split.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Side {
    pub(crate) examples: usize,
    /// Estimated; the endpoint counts by itself.
    pub(crate) tokens: usize,
    pub(crate) by_origin: BTreeMap<Origin, usize>,
}

impl Side {
    fn of(pairs: &[Pair], system: &str) -> Self {
        let mut side = Self { examples: pairs.len(), ..Self::default() };
        for pair in pairs {
            let tokens = [system, &pair.question, &pair.answer].map(tokens::estimate).into_iter().sum();
            side.tokens = side.tokens.saturating_add(tokens);
            let of_origin = side.by_origin.entry(pair.origin).or_default();
            *of_origin = of_origin.saturating_add(1);
        }
        side
    }
}

impl Report {
    /// Counts what there is.
    pub(crate) fn of(split: &Split, mut left_out: Vec<LeftOut>, system: &str) -> Self {
        left_out.sort_by(|one, other| (&one.from, &one.place).cmp(&(&other.from, &other.place)));
        let mut left_out_by_reason = BTreeMap::new();
        for one in &left_out {
            let count = left_out_by_reason.entry(one.reason.sentence()).or_insert(0_usize);
            *count = count.saturating_add(1);
        }
        let (train, validation) = (Side::of(&split.train, system), Side::of(&split.validation, system));
        Self {
            documents: 0,
            ratings: 0,
            ratings_not_understood: 0,
            opened_scopes: Vec::new(),
            train,
            validation,
            left_out_by_reason,
            left_out,
        }
    }
}

/// For a person, in a few lines; what was left out by file stands in the JSON.
impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{} documents, {} ratings", self.documents, self.ratings)?;
        for (name, side) in [("train", &self.train), ("validation", &self.validation)] {
            writeln!(formatter, "{name}: {} examples, about {} tokens", side.examples, side.tokens)?;
            for origin in Origin::ALL {
                if let Some(count) = side.by_origin.get(&origin) {
                    writeln!(formatter, "  {count} {}", origin.name())?;
                }
            }
        }
        if !self.left_out_by_reason.is_empty() {
            writeln!(formatter, "left out:")?;
        }
        for (sentence, count) in &self.left_out_by_reason {
            writeln!(formatter, "  {count} {sentence}")?;
        }
        if self.ratings_not_understood > 0 {
            writeln!(formatter, "  {} lines that are no ratings", self.ratings_not_understood)?;
        }
        Ok(())
    }
}
