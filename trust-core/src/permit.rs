//! The proof that a request may pass. Nothing but a rule that was satisfied makes one.

use crate::claims::VerifiedClaims;
use crate::denial::Denial;
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
        let requirement = match &rule.access {
            Access::Public => None,
            Access::Authenticated(requirement) => requirement.as_ref(),
        };
        if satisfied(requirement, &claims, now) {
            return Ok(Self { rule, claims: Some(claims) });
        }
        Err(Denial::Insufficient {
            rule: rule.name().to_owned(),
            scope: requirement.map(wanted_scopes).unwrap_or_default(),
        })
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

/// The scopes that a rule asks for, for the challenge (RFC 6750, section 3).
fn wanted_scopes(requirement: &Expression<ClaimMatcher>) -> String {
    let scopes: Vec<_> = requirement.wanted().into_iter().filter_map(ClaimMatcher::scope).collect();
    let is_scope_token = |scope: &&str| scope.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\".contains(&byte));
    scopes.into_iter().filter(is_scope_token).collect::<Vec<_>>().join(" ")
}
