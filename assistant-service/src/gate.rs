//! Who calls. A [`Caller`] is made in one place only, from a transaction token that the gate signed for this very
//! request; no handler sees a request without one.

mod transaction_keys;
mod waiting;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::HOST;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use time::OffsetDateTime;
use trust_core::dpop::token_request::SeenRequest;
use trust_core::principal::Principal;
use trust_core::time::UnixSeconds;
use trust_core::transaction_token::{HEADER, KEEPER, TransactionClaims};

use crate::exchange::sources::whole;
use crate::problem::Problem;
use crate::revocations::Names;
use crate::state::AppState;

pub use transaction_keys::{CannotReadKeys, FileTransactionKeys, TransactionKeySource};
pub(crate) use waiting::until_revoked;

/// Somebody whom the gate let through, for one request.
#[derive(Clone, Debug)]
pub struct Caller(Arc<Verified>);

#[derive(Debug)]
struct Verified {
    claims: TransactionClaims,
    principal: Option<Principal>,
    auth_type: &'static str,
    names: Names,
}

impl Caller {
    /// Who it is; nobody where the gate's rule is public.
    #[must_use]
    pub fn principal(&self) -> Option<&Principal> {
        self.0.principal.as_ref()
    }

    /// Who it is, unless the gate's rule for this request asks for nobody.
    pub fn require_principal(&self) -> Result<&Principal, Problem> {
        self.0.principal.as_ref().ok_or(Problem::Unauthenticated)
    }

    /// The scopes of the caller's own token.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.0.claims.scope.as_deref().unwrap_or_default().split_ascii_whitespace()
    }

    /// The roles of the caller's own token. Nothing where the gate does not tell them (`transactionToken.roles`), which does
    /// not mean that there are none.
    #[must_use]
    pub fn roles(&self) -> Option<&[String]> {
        self.0.claims.rctx.roles.as_deref()
    }

    /// The event types that the gate's rule for this request lets the caller use.
    #[must_use]
    pub fn event_types(&self) -> &[String] {
        &self.0.claims.tctx.event_types
    }

    /// Id and source of the event that the gate made of this request: the id is one that nobody else could know.
    #[must_use]
    pub fn gate_tag(&self) -> (&str, &str) {
        (&self.0.claims.txn, &self.0.claims.iss)
    }

    /// What kind of caller it is, in the words of CloudEvents' auth context extension.
    #[must_use]
    pub fn auth_type(&self) -> &'static str {
        self.0.auth_type
    }

    /// How long the caller's own token holds, and with it every stream that it opened. The transaction token's own end
    /// stands in for one that is not told.
    #[must_use]
    pub fn time_left(&self, now: OffsetDateTime) -> Duration {
        let ends_at = Duration::from_secs(self.0.claims.rctx.exp.unwrap_or(self.0.claims.exp));
        let now = u64::try_from(now.unix_timestamp_nanos() / 1_000_000).unwrap_or_default();
        ends_at.saturating_sub(Duration::from_millis(now))
    }

    /// The names under which the caller's own token can be revoked.
    pub(crate) fn names(&self) -> &Names {
        &self.0.names
    }

    /// The session of the caller's own token, by its issuer's name for it.
    pub(crate) fn session(&self) -> Option<&str> {
        self.0.claims.rctx.sid.as_deref()
    }

    /// The request as the client made it to the gate: method, host, path and query.
    pub(crate) fn request(&self) -> SeenRequest<'_> {
        let context = &self.0.claims.tctx;
        SeenRequest { method: &context.method, host: &context.host, target: &context.target }
    }

    /// Where the request comes from, under a public rule and as far as the gate knows: there is no other name for who asks.
    pub(crate) fn source(&self) -> Option<IpAddr> {
        self.0.claims.rctx.req_ip.as_deref()?.parse().ok()
    }

    /// Who it is, or else where the request comes from, as far as the gate knows.
    pub(crate) fn requester(&self) -> Option<Requester> {
        let principal = self.principal().cloned().map(Requester::Principal);
        principal.or_else(|| self.source().map(|address| Requester::Address(whole(address))))
    }

    /// The identifier that the gate gave this request.
    #[must_use]
    pub fn transaction(&self) -> &str {
        &self.0.claims.txn
    }
}

/// Whose a request is, as far as somebody's share of the service goes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Requester {
    /// Whoever the token is for.
    Principal(Principal),
    /// Nobody by name: where it comes from, a /64 where that is one of IPv6.
    Address(IpAddr),
}

/// The layer that lets nobody pass who did not come through the gate.
pub(crate) async fn authenticate(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    match verified_caller(&state, &request) {
        Ok(caller) => {
            tracing::Span::current().record("transaction", caller.transaction());
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

/// A keeper is no caller, and whoever has been revoked is none any more: the gate may not have heard of it yet.
fn verified_caller(state: &AppState, request: &Request) -> Result<Caller, Problem> {
    let claims = verified_claims(state, request)?;
    if claims.iss == KEEPER {
        return Err(refused(&"a keeper's, which are for the trust directory alone"));
    }
    let names = Names::of(&claims).ok_or_else(|| refused(&"it names a token by no digest"))?;
    if state.trust.revokes(&names) {
        state.metrics.revoked_callers.inc();
        return Err(refused(&"its caller's own token is revoked"));
    }
    let principal = claims.principal();
    let auth_type = auth_type(principal.as_ref(), request.headers());
    Ok(Caller(Arc::new(Verified { claims, principal, auth_type, names })))
}

/// What a transaction token says that was made for this very request and holds now.
pub(crate) fn verified_claims(state: &AppState, request: &Request) -> Result<TransactionClaims, Problem> {
    let keys = state.transaction_keys.keys().ok_or(Problem::KeysUnavailable)?;
    let now = UnixSeconds(u64::try_from(state.clock.now().unix_timestamp()).unwrap_or_default());
    let token = only(request.headers(), &HeaderName::from_static(HEADER)).ok_or(Problem::Unauthenticated)?;
    let claims = TransactionClaims::verify(token, &keys, now).map_err(|reason| refused(&reason))?;
    let host = only(request.headers(), &HOST).ok_or(Problem::Unauthenticated)?;
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    if !claims.is_for(request.method().as_str(), host, target) {
        return Err(refused(&"made for another request"));
    }
    Ok(claims)
}

/// The gate sets this header on every request that it lets through, and only it knows which kind of token it saw.
fn auth_type(principal: Option<&Principal>, headers: &HeaderMap) -> &'static str {
    match (principal, only(headers, &HeaderName::from_static("ce-authtype"))) {
        (None, _) => "unauthenticated",
        (Some(_), Some("service_account")) => "service_account",
        (Some(_), _) => "app_user",
    }
}

/// The caller is not told why; whoever runs the service may need to know.
fn refused(reason: &dyn std::fmt::Display) -> Problem {
    tracing::info!(%reason, "a transaction token was refused");
    Problem::Unauthenticated
}

/// The value of a header that is there exactly once: with two, somebody else may have read the other one.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or(Problem::Unauthenticated)
    }
}

#[cfg(test)]
mod tests;
