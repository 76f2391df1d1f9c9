//! Who vouches for a token: the claims cache or the issuer's signature, and the keeper that nothing has been revoked.

use crate::claims::VerifiedClaims;
use crate::claims_cache::ClaimsCache;
use crate::denial::Denial;
use crate::issuer::{Issuers, Unverified};
use crate::kept_trust::KeptTrust;
use crate::shared_files::SharedFiles;
use crate::time::WallTime;
use crate::token::{InvalidToken, MAX_TOKEN_BYTES, PresentedToken};

/// What a gate asks about a token, at one moment.
pub(super) struct Vouching<'gate> {
    pub(super) issuers: &'gate Issuers,
    /// File below `/trust` and the position of its issuer.
    pub(super) jwks_files: &'gate [(String, usize)],
    pub(super) cache: &'gate mut ClaimsCache,
    pub(super) kept_trust: Option<&'gate mut KeptTrust>,
    pub(super) now: WallTime,
    pub(super) shared: &'gate dyn SharedFiles,
}

impl Vouching<'_> {
    /// What the token's issuer vouches for at this moment. A token that nobody knows yet is looked at if it `may_try`.
    pub(super) fn vouch(
        mut self,
        token: PresentedToken<'_>,
        may_try: impl Fn() -> Result<(), Denial>,
    ) -> Result<VerifiedClaims, Denial> {
        if let Some(kept_trust) = &self.kept_trust {
            kept_trust.check_fresh(self.now)?;
        }
        let claims = self.known_or_verified(token, may_try)?;
        if let Some(kept_trust) = &mut self.kept_trust {
            kept_trust.check_revoked(&claims, self.shared)?;
        }
        Ok(claims)
    }

    fn known_or_verified(
        &mut self,
        token: PresentedToken<'_>,
        may_try: impl Fn() -> Result<(), Denial>,
    ) -> Result<VerifiedClaims, Denial> {
        if token.bytes().len() > MAX_TOKEN_BYTES {
            return Err(InvalidToken::TooLong.into());
        }
        let now = self.now.seconds();
        let vacancy = match self.cache.find(token.bytes(), self.issuers.verifications(), now, self.shared) {
            Ok(claims) => return Ok(claims),
            Err(vacancy) => vacancy,
        };
        may_try()?;
        let unverified = token.read()?;
        let (claims, verification) =
            self.issuers.verify(&unverified, now).map_err(|unverified| self.denial_of(unverified))?;
        self.cache.keep(token.bytes(), &claims, &verification, &vacancy, now, self.shared);
        Ok(claims)
    }

    fn denial_of(&self, unverified: Unverified) -> Denial {
        match unverified {
            Unverified::Invalid(invalid) => Denial::InvalidToken(invalid),
            Unverified::KeysUnavailable { issuer } => Denial::KeysUnavailable { of: issuer },
            Unverified::UnknownKid { issuer, since } => match &self.kept_trust {
                Some(kept_trust) => kept_trust.judge_unknown_kid(self.file_of(&issuer), &issuer, since, self.shared),
                None => InvalidToken::UnknownKey.into(),
            },
        }
    }

    fn file_of(&self, issuer: &str) -> Option<&str> {
        let is_of = |index: &usize| self.issuers.all.get(*index).is_some_and(|held| *held.policy.issuer == *issuer);
        self.jwks_files.iter().find(|(_, index)| is_of(index)).map(|(file, _)| file.as_str())
    }
}
