//! Tokens that only the holder of a key may use (RFC 9449): the token names the key by its thumbprint, and each request
//! brings a proof, signed with it for this request and this token, that passes once.
//!
//! Cheap checks come first, the signature behind them. A proof is spent last of all, once nothing else can deny the
//! request: whoever is denied for another reason has lost nothing.

mod nonce;
mod proof;
mod target;
pub mod token_request;

use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::binding::{Binding, Confirmation};
use crate::config::Origin;
use crate::denial::Denial;
use crate::digits::{push_hexadecimal, text};
use crate::gate_key::NamedSecret;
use crate::request::RequestFacts;
use crate::shared_files::{Claim, SharedFiles};
use crate::signature::Algorithm;
use crate::time::UnixSeconds;
use crate::token::{InvalidToken, PresentedToken, TokenScheme};
use nonce::Nonces;
use proof::{Held, Wanted};

/// The header that carries a proof, in lower case (RFC 9449, section 4.1).
pub(crate) const HEADER: &str = "dpop";

/// How old a proof may be unless configured. Long enough for a slow handshake, short enough that a proof which leaks unspent
/// is soon of no use.
pub(crate) const DEFAULT_MAX_AGE_SECONDS: u64 = 60;

/// Proofs that are good for longer would have to be remembered for longer.
pub(crate) const MOST_MAX_AGE_SECONDS: u64 = 300;

/// Why a proof is refused. The client learns `invalid_dpop_proof` and no more, but for what it can mend (RFC 9449, sections
/// 7.1 and 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidProof {
    /// None was brought.
    #[error("the token is bound to a key, and there is no proof")]
    Missing,
    /// Over 8 KiB.
    #[error("the proof is longer than 8 KiB")]
    TooLong,
    /// Not a JWT in compact form with the members that a proof has.
    #[error("the proof is no JWT in compact form, or a member is missing or of the wrong type")]
    Form,
    /// `typ` is not `dpop+jwt`.
    #[error("the proof's typ is not dpop+jwt")]
    Type,
    /// The header has extensions that must be understood.
    #[error("the proof's header has critical extensions")]
    CriticalExtension,
    /// An algorithm that is unknown, `none`, with a shared secret, or not taken here.
    #[error("the proof's algorithm is not taken")]
    Algorithm,
    /// Made for another method.
    #[error("the proof is for another method")]
    Method,
    /// Made for another URI, or for a URI with several readings.
    #[error("the proof is for another URI")]
    Target,
    /// Too old, or of the future.
    #[error("the proof is too old, or made in the future")]
    Time,
    /// Made for another token, or for none.
    #[error("the proof is for another token")]
    Token,
    /// `jti` is empty or over 256 bytes.
    #[error("the proof's jti is empty or longer than 256 bytes")]
    Identifier,
    /// The nonce is missing, of another host, or too old.
    #[error("the proof's nonce is missing, of another host, or too old")]
    Nonce,
    /// The key that it brings is private, a shared secret, or not fit for use.
    #[error("the proof's key is not a public key that can be trusted")]
    Key,
    /// Made with another key than the one that the token names.
    #[error("the proof is made with another key than the token's")]
    OtherKey,
    /// The signature does not hold.
    #[error("the proof's signature does not hold")]
    Signature,
    /// It has passed before.
    #[error("the proof has been used before")]
    Replayed,
}

/// What a gate asks of proofs.
#[derive(Debug, Default)]
pub(crate) struct Proofs {
    /// What `htu` is held against. Without any, nobody can tell for which address a proof was made, so none is taken.
    origins: Vec<Origin>,
    algorithms: Vec<Algorithm>,
    max_age_seconds: u64,
    nonces: Nonces,
}

/// A proof that holds, not yet spent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct UnspentProof {
    minute: u64,
    name: String,
}

impl Proofs {
    pub(crate) fn new(origins: Vec<Origin>, algorithms: Vec<Algorithm>, max_age_seconds: u64) -> Self {
        Self { origins, algorithms, max_age_seconds, nonces: Nonces::default() }
    }

    /// The algorithms that proofs may be signed with, by their names; none where no proof is taken.
    pub(crate) fn algorithms(&self) -> Vec<&'static str> {
        let is_usable = !self.origins.is_empty();
        self.algorithms.iter().filter(|_| is_usable).map(|algorithm| algorithm.name()).collect()
    }

    /// Takes the name by which this host is told from the others, or the news that there are no others.
    pub(crate) fn take_host(&mut self, host: Option<String>) {
        self.nonces.take_host(host);
    }

    /// Takes the gate's own secrets for nonces, the current one first.
    pub(crate) fn take_secrets(&mut self, secrets: Vec<NamedSecret>) {
        self.nonces.take_secrets(secrets);
    }

    /// The nonce that a proof must name from now on; none where it need not.
    pub(crate) fn nonce(&self, now: UnixSeconds) -> Option<String> {
        self.nonces.current(now)
    }

    /// Lets a token be used that is bound to no key and presented as such, or with a proof that its key has signed, which is
    /// given back to be spent. `original_digest` is the SHA-256 of the token that the client presented, where another stands
    /// in its place.
    pub(crate) fn check(
        &self,
        binding: &Binding,
        token: PresentedToken<'_>,
        original_digest: Option<&[u8; 32]>,
        facts: &RequestFacts<'_>,
        now: UnixSeconds,
    ) -> Result<Option<UnspentProof>, Denial> {
        let key = if let Binding::To(Confirmation { key, .. }) = binding { key.as_ref() } else { None };
        match (token.scheme(), key) {
            (TokenScheme::Bearer, None) => Ok(None),
            // Whoever steals a bound token would else use it as one that is not (RFC 9449, section 7.2).
            (TokenScheme::Bearer, Some(_)) => Err(InvalidToken::WithoutProof.into()),
            (TokenScheme::Dpop, None) => Err(InvalidToken::NotBoundToKey.into()),
            (TokenScheme::Dpop, Some(key)) => {
                let digest = original_digest.copied().unwrap_or_else(|| Sha256::digest(token.bytes()).into());
                self.verify(key, &digest, facts, now).map(Some)
            }
        }
    }

    fn verify(
        &self,
        key: &[u8; 32],
        token_digest: &[u8; 32],
        facts: &RequestFacts<'_>,
        now: UnixSeconds,
    ) -> Result<UnspentProof, Denial> {
        if self.nonces.are_wanted_but_cannot_be_made() {
            return Err(Denial::KeysUnavailable { of: "this gate".to_owned() });
        }
        let text = facts.only_header_value(HEADER)?.ok_or(InvalidProof::Missing)?;
        let wanted = Wanted { policy: self, key: Some(key), token_digest: Some(token_digest), facts, now };
        Ok(UnspentProof::new(&wanted.verify(text)?))
    }
}

impl UnspentProof {
    /// The same proof has the same place at every gate and at any time: by the minute in which it says that it was made, so
    /// that old ones can be cleared away, and a digest that tells nobody which client it was.
    fn new(held: &Held) -> Self {
        let digest = Sha256::new().chain_update(held.key).chain_update(&held.jti).finalize();
        let mut name = Vec::with_capacity(64);
        push_hexadecimal(&digest, &mut name);
        Self { minute: held.made_at.0 / 60, name: text(name) }
    }

    /// Spends it, for all gates that share the files. Where nobody can tell whether it was spent before, it is refused.
    pub(crate) fn spend(&self, shared: &dyn SharedFiles) -> Result<(), Denial> {
        match shared.claim(self.minute, &self.name) {
            Claim::First => Ok(()),
            Claim::Before => Err(InvalidProof::Replayed.into()),
            Claim::Unknown => Err(Denial::ReplaysUnknown),
        }
    }
}

#[cfg(test)]
mod tests;
