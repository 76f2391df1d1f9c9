//! What a model has said, on its way into a record: read within bounds, without links, and not at all if it tells what its readers may
//! not know.

use serde::Deserialize;

use crate::assistant::links::AllowedHosts;
use crate::assistant::words::clean;
use crate::mediation::discretion::Discretion;
use crate::mediation::record::{Joint, MadeBy, ModelIs, Private, Record, Restatement, Side};
use crate::mediation::{LONGEST_TEXT, form, new_id};

const MOST_ITEMS: usize = 5;
const LONGEST_ITEM: usize = 500;

/// What came of asking.
pub(in crate::mediation) enum Said<T> {
    /// Something.
    ByModel {
        said: T,
        /// The model's name in the settings.
        model: String,
    },
    /// Nothing; what of the model is told, where there is one.
    Nothing { instead_of_model: Option<ModelIs> },
}

impl<T> Said<T> {
    /// What there is where no model is asked any more, and where one was no help.
    pub(in crate::mediation) const UNAVAILABLE: Self = Self::Nothing { instead_of_model: Some(ModelIs::Unavailable) };
}

/// For the log alone, and the word alone: what a model says in its error may be what it was told.
pub(super) fn log_no_help(reason: &'static str) {
    tracing::warn!(reason, "a model was no help in a mediation; the form is");
}

/// What a model sees in two views; members that it leaves out are empty.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(in crate::mediation) struct Seen {
    common: Vec<String>,
    open: Vec<String>,
    next_steps: Vec<String>,
    first_draft: String,
    second_draft: String,
}

/// The object in what a model said; models put words and fences around it.
pub(super) fn read_seen(said: &str) -> Option<Seen> {
    let object = said.get(said.find('{')?..=said.rfind('}')?)?;
    serde_json::from_str(object).ok()
}

/// How a side's account is said, by the model where that may be told.
pub(in crate::mediation) fn restatement(
    record: &mut Record,
    side: Side,
    account: &str,
    said: &Said<String>,
) -> Restatement {
    let read = |said: &String| within(said, LONGEST_TEXT);
    let is_broken = |record: &Record, text: &String| Discretion::towards(side, record, account).is_broken_by(text);
    match told(record, said, read, is_broken) {
        Ok((text, made_by)) => Restatement { id: new_id(), text: Private::new(text), made_by },
        Err(instead_of_model) => form::restatement(account, instead_of_model),
    }
}

/// What comes of what both have shared; nothing where they have not.
pub(in crate::mediation) fn joint(record: &mut Record, seen: &Said<Seen>) -> Option<Joint> {
    record.shared_by_both()?;
    let is_broken = |record: &Record, seen: &Seen| {
        Discretion::towards_both(record).is_broken_by(&seen.texts().collect::<Vec<_>>().join("\n"))
    };
    let told = told(record, seen, Seen::within_bounds, is_broken);
    let (first, second) = record.shared_by_both()?;
    Some(match told {
        Ok((Seen { common, open, next_steps, first_draft, second_draft }, made_by)) => {
            let draft = |text: String| Some(text).filter(|text| !text.is_empty());
            let (first_draft, second_draft) = (draft(first_draft), draft(second_draft));
            Joint { common, open, next_steps, first_draft, second_draft, made_by }
        }
        Err(instead_of_model) => form::joint(&record.topic, first, second, instead_of_model),
    })
}

/// What a model has said, if it can be read, breaks no discretion, and may still be heard. What does break it counts.
fn told<T, R>(
    record: &mut Record,
    said: &Said<T>,
    read: impl FnOnce(&T) -> Option<R>,
    is_broken: impl FnOnce(&Record, &R) -> bool,
) -> Result<(R, MadeBy), Option<ModelIs>> {
    let (said, model) = match said {
        Said::ByModel { said, model } if record.hears_models() => (said, model),
        // Asked before others were withheld.
        Said::ByModel { .. } => return Err(Some(ModelIs::Unavailable)),
        Said::Nothing { instead_of_model } => return Err(*instead_of_model),
    };
    let reason = match read(said) {
        Some(read) if !is_broken(record, &read) => return Ok((read, MadeBy::Model { model: model.clone() })),
        Some(_) => {
            record.withhold();
            "withheld"
        }
        None => "malformed",
    };
    log_no_help(reason);
    Err(Some(ModelIs::Unavailable))
}

impl Seen {
    /// As much of it as is told, if there is anything.
    fn within_bounds(&self) -> Option<Self> {
        let list = |items: &[String]| -> Vec<String> {
            items.iter().filter_map(|item| within(item, LONGEST_ITEM)).take(MOST_ITEMS).collect()
        };
        let draft = |text: &str| within(text, LONGEST_TEXT).unwrap_or_default();
        let seen = Self {
            common: list(&self.common),
            open: list(&self.open),
            next_steps: list(&self.next_steps),
            first_draft: draft(&self.first_draft),
            second_draft: draft(&self.second_draft),
        };
        let is_empty = seen.common.is_empty() && seen.open.is_empty() && seen.next_steps.is_empty();
        (!is_empty).then_some(seen)
    }

    fn texts(&self) -> impl Iterator<Item = &str> {
        let lists = [&self.common, &self.open, &self.next_steps].into_iter().flatten();
        lists.chain([&self.first_draft, &self.second_draft]).map(String::as_str)
    }
}

/// A text without links, if it says something and is not too long.
fn within(said: &str, longest: usize) -> Option<String> {
    let (cleaned, _) = clean(said, &AllowedHosts::default());
    let text = cleaned.trim();
    (!text.is_empty() && text.chars().nth(longest).is_none()).then(|| text.to_owned())
}
