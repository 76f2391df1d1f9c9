//! What an explanation says beside the decision.

use super::super::explanation::{Check, CheckOutcome, ConditionNotes, Explanation, SignatureCheck};
use super::*;

fn explained(raw: RawRequest) -> Explanation {
    gate().explain(&raw, moment(), SignatureCheck::Done).1
}

fn condition(condition: &str, holds: bool) -> ConditionNotes {
    ConditionNotes { condition: condition.to_owned(), holds, negated: false }
}

#[test]
fn each_rule_says_which_of_its_conditions_held() {
    let notes = explained(with_token("/v1/ask/why?x", &good_token()));
    let request = notes.request.unwrap();
    assert_eq!((request.path.as_str(), request.source.as_deref()), ("/v1/ask/why", Some("192.0.2.7")));
    let matches: Vec<_> = notes.rules.iter().map(|rule| (rule.name.as_str(), rule.matches)).collect();
    assert_eq!(
        matches,
        [("health", Some(false)), ("events", Some(false)), ("ask", Some(true)), ("whoami", None)],
        "the first match decides, and nothing behind it is tried"
    );
    assert_eq!(notes.rules[0].conditions, [condition("Path(`/healthz`)", false)]);
    assert!(notes.rules[0].public && !notes.rules[2].public);
    let requirements = [condition("Scope(`assistant:ask`)", false), condition("Role(`admin`)", false)];
    assert_eq!(notes.rules[2].requirements, requirements);
    assert!(notes.token.unwrap().checks.iter().all(|check| check.outcome == CheckOutcome::Passed));
}

#[test]
fn a_condition_behind_a_negation_says_so() {
    let config = json!({"rules": [{"name": "all", "public": true, "match": "!(Path(`/a`) || !Method(`GET`))"}]});
    let mut gate = Gate::from_config(config.to_string().as_bytes()).unwrap();
    let (decision, notes) = gate.explain(&request("GET", "/b", &[]), moment(), SignatureCheck::Done);
    assert!(decision.is_ok());
    let negated = ConditionNotes { negated: true, ..condition("Path(`/a`)", false) };
    assert_eq!(notes.rules[0].conditions, [negated, condition("Method(`GET`)", true)]);
}

#[test]
fn checks_are_listed_in_the_order_in_which_they_are_made() {
    // Each token fails at one check and at every later one that a changed member can make fail.
    let faults = [
        ("algorithm", json!({"alg": "none"}), json!({})),
        ("critical extensions", json!({"crit": ["x"]}), json!({})),
        ("issuer", json!({}), json!({"iss": "https://evil.example.com"})),
        ("algorithm of this issuer", json!({"alg": "ES256"}), json!({})),
        ("type", json!({"typ": "id+jwt"}), json!({})),
        ("audience", json!({}), json!({"aud": "other"})),
        ("times", json!({}), json!({"exp": 0})),
        ("binding", json!({}), json!({"cnf": {}})),
        ("subject", json!({}), json!({"sub": ""})),
        ("key", json!({"kid": "k2"}), json!({})),
    ];
    let config = changed(
        config(),
        &json!({"issuers": [{
            "issuer": ISSUER, "audiences": ["watchgate"], "jwksFile": "jwks/idp.json", "algorithms": ["EdDSA"],
        }]}),
    );
    for first in 0..faults.len() {
        let (mut header, mut claims) = (header(), claims());
        for (_, in_header, in_claims) in faults[first..].iter().rev() {
            header = changed(header, in_header);
            claims = changed(claims, in_claims);
        }
        let mut gate = Gate::from_config(config.to_string().as_bytes()).unwrap();
        gate.take_file("jwks/idp.json", Some(jwks().as_bytes())).unwrap();
        let raw = with_token("/whoami", &token(&header, &claims));
        let checks = gate.explain(&raw, moment(), SignatureCheck::Done).1.token.unwrap().checks;
        let failed = checks.iter().position(|check| check.outcome == CheckOutcome::Failed).unwrap();
        assert_eq!(checks[failed].name, faults[first].0, "{checks:?}");
        let all = |checks: &[Check], outcome| checks.iter().all(|check| check.outcome == outcome);
        assert!(all(&checks[..failed], CheckOutcome::Passed) && all(&checks[failed + 1..], CheckOutcome::NotReached));
    }
}

#[test]
fn an_assumed_signature_leaves_every_other_check_in_place() {
    let assume = |token: &str| {
        let mut gate = Gate::from_config(config().to_string().as_bytes()).unwrap();
        gate.take_file("gate.key", Some(gate_keys().to_json().as_bytes())).unwrap();
        gate.explain(&with_token("/whoami", token), moment(), SignatureCheck::Assumed)
    };
    let forged = format!("{}.AAAA", good_token().rsplit_once('.').unwrap().0);
    let (decision, notes) = assume(&forged);
    assert!(decision.is_ok());
    let checks = notes.token.unwrap().checks;
    let assumed: Vec<_> = checks.iter().filter(|check| check.outcome == CheckOutcome::Assumed).collect();
    assert_eq!(assumed.iter().map(|check| check.name).collect::<Vec<_>>(), ["key", "signature"]);
    let (decision, _) = assume(&token(&header(), &changed(claims(), &json!({"exp": 0}))));
    assert_eq!(decision, Err(Denial::InvalidToken(InvalidToken::Expired)));
    assert_eq!(denial(with_token("/whoami", &forged)), Denial::InvalidToken(InvalidToken::Signature));
}

#[test]
fn an_explanation_holds_neither_the_token_nor_a_part_of_it() {
    let good = good_token();
    let (decision, notes) = gate().explain(&with_token("/whoami", &good), moment(), SignatureCheck::Done);
    assert!(decision.is_ok());
    let text = format!("{notes:?}{}", serde_json::to_string(&notes).unwrap());
    for part in good.split('.') {
        assert!(!text.contains(part), "{text}");
    }
    let notes = explained(request("GET", "/a/../b", &[("Authorization", &good)]));
    assert_eq!((notes.request, notes.token), (None, None));
}
