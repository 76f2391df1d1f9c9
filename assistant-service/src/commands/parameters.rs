//! What a runbook's schema says of its parameters beyond what they must be: which have a default, and which are secret.

use serde_json::{Map, Value};

use crate::runbooks::Runbook;

/// The parameters with the defaults of those that were left out. What is no object stays as it is, to be refused.
pub(super) fn with_defaults(runbook: &Runbook, mut parameters: Value) -> Value {
    if let Some(given) = parameters.as_object_mut() {
        for (name, schema) in properties(runbook).into_iter().flatten() {
            if let Some(default) = schema.get("default")
                && !given.contains_key(name)
            {
                given.insert(name.clone(), default.clone());
            }
        }
    }
    parameters
}

/// The names of the secret ones.
pub(super) fn secrets(runbook: &Runbook) -> impl Iterator<Item = &str> {
    let is_secret = |schema: &Value| schema.get("secret").and_then(Value::as_bool) == Some(true);
    let secret = properties(runbook).into_iter().flatten().filter(move |(_, schema)| is_secret(schema));
    secret.map(|(name, _)| name.as_str())
}

fn properties(runbook: &Runbook) -> Option<&Map<String, Value>> {
    runbook.parameters.get("properties")?.as_object()
}
