//! Headers by which a client asks the back end to act on another target than the one that the rules saw.

use crate::request::{MalformedRequest, RequestFacts, folds_to};

/// Their folded names, as URL rewriting of web servers and frameworks knows them.
const HEADERS: [&str; 2] = ["x-original-url", "x-rewrite-url"];

/// Whether the values of this header matter, whatever its spelling.
pub(crate) fn is_override(spelled: &str) -> bool {
    HEADERS.iter().any(|folded| folds_to(spelled, folded))
}

/// Refuses a target override, unless it names the very target of the request: `/admin` that a back end takes for `/healthz`
/// would pass by a rule for `/healthz`.
pub(crate) fn check(facts: &RequestFacts) -> Result<(), MalformedRequest> {
    let names_another = facts.values_of_folded(&HEADERS).any(|value| value.trim_ascii() != facts.target().as_bytes());
    if names_another { Err(MalformedRequest::TargetOverride) } else { Ok(()) }
}
