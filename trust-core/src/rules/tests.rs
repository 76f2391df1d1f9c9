use serde_json::{Value, json};

use super::expression::Expression;
use super::parser::{Call, parse};
use super::*;
use crate::principal::Principal;
use crate::request::RawRequest;

const NOW: UnixSeconds = UnixSeconds(1_800_000_000);

fn request_rule(text: &str) -> Expression<RequestMatcher> {
    let mut mistakes = Vec::new();
    let tree = parse(text).unwrap().map(&mut RequestMatcher::read, &mut mistakes);
    assert_eq!(mistakes, []);
    tree.unwrap()
}

fn facts(method: &str, target: &str) -> RequestFacts {
    RequestFacts::read(RawRequest {
        method: method.into(),
        target: target.into(),
        host: b"gw.example.com:8443".to_vec(),
        source_address: b"[2001:db8::7]:4711".to_vec(),
        headers: vec![("X-Team".into(), vec![b"blue".to_vec()])],
    })
    .unwrap()
}

fn holds(rule: &str, method: &str, target: &str) -> bool {
    let facts = facts(method, target);
    request_rule(rule).holds(&|matcher| matcher.holds(&facts))
}

#[test]
fn request_conditions_match_whole_parts() {
    for (rule, target, expected) in [
        ("Path(`/v1/ask`)", "/v1/ask", true),
        ("Path(`/v1/ask`)", "/v1/ask/", false),
        ("Path(`/v1/ask`)", "/v1/ASK", false),
        ("Path(`/v1/ask`)", "/v1/%61sk?q", true),
        ("PathPrefix(`/v1`)", "/v1", true),
        ("PathPrefix(`/v1`)", "/v1/ask", true),
        ("PathPrefix(`/v1/`)", "/v1/ask", true),
        ("PathPrefix(`/v1`)", "/v1x", false),
        ("PathPrefix(`/`)", "/anything", true),
        ("PathRegexp(`/v[0-9]+`)", "/v12", true),
        ("PathRegexp(`/v[0-9]+`)", "/v12/admin", false),
        ("PathRegexp(`/a|/b`)", "/b", true),
        ("PathRegexp(`/a|/b`)", "/a/../b", false),
        ("Host(`GW.example.com`)", "/", true),
        ("Host(`example.com`)", "/", false),
        ("HeaderRegexp(`x-team`, `bl.e`)", "/", true),
        ("HeaderRegexp(`X-Team`, `bl`)", "/", false),
        ("ClientIP(`2001:db8::/32`)", "/", true),
        ("ClientIP(`2001:db9::/32`)", "/", false),
        ("ClientIP(`0.0.0.0/0`)", "/", false),
        ("ClientIP(`::/0`)", "/", true),
        ("Method(`get`)", "/", true),
        ("Method(`POST`)", "/", false),
        ("Path(`/a`) || Path(`/b`) && Method(`POST`)", "/a", true),
        ("(Path(`/a`) || Path(`/b`)) && Method(`POST`)", "/a", false),
        ("!Path(`/a`)", "/b", true),
        ("!(Path(`/a`) || Path(`/b`))", "/b", false),
    ] {
        let is_refused = RequestFacts::read(RawRequest { target: target.into(), ..raw() }).is_err();
        assert_eq!(!is_refused && holds(rule, "GET", target), expected, "{rule} on {target}");
    }
}

fn raw() -> RawRequest {
    RawRequest { method: b"GET".to_vec(), host: b"a".to_vec(), ..RawRequest::default() }
}

fn claims_hold(rule: &str, claims: &Value) -> bool {
    let mut mistakes = Vec::new();
    let tree = parse(rule).unwrap().map(&mut ClaimMatcher::read, &mut mistakes);
    assert_eq!(mistakes, []);
    let claims = VerifiedClaims::new(
        Principal::new("https://idp.example.com", "tester"),
        NOW.plus(60),
        claims.as_object().unwrap().clone(),
    );
    satisfied(tree.as_ref(), &claims, NOW)
}

#[test]
fn claim_conditions_compare_whole_values() {
    let claims = json!({
        "scope": "events:write assistant:ask", "scp": ["from:list"], "roles": ["qa", 7], "groups": "qa admins",
        "acr": "gold", "guest": true, "level": 3, "name": "true", "auth_time": NOW.0 - 600, "nested": {"a": 1},
    });
    for (rule, expected) in [
        ("Scope(`events:write`)", true),
        ("Scope(`from:list`)", true),
        ("Scope(`events`)", false),
        ("Scope(`events:write assistant:ask`)", false),
        ("Role(`qa`)", true),
        ("Role(`7`)", true),
        ("Group(`qa`)", false),
        ("Acr(`gold`)", true),
        ("Issuer(`https://idp.example.com`)", true),
        ("Issuer(`https://idp.example.com/`)", false),
        ("Claim(`guest`, `true`)", true),
        ("Claim(`name`, `true`)", true),
        ("Claim(`level`, `3`)", true),
        ("Claim(`nested`, `{\"a\":1}`)", false),
        ("Claim(`missing`, `null`)", false),
        ("ClaimContains(`roles`, `qa`)", true),
        ("ClaimContains(`groups`, `qa`)", false),
        ("AuthenticatedWithin(`10m`)", true),
        ("AuthenticatedWithin(`599s`)", false),
        ("!Claim(`guest`, `true`)", false),
        ("Scope(`a`) || Scope(`assistant:ask`)", true),
    ] {
        assert_eq!(claims_hold(rule, &claims), expected, "{rule}");
    }
    assert!(!claims_hold("AuthenticatedWithin(`1h`)", &json!({"auth_time": NOW.0 + 31})), "a login in the future");
}

#[test]
fn mistakes_name_their_column() {
    for (text, column, part) in [
        ("", 1, "missing at the end"),
        ("Path(`/a`) &&", 14, "missing at the end"),
        ("Path(`/a`", 10, ", or )"),
        ("Path(`/a", 6, "closing quote"),
        ("Path(/a)", 6, "back-quotes"),
        ("Path `/a`", 6, "a ( must follow"),
        ("(Path(`/a`)", 12, "closing bracket is missing"),
        ("Path(`/a`))", 11, "nothing opened"),
        ("Path(`/a`) Path(`/b`)", 12, "&& or ||"),
        ("Path(`/a`) & Path(`/b`)", 12, "&& or ||"),
        ("&& Path(`/a`)", 1, "expected"),
    ] {
        let mistake = parse(text).unwrap_err();
        assert_eq!(mistake.column, column, "{text}: {mistake}");
        assert!(mistake.what.contains(part), "{text}: {mistake}");
    }
}

#[test]
fn every_wrong_condition_is_reported_not_only_the_first() {
    let mut mistakes = Vec::new();
    let text = "Pth(`/a`) || Path(`a`) || PathRegexp(`(`) || Path(`/a`, `/b`) || ClientIP(`10.0.0.0/33`) || PathRegexp(`a)|(b`)";
    assert!(parse(text).unwrap().map(&mut RequestMatcher::read, &mut mistakes).is_none());
    assert_eq!(mistakes.len(), 6, "{mistakes:?}");
    assert_eq!(mistakes[0].to_string().split(';').next().unwrap(), "column 1: no condition on requests is called Pth");
    assert_eq!(mistakes[1].column, 14);
}

#[test]
fn a_condition_that_can_never_hold_is_a_mistake() {
    for text in [
        "Path(`/a%20b`)",
        "Path(`/a/../b`)",
        "PathPrefix(`/a;b`)",
        "Host(`gw.example.com:8443`)",
        "Host(`gw.example.com.`)",
        "Host(``)",
        "Host(`*.example.com`)",
        "ClientIP(`::ffff:10.0.0.0/104`)",
        "ClientIP(`10.0.0.0/`)",
    ] {
        let mut mistakes = Vec::new();
        assert!(parse(text).unwrap().map(&mut RequestMatcher::read, &mut mistakes).is_none(), "{text}");
        assert_eq!(mistakes.len(), 1, "{text}");
    }
}

#[test]
fn nesting_has_a_bottom() {
    let nested = |depth: usize| format!("{}Path(`/a`){}", "(".repeat(depth), ")".repeat(depth));
    assert!(parse(&nested(31)).is_ok());
    assert!(parse(&nested(32)).unwrap_err().what.contains("nested deeper"));
    assert!(parse(&"!".repeat(10_000)).is_err());
    assert!(parse(&"a".repeat(20_000)).unwrap_err().what.contains("16 KiB"));
}

#[test]
fn calls_are_read_as_written() {
    let call = |name: &str, arguments: &[&str], column| {
        Expression::One(Call { name: name.into(), arguments: arguments.iter().map(|a| (*a).into()).collect(), column })
    };
    assert_eq!(
        parse(" A() && !B(`x`, \"y`z\")").unwrap(),
        Expression::All(vec![call("A", &[], 2), Expression::Not(Box::new(call("B", &["x", "y`z"], 10)))])
    );
}
