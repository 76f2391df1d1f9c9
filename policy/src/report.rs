//! What is told of a decision. Values that speak for somebody are left out of it.

use serde::Serialize;
use trust_core::denial::{Answer, Denial};
use trust_core::gate::Forwarding;
use trust_core::gate::explanation::Explanation;

/// The decision and its reasons.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The decision.
    pub verdict: Verdict,
    /// What the gate read and tried; absent for a request that the gate answers by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<Explanation>,
    /// What keeps this answer from being the one that Traefik would give.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// What the gate would do.
#[derive(Debug, Serialize)]
#[serde(tag = "decision", rename_all = "snake_case")]
pub enum Verdict {
    /// Let it pass by this rule, with these changes.
    Permit {
        /// The rule's name.
        rule: Option<String>,
        /// Headers that it sets.
        set: Vec<Header>,
        /// Headers that it takes away.
        remove: Vec<String>,
    },
    /// Refuse it.
    Denial {
        /// As the log has it.
        reason: String,
        /// The status of the answer.
        status: u16,
        /// The headers of the answer.
        headers: Vec<Header>,
    },
    /// Answer it without a back end.
    OwnAnswer {
        /// The status of the answer.
        status: u16,
    },
}

/// A header.
#[derive(Debug, Serialize)]
pub struct Header {
    /// Its name.
    pub name: String,
    /// Absent where it is a token.
    pub value: Option<String>,
}

impl Report {
    pub(crate) fn of_permit(explanation: Explanation, forwarding: &Forwarding) -> Self {
        let set = forwarding.set.iter().map(|(name, value)| {
            let is_token = name.eq_ignore_ascii_case(trust_core::transaction_token::HEADER);
            Header { name: name.to_string(), value: (!is_token).then(|| value.clone()) }
        });
        let rule = explanation.rules.iter().find(|rule| rule.matches == Some(true)).map(|rule| rule.name.clone());
        let verdict = Verdict::Permit { rule, set: set.collect(), remove: forwarding.remove.clone() };
        Self { verdict, explanation: Some(explanation), notes: Vec::new() }
    }

    pub(crate) fn of_denial(explanation: Explanation, denial: &Denial, answer: &Answer) -> Self {
        let headers =
            answer.headers.iter().map(|(name, value)| Header { name: (*name).to_owned(), value: Some(value.clone()) });
        let verdict = Verdict::Denial { reason: denial.reason(), status: answer.status, headers: headers.collect() };
        Self { verdict, explanation: Some(explanation), notes: Vec::new() }
    }

    pub(crate) fn of_own_answer(answer: &Answer) -> Self {
        Self { verdict: Verdict::OwnAnswer { status: answer.status }, explanation: None, notes: Vec::new() }
    }

    /// Whether the caller gets what was asked for.
    #[must_use]
    pub fn passes(&self) -> bool {
        match self.verdict {
            Verdict::Permit { .. } | Verdict::OwnAnswer { .. } => true,
            Verdict::Denial { .. } => false,
        }
    }
}
