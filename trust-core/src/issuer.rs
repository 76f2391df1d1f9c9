//! Third step of the walk: a token becomes claims that its issuer vouches for.
//!
//! Cheap refusals come first; the signature, the one costly check, comes last.

use std::sync::Arc;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::binding::Binding;
use crate::claims::record::ClaimRecord;
use crate::claims::selection::{ClaimSelection, Wanted};
use crate::claims::{TokenIdentity, VerifiedClaims, Voucher};
use crate::claims_cache::{CONTEXT_BYTES, Verification};
use crate::keys::{KeyPurpose, KeySet};
use crate::revocations::digest_from_text;
use crate::signature::Algorithm;
use crate::time::UnixSeconds;
use crate::token::{InvalidToken, UnverifiedToken};

/// The type of what an exchange writes down in an opaque token's place.
pub(crate) const EXCHANGED_TOKEN_TYPE: &str = "phantom+jwt";

/// How far an issuer's clock may be ahead of ours, by what it says of when a token was issued: as far as the largest leeway.
const MOST_SECONDS_AHEAD: u64 = 300;

/// What an issuer's tokens must be like.
#[derive(Clone, Debug)]
pub(crate) struct IssuerPolicy {
    /// The issuer's identifier, compared byte by byte with `iss`.
    pub(crate) issuer: Arc<str>,
    /// A token must name one of these in `aud`.
    pub(crate) audiences: Vec<String>,
    /// Algorithms that the issuer may use.
    pub(crate) algorithms: Vec<Algorithm>,
    /// Values of `typ` that an access token may have, without regard to case (RFC 7515, section 4.1.9).
    pub(crate) token_types: Vec<String>,
    /// Allowance for clocks that differ.
    pub(crate) leeway_seconds: u64,
    /// The issuers for whose subjects this one vouches: an exchange that writes down their opaque tokens, or one that makes tokens
    /// of its own for them; empty for any other.
    pub(crate) speaks_for: Arc<[Arc<str>]>,
}

/// An issuer, with its keys where they are known.
#[derive(Debug)]
pub(crate) struct Issuer {
    pub(crate) policy: IssuerPolicy,
    pub(crate) keys: Option<KeySet>,
}

/// Why nobody vouches for a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unverified {
    /// The token is bad.
    Invalid(InvalidToken),
    /// The keys of its issuer are not known at this moment: the token may be good, nobody can tell.
    KeysUnavailable {
        /// The issuer in question.
        issuer: String,
    },
    /// No key of its issuer has the name that the token gives: it may be one that has just come into use.
    UnknownKid {
        /// The issuer in question.
        issuer: Arc<str>,
        /// Since when the issuer must have published the key; absent when the token does not say when it was issued.
        since: Option<UnixSeconds>,
    },
}

impl From<InvalidToken> for Unverified {
    fn from(invalid: InvalidToken) -> Self {
        Self::Invalid(invalid)
    }
}

/// All issuers that are trusted here.
#[derive(Debug, Default)]
pub(crate) struct Issuers {
    pub(crate) all: Vec<Issuer>,
    /// The claims that are kept of a verified token.
    pub(crate) selection: ClaimSelection,
    /// One for each key that is loaded at this moment, in the order of issuers and keys.
    verifications: Vec<Verification>,
}

impl Issuers {
    /// Everything by which a token can be verified at this moment.
    pub(crate) fn verifications(&self) -> &[Verification] {
        &self.verifications
    }

    /// To be called after keys have changed.
    pub(crate) fn prepare_verifications(&mut self) {
        let mut verifications = Vec::new();
        for issuer in &self.all {
            let keys = issuer.keys.iter().flat_map(KeySet::iter);
            verifications.extend(keys.map(|key| issuer.policy.verification(key.thumbprint(), &self.selection)));
        }
        self.verifications = verifications;
    }

    /// Vouches for a token, or says why not.
    pub(crate) fn verify(
        &self,
        token: &UnverifiedToken,
        now: UnixSeconds,
    ) -> Result<(VerifiedClaims, Verification), Unverified> {
        let (issuer, expires_at) = self.check_all_but_signature(token, now)?;
        let Some(keys) = &issuer.keys else {
            return Err(Unverified::KeysUnavailable { issuer: issuer.policy.issuer.to_string() });
        };
        if keys.lacks_kid_of(token) {
            let since =
                numeric_date(token, "iat").ok().flatten().map(|issued_at| issued_at.plus(issuer.policy.leeway_seconds));
            return Err(Unverified::UnknownKid { issuer: Arc::clone(&issuer.policy.issuer), since });
        }
        let key = keys.check_signature(token)?;
        let claims = self.claims(issuer, expires_at, token)?;
        Ok((claims, issuer.policy.verification(key.thumbprint(), &self.selection)))
    }

    /// What [`Issuers::verify`] would give if the signature held. For who explains a decision and has no keys at hand; never
    /// for a decision.
    pub(crate) fn assume_verified(
        &self,
        token: &UnverifiedToken,
        now: UnixSeconds,
    ) -> Result<VerifiedClaims, InvalidToken> {
        let (issuer, expires_at) = self.check_all_but_signature(token, now)?;
        self.claims(issuer, expires_at, token)
    }

    fn check_all_but_signature(
        &self,
        token: &UnverifiedToken,
        now: UnixSeconds,
    ) -> Result<(&Issuer, UnixSeconds), InvalidToken> {
        let unverified_issuer = match token.unverified_claims.get("iss") {
            Some(Value::String(issuer)) => issuer.as_str(),
            _ => return Err(InvalidToken::IssuerForm),
        };
        let issuer = self
            .all
            .iter()
            .find(|issuer| *issuer.policy.issuer == *unverified_issuer)
            .ok_or(InvalidToken::UnknownIssuer)?;
        let expires_at = issuer.policy.check(token, now)?;
        if !matches!(token.unverified_claims.get("sub"), Some(Value::String(subject)) if !subject.is_empty()) {
            return Err(InvalidToken::Subject);
        }
        Ok((issuer, expires_at))
    }

    fn claims(
        &self,
        issuer: &Issuer,
        expires_at: UnixSeconds,
        token: &UnverifiedToken,
    ) -> Result<VerifiedClaims, InvalidToken> {
        let record = ClaimRecord::of(&token.unverified_claims, &self.selection).ok_or(InvalidToken::TooLong)?;
        Ok(VerifiedClaims::new(issuer.policy.identity(token)?, expires_at, record))
    }
}

impl IssuerPolicy {
    /// What the issuer's keys are for.
    pub(crate) fn key_purpose(&self) -> KeyPurpose {
        KeyPurpose::of(&self.algorithms)
    }

    /// Everything but the signature. Gives the token's end.
    fn check(&self, token: &UnverifiedToken, now: UnixSeconds) -> Result<UnixSeconds, InvalidToken> {
        if !self.algorithms.contains(&token.unverified_algorithm) {
            return Err(InvalidToken::AlgorithmNotAllowed);
        }
        let is_access_token = token.unverified_type.as_deref().is_some_and(|unverified_type| {
            // A media type may leave out `application/` (RFC 7515, section 4.1.9), and is written in any case.
            let (tree, rest) = unverified_type.split_once('/').unwrap_or(("application", unverified_type));
            tree.eq_ignore_ascii_case("application")
                && self.token_types.iter().any(|allowed| allowed.eq_ignore_ascii_case(rest))
        });
        if !is_access_token {
            return Err(InvalidToken::Type);
        }
        if !self.is_audience(token.unverified_claims.get("aud")) {
            return Err(InvalidToken::Audience);
        }
        let expires_at = numeric_date(token, "exp")?.ok_or(InvalidToken::TimeForm)?;
        if expires_at.plus(self.leeway_seconds) <= now {
            return Err(InvalidToken::Expired);
        }
        let not_before = numeric_date(token, "nbf")?;
        if not_before.is_some_and(|not_before| not_before > now.plus(self.leeway_seconds)) {
            return Err(InvalidToken::NotYetValid);
        }
        // A token from the future would be issued after whatever its subject is shut out before. Issuers whose clocks are
        // ahead exist all the same, and say nothing of when their tokens begin.
        let issued_at = numeric_date(token, "iat")?;
        if issued_at.is_some_and(|issued_at| issued_at > now.plus(MOST_SECONDS_AHEAD)) {
            return Err(InvalidToken::NotYetValid);
        }
        // A token that says it is bound is never taken unbound (RFC 7800, section 3).
        if Binding::of(token.unverified_claims.get("cnf")) == Binding::Unknown {
            return Err(InvalidToken::Bound);
        }
        Ok(expires_at)
    }

    /// Whether its tokens stand in the place of opaque ones.
    fn writes_down_opaque_tokens(&self) -> bool {
        self.token_types.iter().any(|allowed| allowed.eq_ignore_ascii_case(EXCHANGED_TOKEN_TYPE))
    }

    /// Which token it is that this issuer vouches for: its own, one that it has exchanged, or one that it has made for another
    /// issuer's subject.
    fn identity(&self, token: &UnverifiedToken) -> Result<TokenIdentity, InvalidToken> {
        if self.speaks_for.is_empty() {
            let digest = Sha256::digest(&token.signed).into();
            return Ok(TokenIdentity { issuer: Arc::clone(&self.issuer), voucher: Voucher::Issuer, digest });
        }
        let origin = token.unverified_claims.get("origin").ok_or(InvalidToken::Origin)?;
        let member = |name: &str| origin.get(name).and_then(Value::as_str).ok_or(InvalidToken::Origin);
        let unverified_issuer = member("iss")?;
        let mut listed = (0..).zip(self.speaks_for.iter());
        let (place, issuer) = listed.find(|(_, issuer)| ***issuer == *unverified_issuer).ok_or(InvalidToken::Origin)?;
        // What stands for itself is revoked, and proved for, as any other token. An exchange's never does: its client holds another.
        if origin.get("digest").is_none() && !self.writes_down_opaque_tokens() {
            // Looked up among what is revoked: what cannot be must not pass for a token of no session.
            if !origin.get("sid").is_none_or(Value::is_string) {
                return Err(InvalidToken::Origin);
            }
            let digest = Sha256::digest(&token.signed).into();
            return Ok(TokenIdentity { issuer: Arc::clone(issuer), voucher: Voucher::Deputy(place), digest });
        }
        let digest = digest_from_text(member("digest")?).ok_or(InvalidToken::Origin)?;
        Ok(TokenIdentity { issuer: Arc::clone(issuer), voucher: Voucher::Exchange(place), digest })
    }

    /// Names this policy, this key and the claims that are kept: claims that were verified by anything else are not in the
    /// cache for us.
    fn verification(&self, thumbprint: &[u8; 32], selection: &ClaimSelection) -> Verification {
        let mut hasher = Sha256::new();
        let mut part = |bytes: &[u8]| {
            hasher.update((bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        };
        part(thumbprint);
        part(self.issuer.as_bytes());
        part(&self.leeway_seconds.to_le_bytes());
        let algorithms = self.algorithms.iter().map(|algorithm| algorithm.name().to_owned()).collect::<Vec<_>>();
        part(&(self.speaks_for.len() as u64).to_le_bytes());
        self.speaks_for.iter().for_each(|issuer| part(issuer.as_bytes()));
        for list in [&self.audiences, &self.token_types, &algorithms] {
            part(&(list.len() as u64).to_le_bytes());
            list.iter().for_each(|text| part(text.as_bytes()));
        }
        for (name, wanted) in selection.iter() {
            part(name.as_bytes());
            match wanted {
                Wanted::Whole => part(&[]),
                Wanted::Members(members) => {
                    part(&(members.len() as u64).to_le_bytes());
                    members.iter().for_each(|member| part(member.as_bytes()));
                }
            }
        }
        let digest: [u8; 32] = hasher.finalize().into();
        let context = digest.first_chunk::<CONTEXT_BYTES>().copied().unwrap_or_default();
        Verification {
            context,
            issuer: Arc::clone(&self.issuer),
            speaks_for: Arc::clone(&self.speaks_for),
            leeway_seconds: self.leeway_seconds,
        }
    }

    fn is_audience(&self, unverified_audience: Option<&Value>) -> bool {
        let is_ours = |name: &str| self.audiences.iter().any(|audience| audience == name);
        match unverified_audience {
            Some(Value::String(name)) => is_ours(name),
            Some(Value::Array(names)) => {
                names.iter().all(Value::is_string) && names.iter().filter_map(Value::as_str).any(is_ours)
            }
            _ => false,
        }
    }
}

/// A `NumericDate` claim (RFC 7519, section 2), rounded down; nothing when it is absent.
fn numeric_date(token: &UnverifiedToken, name: &str) -> Result<Option<UnixSeconds>, InvalidToken> {
    match token.unverified_claims.get(name) {
        Some(Value::Number(number)) => UnixSeconds::of(number).map(Some).ok_or(InvalidToken::TimeForm),
        Some(_) => Err(InvalidToken::TimeForm),
        None => Ok(None),
    }
}
