//! Headers by which a client asks the back end to act on another method than the one that the rules saw.

use crate::request::{MalformedRequest, RequestFacts, folds_to};

/// Their folded names, as frameworks know them: whoever honours one may know it in any spelling.
const HEADERS: [&str; 3] = ["x-http-method-override", "x-http-method", "x-method-override"];

/// Whether the values of this header matter, whatever its spelling.
pub(crate) fn is_override(spelled: &str) -> bool {
    HEADERS.iter().any(|folded| folds_to(spelled, folded))
}

/// Refuses a method override, unless it names the very method of the request: `POST` that a back end takes for `DELETE`
/// would pass by a rule for `POST`.
pub(crate) fn check(facts: &RequestFacts) -> Result<(), MalformedRequest> {
    let names_another = facts
        .values_of_folded(&HEADERS)
        .any(|value| !value.trim_ascii().eq_ignore_ascii_case(facts.method().as_bytes()));
    if names_another { Err(MalformedRequest::MethodOverride) } else { Ok(()) }
}
