//! What a gate would say to a request, and why: the walk of [`Gate::decide`] itself, with somebody who takes notes.

mod token;

use std::fmt::Display;

use serde::Serialize;

use super::Gate;
use super::witness::Witness;
use crate::claims::VerifiedClaims;
use crate::denial::Denial;
use crate::gate::Forwarding;
use crate::issuer::Issuers;
use crate::request::{RawRequest, RequestFacts};
use crate::rules::expression::Expression;
use crate::rules::{Access, Rule};
use crate::shared_files::{Claim, SharedFile, SharedFiles};
use crate::tags::Moment;
use crate::time::UnixSeconds;
use crate::token::PresentedToken;
pub use token::{Check, CheckOutcome, TokenNotes};

/// How far an explanation goes into a token's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureCheck {
    /// As the gate does.
    Done,
    /// Taken for good, where the keys are not at hand. Everything else is checked.
    Assumed,
}

/// A decision with its reasons. It holds no token and no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// What the gate read of the request; absent when it could not read it.
    pub request: Option<RequestNotes>,
    /// Every rule, in order.
    pub rules: Vec<RuleNotes>,
    /// What became of the token, where one was asked for and brought.
    pub token: Option<TokenNotes>,
}

/// A request as rules see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RequestNotes {
    /// The method.
    pub method: String,
    /// The decoded path.
    pub path: String,
    /// The host in lower case, with its port if one was given.
    pub host: String,
    /// The peer's address, if it is one.
    pub source: Option<String>,
}

/// What became of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleNotes {
    /// Its name.
    pub name: String,
    /// Whether it matches; absent when its turn never came.
    pub matches: Option<bool>,
    /// The conditions under `match`, in the order of writing, where its turn came.
    pub conditions: Vec<ConditionNotes>,
    /// Whether anybody may pass by it.
    pub public: bool,
    /// The conditions under `require`, where claims were held against them.
    pub requirements: Vec<ConditionNotes>,
}

/// What became of a condition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConditionNotes {
    /// As a rule writes it.
    pub condition: String,
    /// Whether it holds by itself.
    pub holds: bool,
    /// Whether an odd number of `!` stands before it, so that the rule wants it not to hold.
    pub negated: bool,
}

impl Gate {
    /// Judges a request as [`Gate::decide`] does, without what other gates share and without asking what a keeper has
    /// revoked, and says how it came to that.
    pub fn explain(
        &mut self,
        raw: &RawRequest,
        moment: Moment,
        signature: SignatureCheck,
    ) -> (Result<Forwarding, Denial>, Explanation) {
        let mut notes = Notes { signature, request: None, rules: Vec::new(), token: None };
        let kept_trust = self.kept_trust.take();
        let decision = self.walk(raw, moment, &FirstTime, &mut notes);
        self.kept_trust = kept_trust;
        let reached = notes.rules.len();
        let others = self.rules.iter().skip(reached).map(|rule| RuleNotes::of(rule, None, Vec::new()));
        notes.rules.extend(others);
        (decision, Explanation { request: notes.request, rules: notes.rules, token: notes.token })
    }
}

/// Nothing that other gates know; a proof counts as one that nobody has used.
struct FirstTime;

impl SharedFiles for FirstTime {
    fn read_at(&self, _file: SharedFile, _offset: u64, _buffer: &mut [u8]) -> bool {
        false
    }

    fn write_at(&self, _file: SharedFile, _offset: u64, _bytes: &[u8]) -> bool {
        false
    }

    fn claim(&self, _minute: u64, _name: &str) -> Claim {
        Claim::First
    }

    fn append_denial(&self, _line: &str) {}
}

struct Notes {
    signature: SignatureCheck,
    request: Option<RequestNotes>,
    rules: Vec<RuleNotes>,
    token: Option<TokenNotes>,
}

impl Witness for Notes {
    fn saw_facts(&mut self, facts: &RequestFacts) {
        self.request = Some(RequestNotes {
            method: facts.method().to_owned(),
            path: facts.path().to_owned(),
            host: facts.host().to_owned(),
            source: facts.source().map(|source| source.to_string()),
        });
    }

    fn saw_rule(&mut self, rule: &Rule, facts: &RequestFacts, matches: bool) {
        let conditions = conditions(&rule.matches, &|matcher| matcher.holds(facts));
        self.rules.push(RuleNotes::of(rule, Some(matches), conditions));
    }

    fn vouch(
        &mut self,
        token: PresentedToken<'_>,
        issuers: &Issuers,
        now: UnixSeconds,
        verified: impl FnOnce() -> Result<VerifiedClaims, Denial>,
    ) -> Result<VerifiedClaims, Denial> {
        let vouched = match self.signature {
            SignatureCheck::Done => verified(),
            SignatureCheck::Assumed => token::assumed_claims(token, issuers, now),
        };
        self.token = Some(TokenNotes::of(token, vouched.as_ref().err(), self.signature));
        vouched
    }

    fn saw_claims(&mut self, rule: &Rule, claims: &VerifiedClaims, now: UnixSeconds) {
        let (Some(notes), Access::Authenticated(Some(requirement))) = (self.rules.last_mut(), &rule.access) else {
            return;
        };
        notes.requirements = conditions(requirement, &|matcher| matcher.holds(claims, now));
    }
}

impl RuleNotes {
    fn of(rule: &Rule, matches: Option<bool>, conditions: Vec<ConditionNotes>) -> Self {
        let name = rule.name().to_owned();
        Self { name, matches, conditions, public: !rule.needs_token(), requirements: Vec::new() }
    }
}

fn conditions<M: Display>(expression: &Expression<M>, holds: &impl Fn(&M) -> bool) -> Vec<ConditionNotes> {
    let noted = expression.conditions_with_sign().into_iter().map(|(matcher, is_negated)| ConditionNotes {
        condition: matcher.to_string(),
        holds: holds(matcher),
        negated: is_negated,
    });
    noted.collect()
}
