//! What a permitted request looks like behind the gate: tags and the gate's word in, everything forged out.

use std::borrow::Cow;

use super::Gate;
use crate::claims::VerifiedClaims;
use crate::claims::record::ClaimValue;
use crate::client_certificate;
use crate::denial::Denial;
use crate::dpop;
use crate::percent::encode_header_value;
use crate::permit::Permit;
use crate::request::RequestFacts;
use crate::revocations::digest_text;
use crate::tags::EventTags;
use crate::time::UnixSeconds;
use crate::transaction_token::{
    LIFETIME_SECONDS, RequesterContext, SPELLED_HEADER, TransactionClaims, TransactionContext, TransactionKeys,
};

/// What to do with the headers of a request that may pass.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Forwarding {
    /// Headers to take away, as the client spelled them.
    pub remove: Vec<String>,
    /// Headers to set, in place of all of the same name.
    pub set: Vec<(Cow<'static, str>, String)>,
}

/// Names alone: the values speak for the caller.
impl std::fmt::Debug for Forwarding {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let set: Vec<_> = self.set.iter().map(|(name, _)| name).collect();
        formatter.debug_struct("Forwarding").field("remove", &self.remove).field("set", &set).finish()
    }
}

impl Gate {
    /// The headers of a permitted request as what stands behind the gate shall see them.
    pub(super) fn forwarding(
        &self,
        facts: &RequestFacts<'_>,
        permit: &Permit<'_>,
        tags: &mut EventTags,
        now: UnixSeconds,
    ) -> Result<Forwarding, Denial> {
        let mut set = tags.take_headers();
        for forwarded in &self.forward_claims {
            let value = permit.claims().and_then(|claims| claims.get(&forwarded.claim)).and_then(ClaimValue::scalar);
            set.extend(value.map(|value| (forwarded.header.clone().into(), encode_header_value(value))));
        }
        if let Some(setting) = &self.transaction {
            let unavailable = || Denial::KeysUnavailable { of: "this gate".to_owned() };
            let keys = setting.keys.as_ref().ok_or_else(unavailable)?;
            let roles = permit.claims().filter(|_| setting.has_roles).and_then(VerifiedClaims::roles);
            let token = self.transaction_token(facts, permit, tags, (keys, roles), now).ok_or_else(unavailable)?;
            set.push((Cow::Borrowed(SPELLED_HEADER), token));
        }
        let remove = facts
            .headers()
            .filter(|(spelled, folded)| {
                // Where nobody's token counts the gate has looked at no proof: it is for whoever stands behind, and spent there.
                let is_unread = permit.claims().is_none() && *folded == dpop::HEADER;
                let is_replaced = || set.iter().any(|(header, _)| header.eq_ignore_ascii_case(spelled));
                tags.ends(folded)
                    || (self.is_stripped(spelled, folded)
                        && !tags.keeps(spelled, folded)
                        && !is_replaced()
                        && !is_unread)
            })
            .map(|(spelled, _)| spelled.to_owned())
            .collect();
        Ok(Forwarding { remove, set })
    }

    /// Whether a client's header of this name goes no further, unless its rule lets it bring one.
    pub(super) fn is_stripped(&self, spelled: &str, folded: &str) -> bool {
        if client_certificate::is_header(folded) {
            return self.client_certificates.are_forged_in(spelled, folded);
        }
        // Behind a gate that vouches for the caller nobody needs the caller's own token, nor what proves that it is.
        let is_spent = (folded == "authorization" || folded == dpop::HEADER) && self.transaction.is_some();
        is_spent || (self.is_ours(folded) && folded != "traceparent")
    }

    fn transaction_token(
        &self,
        facts: &RequestFacts<'_>,
        permit: &Permit<'_>,
        tags: &EventTags,
        (keys, roles): (&TransactionKeys, Option<Vec<&str>>),
        now: UnixSeconds,
    ) -> Option<String> {
        let (rule, claims) = (permit.rule(), permit.claims());
        let scalar = |name: &str| claims.and_then(|claims| claims.get(name)).and_then(ClaimValue::scalar);
        let scopes = claims.map(VerifiedClaims::scopes_in_one).unwrap_or_default();
        let digest = claims.map(|claims| digest_text(claims.digest()));
        let source = facts.source().filter(|_| claims.is_none()).map(|address| address.to_string());
        let claims = TransactionClaims {
            iss: self.source(),
            aud: keys.audience(),
            iat: now.0,
            exp: now.plus(LIFETIME_SECONDS).0,
            txn: tags.event_id(),
            sub: claims.map(VerifiedClaims::subject),
            scope: Some(&*scopes).filter(|scopes| !scopes.is_empty()),
            tctx: TransactionContext {
                rule: rule.name(),
                method: facts.method(),
                host: facts.host(),
                target: facts.target(),
                event_types: rule.event.client_types.iter().map(String::as_str).collect(),
            },
            rctx: RequesterContext {
                iss: claims.map(VerifiedClaims::issuer),
                jti: scalar("jti"),
                sid: scalar("sid"),
                opened_in: claims.and_then(VerifiedClaims::opened_in),
                iat: claims.and_then(VerifiedClaims::issued_at).map(|at| at.0),
                digest: digest.as_deref(),
                req_ip: source.as_deref(),
                exp: claims.map(|claims| claims.expires_at().0),
                roles,
            },
        };
        claims.sign(keys)
    }
}
