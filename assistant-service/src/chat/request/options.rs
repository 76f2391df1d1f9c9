//! What a client chooses besides: what goes to a model as it is, what cannot be done here, and all else, which is passed over as
//! OpenAI does it.

use serde_json::{Map, Value};

use crate::chat::refusal::Invalid;

/// What goes to a model, and what it must be.
const TO_THE_MODEL: [(&str, Kind); 11] = [
    ("temperature", Kind::Number(0.0, 2.0)),
    ("top_p", Kind::Number(0.0, 1.0)),
    ("presence_penalty", Kind::Number(-2.0, 2.0)),
    ("frequency_penalty", Kind::Number(-2.0, 2.0)),
    ("seed", Kind::Integer),
    ("stop", Kind::TextOrTexts),
    ("parallel_tool_calls", Kind::Boolean),
    ("tool_choice", Kind::TextOrObject),
    ("response_format", Kind::Object),
    ("reasoning_effort", Kind::Text),
    ("verbosity", Kind::Text),
];

/// What would change an answer's form into one that is not told here.
const NOT_DONE: [&str; 6] = ["functions", "function_call", "audio", "logprobs", "top_logprobs", "web_search_options"];

#[derive(Clone, Copy, Debug)]
enum Kind {
    Number(f64, f64),
    Integer,
    Boolean,
    Text,
    Object,
    TextOrObject,
    TextOrTexts,
}

impl Kind {
    fn fits(self, value: &Value) -> bool {
        match self {
            Self::Number(least, most) => value.as_f64().is_some_and(|number| (least..=most).contains(&number)),
            Self::Integer => value.is_i64(),
            Self::Boolean => value.is_boolean(),
            Self::Text => value.is_string(),
            Self::Object => value.is_object(),
            Self::TextOrObject => value.is_string() || value.is_object(),
            Self::TextOrTexts => {
                value.is_string() || value.as_array().is_some_and(|texts| texts.iter().all(Value::is_string))
            }
        }
    }

    fn words(self) -> String {
        match self {
            Self::Number(least, most) => format!("It must be a number from {least} to {most}."),
            Self::Integer => "It must be a whole number.".to_owned(),
            Self::Boolean => "It must be true or false.".to_owned(),
            Self::Text => "It must be a string.".to_owned(),
            Self::Object => "It must be an object.".to_owned(),
            Self::TextOrObject => "It must be a string or an object.".to_owned(),
            Self::TextOrTexts => "It must be a string or a list of strings.".to_owned(),
        }
    }
}

pub(super) fn checked(others: Map<String, Value>) -> Result<Map<String, Value>, Invalid> {
    let asks = |value: &Value| !value.is_null() && *value != Value::Bool(false);
    if let Some(name) = NOT_DONE.into_iter().find(|name| others.get(*name).is_some_and(asks)) {
        return Err(Invalid::unsupported_parameter(name, format!("'{name}' is not done here.")));
    }
    let mut options = Map::new();
    for (name, kind) in TO_THE_MODEL {
        match others.get(name) {
            None | Some(Value::Null) => {}
            Some(value) if kind.fits(value) => drop(options.insert(name.to_owned(), value.clone())),
            Some(_) => return Err(Invalid::invalid_value(name, kind.words())),
        }
    }
    Ok(options)
}
