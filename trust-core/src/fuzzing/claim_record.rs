//! Any bytes as the claims that lie in a slot: whatever they spell, reading them ends, and gives nothing that is not there.

use serde_json::Value;

use super::fixture::{CERTIFICATE, ISSUER, NOW, with_authorization};
use crate::binding::Binding;
use crate::claims::VerifiedClaims;
use crate::claims::record::{ClaimRecord, ClaimValue};
use crate::client_certificate::ClientCertificates;
use crate::request::RequestFacts;
use crate::rules::claim::ClaimMatcher;
use crate::rules::expression::Expression;
use crate::rules::parser::parse;
use crate::rules::satisfied;

const NAMES: [&str; 12] =
    ["sub", "scope", "scp", "cnf", "client_id", "azp", "jti", "sid", "acr", "roles", "groups", "auth_time"];

const RULE: &str = "Scope(`events:write`) && !Role(`qa`) || Group(`admins`) && AuthenticatedWithin(`15m`) || Acr(`gold`) \
    || Claim(`sub`, `ada`) && ClaimContains(`roles`, `qa`) && BoundToClient()";

pub(super) fn check(bytes: &[u8]) {
    let record = ClaimRecord::from_bytes(bytes.to_vec());
    assert_eq!(record.as_bytes(), bytes);
    for name in NAMES {
        if let Some(value) = record.get(name) {
            lies_within(value, bytes.len());
        }
    }
    let claims = VerifiedClaims::new(ISSUER, NOW, record);
    claims.scopes().for_each(|scope| assert!(scope.len() <= bytes.len()));
    assert_eq!(claims.principal().uri(), claims.principal_uri());
    let requirement: Expression<ClaimMatcher> = parse(RULE, ClaimMatcher::read).expect("the rule is valid");
    let negated = Expression::Not(Box::new(requirement.clone()));
    assert_ne!(satisfied(&requirement, &claims, NOW), satisfied(&negated, &claims, NOW));
    only_what_is_bound_to_nothing_needs_nothing(&claims);
}

fn lies_within(value: ClaimValue<'_>, bytes: usize) {
    let mut members = 0_usize;
    for member in value.members() {
        members = members.saturating_add(1);
        lies_within(member, bytes.saturating_sub(3));
    }
    assert!(members <= bytes && value.scalar().is_none_or(|text| text.len() <= bytes));
}

fn only_what_is_bound_to_nothing_needs_nothing(claims: &VerifiedClaims) {
    let mut shown = with_authorization(b"");
    shown.headers.push(("X-Forwarded-Tls-Client-Cert".to_owned(), vec![CERTIFICATE.into()]));
    let shown = RequestFacts::read(&shown).expect("a plain request");
    let binding = Binding::of_claims(claims);
    assert_eq!(binding == Binding::Unbound, claims.get("cnf").is_none());
    let (untrusted, trusted) = (ClientCertificates::Untrusted, ClientCertificates::Trusted);
    let Binding::To(named) = binding else {
        assert_eq!(untrusted.check(&binding, &shown).is_ok(), binding == Binding::Unbound);
        return;
    };
    assert!(named.certificate.is_some() || named.key.is_some(), "bound to nothing");
    assert_eq!(untrusted.check(&binding, &shown).is_ok(), named.certificate.is_none());
    let Some(ClaimValue::Object(text)) = claims.get("cnf") else { panic!("bound by something else than an object") };
    let confirmation: Value = serde_json::from_str(text).expect("it was read");
    assert_eq!(confirmation["x5t#S256"].is_string(), named.certificate.is_some(), "{text}");
    assert_eq!(confirmation["jkt"].is_string(), named.key.is_some(), "{text}");
    assert!(named.certificate.is_some() || trusted.check(&binding, &shown).is_ok(), "{text}");
}
