//! The files below `/trust` that a gate lives on: keys of issuers, and its own.

use thiserror::Error;

use super::Gate;
use crate::gate_key::{GateKeys, InvalidGateKeys};
use crate::kept_trust::KeptTrust;
use crate::keys::{InvalidJwks, KeySet, UnfitKey, unfit_keys};
use crate::trust_head::{InvalidHead, TRUST_HEAD_FILE};

/// The file below `/trust` that holds the gate's own keys.
pub const GATE_KEY_FILE: &str = "gate.key";

/// Why a file of the trust directory is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidTrustFile {
    /// It is not there, or cannot be read.
    #[error("missing or unreadable; is its folder mounted at /trust (settings.mounts)?")]
    Missing,
    /// It holds no keys of an issuer.
    #[error(transparent)]
    Jwks(#[from] InvalidJwks),
    /// It is no head of a trust directory.
    #[error(transparent)]
    Head(#[from] InvalidHead),
    /// It is an older head than one that was there before.
    #[error("an older head than the one before it has been put back")]
    RolledBack,
    /// It does not hold the gate's own keys.
    #[error(transparent)]
    GateKeys(#[from] InvalidGateKeys),
}

impl Gate {
    /// Files below `/trust` that the gate lives on.
    #[must_use]
    pub fn wanted_files(&self) -> Vec<String> {
        let jwks = self.jwks_files.iter().map(|(file, _)| file.clone());
        let head = self.kept_trust.is_some().then(|| TRUST_HEAD_FILE.to_owned());
        jwks.chain([GATE_KEY_FILE.to_owned()]).chain(head).collect()
    }

    /// The file below `/trust` in which revoked tokens are looked up; it changes with what
    /// [`TRUST_HEAD_FILE`] says, and is never written to once it is there.
    #[must_use]
    pub fn revocations_file(&self) -> Option<String> {
        self.kept_trust.as_ref().and_then(KeptTrust::revocations_file)
    }

    /// Takes a file's content, or the news that it cannot be read. Keys of a file that is gone or broken are forgotten:
    /// who took them away may have had a reason.
    pub fn take_file(&mut self, name: &str, content: Option<&[u8]>) -> Result<(), InvalidTrustFile> {
        let mut outcome = Ok(());
        for (_, index) in self.jwks_files.iter().filter(|(file, _)| file == name) {
            let Some(issuer) = self.issuers.all.get_mut(*index) else { continue };
            let purpose = issuer.policy.key_purpose();
            let keys =
                content.ok_or(InvalidTrustFile::Missing).and_then(|bytes| Ok(KeySet::from_jwks(bytes, purpose)?));
            let (keys, read) = split(keys);
            issuer.keys = keys;
            outcome = outcome.and(read);
            self.issuers.prepare_verifications();
            self.cache.forget_recent();
        }
        if name == TRUST_HEAD_FILE
            && let Some(kept_trust) = &mut self.kept_trust
        {
            let read = kept_trust.take_head(content);
            self.proofs.take_host(kept_trust.host().map(str::to_owned));
            return read;
        }
        if name == GATE_KEY_FILE {
            let keys = content.ok_or(InvalidTrustFile::Missing).and_then(|bytes| Ok(GateKeys::from_json(bytes)?));
            let (keys, read) = split(keys);
            self.take_gate_keys(keys.as_ref());
            // Without it a gate that signs nothing only goes without its shared cache.
            let is_needed = self.transaction.is_some();
            return if is_needed || content.is_some() { read } else { Ok(()) };
        }
        outcome
    }

    /// The keys in this content of a wanted file that verify no token, with the reason for each.
    #[must_use]
    pub fn unfit_keys(&self, name: &str, content: &[u8]) -> Vec<UnfitKey> {
        let of_file = self.jwks_files.iter().find(|(file, _)| file == name);
        let issuer = of_file.and_then(|(_, index)| self.issuers.all.get(*index));
        issuer.map(|issuer| unfit_keys(content, issuer.policy.key_purpose())).unwrap_or_default()
    }

    fn take_gate_keys(&mut self, keys: Option<&GateKeys>) {
        if let Some(setting) = &mut self.transaction {
            setting.keys = keys.map(|keys| keys.transaction_keys(&setting.audience));
        }
        self.cache.take_secrets(keys.and_then(GateKeys::cache_secrets));
        self.throttle.take_secret(keys.and_then(GateKeys::throttle_secret));
        self.proofs.take_secrets(keys.map(GateKeys::nonce_secrets).unwrap_or_default());
        self.tag_secret = keys.and_then(GateKeys::tag_secret).unwrap_or_default();
    }
}

fn split<T, E>(result: Result<T, E>) -> (Option<T>, Result<(), E>) {
    match result {
        Ok(value) => (Some(value), Ok(())),
        Err(error) => (None, Err(error)),
    }
}
