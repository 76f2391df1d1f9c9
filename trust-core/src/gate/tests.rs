//! The walk as a whole: an attack table of request × expected denial, and what a permitted request becomes.

mod explanation;

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer, SigningKey};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::explanation::SignatureCheck;
use super::*;
use crate::denial::StepUp;
use crate::event_policy::EventRefusal;
use crate::gate_key::GateKeys;
use crate::keys::InvalidJwks;
use crate::shared_files::NoSharedFiles;
use crate::time::{UnixSeconds, WallTime};
use crate::token::InvalidToken;
use crate::transaction_token::TransactionClaims;

mod answers;
mod binding;
mod proof;
mod refusals;
mod roles;

const NOW: u64 = 1_800_000_000;
const ISSUER: &str = "https://idp.example.com";

fn signing_key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

fn jwks() -> String {
    let x = BASE64_URL_SAFE_NO_PAD.encode(signing_key().verifying_key());
    json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "k1", "alg": "EdDSA", "use": "sig", "x": x}]}).to_string()
}

fn part(value: &Value) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(value.to_string())
}

fn header() -> Value {
    json!({"alg": "EdDSA", "typ": "at+jwt", "kid": "k1"})
}

fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": "watchgate", "sub": "tester 7", "iat": NOW, "exp": NOW + 600,
        "scope": "events:write", "jti": "t1", "client_id": "console"
    })
}

/// `value` with `changes` merged in; a `null` takes a member away.
fn changed(mut value: Value, changes: &Value) -> Value {
    for (name, change) in changes.as_object().unwrap() {
        let members = value.as_object_mut().unwrap();
        if change.is_null() {
            members.remove(name)
        } else {
            members.insert(name.clone(), change.clone())
        };
    }
    value
}

fn token(header: &Value, claims: &Value) -> String {
    let signed = format!("{}.{}", part(header), part(claims));
    let signature = BASE64_URL_SAFE_NO_PAD.encode(signing_key().sign(signed.as_bytes()).to_bytes());
    format!("{signed}.{signature}")
}

fn hmac_token(secret: &[u8]) -> String {
    let signed = format!("{}.{}", part(&json!({"alg": "HS256", "typ": "at+jwt", "kid": "k1"})), part(&claims()));
    let mac = Hmac::<Sha256>::new_from_slice(secret).unwrap().chain_update(signed.as_bytes());
    format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

fn good_token() -> String {
    token(&header(), &claims())
}

fn config() -> Value {
    json!({
        "publicOrigins": ["https://gw.example.com"],
        "issuers": [{"issuer": ISSUER, "audiences": ["watchgate"], "jwksFile": "jwks/idp.json"}],
        "rules": [
            {"name": "health", "match": "Path(`/healthz`)", "public": true},
            {"name": "events", "match": "Path(`/v1/events`)", "require": "Scope(`events:write`)",
             "event": {"type": "dev.watchgate.telemetry", "clientTypes": ["com.example.*"]}},
            {"name": "ask", "match": "PathPrefix(`/v1/ask`)", "require": "Scope(`assistant:ask`) || Role(`admin`)"},
            {"name": "whoami", "match": "Path(`/whoami`)"}
        ],
        "forwardClaims": {"X-Auth-Subject": "sub", "X-Auth-Team": "team"},
        "transactionToken": {"audience": "service"}
    })
}

fn gate_keys() -> GateKeys {
    GateKeys::generate("g1".into(), [9; 32], None)
}

fn gate() -> Gate {
    let mut gate = Gate::from_config(config().to_string().as_bytes()).unwrap();
    gate.take_file("jwks/idp.json", Some(jwks().as_bytes())).unwrap();
    gate.take_file("gate.key", Some(gate_keys().to_json().as_bytes())).unwrap();
    gate
}

fn moment() -> Moment {
    Moment { now: WallTime::from_epoch(Duration::from_secs(NOW)), sequence: 1 }
}

fn request(method: &str, target: &str, headers: &[(&str, &str)]) -> RawRequest {
    let mut raw = RawRequest {
        method: method.into(),
        target: target.into(),
        host: b"gw.example.com".to_vec(),
        source_address: b"192.0.2.7:4711".to_vec(),
        headers: Vec::new(),
    };
    for (name, value) in headers {
        match raw.headers.iter_mut().find(|(other, _)| other == name) {
            Some((_, values)) => values.push(value.as_bytes().to_vec()),
            None => raw.headers.push(((*name).into(), vec![value.as_bytes().to_vec()])),
        }
    }
    raw
}

fn with_token(target: &str, token: &str) -> RawRequest {
    request("GET", target, &[("Authorization", &format!("Bearer {token}"))])
}

/// The decision; the explanation comes to the same one, whatever the request.
fn decided(raw: RawRequest) -> Result<Forwarding, Denial> {
    let decision = gate().decide(&raw.clone(), moment(), &NoSharedFiles);
    let (explained, _) = gate().explain(&raw, moment(), SignatureCheck::Done);
    assert_eq!(explained, decision);
    decision
}

fn denial(raw: RawRequest) -> Denial {
    decided(raw).expect_err("a denial")
}

fn header_of<'a>(forwarding: &'a Forwarding, name: &str) -> Option<&'a str> {
    forwarding.set.iter().find(|(header, _)| header.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

#[test]
fn a_bad_token_is_denied_for_its_own_reason() {
    use InvalidToken::*;
    let with_claims = |changes: Value| token(&header(), &changed(claims(), &changes));
    let with_header = |changes: Value| token(&changed(header(), &changes), &claims());
    let good = good_token();
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let hmac_with_public_key = hmac_token(signing_key().verifying_key().as_bytes());
    let not_utf8 = BASE64_URL_SAFE_NO_PAD.encode(b"{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"x\":\"\xff\"}");
    let not_utf8_header = format!("{not_utf8}.{}.{signature}", part(&claims()));
    let table = [
        ("not a token", "x".to_owned(), Form),
        ("empty", String::new(), Form),
        ("two parts", signed.to_owned(), Form),
        ("four parts", format!("{good}.x"), Form),
        ("padding", format!("{}=.{signature}", signed), Form),
        ("claims that are a list", token(&header(), &json!([1])), Form),
        ("header that is a list", token(&json!(["EdDSA", "at+jwt", "k1"]), &claims()), Form),
        ("header without alg", with_header(json!({"alg": null})), Form),
        ("alg that is a number", with_header(json!({"alg": 1})), Form),
        ("header that is not UTF-8", not_utf8_header, Form),
        ("kid that is a number", with_header(json!({"kid": 1})), Form),
        ("kid that is an object", with_header(json!({"kid": {"a": 1}})), Form),
        ("over 16 KiB", with_claims(json!({"pad": "x".repeat(16_384)})), TooLong),
        ("none", format!("{}.{}.", part(&changed(header(), &json!({"alg": "none"}))), part(&claims())), Algorithm),
        ("None", with_header(json!({"alg": "None"})), Algorithm),
        ("HMAC with the public key", hmac_with_public_key, AlgorithmNotAllowed),
        ("unknown algorithm", with_header(json!({"alg": "XX1"})), Algorithm),
        ("critical extension", with_header(json!({"crit": ["b64"], "b64": false})), CriticalExtension),
        (
            "critical extension that is null",
            token(&json!({"alg": "EdDSA", "typ": "JWT", "crit": null}), &claims()),
            CriticalExtension,
        ),
        ("no type", with_header(json!({"typ": null})), Type),
        ("id token", with_header(json!({"typ": "id+jwt"})), Type),
        ("security event", with_header(json!({"typ": "secevent+jwt"})), Type),
        ("our own transaction token", with_header(json!({"typ": "txntoken+jwt"})), Type),
        ("no iss", with_claims(json!({"iss": null})), IssuerForm),
        ("iss that is a list", with_claims(json!({"iss": [ISSUER]})), IssuerForm),
        ("another issuer", with_claims(json!({"iss": "https://evil.example.com"})), UnknownIssuer),
        ("issuer with a slash more", with_claims(json!({"iss": format!("{ISSUER}/")})), UnknownIssuer),
        ("no aud", with_claims(json!({"aud": null})), Audience),
        ("another aud", with_claims(json!({"aud": "other"})), Audience),
        ("aud in another case", with_claims(json!({"aud": "Watchgate"})), Audience),
        ("aud that is an object", with_claims(json!({"aud": {"watchgate": 1}})), Audience),
        ("aud list with a number", with_claims(json!({"aud": ["watchgate", 1]})), Audience),
        ("empty aud list", with_claims(json!({"aud": []})), Audience),
        ("no exp", with_claims(json!({"exp": null})), TimeForm),
        ("exp that is a text", with_claims(json!({"exp": (NOW + 600).to_string()})), TimeForm),
        ("exp below zero", with_claims(json!({"exp": -1})), TimeForm),
        ("exp beyond all time", with_claims(json!({"exp": 1e300})), TimeForm),
        ("nbf that is a text", with_claims(json!({"nbf": "0"})), TimeForm),
        ("iat that is a text", with_claims(json!({"iat": "now"})), TimeForm),
        ("expired", with_claims(json!({"exp": NOW - 30})), Expired),
        ("expired long ago", with_claims(json!({"exp": 0})), Expired),
        ("not yet valid", with_claims(json!({"nbf": NOW + 31})), NotYetValid),
        ("bound to a certificate", with_claims(json!({"cnf": {"x5t#S256": "x"}})), Bound),
        ("bound to nothing known", with_claims(json!({"cnf": {}})), Bound),
        ("no sub", with_claims(json!({"sub": null})), Subject),
        ("empty sub", with_claims(json!({"sub": ""})), Subject),
        ("sub that is a number", with_claims(json!({"sub": 7})), Subject),
        ("unknown key", with_header(json!({"kid": "k2"})), UnknownKey),
        ("algorithm of another kind of key", with_header(json!({"alg": "RS256"})), UnknownKey),
        ("no signature", format!("{signed}."), Signature),
        (
            "changed claims",
            format!("{}.{}.{signature}", part(&header()), part(&changed(claims(), &json!({"sub": "root"})))),
            Signature,
        ),
        (
            "signature of another token",
            format!("{signed}.{}", with_claims(json!({"jti": "t2"})).rsplit_once('.').unwrap().1),
            Signature,
        ),
    ];
    for (name, token, expected) in table {
        assert_eq!(denial(with_token("/whoami", &token)), Denial::InvalidToken(expected), "{name}");
    }
}

#[test]
fn a_good_token_in_any_allowed_form_passes() {
    let with_claims = |changes: Value| token(&header(), &changed(claims(), &changes));
    for (name, token) in [
        ("as it is", good_token()),
        ("typ JWT", token(&changed(header(), &json!({"typ": "JWT"})), &claims())),
        (
            "typ with its media type's prefix",
            token(&changed(header(), &json!({"typ": "Application/AT+JWT"})), &claims()),
        ),
        ("no kid, one key", token(&changed(header(), &json!({"kid": null})), &claims())),
        ("several audiences", with_claims(json!({"aud": ["other", "watchgate"]}))),
        ("fractional exp", with_claims(json!({"exp": NOW as f64 + 0.5}))),
        ("expired within the leeway", with_claims(json!({"exp": NOW - 29}))),
        ("nbf within the leeway", with_claims(json!({"nbf": NOW + 30}))),
    ] {
        assert!(decided(with_token("/whoami", &token)).is_ok(), "{name}");
    }
    let lower_case = request("GET", "/whoami", &[("Authorization", &format!("bearer {}", good_token()))]);
    assert!(decided(lower_case).is_ok());
}

#[test]
fn a_request_that_no_rule_lets_pass_is_denied() {
    let bearer = format!("Bearer {}", good_token());
    let ask = |headers: &[(&str, &str)]| request("GET", "/v1/ask", headers);
    let insufficient = Denial::Insufficient { rule: "ask".into(), scope: "assistant:ask".into() };
    let table = [
        ("no token", ask(&[]), Denial::NoToken),
        ("an event stream is no exception", ask(&[("Accept", "text/event-stream")]), Denial::NoToken),
        ("an upgrade is no exception", ask(&[("Connection", "upgrade"), ("Upgrade", "websocket")]), Denial::NoToken),
        ("a preflight is no exception", request("OPTIONS", "/v1/ask", &[("Origin", "https://a")]), Denial::NoToken),
        ("another scheme", ask(&[("Authorization", "Basic YTpi")]), Denial::NoToken),
        ("the token alone", ask(&[("Authorization", &good_token())]), Denial::NoToken),
        ("a scheme alone", ask(&[("Authorization", "Bearer")]), Denial::InvalidToken(InvalidToken::Form)),
        (
            "two tokens",
            ask(&[("Authorization", &bearer), ("Authorization", &bearer)]),
            Denial::MalformedRequest(MalformedRequest::RepeatedHeader),
        ),
        (
            "a good token after a bad one",
            ask(&[("Authorization", "Bearer x"), ("Authorization", &bearer)]),
            Denial::MalformedRequest(MalformedRequest::RepeatedHeader),
        ),
        ("the wrong scope", ask(&[("Authorization", &bearer)]), insufficient.clone()),
        ("the wrong scope, below the prefix", request("GET", "/v1/ask/x", &[("Authorization", &bearer)]), insufficient),
        ("no rule", request("GET", "/admin", &[("Authorization", &bearer)]), Denial::NoRule),
        ("no rule, no token", request("GET", "/", &[]), Denial::NoRule),
        ("beside the prefix", request("GET", "/v1/asking", &[("Authorization", &bearer)]), Denial::NoRule),
        ("public, but not quite", request("GET", "/healthz/", &[]), Denial::NoRule),
        (
            "a dot segment out of a public path",
            request("GET", "/healthz/../v1/ask", &[]),
            Denial::MalformedRequest(MalformedRequest::AmbiguousPath),
        ),
        (
            "an encoded slash",
            request("GET", "/healthz%2f..%2fv1", &[]),
            Denial::MalformedRequest(MalformedRequest::AmbiguousPath),
        ),
        (
            "another host",
            RawRequest { host: b"evil.example.com".to_vec(), ..ask(&[("Authorization", &bearer)]) },
            Denial::ForeignHost,
        ),
        (
            "no host",
            RawRequest { host: Vec::new(), ..ask(&[]) },
            Denial::MalformedRequest(MalformedRequest::MethodOrHost),
        ),
        (
            "an upgrade past the gate",
            ask(&[("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", "h2c")]),
            Denial::MalformedRequest(MalformedRequest::Upgrade),
        ),
        (
            "an upgrade past the gate behind another",
            ask(&[("Upgrade", "websocket, h2c")]),
            Denial::MalformedRequest(MalformedRequest::Upgrade),
        ),
        (
            "a host with a dot before its port",
            RawRequest { host: b"gw.example.com.:443".to_vec(), ..ask(&[]) },
            Denial::MalformedRequest(MalformedRequest::MethodOrHost),
        ),
        (
            "a host of dots",
            RawRequest { host: b"...".to_vec(), ..ask(&[]) },
            Denial::MalformedRequest(MalformedRequest::MethodOrHost),
        ),
        (
            "Connection drops the gate's word",
            ask(&[("Connection", "close, Txn-Token")]),
            Denial::MalformedRequest(MalformedRequest::HopByHop),
        ),
        (
            "Connection drops an identity",
            ask(&[("Connection", "x_auth_subject")]),
            Denial::MalformedRequest(MalformedRequest::HopByHop),
        ),
    ];
    for (name, raw, expected) in table {
        assert_eq!(denial(raw), expected, "{name}");
    }
}

#[test]
fn a_permitted_request_carries_tags_identity_and_the_gates_word() {
    let forwarding = decided(with_token("/whoami?a=1", &good_token())).unwrap();
    for (name, expected) in [
        ("ce-specversion", "1.0"),
        ("ce-type", "dev.watchgate.request"),
        ("ce-source", "https://gw.example.com"),
        ("ce-time", "2027-01-15T08:00:00.000Z"),
        ("ce-subject", "/whoami"),
        ("ce-authtype", "app_user"),
        ("ce-authid", "https://idp.example.com#tester%25207"),
        ("X-Auth-Subject", "tester%207"),
    ] {
        assert_eq!(header_of(&forwarding, name), Some(expected), "{name}");
    }
    assert_eq!(header_of(&forwarding, "X-Auth-Team"), None, "an absent claim forwards nothing");
    let event_id = header_of(&forwarding, "ce-id").unwrap();
    assert_eq!(header_of(&forwarding, "ce-correlationid"), Some(event_id));
    assert_eq!(&event_id[..14], "01a3185c-5000-");
    assert_eq!(forwarding.remove, ["Authorization"], "behind the gate the transaction token stands in its place");
    let keys = gate_keys().transaction_keys("service");
    let word =
        TransactionClaims::verify(header_of(&forwarding, "txn-token").unwrap(), &keys, UnixSeconds(NOW)).unwrap();
    assert_eq!(word.txn, event_id);
    assert_eq!(word.principal().unwrap().uri(), "https://idp.example.com#tester%207");
    assert!(word.is_for("GET", "gw.example.com", "/whoami?a=1"));
    assert_eq!((word.rctx.exp, word.rctx.jti.as_deref()), (Some(NOW + 600), Some("t1")));
    assert_eq!(word.rctx.req_ip, None, "who is known needs no address");
}

#[test]
fn a_public_request_is_anonymous_whatever_it_brings() {
    let raw = request("GET", "/healthz", &[("Authorization", "Bearer x"), ("X-Auth-Subject", "root")]);
    let forwarding = decided(raw).unwrap();
    assert_eq!(header_of(&forwarding, "ce-authtype"), Some("unauthenticated"));
    assert_eq!(header_of(&forwarding, "X-Auth-Subject"), None);
    assert_eq!(forwarding.remove, ["Authorization", "X-Auth-Subject"]);
    let keys = gate_keys().transaction_keys("service");
    let word =
        TransactionClaims::verify(header_of(&forwarding, "txn-token").unwrap(), &keys, UnixSeconds(NOW)).unwrap();
    assert_eq!(word.principal(), None);
    assert_eq!(word.rctx.req_ip.as_deref(), Some("192.0.2.7"), "there is no other name for who asks");
}

#[test]
fn identity_headers_of_a_client_never_arrive_in_any_spelling() {
    let bearer = format!("Bearer {}", good_token());
    let forged = [
        "X-Auth-Team",
        "X_Auth_Team",
        "x-auth_subject",
        "X.Auth.Subject",
        "X!Auth~Team",
        "Ce-Authid",
        "ce_authid",
        "CE-ID",
        "Txn_Token",
        "Txn.Token",
        "ce-anything",
    ];
    let mut headers = vec![("Authorization", bearer.as_str()), ("Accept", "*/*"), ("X-Author", "kept")];
    headers.extend(forged.iter().map(|name| (*name, "forged")));
    let forwarding = decided(request("GET", "/whoami", &headers)).unwrap();
    for name in forged {
        let is_replaced = header_of(&forwarding, name).is_some_and(|value| value != "forged");
        assert!(is_replaced || forwarding.remove.iter().any(|removed| removed == name), "{name}");
    }
    for kept in ["Accept", "X-Author"] {
        assert!(!forwarding.remove.iter().any(|removed| removed == kept), "{kept}");
    }
}

#[test]
fn a_clients_event_stays_its_own_where_the_rule_takes_it() {
    let bearer = format!("Bearer {}", good_token());
    let event = |extra: &[(&str, &str)]| {
        let mut headers = vec![("Authorization", bearer.as_str()), ("Ce-Specversion", "1.0"), ("Ce-Id", "e1")];
        headers.extend(extra);
        request("POST", "/v1/events", &headers)
    };
    let own = "https://idp.example.com#tester%25207/console";
    let good = event(&[
        ("Ce-Type", "com.example.frame"),
        ("Ce-Source", own),
        ("Ce-Authid", "root"),
        ("Ce-Authclaims", "admin"),
        ("Ce_Id", "twin"),
        ("Ce.Id", "twin"),
        ("Ce-Region", "eu"),
    ]);
    let forwarding = decided(good).unwrap();
    assert_eq!(header_of(&forwarding, "ce-id"), None, "the client's own identifier stays");
    assert_eq!(header_of(&forwarding, "ce-authid"), Some("https://idp.example.com#tester%25207"));
    assert_eq!(forwarding.remove, ["Authorization", "Ce-Authclaims", "Ce_Id", "Ce.Id"]);
    for (name, raw, expected) in [
        (
            "another type",
            event(&[("Ce-Type", "dev.watchgate.command.running"), ("Ce-Source", own)]),
            Denial::ForeignEvent(EventRefusal::Type),
        ),
        (
            "another's source",
            event(&[("Ce-Type", "com.example.frame"), ("Ce-Source", "https://idp.example.com#tester")]),
            Denial::ForeignEvent(EventRefusal::Source),
        ),
        (
            "another type, and no source",
            event(&[("Ce-Type", "dev.watchgate.command.running")]),
            Denial::ForeignEvent(EventRefusal::Type),
        ),
        (
            "a source that decodes to another's",
            event(&[("Ce-Source", "https://idp.example.com#tester%207/console")]),
            Denial::ForeignEvent(EventRefusal::Source),
        ),
        (
            "a source that cannot be decoded",
            event(&[("Ce-Source", "https://idp.example.com#%zz")]),
            Denial::MalformedRequest(MalformedRequest::HeaderValue),
        ),
        (
            "two identifiers",
            event(&[("Ce-Id", "e2"), ("Ce-Type", "com.example.frame"), ("Ce-Source", own)]),
            Denial::MalformedRequest(MalformedRequest::RepeatedHeader),
        ),
    ] {
        assert_eq!(denial(raw), expected, "{name}");
    }
    let repeated = request("GET", "/healthz", &[("Ce-Correlationid", "a"), ("Ce-Correlationid", "b")]);
    let forwarding = decided(repeated).unwrap();
    assert_eq!(header_of(&forwarding, "ce-correlationid"), header_of(&forwarding, "ce-id"), "dropped, so not judged");
    let elsewhere =
        request("GET", "/whoami", &[("Authorization", &bearer), ("Ce-Id", "e1"), ("Ce-Type", "com.example.frame")]);
    let forwarding = decided(elsewhere).unwrap();
    assert_eq!(header_of(&forwarding, "ce-type"), Some("dev.watchgate.request"), "other rules take no events");
}

#[test]
fn a_trace_is_kept_when_well_formed_and_begun_otherwise() {
    let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let begun = |trace: &str| {
        let raw = request("GET", "/healthz", &[("Traceparent", trace)]);
        header_of(&decided(raw).unwrap(), "traceparent").map(str::to_owned)
    };
    assert_eq!(begun(good), None);
    for bad in [
        "",
        "x",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        &good.replace("00-", "ff-"),
        &format!("{good}-x"),
    ] {
        let fresh = begun(bad).unwrap();
        assert_eq!((fresh.len(), &fresh[..3]), (55, "00-"), "{bad}");
    }
}

#[test]
fn the_state_of_a_trace_ends_with_it() {
    let with = |trace: &str| request("GET", "/healthz", &[("Traceparent", trace), ("Tracestate", "vendor=1")]);
    let kept = decided(with("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")).unwrap();
    assert!(kept.remove.is_empty(), "{:?}", kept.remove);
    assert_eq!(decided(with("00-broken")).unwrap().remove, ["Tracestate"]);
}

#[test]
fn what_a_rule_looks_at_cannot_be_dropped_on_the_way() {
    let mut by_header = config();
    by_header["rules"] = json!([{"name": "blue", "match": "HeaderRegexp(`X-Team`, `blue`)", "public": true}]);
    let mut gate = Gate::from_config(by_header.to_string().as_bytes()).unwrap();
    gate.take_file("gate.key", Some(gate_keys().to_json().as_bytes())).unwrap();
    let mut denial = |connection: &str| {
        let raw = request("GET", "/", &[("X-Team", "blue"), ("Connection", connection)]);
        gate.decide(&raw, moment(), &NoSharedFiles).err()
    };
    assert_eq!(denial("keep-alive"), None);
    for connection in ["X-Team", "close, x_team"] {
        assert_eq!(denial(connection), Some(Denial::MalformedRequest(MalformedRequest::HopByHop)), "{connection}");
    }
}

#[test]
fn requests_that_differ_in_anything_get_different_identifiers() {
    let id = |raw: RawRequest, moment: Moment| {
        header_of(&gate().decide(&raw, moment, &NoSharedFiles).unwrap(), "ce-id").unwrap().to_owned()
    };
    let base = || request("GET", "/healthz", &[]);
    let later = Moment { now: WallTime::from_epoch(Duration::new(NOW, 1)), ..moment() };
    let ids = [
        id(base(), moment()),
        id(base(), later),
        id(base(), Moment { sequence: 2, ..moment() }),
        id(request("GET", "/healthz?x", &[]), moment()),
        id(RawRequest { source_address: b"192.0.2.7:4712".to_vec(), ..base() }, moment()),
    ];
    assert_eq!(ids.iter().collect::<std::collections::BTreeSet<_>>().len(), ids.len());
    assert_eq!(id(base(), moment()), ids[0], "and depend on nothing else");
}

#[test]
fn what_a_negated_rule_reads_is_never_ambiguous() {
    let config = json!({"rules": [{
        "name": "guests", "public": true,
        "match": "!HeaderRegexp(`X-Mode`, `admin`) && !ClientIP(`10.0.0.0/8`)",
    }]});
    let mut gate = Gate::from_config(config.to_string().as_bytes()).unwrap();
    let mut decide =
        |headers: &[(&str, &str)]| gate.decide(&request("GET", "/", headers), moment(), &NoSharedFiles).map(drop);
    assert_eq!(decide(&[]), Ok(()));
    assert_eq!(decide(&[("X-Mode", "guest")]), Ok(()));
    assert_eq!(decide(&[("x-mode", "admin")]), Err(Denial::NoRule));
    let repeated = Err(Denial::MalformedRequest(MalformedRequest::RepeatedHeader));
    for headers in [
        [("X-Mode", "admin"), ("X-Mode", "admin")],
        [("X-Mode", "guest"), ("x-mode", "admin")],
        [("X-Mode", "guest"), ("X_Mode", "admin")],
        [("Accept", "*/*"), ("X.Mode", "admin")],
    ] {
        assert_eq!(decide(&headers), repeated, "{headers:?}");
    }
    let mut no_text = request("GET", "/", &[("X-Mode", "")]);
    no_text.headers[0].1 = vec![b"admin\xff".to_vec()];
    assert_eq!(
        gate.decide(&no_text, moment(), &NoSharedFiles),
        Err(Denial::MalformedRequest(MalformedRequest::HeaderValue))
    );
    let mut from = |address: &str| {
        gate.decide(
            &RawRequest { source_address: address.into(), ..request("GET", "/", &[]) },
            moment(),
            &NoSharedFiles,
        )
        .map(drop)
    };
    assert_eq!(from("[::ffff:10.1.2.3]:1"), Err(Denial::NoRule));
    assert_eq!(from("[fe80::1%eth0]:1"), Ok(()));
    assert_eq!(from("pipe"), Err(Denial::MalformedRequest(MalformedRequest::UnknownSource)));
}

#[test]
fn without_keys_nothing_that_needs_them_passes() {
    let mut gate = gate();
    assert_eq!(gate.wanted_files(), ["jwks/idp.json", "gate.key"]);
    assert_eq!(gate.take_file("jwks/idp.json", Some(b"{")), Err(InvalidTrustFile::Jwks(InvalidJwks::Form)));
    let unavailable = |of: &str| Denial::KeysUnavailable { of: of.to_owned() };
    assert_eq!(gate.decide(&with_token("/whoami", &good_token()), moment(), &NoSharedFiles), Err(unavailable(ISSUER)));
    assert!(gate.decide(&request("GET", "/healthz", &[]), moment(), &NoSharedFiles).is_ok());
    assert_eq!(gate.take_file("gate.key", None), Err(InvalidTrustFile::Missing));
    assert_eq!(gate.decide(&request("GET", "/healthz", &[]), moment(), &NoSharedFiles), Err(unavailable("this gate")));
    gate.take_file("jwks/idp.json", Some(jwks().as_bytes())).unwrap();
    gate.take_file("gate.key", Some(gate_keys().to_json().as_bytes())).unwrap();
    assert!(gate.decide(&with_token("/whoami", &good_token()), moment(), &NoSharedFiles).is_ok());
}

#[test]
fn answers_say_what_the_rfcs_define_and_no_more() {
    let challenge = |denial: &Denial| {
        denial.answer().headers.into_iter().find(|(name, _)| *name == "WWW-Authenticate").map(|(_, value)| value)
    };
    for (denial, status, expected) in [
        (Denial::NoToken, 401, Some(r#"Bearer realm="watchgate""#)),
        (Denial::InvalidToken(InvalidToken::Expired), 401, Some(r#"Bearer realm="watchgate", error="invalid_token""#)),
        (
            Denial::Insufficient { rule: "r".into(), scope: "a b".into() },
            403,
            Some(r#"Bearer realm="watchgate", error="insufficient_scope", scope="a b""#),
        ),
        (Denial::NoRule, 403, None),
        (Denial::MalformedRequest(MalformedRequest::Target), 400, None),
        (Denial::NotConfigured, 503, None),
    ] {
        let answer = denial.answer();
        assert_eq!((answer.status, challenge(&denial).as_deref()), (status, expected));
        let problem: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(problem["status"], status);
    }
    let bodies = [InvalidToken::Expired, InvalidToken::Signature, InvalidToken::UnknownIssuer]
        .map(|invalid| Denial::InvalidToken(invalid).answer().body);
    assert!(bodies.iter().all(|body| *body == bodies[0]), "which check failed stays inside");
}

#[test]
fn the_gate_reads_only_headers_that_matter() {
    let gate = gate();
    for (name, expected) in
        [("Authorization", true), ("CE-Type", true), ("upgrade", true), ("Cookie", false), ("X-Auth-Subject", false)]
    {
        assert_eq!(gate.reads_header(name), expected, "{name}");
    }
}

#[test]
fn an_issuer_that_shares_a_secret_is_taken_at_its_word_alone() {
    let mut shared = config();
    shared["issuers"][0]["algorithms"] = json!(["HS256"]);
    let mut gate = Gate::from_config(shared.to_string().as_bytes()).unwrap();
    let secret = [0x5a; 32];
    let file = json!({"keys": [{"kty": "oct", "kid": "k1", "k": BASE64_URL_SAFE_NO_PAD.encode(secret)}]}).to_string();
    let mut denial = |file: &str, token: &str| {
        let read = gate.take_file("jwks/idp.json", Some(file.as_bytes()));
        gate.take_file("gate.key", Some(gate_keys().to_json().as_bytes())).unwrap();
        (read, gate.decide(&with_token("/whoami", token), moment(), &NoSharedFiles).err())
    };
    assert_eq!(denial(&file, &hmac_token(&secret)), (Ok(()), None));
    assert_eq!(denial(&file, &hmac_token(&[0x5b; 32])), (Ok(()), Some(Denial::InvalidToken(InvalidToken::Signature))));
    let by_public_key = Some(Denial::InvalidToken(InvalidToken::AlgorithmNotAllowed));
    assert_eq!(denial(&file, &good_token()), (Ok(()), by_public_key));
    // The issuer's public keys in the place of its secrets.
    let (read, denied) = denial(&jwks(), &hmac_token(signing_key().verifying_key().as_bytes()));
    assert_eq!(read, Err(InvalidTrustFile::Jwks(InvalidJwks::SecretsAmongOthers)));
    assert!(matches!(denied, Some(Denial::KeysUnavailable { .. })));
}

#[test]
fn a_gate_that_does_not_tag_still_takes_a_clients_tags_away() {
    let mut untagged = config();
    untagged["tags"] = json!(false);
    let mistakes = Gate::from_config(untagged.to_string().as_bytes()).err().unwrap();
    assert_eq!(
        mistakes.iter().map(|mistake| mistake.place.as_str()).collect::<Vec<_>>(),
        ["tags"],
        "events of clients"
    );
    untagged["rules"][1]["event"] = json!({"type": "dev.watchgate.telemetry"});
    let mut gate = Gate::from_config(untagged.to_string().as_bytes()).unwrap();
    gate.take_file("jwks/idp.json", Some(jwks().as_bytes())).unwrap();
    gate.take_file("gate.key", Some(gate_keys().to_json().as_bytes())).unwrap();
    let mut raw = with_token("/whoami", &good_token());
    raw.headers.push(("Ce_Authid".into(), vec![b"root".to_vec()]));
    let forwarding = gate.decide(&raw, moment(), &NoSharedFiles).unwrap();
    let set: Vec<_> = forwarding.set.iter().map(|(name, _)| name.as_ref()).collect();
    assert_eq!(set, ["X-Auth-Subject", "Txn-Token"]);
    assert_eq!(forwarding.remove, ["Authorization", "Ce_Authid"]);
}

#[test]
fn a_key_that_is_taken_away_ends_what_the_cache_has_kept() {
    let mut gate = gate();
    assert!(gate.decide(&with_token("/whoami", &good_token()), moment(), &NoSharedFiles).is_ok());
    gate.take_file("gate.key", Some(gate_keys().to_json().as_bytes())).unwrap();
    assert!(gate.decide(&with_token("/whoami", &good_token()), moment(), &NoSharedFiles).is_ok());
    gate.take_file("jwks/idp.json", None).unwrap_err();
    let denial = gate.decide(&with_token("/whoami", &good_token()), moment(), &NoSharedFiles).unwrap_err();
    assert!(matches!(denial, Denial::KeysUnavailable { .. }), "{denial:?}");
}
