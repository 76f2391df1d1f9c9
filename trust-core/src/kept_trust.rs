//! A trust directory that a keeper keeps: nothing of it is believed unless the keeper has spoken within seconds, what it says
//! is revoked is refused, and a key that nobody knows yet is asked for before its token is called bad.

use crate::claims::VerifiedClaims;
use crate::denial::Denial;
use crate::gate::InvalidTrustFile;
use crate::revocations::Table;
use crate::shared_files::{SharedFile, SharedFiles};
use crate::time::{UnixSeconds, WallTime};
use crate::token::InvalidToken;
use crate::trust_head::{MAX_AGE_MILLISECONDS, TrustHead, wanted_file};

/// What this gate knows of it.
#[derive(Default)]
pub(crate) struct KeptTrust {
    head: Option<TrustHead>,
    /// Of all heads that this gate has seen.
    highest_sequence: u64,
    /// The table that the head names, by its number, once a token has been held against it.
    table: Option<(u64, Table)>,
}

impl KeptTrust {
    /// Takes the head's content, or the news that it cannot be read.
    pub(crate) fn take_head(&mut self, content: Option<&[u8]>) -> Result<(), InvalidTrustFile> {
        self.head = None;
        let head = TrustHead::from_json(content.ok_or(InvalidTrustFile::Missing)?)?;
        if head.sequence < self.highest_sequence {
            return Err(InvalidTrustFile::RolledBack);
        }
        self.highest_sequence = head.sequence;
        self.head = Some(head);
        Ok(())
    }

    /// The name of this host, where several stand for one origin. While there is no head no token passes, whatever its proof.
    pub(crate) fn host(&self) -> Option<&str> {
        self.head.as_ref()?.host.as_deref()
    }

    /// The file below `/trust` in which revoked tokens are looked up.
    pub(crate) fn revocations_file(&self) -> Option<String> {
        self.head.as_ref().and_then(TrustHead::revocations_file)
    }

    /// Lets a token be looked at while the keeper is alive. A head from the future is as bad as an old one: its age is not
    /// known.
    pub(crate) fn check_fresh(&self, now: WallTime) -> Result<(), Denial> {
        let is_fresh = |head: &TrustHead| head.time.abs_diff(now.milliseconds()) <= MAX_AGE_MILLISECONDS;
        if self.head.as_ref().is_some_and(is_fresh) { Ok(()) } else { Err(Denial::TrustUnknown) }
    }

    /// Refuses what is revoked. Cached or not, every token passes here on every request.
    pub(crate) fn check_revoked(&mut self, claims: &VerifiedClaims, shared: &dyn SharedFiles) -> Result<(), Denial> {
        let number = self.head.as_ref().ok_or(Denial::TrustUnknown)?.revocations;
        let Some(number) = number else { return Ok(()) };
        let read_at = |offset: u64, buffer: &mut [u8]| shared.read_at(SharedFile::Revocations, offset, buffer);
        let table = match self.table.take().filter(|(held, _)| *held == number) {
            Some((_, table)) => table,
            None => Table::open(read_at).map_err(|_| Denial::TrustUnknown)?,
        };
        let is_revoked = table.holds(claims, read_at);
        self.table = Some((number, table));
        match is_revoked {
            Ok(false) => Ok(()),
            Ok(true) => Err(InvalidToken::Revoked.into()),
            Err(_) => Err(Denial::TrustUnknown),
        }
    }

    /// What becomes of a token with a key that is not among `file`'s: bad, if the keeper has fetched the keys `since` the token
    /// was issued, for a key is published before it is used. Else the keeper is asked, and nobody knows until it has answered.
    pub(crate) fn judge_unknown_kid(
        &self,
        file: Option<&str>,
        issuer: &str,
        since: Option<UnixSeconds>,
        shared: &dyn SharedFiles,
    ) -> Denial {
        let fetched_at = file.and_then(|file| self.head.as_ref()?.key_sets.get(file).copied());
        match (fetched_at, since) {
            (Some(fetched_at), Some(since)) if since.0.saturating_mul(1000) >= fetched_at => {
                shared.want_keys(&wanted_file(issuer));
                Denial::KeyAwaited { of: issuer.to_owned() }
            }
            _ => InvalidToken::UnknownKey.into(),
        }
    }
}

#[cfg(test)]
mod tests;
