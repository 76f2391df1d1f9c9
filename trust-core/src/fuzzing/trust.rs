//! Any bytes as what a keeper writes: its head and its table of revocations. Whatever they are, reading them ends, and a
//! table that has lost its end never says that nothing is revoked.

use super::fixture::{ISSUER, NOW};
use crate::claims::VerifiedClaims;
use crate::claims::record::ClaimRecord;
use crate::claims::selection::ClaimSelection;
use crate::revocations::{Revocation, Table, table};
use crate::trust_head::TrustHead;

pub(super) fn check(bytes: &[u8]) {
    if let Ok(head) = TrustHead::from_json(bytes) {
        assert_eq!(TrustHead::from_json(head.to_json().as_bytes()), Ok(head));
    }
    let revoked = Revocation::Id { issuer: ISSUER.to_owned(), jti: "4711".to_owned() };
    let claims = claims();
    let _ = holds(bytes, &claims);
    let whole = table([&revoked], [7; 16]);
    let left = bytes.first_chunk().map_or(0, |length| usize::from(u16::from_le_bytes(*length)));
    let cut = whole.get(..left).unwrap_or(&whole);
    assert_ne!(holds(cut, &claims), Some(false), "{left} bytes of a table");
}

/// What a table says of a token; nothing when it cannot be read.
fn holds(bytes: &[u8], claims: &VerifiedClaims) -> Option<bool> {
    let read_at = |offset: u64, buffer: &mut [u8]| {
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        let found = bytes.get(from..).and_then(|rest| rest.get(..buffer.len()));
        found.inspect(|found| buffer.copy_from_slice(found)).is_some()
    };
    Table::open(read_at).ok()?.holds(claims, read_at).ok()
}

fn claims() -> VerifiedClaims {
    let claims = serde_json::json!({"sub": "ada", "jti": "4711", "sid": "session-1", "iat": NOW.0});
    let record = claims.as_object().and_then(|claims| ClaimRecord::of(claims, &ClaimSelection::default()));
    VerifiedClaims::new(ISSUER, NOW.plus(60), record.expect("short claims"))
}
