//! Any bytes as a rule: a tree that says what is written, or mistakes that each have a place in it.

use std::fmt::{Debug, Display};

use serde_json::json;

use super::fixture::{ISSUER, NOW, with_authorization};
use crate::claims::VerifiedClaims;
use crate::claims::record::ClaimRecord;
use crate::claims::selection::ClaimSelection;
use crate::percent;
use crate::request::{RawRequest, RequestFacts};
use crate::rules::claim::ClaimMatcher;
use crate::rules::expression::Expression;
use crate::rules::parser::{Call, RuleMistake, parse};
use crate::rules::request::RequestMatcher;

pub(super) fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let on_requests = read(text, RequestMatcher::read);
    let on_claims = read(text, ClaimMatcher::read);
    assert!(on_requests.is_none() || on_claims.is_none(), "one rule for requests and for claims: {text}");
    if let Some(tree) = on_requests {
        let raw = with_authorization(b"");
        let facts = RequestFacts::read(&raw).expect("a plain request");
        says_no_behind_a_not(&tree, |matcher| matcher.holds(&facts));
        tree.conditions().into_iter().for_each(some_request_satisfies);
    }
    if let Some(tree) = on_claims {
        let claims = claims_that_satisfy(&ClaimMatcher::BoundToClient);
        says_no_behind_a_not(&tree, |matcher| matcher.holds(&claims, NOW));
        for matcher in tree.conditions() {
            assert!(
                matcher.holds(&claims_that_satisfy(matcher), NOW),
                "can never hold, so always behind a !: {matcher}"
            );
        }
    }
}

fn read<M: Debug + Display>(text: &str, condition: fn(Call) -> Result<M, RuleMistake>) -> Option<Expression<M>> {
    match parse(text, condition) {
        Ok(tree) => {
            let written = written(&tree);
            let again = parse(&written, condition).unwrap_or_else(|mistakes| panic!("{written}: {mistakes:?}"));
            assert_eq!(format!("{again:?}"), format!("{tree:?}"), "{text} and {written} are not the same");
            Some(tree)
        }
        Err(mistakes) => {
            // Without any, a rule would be left out and nobody be told.
            assert!((1..=20).contains(&mistakes.len()), "{text}: {mistakes:?}");
            let columns = 1..=text.chars().count().saturating_add(1);
            for mistake in mistakes {
                assert!(columns.contains(&mistake.column) && !mistake.what.is_empty(), "{text}: {mistake}");
            }
            None
        }
    }
}

/// The rule as somebody would write it, with no bracket that it does not need.
fn written<M: Display>(tree: &Expression<M>) -> String {
    let bracketed = |part: &Expression<M>| format!("({})", written(part));
    match tree {
        Expression::One(matcher) => matcher.to_string(),
        Expression::Not(inner) => match inner.as_ref() {
            Expression::One(_) | Expression::Not(_) => format!("!{}", written(inner)),
            Expression::All(_) | Expression::Any(_) => format!("!{}", bracketed(inner)),
        },
        Expression::All(parts) => {
            let part = |part: &Expression<M>| match part {
                Expression::One(_) | Expression::Not(_) => written(part),
                Expression::All(_) | Expression::Any(_) => bracketed(part),
            };
            parts.iter().map(part).collect::<Vec<_>>().join(" && ")
        }
        Expression::Any(parts) => {
            let part =
                |part: &Expression<M>| if matches!(part, Expression::Any(_)) { bracketed(part) } else { written(part) };
            parts.iter().map(part).collect::<Vec<_>>().join(" || ")
        }
    }
}

fn says_no_behind_a_not<M: Clone>(tree: &Expression<M>, holds: impl Fn(&M) -> bool) {
    let negated = Expression::Not(Box::new(tree.clone()));
    assert_ne!(tree.holds(&holds), negated.holds(&holds));
    assert_eq!(tree.conditions().len(), tree.conditions_with_sign().len());
    let is_satisfied = tree.lacking(&holds, &|_| true).is_some_and(|lacking| lacking.is_empty());
    assert_eq!(is_satisfied, tree.holds(&holds), "something is lacking exactly when the rule does not hold");
}

/// A condition that holds for no request holds for every one behind a `!`.
fn some_request_satisfies(matcher: &RequestMatcher) {
    let plain = with_authorization(b"");
    let raw = match matcher {
        RequestMatcher::Path(path) => RawRequest { target: path.clone().into(), ..plain },
        RequestMatcher::PathPrefix(prefix) => {
            RawRequest { target: if prefix.is_empty() { "/x".into() } else { prefix.clone().into() }, ..plain }
        }
        RequestMatcher::Method(method) => RawRequest { method: method.clone().into(), ..plain },
        RequestMatcher::Host(host) => RawRequest { host: host.clone().into(), ..plain },
        RequestMatcher::ClientIp(network) => {
            let address = network.to_string();
            RawRequest { source_address: address.split('/').next().unwrap_or_default().into(), ..plain }
        }
        // Whether anything fits a pattern is not known; the header must be one that a request can have.
        RequestMatcher::HeaderRegexp { name, .. } => {
            let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
            assert!(!name.is_empty() && name.bytes().all(is_token), "no header has this name: {matcher}");
            return;
        }
        RequestMatcher::PathRegexp(_) => return,
    };
    let facts = RequestFacts::read(&raw).unwrap_or_else(|malformed| panic!("{matcher}: {malformed}"));
    assert!(matcher.holds(&facts), "can never hold, so always behind a !: {matcher}");
    if let RequestMatcher::Path(path) | RequestMatcher::PathPrefix(path) = matcher {
        let encoded: String =
            path.bytes().map(|byte| if byte == b'/' { "/".to_owned() } else { format!("%{byte:02x}") }).collect();
        assert_eq!(percent::decode(&encoded).as_deref(), Some(path.as_str()));
    }
}

fn claims_that_satisfy(matcher: &ClaimMatcher) -> VerifiedClaims {
    let claims = match matcher {
        ClaimMatcher::Scope(scope) => json!({"scp": [scope]}),
        ClaimMatcher::Role(role) => json!({"roles": ["other", role]}),
        ClaimMatcher::Group(group) => json!({"groups": [group, "other"]}),
        ClaimMatcher::Acr(acr) => json!({"acr": acr}),
        ClaimMatcher::Issuer(_) => json!({}),
        ClaimMatcher::Claim { name, value } => json!({name: value}),
        ClaimMatcher::ClaimContains { name, value } => json!({name: [1, value]}),
        ClaimMatcher::AuthenticatedWithin { .. } => json!({"auth_time": NOW.0}),
        ClaimMatcher::BoundToClient => json!({"cnf": {"x5t#S256": "x"}}),
    };
    let mut selection = ClaimSelection::default();
    matcher.select(&mut selection);
    let record = claims.as_object().and_then(|claims| ClaimRecord::of(claims, &selection)).expect("short claims");
    let issuer = if let ClaimMatcher::Issuer(issuer) = matcher { issuer.as_str() } else { ISSUER };
    VerifiedClaims::new(issuer, NOW.plus(60), record)
}
