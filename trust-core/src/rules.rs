//! Fourth step of the walk: the first rule whose match holds decides; where none does, the answer is no.

pub(crate) mod claim;
mod cursor;
pub(crate) mod expression;
pub(crate) mod parser;
pub(crate) mod request;
mod written;

use crate::claims::VerifiedClaims;
use crate::claims::selection::ClaimSelection;
use crate::request::RequestFacts;
use crate::time::UnixSeconds;
use claim::ClaimMatcher;
use expression::Expression;
use request::RequestMatcher;

/// A rule, read and checked.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) name: String,
    pub(crate) matches: Expression<RequestMatcher>,
    pub(crate) access: Access,
    pub(crate) event: EventRule,
}

/// Whom a rule lets pass.
#[derive(Debug)]
pub(crate) enum Access {
    /// Anybody; no token is looked at.
    Public,
    /// Whoever has a good token, and claims for which the expression holds when there is one.
    Authenticated(Option<Expression<ClaimMatcher>>),
}

/// How a rule's requests are tagged as events.
#[derive(Clone, Debug)]
pub(crate) struct EventRule {
    /// The type of the event that the gate makes of a request.
    pub(crate) event_type: String,
    /// The types of events that a client may bring; none for rules that take none.
    pub(crate) client_types: Vec<String>,
}

/// Type of the event that a request becomes where its rule names none.
pub(crate) const REQUEST_EVENT_TYPE: &str = "dev.watchgate.request";

impl Rule {
    /// Its name, as logs and transaction tokens give it.
    #[must_use]
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn needs_token(&self) -> bool {
        matches!(self.access, Access::Authenticated(_))
    }

    /// Asks for the claims that its requirement looks at.
    pub(crate) fn select_claims(&self, selection: &mut ClaimSelection) {
        if let Access::Authenticated(Some(requirement)) = &self.access {
            requirement.conditions().into_iter().for_each(|condition| condition.select(selection));
        }
    }

    /// Whether it asks for a token that is bound to the client.
    pub(crate) fn needs_bound_token(&self) -> bool {
        let Access::Authenticated(Some(requirement)) = &self.access else { return false };
        requirement.conditions().into_iter().any(|condition| *condition == ClaimMatcher::BoundToClient)
    }

    pub(crate) fn matches(&self, facts: &RequestFacts) -> bool {
        self.matches.holds(&|matcher| matcher.holds(facts))
    }
}

/// Whether the claims satisfy what a rule requires of them.
pub(crate) fn satisfied(requirement: &Expression<ClaimMatcher>, claims: &VerifiedClaims, now: UnixSeconds) -> bool {
    requirement.holds(&|matcher| matcher.holds(claims, now))
}

#[cfg(test)]
mod tests;
