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
    /// The ends of the tokens that asked for each place last.
    asked: [u64; PLACES],
}

struct Recent {
    token: Box<[u8]>,
    claims: VerifiedClaims,
    verified_at: UnixSeconds,
    verification: Verification,
}

impl RecentTokens {
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn find(&self, token: &[u8], now: UnixSeconds) -> Option<VerifiedClaims> {
        let recent = self.places.get(place(token))?.as_ref().filter(|recent| are_same(&recent.token, token))?;
        let holds = recent.verification.holds(recent.verified_at, recent.claims.expires_at(), now);
        holds.then(|| recent.claims.clone())
    }

    /// Notes that this token asks for its place, and says whether the last one that did was the same, as far as can be told.
    /// Among many that take turns, a token that is kept at once is gone before it comes back.
    pub(super) fn asks_again(&mut self, token: &[u8]) -> bool {
        let end = end(token);
        self.asked.get_mut(place(token)).is_some_and(|asked| std::mem::replace(asked, end) == end)
    }

    /// In the place of whichever token stood there.
    pub(super) fn keep(&mut self, token: &[u8], slot: &Slot, verification: &Verification) {
        if token.len() > MAX_TOKEN_BYTES || slot.claims.record().as_bytes().len() > MAX_RECORD_BYTES {
            return;
        }
        let Some(held) = self.places.get_mut(place(token)) else { return };
        *held = Some(Box::new(Recent {
            token: token.into(),
            claims: slot.claims.clone(),
            verified_at: slot.verified_at,
            verification: verification.clone(),
        }));
    }
}

fn place(token: &[u8]) -> usize {
    // A character of base64 says six bits, not all of them in its lowest ones.
    let folded = end(token).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    usize::try_from(folded).unwrap_or(0).checked_rem(PLACES).unwrap_or(0)
}

/// The end of a token is its signature: as good as random for honest tokens, and whoever chooses it otherwise can only
/// displace one place of many.
fn end(token: &[u8]) -> u64 {
    token.last_chunk().map_or(0, |end| u64::from_le_bytes(*end))
}
