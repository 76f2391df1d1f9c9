//! What the gate answers by itself, held against the words of the RFCs.

use super::*;

fn challenge(answer: &crate::denial::Answer) -> Option<&str> {
    answer.headers.iter().find(|(name, _)| *name == "WWW-Authenticate").map(|(_, value)| value.as_str())
}

pub(super) fn gate_with(changes: &Value) -> Gate {
    let mut gate = Gate::from_config(changed(config(), changes).to_string().as_bytes()).unwrap();
    gate.take_file("jwks/idp.json", Some(jwks().as_bytes())).unwrap();
    gate.take_file("gate.key", Some(gate_keys().to_json().as_bytes())).unwrap();
    gate
}

#[test]
fn early_data_is_too_early_whatever_the_rule_and_whatever_the_value() {
    // RFC 8470, section 5.1: "Multiple or invalid instances of the header field MUST be treated as equivalent to a single
    // instance with a value of 1".
    let bearer = format!("Bearer {}", good_token());
    for headers in [
        vec![("Early-Data", "1")],
        vec![("early-data", "0")],
        vec![("Early-Data", "1"), ("Early-Data", "1")],
        vec![("Early-Data", ""), ("Authorization", bearer.as_str())],
    ] {
        for target in ["/healthz", "/whoami", "/nowhere"] {
            assert_eq!(denial(request("GET", target, &headers)), Denial::TooEarly, "{target} {headers:?}");
        }
    }
    let answer = Denial::TooEarly.answer();
    assert_eq!((answer.status, challenge(&answer)), (425, None), "the same token is good once the handshake is done");
}

#[test]
fn a_method_override_may_name_the_requests_own_method_only() {
    let overridden = Denial::MalformedRequest(MalformedRequest::MethodOverride);
    for name in [
        "X-HTTP-Method-Override",
        "X-HTTP-Method",
        "X-Method-Override",
        "x-http-method-override",
        "X_HTTP_Method_Override",
        "X.Http_Method",
    ] {
        for value in ["DELETE", "", "GET, DELETE", "delete"] {
            assert_eq!(denial(request("GET", "/healthz", &[(name, value)])), overridden, "{name}: {value}");
        }
        let twice = request("GET", "/healthz", &[(name, "GET"), (name, "DELETE")]);
        assert_eq!(denial(twice), overridden, "{name} twice");
        for value in ["GET", "get", " GET "] {
            let same = request("GET", "/healthz", &[(name, value)]);
            assert!(gate().decide(&same, moment(), &NoSharedFiles).is_ok(), "{name}: {value}");
        }
        assert!(gate().reads_header(name), "{name}");
    }
    assert!(!gate().reads_header("X-HTTP-Methods"));
}

#[test]
fn a_stronger_or_fresher_login_is_asked_for_where_it_would_help() {
    let step_up = |acr_values: &str, max_age_seconds| {
        Denial::StepUp(StepUp { rule: "r".into(), acr_values: acr_values.into(), max_age_seconds })
    };
    let insufficient = |scope: &str| Denial::Insufficient { rule: "r".into(), scope: scope.into() };
    let hour_old = json!({"acr": "silver", "auth_time": NOW - 3_600});
    for (require, claims_of, expected) in [
        // RFC 9470, figures 2 and 4: the values of the challenges there.
        ("Acr(`myACR`)", json!({}), step_up("myACR", None)),
        ("AuthenticatedWithin(`5s`)", hour_old.clone(), step_up("", Some(5))),
        ("Acr(`gold`) && AuthenticatedWithin(`5m`)", hour_old.clone(), step_up("gold", Some(300))),
        ("Acr(`gold`) || Acr(`platinum`)", hour_old.clone(), step_up("gold platinum", None)),
        ("Acr(`silver`) && AuthenticatedWithin(`5m`)", hour_old.clone(), step_up("", Some(300))),
        ("Scope(`events:write`) && Acr(`gold`)", hour_old.clone(), step_up("gold", None)),
        ("!Acr(`guest`) && Acr(`gold`)", hour_old.clone(), step_up("gold", None)),
        ("Acr(`a \"b`)", hour_old.clone(), step_up("", None)),
        ("Acr(`gold`) || Acr(`platinum`) && Scope(`x`)", hour_old.clone(), step_up("gold", None)),
        // No login would make up for these.
        ("Scope(`x`) && Acr(`gold`)", hour_old.clone(), insufficient("x")),
        ("!Acr(`silver`)", hour_old.clone(), insufficient("")),
        ("!Acr(`silver`) && AuthenticatedWithin(`5m`)", hour_old, insufficient("")),
    ] {
        let rules = json!([{"name": "r", "match": "Path(`/`)", "require": require}]);
        let raw = with_token("/", &token(&header(), &changed(claims(), &claims_of)));
        let denied = gate_with(&json!({"rules": rules})).decide(&raw, moment(), &NoSharedFiles);
        assert_eq!(denied, Err(expected), "{require}");
    }
}

#[test]
fn a_step_up_challenge_has_the_form_of_the_rfcs_examples() {
    // RFC 9470, section 3: error, and acr_values and max_age where they apply; error_description is optional.
    for (acr_values, max_age_seconds, expected) in [
        ("myACR", None, r#", acr_values="myACR""#),
        ("", Some(5), r#", max_age="5""#),
        ("a b", Some(5), r#", acr_values="a b", max_age="5""#),
        ("", None, ""),
    ] {
        let answer =
            Denial::StepUp(StepUp { rule: "r".into(), acr_values: acr_values.into(), max_age_seconds }).answer();
        let expected = format!(r#"Bearer realm="watchgate", error="insufficient_user_authentication"{expected}"#);
        assert_eq!((answer.status, challenge(&answer)), (401, Some(expected.as_str())));
    }
}

#[test]
fn the_gate_itself_answers_for_the_resources_metadata() {
    let gate = gate_with(&json!({"resourceMetadata": {"name": "Consoles"}, "dpop": {"algorithms": "ES256"}}));
    let path = "/.well-known/oauth-protected-resource";
    let expected = json!({
        "resource": "https://gw.example.com",
        "authorization_servers": [ISSUER],
        "scopes_supported": ["events:write", "assistant:ask"],
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": ["ES256"],
        "resource_name": "Consoles",
    });
    for method in ["GET", "HEAD"] {
        let answer = gate.own_answer(&request(method, path, &[])).unwrap();
        assert_eq!(answer.status, 200);
        assert_eq!(serde_json::from_str::<Value>(&answer.body).unwrap(), expected);
    }
    let with_port = RawRequest { host: b"gw.example.com:8443".to_vec(), ..request("GET", path, &[]) };
    assert!(gate.own_answer(&with_port).unwrap().body.contains(r#""https://gw.example.com:8443""#));
    for other in [
        request("POST", path, &[]),
        request("GET", "/.well-known/oauth-protected-resource/x", &[]),
        request("GET", "/.well-known/../.well-known/oauth-protected-resource", &[]),
        RawRequest { host: b"evil.example.com".to_vec(), ..request("GET", path, &[]) },
    ] {
        assert_eq!(gate.own_answer(&other), None, "{:?}", String::from_utf8_lossy(&other.target));
    }
    assert_eq!(super::gate().own_answer(&request("GET", path, &[])), None, "unless it is asked for");
}

#[test]
fn a_challenge_says_where_the_metadata_lies() {
    // RFC 9728, section 5.1: `WWW-Authenticate: Bearer resource_metadata="https://…/.well-known/oauth-protected-resource"`.
    let gate = gate_with(&json!({"resourceMetadata": "true", "dpop": {"algorithms": ["ES256", "EdDSA"]}}));
    let raw = || request("GET", "/whoami", &[]);
    let url = r#"resource_metadata="https://gw.example.com/.well-known/oauth-protected-resource""#;
    let challenged =
        |denial: Denial, raw: &RawRequest| match gate.refuse(&denial, raw, moment(), &NoSharedFiles).outcome {
            Outcome::Answer(answer) => challenge(&answer).map(str::to_owned),
            Outcome::Pass(_) => panic!("the gate does not observe"),
        };
    let expected = format!(r#"Bearer realm="watchgate", {url}, DPoP realm="watchgate", algs="ES256 EdDSA", {url}"#);
    assert_eq!(challenged(Denial::NoToken, &raw()), Some(expected));
    let invalid = challenged(Denial::InvalidToken(InvalidToken::Form), &raw()).unwrap();
    assert_eq!(invalid, format!(r#"Bearer realm="watchgate", error="invalid_token", {url}"#));
    assert_eq!(challenged(Denial::NoRule, &raw()), None);
    let foreign = RawRequest { host: b"evil.example.com".to_vec(), ..raw() };
    assert_eq!(
        challenged(Denial::NoToken, &foreign).unwrap(),
        r#"Bearer realm="watchgate", DPoP realm="watchgate", algs="ES256 EdDSA""#,
        "no other host is echoed"
    );
}
