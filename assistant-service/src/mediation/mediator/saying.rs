//! What a model has said, on its way into a record: read within bounds, without links, and without what its readers may not know.

use serde::Deserialize;

use crate::assistant::links::AllowedHosts;
use crate::assistant::words::clean;
use crate::mediation::discretion::Discretion;
use crate::mediation::record::{Joint, MadeBy, Private, Record, Restatement, Side};
use crate::mediation::{LONGEST_TEXT, form};

const MOST_ITEMS: usize = 5;
const LONGEST_ITEM: usize = 500;

/// Why the form stands in for a model that told nothing which may be told.
const WITHHELD: &str = "withheld";

/// What came of asking.
pub(in crate::mediation) enum Said<T> {
    /// Something.
    ByModel {
        said: T,
        /// The model's name in the settings.
        model: String,
    },
    /// Nothing; why, where there is a model.
    Nothing { instead_of_model: Option<&'static str> },
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
    record: &Record,
    side: Side,
    account: &str,
    said: &Said<String>,
) -> Restatement {
    match said {
        Said::ByModel { said, model } => {
            let discretion = Discretion::towards(side, record, account);
            match told(said, LONGEST_TEXT, &discretion) {
                Some(text) => Restatement { text: Private::new(text), made_by: MadeBy::Model { model: model.clone() } },
                None => form::restatement(account, Some(WITHHELD)),
            }
        }
        Said::Nothing { instead_of_model } => form::restatement(account, *instead_of_model),
    }
}

/// What comes of what both have shared; nothing where they have not.
pub(in crate::mediation) fn joint(record: &Record, seen: &Said<Seen>) -> Option<Joint> {
    let (first, second) = record.shared_by_both()?;
    let filled_in = |why| form::joint(&record.topic, first, second, why);
    Some(match seen {
        Said::Nothing { instead_of_model } => filled_in(*instead_of_model),
        Said::ByModel { said, model } => {
            let discretion = Discretion::towards_both(record);
            let list = |items: &[String]| -> Vec<String> {
                items.iter().filter_map(|item| told(item, LONGEST_ITEM, &discretion)).take(MOST_ITEMS).collect()
            };
            let joint = Joint {
                common: list(&said.common),
                open: list(&said.open),
                next_steps: list(&said.next_steps),
                first_draft: told(&said.first_draft, LONGEST_TEXT, &discretion),
                second_draft: told(&said.second_draft, LONGEST_TEXT, &discretion),
                made_by: MadeBy::Model { model: model.clone() },
            };
            let is_empty = joint.common.is_empty() && joint.open.is_empty() && joint.next_steps.is_empty();
            if is_empty { filled_in(Some(WITHHELD)) } else { joint }
        }
    })
}

fn told(said: &str, longest: usize, discretion: &Discretion) -> Option<String> {
    let (cleaned, _) = clean(said, &AllowedHosts::default());
    discretion.keep(&cleaned).filter(|text| text.chars().nth(longest).is_none())
}
