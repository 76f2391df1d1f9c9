//! Runbooks that fit a question, with the parameters that the question itself names.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::support::share;
use crate::knowledge::{Knowledge, Question, WordSet};
use crate::runbooks::RunbookCatalogue;

/// Lower than for an answer: a runbook says what it does in a few words, and a person decides.
const LEAST_SHARE: f64 = 0.5;
/// A question that names only the value of a parameter asks for something else ("who wrote the mailer?").
const LEAST_OWN_SHARE: f64 = 0.25;
const MOST_PROPOSALS: usize = 3;

/// A runbook that may help, for a person to ask for.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Proposal {
    /// Its name in the catalogue.
    pub runbook: String,
    /// Its title.
    pub title: String,
    /// The parameters that the question names; the others are left to the person.
    #[schema(value_type = Object)]
    pub parameters: Map<String, Value>,
    /// Which of the question's words it fits.
    pub why: String,
}

/// The runbooks that the question supports, best first.
pub(super) fn proposals(
    text: &str,
    question: &Question,
    knowledge: &Knowledge,
    catalogue: &dyn RunbookCatalogue,
) -> Vec<Proposal> {
    let mut found: Vec<(f64, Proposal)> = Vec::new();
    for runbook in catalogue.list() {
        let parameters = named_parameters(&runbook.parameters, text);
        let title = knowledge.words(&[runbook.name.as_str(), &runbook.title].join(" "));
        let description = knowledge.words(&runbook.description);
        let values: WordSet =
            parameters.values().filter_map(Value::as_str).flat_map(|value| knowledge.words(value)).collect();
        let is_own = |stem: &str| title.contains(stem) || description.contains(stem);
        let is_held = |stem: &str| is_own(stem) || values.contains(stem);
        let held_share = share(question, is_held);
        let is_named = share(question, |stem| title.contains(stem) || values.contains(stem)) > 0.0;
        if is_named && held_share >= LEAST_SHARE && share(question, is_own) >= LEAST_OWN_SHARE {
            let words = question.words.iter().filter(|word| is_held(&word.stem));
            let words: Vec<&str> = words.map(|word| word.written.as_str()).collect();
            let why = format!("the question and the runbook both speak of: {}", words.join(", "));
            let (runbook, title) = (runbook.name.clone(), runbook.title.clone());
            found.push((held_share, Proposal { runbook, title, parameters, why }));
        }
    }
    found.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    found.into_iter().take(MOST_PROPOSALS).map(|(_, proposal)| proposal).collect()
}

/// The values of `enum` parameters that the question holds as whole words. Where it holds two values of one parameter
/// nobody knows which is meant, and none is taken.
fn named_parameters(schema: &Value, question: &str) -> Map<String, Value> {
    let question = split_words(question);
    let mut named = Map::new();
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return named };
    for (name, property) in properties {
        let values = property.get("enum").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let mut held = values.iter().filter(|value| value.as_str().is_some_and(|text| holds(&question, text)));
        if let (Some(value), None) = (held.next(), held.next()) {
            named.insert(name.clone(), value.clone());
        }
    }
    named
}

fn holds(question: &[String], value: &str) -> bool {
    let value = split_words(value);
    !value.is_empty() && question.windows(value.len()).any(|words| words == value)
}

fn split_words(text: &str) -> Vec<String> {
    text.split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}
