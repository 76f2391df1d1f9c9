//! Rules say what somebody who works them out by hand would say: by evaluators that share no code with the core.

use std::fmt::Display;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use crate::claims::VerifiedClaims;
use crate::claims::record::ClaimRecord;
use crate::claims::selection::ClaimSelection;
use crate::request::{RawRequest, RequestFacts};
use crate::rules::claim::ClaimMatcher;
use crate::rules::expression::Expression;
use crate::rules::parser::parse;
use crate::rules::request::RequestMatcher;
use crate::rules::satisfied;
use crate::time::UnixSeconds;

const NOW: UnixSeconds = UnixSeconds(1_800_000_000);

/// A rule as it grows by hand.
#[derive(Clone, Debug)]
enum Tree<C> {
    One(C),
    Not(Box<Tree<C>>),
    Both(Box<Tree<C>>, Box<Tree<C>>),
    Either(Box<Tree<C>>, Box<Tree<C>>),
}

fn tree<C: Clone + std::fmt::Debug + 'static>(
    condition: impl Strategy<Value = C> + 'static,
) -> impl Strategy<Value = Tree<C>> {
    condition.prop_map(Tree::One).prop_recursive(4, 24, 2, |inner| {
        let pair = (inner.clone(), inner.clone());
        prop_oneof![
            inner.prop_map(|inner| Tree::Not(Box::new(inner))),
            pair.clone().prop_map(|(one, other)| Tree::Both(Box::new(one), Box::new(other))),
            pair.prop_map(|(one, other)| Tree::Either(Box::new(one), Box::new(other))),
        ]
    })
}

impl<C: Display> Tree<C> {
    fn holds(&self, condition: &dyn Fn(&C) -> bool) -> bool {
        match self {
            Self::One(one) => condition(one),
            Self::Not(inner) => !inner.holds(condition),
            Self::Both(one, other) => one.holds(condition) && other.holds(condition),
            Self::Either(one, other) => one.holds(condition) || other.holds(condition),
        }
    }

    /// With brackets around everything, or only where the meaning needs them.
    fn written(&self, has_all_brackets: bool) -> String {
        let part = |tree: &Self, needs: bool| {
            let text = tree.written(has_all_brackets);
            if needs || has_all_brackets { format!("( {text} )") } else { text }
        };
        let is_joined = |tree: &Self| matches!(tree, Self::Both(..) | Self::Either(..));
        match self {
            Self::One(one) => one.to_string(),
            Self::Not(inner) => format!("!{}", part(inner, is_joined(inner))),
            Self::Both(one, other) => {
                let part = |tree: &Self| part(tree, matches!(tree, Self::Either(..)));
                format!("{} && {}", part(one), part(other))
            }
            Self::Either(one, other) => format!("{}||{}", part(one, false), part(other, false)),
        }
    }
}

/// A condition on requests, and the request that it is tried on, both of few parts so that they often meet.
#[derive(Clone, Debug)]
enum OnRequest {
    Path(Vec<&'static str>),
    Prefix(Vec<&'static str>),
    /// One of these paths, as a pattern.
    Pattern(Vec<Vec<&'static str>>),
    Method(&'static str),
    Team(&'static str),
    Network(u8, u8),
}

#[derive(Clone, Debug)]
struct Request {
    segments: Vec<&'static str>,
    method: &'static str,
    team: Option<&'static str>,
    address: [u8; 4],
}

fn joined(segments: &[&str]) -> String {
    format!("/{}", segments.join("/"))
}

impl Display for OnRequest {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Path(segments) => write!(formatter, "Path(`{}`)", joined(segments)),
            Self::Prefix(segments) => write!(formatter, "PathPrefix( \"{}\" )", joined(segments)),
            Self::Pattern(paths) => {
                let paths: Vec<_> = paths.iter().map(|segments| joined(segments)).collect();
                write!(formatter, "PathRegexp(`{}`)", paths.join("|"))
            }
            Self::Method(method) => write!(formatter, "Method(`{method}`)"),
            Self::Team(team) => write!(formatter, "HeaderRegexp(`x-team`,`{team}`)"),
            Self::Network(first, bits) => write!(formatter, "ClientIP(`{first}.0.0.0/{bits}`)"),
        }
    }
}

impl OnRequest {
    fn holds(&self, request: &Request) -> bool {
        match self {
            Self::Path(segments) => *segments == request.segments,
            Self::Prefix(segments) => {
                request.segments.iter().zip(segments).filter(|(a, b)| a == b).count() == segments.len()
            }
            Self::Pattern(paths) => paths.contains(&request.segments),
            Self::Method(method) => *method == request.method,
            Self::Team(team) => request.team == Some(team),
            Self::Network(first, bits) => {
                (0..u32::from(*bits)).all(|bit| (request.address[0] ^ first) >> (7 - bit) & 1 == 0)
            }
        }
    }
}

fn segments() -> impl Strategy<Value = Vec<&'static str>> {
    vec(select(vec!["a", "b", "ab", "v1"]), 0..4)
}

fn on_request() -> impl Strategy<Value = OnRequest> {
    prop_oneof![
        segments().prop_map(OnRequest::Path),
        segments().prop_map(OnRequest::Prefix),
        vec(segments(), 1..4).prop_map(OnRequest::Pattern),
        select(vec!["GET", "POST"]).prop_map(OnRequest::Method),
        select(vec!["a", "ab", "b"]).prop_map(OnRequest::Team),
        (select(vec![10_u8, 11, 192]), 0..=8_u8).prop_map(|(first, bits)| OnRequest::Network(first, bits)),
    ]
}

fn request() -> impl Strategy<Value = Request> {
    let team = prop::option::of(select(vec!["a", "ab", "b", "ba"]));
    (segments(), select(vec!["GET", "POST", "PUT"]), team, any::<u8>()).prop_map(|(segments, method, team, last)| {
        Request { segments, method, team, address: [if last % 2 == 0 { 10 } else { last }, 0, 0, last] }
    })
}

fn raw(request: &Request) -> RawRequest {
    let [a, b, c, d] = request.address;
    let headers = request.team.map(|team| ("X-Team".to_owned(), vec![team.into()]));
    RawRequest {
        method: request.method.into(),
        target: joined(&request.segments).into(),
        host: b"gw.example.com".to_vec(),
        source_address: format!("{a}.{b}.{c}.{d}:4711").into(),
        headers: headers.into_iter().collect(),
    }
}

/// A condition on claims; names and values are few, so that they often meet.
#[derive(Clone, Debug)]
enum OnClaims {
    Scope(&'static str),
    ListHolds(&'static str, &'static str),
    Is(&'static str, &'static str),
    Bound,
}

impl Display for OnClaims {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Scope(scope) => write!(formatter, "Scope(`{scope}`)"),
            Self::ListHolds("roles", value) => write!(formatter, "Role(`{value}`)"),
            Self::ListHolds(name, value) => write!(formatter, "ClaimContains(`{name}`, `{value}`)"),
            Self::Is(name, value) => write!(formatter, "Claim(`{name}`, `{value}`)"),
            Self::Bound => formatter.write_str("BoundToClient()"),
        }
    }
}

fn json_text(value: &Value) -> String {
    value.to_string()
}

impl OnClaims {
    fn holds(&self, claims: &Value) -> bool {
        let says = |value: &Value, text: &str| match value {
            Value::String(held) => held == text,
            Value::Array(_) | Value::Object(_) => false,
            scalar => json_text(scalar) == text,
        };
        match self {
            Self::Scope(scope) => {
                let spaced = ["scope", "scp"].iter().filter_map(|name| claims[name].as_str());
                let listed = claims["scp"].as_array().into_iter().flatten().filter_map(Value::as_str);
                let listed = listed.filter(|scope| !scope.contains(char::is_whitespace));
                spaced.flat_map(|text| text.split(' ')).chain(listed).any(|held| held == *scope)
            }
            Self::ListHolds(name, value) => {
                claims[name] == *value
                    || claims[name].as_array().is_some_and(|members| members.iter().any(|member| says(member, value)))
            }
            Self::Is(name, value) => claims.get(name).is_some_and(|held| says(held, value)),
            Self::Bound => claims.get("cnf").is_some(),
        }
    }
}

const VALUES: [&str; 6] = ["a", "b", "a b", "true", "7", "null"];

fn on_claims() -> impl Strategy<Value = OnClaims> {
    let value = || select(VALUES.to_vec());
    let name = || select(vec!["roles", "team", "scope"]);
    prop_oneof![
        select(vec!["a", "b", "true", "7", "null"]).prop_map(OnClaims::Scope),
        (name(), value()).prop_map(|(name, value)| OnClaims::ListHolds(name, value)),
        (name(), value()).prop_map(|(name, value)| OnClaims::Is(name, value)),
        Just(OnClaims::Bound),
    ]
}

fn claims() -> impl Strategy<Value = Value> {
    let scalar = || {
        select(vec![
            json!("a"),
            json!("b"),
            json!("a b"),
            json!(true),
            json!(7),
            json!(null),
            json!("7"),
            json!({"a": 1}),
        ])
    };
    let value = prop_oneof![scalar(), vec(scalar(), 0..4).prop_map(Value::from)];
    let names = vec!["roles", "team", "scope", "scp", "cnf", "other"];
    vec((select(names), value), 0..6).prop_map(|members| {
        members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<serde_json::Map<_, _>>().into()
    })
}

/// Of a token with these claims, what the gate keeps for this rule.
fn kept(claims: &Value, rule: &Expression<ClaimMatcher>) -> VerifiedClaims {
    let mut selection = ClaimSelection::default();
    rule.conditions().into_iter().for_each(|condition| condition.select(&mut selection));
    let record = ClaimRecord::of(claims.as_object().unwrap(), &selection).unwrap();
    VerifiedClaims::new("https://idp.example.com", NOW.plus(60), record)
}

fn holds(rule: &str, request: &Request) -> bool {
    let raw = raw(request);
    let facts = RequestFacts::read(&raw).unwrap();
    parse(rule, RequestMatcher::read).unwrap().holds(&|matcher| matcher.holds(&facts))
}

proptest! {
    #[test]
    fn a_prefix_is_one_of_whole_segments(prefix in segments(), rest in "(/|a|b){0,4}") {
        let path = joined(&prefix) + &rest;
        let raw = RawRequest {
            method: b"GET".to_vec(),
            target: path.clone().into(),
            host: b"gw.example.com".to_vec(),
            ..RawRequest::default()
        };
        if let Ok(facts) = RequestFacts::read(&raw) {
            let rule = parse(&format!("PathPrefix(`{}`)", joined(&prefix)), RequestMatcher::read).unwrap();
            let expected = prefix.is_empty() || rest.is_empty() || rest.starts_with('/');
            prop_assert_eq!(rule.holds(&|matcher| matcher.holds(&facts)), expected, "{:?} of {}", rule, path);
        }
    }

    #[test]
    fn a_rule_on_requests_says_what_its_conditions_say(
        tree in tree(on_request()), request in request(), has_all_brackets in any::<bool>(),
    ) {
        let text = tree.written(has_all_brackets);
        prop_assert_eq!(holds(&text, &request), tree.holds(&|condition| condition.holds(&request)), "{}", text);
    }

    #[test]
    fn a_rule_on_claims_says_what_its_conditions_say(
        tree in tree(on_claims()), claims in claims(), has_all_brackets in any::<bool>(),
    ) {
        let text = tree.written(has_all_brackets);
        let rule = parse(&text, ClaimMatcher::read).unwrap();
        let expected = tree.holds(&|condition| condition.holds(&claims));
        prop_assert_eq!(satisfied(&rule, &kept(&claims, &rule), NOW), expected, "{} of {}", text, claims);
    }

    #[test]
    fn a_not_goes_through_brackets_as_de_morgan_says(
        one in tree(on_request()), other in tree(on_request()), request in request(),
    ) {
        let (one, other) = (one.written(true), other.written(true));
        let says = |rule: String| holds(&rule, &request);
        prop_assert_eq!(says(format!("!(({one}) && ({other}))")), says(format!("!({one}) || !({other})")));
        prop_assert_eq!(says(format!("!(({one}) || ({other}))")), says(format!("!({one}) && !({other})")));
        prop_assert_eq!(says(format!("!!({one})")), says(one));
    }

    #[test]
    fn what_is_lacking_is_what_would_help(tree in tree(on_claims()), claims in claims()) {
        let rule = parse(&tree.written(false), ClaimMatcher::read).unwrap();
        let kept = kept(&claims, &rule);
        let lacking = rule.lacking(&|matcher| matcher.holds(&kept, NOW), &|_| true);
        prop_assert_eq!(lacking.as_ref().is_some_and(Vec::is_empty), satisfied(&rule, &kept, NOW));
        for matcher in lacking.unwrap_or_default() {
            prop_assert!(!matcher.holds(&kept, NOW), "{} holds already", matcher);
        }
    }
}
