//! Somebody may watch a walk to say afterwards why it ended as it did. In Traefik nobody does, and what is not watched costs
//! nothing: the walk is compiled for each watcher of its own.

use crate::claims::VerifiedClaims;
use crate::denial::Denial;
use crate::issuer::Issuers;
use crate::request::RequestFacts;
use crate::rules::Rule;
use crate::time::UnixSeconds;
use crate::token::PresentedToken;

/// Is told of each step of a walk as it is taken.
pub(super) trait Witness {
    /// The request could be read.
    fn saw_facts(&mut self, _facts: &RequestFacts) {}

    /// A rule's turn came.
    fn saw_rule(&mut self, _rule: &Rule, _facts: &RequestFacts, _matches: bool) {}

    /// The request brings this token; who vouches for it? `verified` asks its issuer.
    fn vouch(
        &mut self,
        _token: PresentedToken<'_>,
        _issuers: &Issuers,
        _now: UnixSeconds,
        verified: impl FnOnce() -> Result<VerifiedClaims, Denial>,
    ) -> Result<VerifiedClaims, Denial> {
        verified()
    }

    /// The claims are about to be held against what the rule requires.
    fn saw_claims(&mut self, _rule: &Rule, _claims: &VerifiedClaims, _now: UnixSeconds) {}
}

/// Nobody watches.
pub(super) struct Nobody;

impl Witness for Nobody {}
