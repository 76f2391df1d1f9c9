//! Proofs of possession of those who ask for tokens: checked by the gate's own verifier, and spent for all replicas.

use axum::http::HeaderMap;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use time::OffsetDateTime;
use trust_core::dpop::InvalidProof;
use trust_core::dpop::token_request::MAX_AGE_SECONDS;
use trust_core::time::UnixSeconds;

use super::Sessions;
use super::refusal::Refusal;
use crate::backbone::Put;
use crate::gate::Caller;

/// Proofs that have been spent.
pub(super) const PROOFS: &str = "sessions.proofs";

/// For how long one is remembered: as long as it passes, a client's clock may be ahead, and ours may be apart.
const REMEMBERED: time::Duration = time::Duration::seconds(2 * MAX_AGE_SECONDS.cast_signed());

/// A key that is proved, and the proof, still to be spent.
pub(super) struct Proven {
    /// The key's thumbprint (RFC 7638) as tokens name it.
    pub(super) thumbprint: String,
    name: String,
}

impl Sessions {
    /// The key of whoever makes this request.
    pub(super) fn proven(&self, caller: &Caller, headers: &HeaderMap, now: OffsetDateTime) -> Result<Proven, Refusal> {
        let proofs: Vec<_> = headers.get_all("dpop").iter().map(|value| value.as_bytes().to_vec()).collect();
        if proofs.is_empty() {
            return Err(InvalidProof::Missing.into());
        }
        let now = UnixSeconds(u64::try_from(now.unix_timestamp()).unwrap_or_default());
        let key = self.requests.verify(caller.request(), proofs, now)?;
        Ok(Proven { thumbprint: BASE64_URL_SAFE_NO_PAD.encode(key.thumbprint), name: key.proof })
    }
}

impl Proven {
    /// What spends the proof: a part of the commit that it is for.
    pub(super) fn spent(&self, now: OffsetDateTime) -> Put {
        Put {
            bucket: PROOFS,
            key: self.name.clone(),
            value: Some(b"1".to_vec()),
            expected_revision: None,
            expires_at: Some(now.saturating_add(REMEMBERED)),
        }
    }
}
