//! The proof that a request may pass. Nothing but a rule that was satisfied makes one.

use crate::claims::VerifiedClaims;
use crate::denial::{Denial, StepUp};
use crate::rules::claim::ClaimMatcher;
use crate::rules::expression::Expression;
use crate::rules::{Access, Rule, satisfied};
use crate::time::UnixSeconds;

/// A request may pass by this rule: for a principal, or for anybody.
///
/// Its fields are private, so that it cannot be forged:
///
/// ```compile_fail,E0451
/// fn for_nobody(permit: trust_core::permit::Permit<'_>) -> trust_core::permit::Permit<'_> {
///     trust_core::permit::Permit { claims: None, ..permit }
/// }
/// ```
#[derive(Debug)]
pub struct Permit<'rule> {
    rule: &'rule Rule,
    claims: Option<VerifiedClaims>,
}

impl<'rule> Permit<'rule> {
    /// For anybody, if the rule is public.
    pub(crate) fn for_anybody(rule: &'rule Rule) -> Option<Self> {
        match rule.access {
            Access::Public => Some(Self { rule, claims: None }),
            Access::Authenticated(_) => None,
        }
    }

    /// For a principal, if its claims are what the rule requires.
    pub(crate) fn for_principal(rule: &'rule Rule, claims: VerifiedClaims, now: UnixSeconds) -> Result<Self, Denial> {
        let Access::Authenticated(Some(requirement)) = &rule.access else {
            return Ok(Self { rule, claims: Some(claims) });
        };
        if satisfied(requirement, &claims, now) {
            return Ok(Self { rule, claims: Some(claims) });
        }
        Err(step_up(rule, requirement, &claims, now).map_or_else(
            || Denial::Insufficient { rule: rule.name().to_owned(), scope: wanted_scopes(requirement) },
            Denial::StepUp,
        ))
    }

    /// The rule that lets it pass.
    #[must_use]
    pub(crate) fn rule(&self) -> &Rule {
        self.rule
    }

    /// The caller's claims; none for a public rule.
    #[must_use]
    pub(crate) fn claims(&self) -> Option<&VerifiedClaims> {
        self.claims.as_ref()
    }
}

/// The login that would satisfy the rule, if nothing but a login is what fails.
fn step_up(
    rule: &Rule,
    requirement: &Expression<ClaimMatcher>,
    claims: &VerifiedClaims,
    now: UnixSeconds,
) -> Option<StepUp> {
    let lacking = requirement.lacking(&|matcher| matcher.holds(claims, now), &ClaimMatcher::is_about_login)?;
    let acr_values = lacking.iter().filter_map(|matcher| matcher.acr()).filter(|acr| is_challenge_token(acr));
    Some(StepUp {
        rule: rule.name().to_owned(),
        acr_values: acr_values.collect::<Vec<_>>().join(" "),
        max_age_seconds: lacking.iter().filter_map(|matcher| matcher.max_age_seconds()).min(),
    })
}

/// Whether a value can stand in a list of a challenge, separated by spaces and in quotes.
fn is_challenge_token(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\".contains(&byte))
}

/// The scopes that a rule asks for, for the challenge (RFC 6750, section 3).
fn wanted_scopes(requirement: &Expression<ClaimMatcher>) -> String {
    let scopes: Vec<_> = requirement.wanted().into_iter().filter_map(ClaimMatcher::scope).collect();
    scopes.into_iter().filter(|scope| is_challenge_token(scope)).collect::<Vec<_>>().join(" ")
}
