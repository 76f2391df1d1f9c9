//! Runbooks that fit a question, with the parameters that the question itself names.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::knowledge::{Question, Readable};
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
    readable: &Readable<'_>,
    catalogue: &dyn RunbookCatalogue,
) -> Vec<Proposal> {
    let mut found: Vec<(f64, Proposal)> = Vec::new();
    for runbook in catalogue.list() {
        let parameters = named_parameters(&runbook.parameters, text);
        let values = parameters.values().filter_map(Value::as_str).collect::<Vec<_>>().join(" ");
        let held_by = |text: &str| question.held_by(&readable.words(text));
        let in_title = &held_by(&runbook.name) | &held_by(&runbook.title);
        let in_values = held_by(&values);
        let own = &in_title | &held_by(&runbook.description);
        let held = &own | &in_values;
        let is_named = !in_title.is_empty() || !in_values.is_empty();
        if is_named && question.share(&held) >= LEAST_SHARE && question.share(&own) >= LEAST_OWN_SHARE {
            let words = held.iter().filter_map(|position| question.words().get(*position));
            let words: Vec<&str> = words.map(|word| word.written.as_str()).collect();
            let why = format!("the question and the runbook both speak of: {}", words.join(", "));
            let (runbook, title) = (runbook.name.clone(), runbook.title.clone());
            found.push((question.share(&held), Proposal { runbook, title, parameters, why }));
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

/// A name such as `mailer-archive` is one word: `mailer` does not stand in it.
fn split_words(text: &str) -> Vec<String> {
    text.split(|character: char| !character.is_alphanumeric() && !matches!(character, '-' | '_'))
        .map(|word| word.trim_matches(['-', '_']).to_lowercase())
        .filter(|word| !word.is_empty())
        .collect()
}
