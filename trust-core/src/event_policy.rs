//! Which events a caller may send: the same check for the gate (which sees headers) and the service (which sees bodies).

use thiserror::Error;

use crate::principal::Principal;

/// The event types that a rule lets a client use, and whose events they must be.
#[derive(Clone, Debug)]
pub struct EventPolicy {
    types: Vec<String>,
    principal: Option<Principal>,
}

/// Why an event is not the caller's to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum EventRefusal {
    /// The rule does not list this type.
    #[error("this type of event may not be sent here by this caller")]
    Type,
    /// The source is not the caller's own, or below it.
    #[error("the source of an event must be the caller's own")]
    Source,
}

impl EventPolicy {
    /// Lets `principal` send events of `types`: each is a whole type, or ends in `.*` for all types below it. Nobody
    /// unknown may send any.
    #[must_use]
    pub fn new(types: Vec<String>, principal: Option<&Principal>) -> Self {
        Self { types, principal: principal.cloned() }
    }

    /// Holds an event's type against the rule and its source against the principal.
    pub fn check(&self, event_type: &str, source: &str) -> Result<(), EventRefusal> {
        self.check_type(event_type)?;
        self.check_source(source)
    }

    /// Holds a type alone against the rule, for what has no source yet.
    pub fn check_type(&self, event_type: &str) -> Result<(), EventRefusal> {
        let is_taken = self.types.iter().any(|pattern| type_matches(pattern, event_type));
        if is_taken { Ok(()) } else { Err(EventRefusal::Type) }
    }

    /// Holds a source alone against the principal, for what has no type yet.
    pub fn check_source(&self, source: &str) -> Result<(), EventRefusal> {
        let is_own = self.principal.as_ref().is_some_and(|principal| principal.owns_source(source));
        if is_own { Ok(()) } else { Err(EventRefusal::Source) }
    }
}

/// Whether `event_type` is `pattern`, or lies below it when `pattern` ends in `.*`.
fn type_matches(pattern: &str, event_type: &str) -> bool {
    match pattern.strip_suffix(".*") {
        Some(prefix) => {
            event_type.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('.')).is_some_and(|rest| !rest.is_empty())
        }
        None => pattern == event_type,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_match_by_whole_parts() {
        assert!(type_matches("com.example.*", "com.example.frame"));
        assert!(type_matches("com.example.frame", "com.example.frame"));
        for foreign in ["com.examples.frame", "com.example", "com.example.", "com"] {
            assert!(!type_matches("com.example.*", foreign), "{foreign}");
        }
    }

    #[test]
    fn an_anonymous_caller_sends_nothing() {
        let policy = EventPolicy::new(vec!["a.*".to_owned()], None);
        assert_eq!(policy.check("a.b", "https://idp.example.com#x"), Err(EventRefusal::Source));
    }
}
