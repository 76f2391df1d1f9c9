//! The tokens that this instance has just seen, by their exact text: neither a digest nor a read of the file.

use super::Verification;
use super::slot::Slot;
use crate::claims::VerifiedClaims;
use crate::time::UnixSeconds;
use crate::words::are_same;

/// Instances are many, and each holds its own: this many tokens, and none longer than this.
const PLACES: usize = 16;
const MAX_TOKEN_BYTES: usize = 2 * 1024;
const MAX_RECORD_BYTES: usize = 1024;

#[derive(Default)]
pub(super) struct RecentTokens {
    places: [Option<Box<Recent>>; PLACES],
}

struct Recent {
    token: String,
    claims: VerifiedClaims,
    verified_at: UnixSeconds,
    verification: Verification,
}

impl RecentTokens {
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn find(&self, token: &str, now: UnixSeconds) -> Option<VerifiedClaims> {
        let recent = self
            .places
            .get(place(token))?
            .as_ref()
            .filter(|recent| are_same(recent.token.as_bytes(), token.as_bytes()))?;
        let holds = recent.verification.holds(recent.verified_at, recent.claims.expires_at(), now);
        holds.then(|| recent.claims.clone())
    }

    /// In the place of whichever token stood there.
    pub(super) fn keep(&mut self, token: &str, slot: &Slot, verification: &Verification) {
        if token.len() > MAX_TOKEN_BYTES || slot.claims.record().as_bytes().len() > MAX_RECORD_BYTES {
            return;
        }
        let Some(held) = self.places.get_mut(place(token)) else { return };
        *held = Some(Box::new(Recent {
            token: token.to_owned(),
            claims: slot.claims.clone(),
            verified_at: slot.verified_at,
            verification: verification.clone(),
        }));
    }
}

/// The end of a token is its signature: as good as random for honest tokens, and whoever chooses it otherwise can only
/// displace one place of many.
fn place(token: &str) -> usize {
    let sum =
        token.bytes().rev().take(8).fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)));
    sum.checked_rem(PLACES).unwrap_or(0)
}
