use serde_json::json;

use super::*;

fn mistakes(config: &Value) -> Vec<String> {
    match GateConfig::from_json(config.to_string().as_bytes()) {
        Ok(_) => Vec::new(),
        Err(mistakes) => mistakes.iter().map(Mistake::to_string).collect(),
    }
}

fn issuer(extra: &Value) -> Value {
    let mut issuer =
        json!({"issuer": "https://idp.example.com", "audiences": ["watchgate"], "jwksFile": "jwks/a.json"});
    issuer.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    issuer
}

fn with_issuer(extra: &Value) -> Value {
    json!({"issuers": [issuer(extra)], "rules": [{"name": "all", "match": "PathPrefix(`/`)"}]})
}

#[test]
fn defaults_are_filled_in() {
    let config = GateConfig::from_json(with_issuer(&json!({})).to_string().as_bytes()).unwrap();
    let policy = &config.issuers[0].issuer.policy;
    assert_eq!((policy.algorithms.len(), policy.leeway_seconds), (10, 30));
    assert_eq!(policy.token_types, ["at+jwt", "JWT"]);
    assert_eq!(config.rules[0].event.event_type, "dev.watchgate.request");
}

#[test]
fn every_shape_that_traefik_hands_over_is_read_alike() {
    let typed = json!({
        "issuers": [issuer(&json!({"leewaySeconds": 10, "audiences": ["a", "b"]}))],
        "rules": [{"name": "all", "match": "PathPrefix(`/`)", "public": true}],
    });
    let as_strings = json!({
        "issuers": [issuer(&json!({"leewaySeconds": "10", "audiences": "a, b"}))],
        "rules": [{"name": "all", "match": "PathPrefix(`/`)", "public": "true"}],
    });
    let as_labels = json!({
        "issuers[0]": {
            "issuer": "https://idp.example.com", "audiences[1]": "b", "audiences[0]": "a", "jwksFile": "jwks/a.json",
            "leewaySeconds": "10", "algorithms": ""
        },
        "rules[0]": {"name": "all", "match": "PathPrefix(`/`)", "public": "true", "require": ""},
    });
    for config in [typed, as_strings, as_labels] {
        let read = GateConfig::from_json(config.to_string().as_bytes()).unwrap();
        assert_eq!(read.issuers[0].issuer.policy.audiences, ["a", "b"]);
        assert_eq!(read.issuers[0].issuer.policy.leeway_seconds, 10);
        assert!(!read.rules[0].needs_token());
    }
}

#[test]
fn every_mistake_is_reported_with_its_place() {
    let found = mistakes(&json!({
        "publicOrigins": ["gw.example.com"],
        "issuers": [
            {"issuer": "https://a.example.com?x", "audiences": [], "algorithms": ["RS255", "none"], "leewaySeconds": "-1",
             "jwksFile": "../gate.key"},
            {"audiences": ["x"], "jwks": {"keys": []}, "tokentypes": "JWT"},
        ],
        "rules": [
            {"name": "one", "match": "Pth(`/`)", "require": "Scope(``)"},
            {"name": "two", "match": "Path(`/`)", "public": true, "require": "Scope(`a`)"},
            {"name": "two", "match": "Path(`/`)", "event": {"type": "a b", "clientTypes": ["*"], "kind": 1}},
            {"match": 7, "public": "perhaps"},
        ],
        "forwardClaims": {"Host": "sub", "ce-id": "sub", "X Y": "sub", "X-A": "sub", "x-a": "sub"},
        "transactionToken": {"audiences": ["x"], "roles": "some"},
        "": 1,
    }));
    for place in [
        "publicOrigins[0]:",
        "\"\": no such key",
        "issuers[0].issuer:",
        "issuers[0].audiences:",
        "issuers[0].algorithms[0]:",
        "issuers[0].algorithms[1]:",
        "issuers[0].leewaySeconds:",
        "issuers[0].jwksFile:",
        "issuers[1].issuer: this is required",
        "issuers[1].jwks:",
        "issuers[1].tokentypes: no such key; did you mean tokenTypes?",
        "rules[0].match: column 1: no condition on requests is called Pth; did you mean Path?",
        "rules[0].require: column 1:",
        "rules[1]: a public rule",
        "rules[2].event.kind: no such key",
        "rules[2].event.type:",
        "rules[2].event.clientTypes[0]:",
        "rules[3].name: this is required",
        "rules[3].match: column 2:",
        "rules[3].public:",
        "forwardClaims.Host:",
        "forwardClaims.ce-id:",
        "forwardClaims.X Y:",
        "forwardClaims.x-a: two entries",
        "transactionToken.audiences: no such key; did you mean audience?",
        "transactionToken.audience: this is required",
        "transactionToken.roles: true or false was expected",
    ] {
        assert!(found.iter().any(|mistake| mistake.starts_with(place)), "{place} is not in {found:#?}");
    }
}

#[test]
fn a_gate_without_rules_or_issuers_is_a_mistake() {
    for (config, place) in [
        (json!({}), "rules: at least one rule is needed"),
        (json!({"rules": [{"name": "a", "match": "Path(`/`)"}]}), "issuers: rules ask for tokens"),
        (json!({"rules": "all"}), "rules: a list was expected"),
        (json!({"rules": []}), "rules: at least one rule is needed"),
        (json!({"issuers": [], "rules": [{"name": "a", "match": "Path(`/`)"}]}), "issuers: rules ask for tokens"),
        (json!({"rules": [{}], "rules[0]": {"name": "a"}}), "rules[…]: no such key"),
        (json!({"rules[00]": {"name": "a"}}), "rules[00]: no such key"),
        (
            json!({"rules": [{"name": "a", "match": "Path(`/`)", "require": "!BoundToClient()"}]}),
            "trustClientCertificate: rules ask for BoundToClient()",
        ),
        (
            json!({"rules": [{"name": "a", "match": "Path(`/`)", "require": "BoundToClient(`a`)"}]}),
            "rules[0].require: column 1",
        ),
        (json!({"dpop": {}}), "dpop: a proof names the address"),
        (json!({"dpop": "yes"}), "dpop: an object was expected"),
        (json!({"dpop": {"maxAge": 60}}), "dpop.maxAge: no such key; did you mean maxAgeSeconds?"),
        (json!({"dpop": {"maxAgeSeconds": 0}}), "dpop.maxAgeSeconds: no proof would be new enough"),
        (json!({"dpop": {"maxAgeSeconds": 301}}), "dpop.maxAgeSeconds: a whole number from 0 to 300"),
        (json!({"dpop": {"algorithms": ["none"]}}), "dpop.algorithms[0]: \"none\" is no algorithm of proofs"),
        (json!({"dpop": {"algorithms": "HS256"}}), "dpop.algorithms: \"HS256\" is no algorithm of proofs"),
        (json!({"forwardClaims": {"D-PoP": "a", "DPoP": "sub"}}), "forwardClaims.DPoP: this header cannot carry"),
        (
            json!({"transactionToken": {"audience": "a", "role": true}}),
            "transactionToken.role: no such key; did you mean roles?",
        ),
        (json!({"mode": "watch"}), "mode: enforce or observe was expected"),
        (json!({"throttle": {"badTokens": 1}}), "throttle.badTokens: no such key"),
        (json!({"throttle": {"badTokensPerMinute": "many"}}), "throttle.badTokensPerMinute: a whole number"),
        (json!({"throttle": 60}), "throttle: an object was expected"),
        (json!({"clientAddress": {"depth": 1}}), "clientAddress.trustedProxies: X-Forwarded-For counts only"),
        (
            json!({"clientAddress": {"trustedProxies": ["10.0.0.0/33"]}}),
            "clientAddress.trustedProxies[0]: `10.0.0.0/33`",
        ),
        (
            json!({"rules": [{"name": "a", "match": "Path(`/`)"}], "resourceMetadata": {"scope": "a"}}),
            "resourceMetadata.scope: no such key",
        ),
        (
            json!({"rules": [{"name": "a", "match": "Path(`/`)"}], "resourceMetadata": true}),
            "resourceMetadata: metadata speaks of an origin",
        ),
        (with_issuer(&json!({"audiences": "watchgate,"})), "issuers[0].audiences: there is nothing"),
        (json!([]), "the configuration: an object was expected"),
        (with_issuer(&json!({"jwks": {"keys": []}})), "issuers[0]: jwks and jwksFile exclude each other"),
        (with_issuer(&json!({"jwksFile": ""})), "issuers[0]: keys are needed"),
        (with_issuer(&json!({"jwksFile": "/etc/x"})), "issuers[0].jwksFile:"),
    ] {
        let found = mistakes(&config);
        assert!(found.iter().any(|mistake| mistake.starts_with(place)), "{place} is not in {found:?}");
    }
    assert!(GateConfig::from_json(b"{").is_err());
}

#[test]
fn an_issuer_stands_once() {
    let config = json!({
        "issuers": [issuer(&json!({})), issuer(&json!({}))],
        "rules": [{"name": "a", "match": "Path(`/`)"}],
    });
    assert_eq!(mistakes(&config), ["issuers[1].issuer: this issuer stands twice; one entry holds all its audiences"]);
}

#[test]
fn origins_are_held_against_hosts_with_and_without_ports() {
    let plain = origin("https://gw.example.com/").unwrap();
    assert!(plain.is_named_by("gw.example.com") && plain.is_named_by("gw.example.com:8443"));
    assert!(!plain.is_named_by("evil.example.com"));
    let with_port = origin("https://GW.example.com:8443").unwrap();
    assert!(with_port.is_named_by("gw.example.com:8443"));
    assert!(!with_port.is_named_by("gw.example.com") && !with_port.is_named_by("gw.example.com:1"));
}

#[test]
fn secrets_stand_alone_and_never_in_the_configuration() {
    let secrets = json!({"keys": [{"kty": "oct", "k": "A".repeat(43)}]});
    let inline = |extra: &Value| {
        let mut config = with_issuer(extra);
        config["issuers"][0].as_object_mut().unwrap().remove("jwksFile");
        config
    };
    for (config, place) in [
        (
            with_issuer(&json!({"algorithms": ["HS256", "RS256"]})),
            "issuers[0].algorithms: HS256, HS384 and HS512 stand alone",
        ),
        (
            with_issuer(&json!({"algorithms": "EdDSA, HS512"})),
            "issuers[0].algorithms: HS256, HS384 and HS512 stand alone",
        ),
        (
            inline(&json!({"algorithms": ["HS256"], "jwks": secrets})),
            "issuers[0].jwks: secrets stand in a jwksFile only",
        ),
        (inline(&json!({"jwks": secrets})), "issuers[0].jwks: no key in the JWK Set can verify a token"),
    ] {
        let found = mistakes(&config);
        assert!(found.iter().any(|mistake| mistake.starts_with(place)), "{place} is not in {found:?}");
    }
    let config = with_issuer(&json!({"algorithms": ["HS256", "HS384"]}));
    let config = GateConfig::from_json(config.to_string().as_bytes()).unwrap();
    assert_eq!(config.issuers[0].issuer.policy.key_purpose(), KeyPurpose::SharedSecrets);
    let config = GateConfig::from_json(with_issuer(&json!({})).to_string().as_bytes()).unwrap();
    assert_eq!(config.issuers[0].issuer.policy.key_purpose(), KeyPurpose::PublicKeys);
}
