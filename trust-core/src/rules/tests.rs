use serde_json::{Value, json};

use super::expression::Expression;
use super::parser::{Call, RuleMistake, parse};
use super::*;
use crate::claims::record::ClaimRecord;
use crate::claims::selection::ClaimSelection;
use crate::request::RawRequest;

const NOW: UnixSeconds = UnixSeconds(1_800_000_000);

fn request_rule(text: &str) -> Expression<RequestMatcher> {
    parse(text, RequestMatcher::read).unwrap()
}

fn holds(rule: &str, method: &str, target: &str) -> bool {
    let raw = RawRequest {
        method: method.into(),
        target: target.into(),
        host: b"gw.example.com:8443".to_vec(),
        source_address: b"[2001:db8::7]:4711".to_vec(),
        headers: vec![("X-Team".into(), vec![b"blue".to_vec()])],
    };
    let facts = RequestFacts::read(&raw).unwrap();
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
        let is_refused = RequestFacts::read(&RawRequest { target: target.into(), ..raw() }).is_err();
        assert_eq!(!is_refused && holds(rule, "GET", target), expected, "{rule} on {target}");
    }
}

#[test]
fn a_header_that_speaks_of_another_method_path_or_host_changes_nothing() {
    let headers =
        ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X-Original-URL", "X-Forwarded-Host"];
    let headers = headers.map(|name| (name.to_owned(), vec![b"POST".to_vec()]));
    let raw = RawRequest { target: b"/a?_method=POST".to_vec(), headers: headers.to_vec(), ..raw() };
    let facts = RequestFacts::read(&raw).unwrap();
    let holds = |rule: &str| request_rule(rule).holds(&|matcher| matcher.holds(&facts));
    assert!(holds("Method(`GET`) && Path(`/a`) && Host(`a`)"));
    assert!(!holds("Method(`POST`) || Path(`/POST`) || Host(`POST`)"));
}

fn raw() -> RawRequest {
    RawRequest { method: b"GET".to_vec(), host: b"a".to_vec(), ..RawRequest::default() }
}

fn claims_hold(rule: &str, claims: &Value) -> bool {
    let tree = parse(rule, ClaimMatcher::read).unwrap();
    let mut selection = ClaimSelection::default();
    tree.conditions().into_iter().for_each(|condition| condition.select(&mut selection));
    let record = ClaimRecord::of(claims.as_object().unwrap(), &selection).unwrap();
    let claims = VerifiedClaims::new("https://idp.example.com", NOW.plus(60), record);
    satisfied(&tree, &claims, NOW)
}

#[test]
fn claim_conditions_compare_whole_values() {
    let claims = json!({
        "scope": "events:write assistant:ask", "scp": ["from:list", "two at:once"], "roles": ["qa", 7], "groups": "qa admins",
        "acr": "gold", "guest": true, "level": 3, "name": "true", "auth_time": NOW.0 - 600, "nested": {"a": 1},
    });
    for (rule, expected) in [
        ("Scope(`events:write`)", true),
        ("Scope(`from:list`)", true),
        ("Scope(`events`)", false),
        ("Scope(`at:once`)", false),
        ("Role(`qa`)", true),
        ("Role(`7`)", true),
        ("Group(`qa`)", false),
        ("Group(`qa admins`)", true),
        ("!Group(`qa admins`)", false),
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
    assert!(claims_hold("AuthenticatedWithin(`1h`)", &json!({"auth_time": 1.8e9 - 600.5})), "a number with a fraction");
}

/// A call that means nothing yet, for tests of the grammar alone.
fn calls(text: &str) -> Result<Expression<Call>, Vec<RuleMistake>> {
    parse(text, Ok)
}

#[test]
fn mistakes_name_their_column() {
    for (text, column, part) in [
        ("", 1, "missing at the end"),
        ("Path(`/a`) &&", 14, "missing at the end"),
        ("Path(`/a`", 10, ", or )"),
        ("Path(`/a", 6, "closing quote"),
        ("Path(/a)", 6, "back-quotes"),
        ("Path(/a(b|c)) && Path(`/b`)", 6, "back-quotes"),
        ("Path `/a`", 6, "a ( must follow"),
        ("(Path(`/a`)", 12, "closing bracket is missing"),
        ("Path(`/a`))", 11, "nothing opened"),
        ("Path(`/a`) Path(`/b`)", 12, "&& or || was expected here"),
        ("(Path(`/a`) Path(`/b`))", 13, "&& or || was expected here"),
        ("Path(`/a`) & Path(`/b`)", 12, "found \"&\"; did you mean &&?"),
        ("Path(`/a`) OR Path(`/b`)", 12, "found \"OR\"; did you mean ||?"),
        ("Path(`/a`), Path(`/b`)", 11, "found \",\""),
        ("Path(`/a`) # !Path(`/b`)", 12, "found \"#\""),
        ("&& Path(`/a`)", 1, "expected"),
        ("()", 2, "expected"),
        ("Path(`å`) & Path(`/b`)", 11, "did you mean &&?"),
    ] {
        let mistakes = calls(text).unwrap_err();
        let [mistake] = mistakes.as_slice() else { panic!("{text}: {mistakes:?}") };
        assert_eq!(mistake.column, column, "{text}: {mistake}");
        assert!(mistake.what.contains(part), "{text}: {mistake}");
    }
}

#[test]
fn the_reading_goes_on_behind_a_mistake_as_far_as_it_can() {
    for (text, columns) in [
        ("Path(/a) && Path(/b)", &[6, 18][..]),
        ("Path(/a && Path(`/b`) || Path(", &[6, 31]),
        ("(Path(`/a`) & Path /b) || && Path(`/c`)", &[13, 20, 27]),
        ("Path(`/a`)) && Path(`/b`)) || ! and", &[11, 26, 36]),
        (")(", &[1, 1, 3, 3]),
        ("(Path(`/a`): ", &[12, 14]),
        ("Path(`/a`) and Path(`/b`) or", &[12, 27]),
    ] {
        let mistakes = calls(text).unwrap_err();
        assert_eq!(mistakes.iter().map(|mistake| mistake.column).collect::<Vec<_>>(), columns, "{text}: {mistakes:?}");
    }
    assert_eq!(calls(&"Path(/a) && ".repeat(100)).unwrap_err().len(), 20, "enough is enough");
}

#[test]
fn every_wrong_condition_is_reported_not_only_the_first() {
    let text = "Pth(`/a`) || Path(`a`) || PathRegexp(`(`) || Path(`/a`, `/b`) || ClientIP(`10.0.0.0/33`) || PathRegexp(`a)|(b`) || Host(x)";
    let mistakes = parse(text, RequestMatcher::read).unwrap_err();
    assert_eq!(mistakes.len(), 7, "{mistakes:?}");
    assert_eq!(mistakes[0].to_string(), "column 1: no condition on requests is called Pth; did you mean Path?");
    assert_eq!(mistakes[1].column, 14);
}

#[test]
fn a_mistake_says_what_was_probably_meant() {
    let on_requests = |text: &str| parse(text, RequestMatcher::read).unwrap_err()[0].what.clone();
    for (text, expected) in [
        ("Scope(`a`)", "Scope is a condition on claims: it belongs under require"),
        ("Scpoe(`a`)", "no condition on requests is called Scpoe; did you mean Scope, under require?"),
        ("Pathprefix(`/a`)", "no condition on requests is called Pathprefix; did you mean PathPrefix?"),
        ("HostRegexp(`a`)", "no condition on requests is called HostRegexp; write Host for each name, joined by ||"),
        ("Weekday(`a`)", "no condition on requests is called Weekday; there are Path, PathPrefix, PathRegexp,"),
        ("Path(`a`)", "the path `a` must begin with /"),
        ("Host(`gw.example.com:8443`)", "`gw.example.com:8443` is not a host's name"),
    ] {
        assert!(on_requests(text).starts_with(expected), "{text}: {}", on_requests(text));
    }
    for (text, expected) in [
        ("Path(`a`)", "did you mean `/a`?"),
        ("Path(`//a`)", "did you mean `/a`?"),
        ("PathPrefix(`/a%20b`)", "did you mean `/a b`?"),
        ("Host(`gw.example.com:8443`)", "did you mean `gw.example.com`?"),
        ("Host(`gw.example.com.`)", "did you mean `gw.example.com`?"),
    ] {
        assert!(on_requests(text).ends_with(expected), "{text}: {}", on_requests(text));
    }
    for text in ["Path(`/a/../b`)", "Path(`/a%2fb`)", "Host(`*`)"] {
        assert!(!on_requests(text).contains("did you mean"), "{text}: nothing can be meant");
    }
    let on_claims = |text: &str| parse(text, ClaimMatcher::read).unwrap_err()[0].what.clone();
    for (text, expected) in [
        ("Path(`/a`)", "Path is a condition on requests: it belongs under match"),
        ("Methd(`GET`)", "no condition on claims is called Methd; did you mean Method, under match?"),
        ("Roles(`a`)", "no condition on claims is called Roles; did you mean Role?"),
        ("Weekday(`a`)", "no condition on claims is called Weekday; there are Scope, Role,"),
    ] {
        assert!(on_claims(text).starts_with(expected), "{text}: {}", on_claims(text));
    }
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
        "Host(`a:`)",
        "Method(``)",
        "Method(`GET `)",
        "Method(`/v1`)",
        "HeaderRegexp(``, `.*`)",
        "HeaderRegexp(`X Team`, `blue`)",
        "Host(`*.example.com`)",
        "ClientIP(`::ffff:10.0.0.0/104`)",
        "ClientIP(`10.0.0.0/`)",
    ] {
        assert_eq!(parse(text, RequestMatcher::read).unwrap_err().len(), 1, "{text}");
    }
    for text in [format!("Path(`/{}`)", "a".repeat(8 * 1024)), format!("Host(`{}`)", "a".repeat(256))] {
        assert_eq!(parse(&text, RequestMatcher::read).unwrap_err().len(), 1, "{text}");
    }
}

#[test]
fn nesting_has_a_bottom() {
    let nested = |depth: usize| format!("{}Path(`/a`){}", "(".repeat(depth), ")".repeat(depth));
    let only_mistake = |text: &str| match calls(text).unwrap_err().as_slice() {
        [mistake] => mistake.what.clone(),
        mistakes => panic!("{mistakes:?}"),
    };
    assert!(calls(&nested(31)).is_ok());
    assert!(only_mistake(&nested(32)).contains("nested deeper"));
    assert!(only_mistake(&"!".repeat(10_000)).contains("nested deeper"));
    assert!(only_mistake(&"a".repeat(20_000)).contains("16 KiB"));
}

#[test]
fn calls_are_read_as_written() {
    let call = |name: &str, arguments: &[&str], column| {
        Expression::One(Call { name: name.into(), arguments: arguments.iter().map(|a| (*a).into()).collect(), column })
    };
    assert_eq!(
        calls(" A() && !B(`x`, \"y`z\")").unwrap(),
        Expression::All(vec![call("A", &[], 2), Expression::Not(Box::new(call("B", &["x", "y`z"], 10)))])
    );
}

#[test]
fn conditions_are_shown_as_rules_write_them() {
    for text in [
        "Path(`/a`)",
        "PathPrefix(`/`)",
        "PathPrefix(`/a`)",
        "PathRegexp(`/a|/b`)",
        "Method(`GET`)",
        "Host(`a.example.com`)",
        "HeaderRegexp(`x-team`, `(a|b)`)",
        "ClientIP(`10.0.0.0/8`)",
        "Path(\"/a`b\")",
    ] {
        assert_eq!(request_rule(text).conditions()[0].to_string(), text);
    }
    for text in [
        "Scope(`a`)",
        "Role(`a`)",
        "Group(`a`)",
        "Acr(`a`)",
        "Issuer(`a`)",
        "Claim(`a`, `b`)",
        "ClaimContains(`a`, `b`)",
        "AuthenticatedWithin(`900s`)",
    ] {
        assert_eq!(parse(text, ClaimMatcher::read).unwrap().conditions()[0].to_string(), text);
    }
}
