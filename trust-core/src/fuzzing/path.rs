//! Any bytes as a request: what rules see of it has one reading, and what the gate forwards speaks for nobody but the gate.
//!
//! An input is lines: method and target, the host, the peer, then headers as `Name: value`. What is missing is plain.

use std::cell::RefCell;
use std::net::IpAddr;
use std::sync::LazyLock;

use super::fixture::{CERTIFICATE, NOW, THUMBPRINT, UPSTREAM};
use super::fixture::{gate, gate_keys, genuine_tokens, moment, with_authorization};
use crate::binding::Binding;
use crate::client_address::{ClientAddress, ClientAddresses};
use crate::client_certificate::ClientCertificates;
use crate::gate::explanation::SignatureCheck;
use crate::gate::{Forwarding, Gate};
use crate::network::Network;
use crate::request::{RawRequest, RequestFacts, fold_header_name, folds_to};
use crate::shared_files::NoSharedFiles;
use crate::token::{TokenScheme, presented_token};
use crate::transaction_token::{TransactionClaims, TransactionKeys};

thread_local! {
    static GATE: RefCell<Gate> = RefCell::new(gate());
}

static GENUINE: LazyLock<[String; 2]> = LazyLock::new(genuine_tokens);
static TRANSACTION_KEYS: LazyLock<TransactionKeys> = LazyLock::new(|| gate_keys().transaction_keys(UPSTREAM));
static BINDING: LazyLock<Binding> = LazyLock::new(|| Binding::of(Some(&serde_json::json!({"x5t#S256": THUMBPRINT}))));

pub(super) fn check(bytes: &[u8]) {
    let raw = request(bytes);
    if let Ok(facts) = RequestFacts::read(&raw) {
        the_path_has_one_reading(&raw, &facts);
        the_host_has_one_spelling(&facts);
        headers_are_found_in_any_case(&raw, &facts);
        only_trusted_proxies_name_a_client(&facts);
        only_the_certificate_itself_proves_a_binding(&facts);
    }
    GATE.with_borrow_mut(|gate| decide(gate, &raw));
}

fn request(bytes: &[u8]) -> RawRequest {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let first = lines.next().unwrap_or_default();
    let (method, target) = first.split_at(first.iter().position(|byte| *byte == b' ').unwrap_or(0));
    let mut raw = RawRequest { method: method.to_vec(), headers: Vec::new(), ..with_authorization(b"") };
    raw.target = target.strip_prefix(b" ").unwrap_or(target).to_vec();
    raw.host = lines.next().map_or(raw.host, <[u8]>::to_vec);
    raw.source_address = lines.next().map_or(raw.source_address, <[u8]>::to_vec);
    for line in lines {
        let (name, value) = line.split_at(line.iter().position(|byte| *byte == b':').unwrap_or(line.len()));
        // Only text can be a name where the host reads headers.
        let Ok(name) = std::str::from_utf8(name) else { continue };
        let value = value.strip_prefix(b":").unwrap_or(value).trim_ascii().to_vec();
        match raw.headers.iter_mut().find(|(other, _)| other.eq_ignore_ascii_case(name)) {
            Some((_, values)) => values.push(value),
            None => raw.headers.push((name.to_owned(), vec![value])),
        }
    }
    raw
}

fn the_path_has_one_reading(raw: &RawRequest, facts: &RequestFacts) {
    assert_eq!(facts.target().as_bytes(), raw.target, "what is forwarded is what was sent");
    let (path, written) = (facts.path(), facts.target().split('?').next().unwrap_or_default());
    assert!(path.starts_with('/') && !path.contains("//"), "{path:?}");
    assert!(!path.contains(['\\', ';', '%', '?', '#']) && !path.chars().any(char::is_control), "{path:?}");
    assert!(!path.split('/').any(|segment| segment == "." || segment == ".."), "{path:?}");
    assert_eq!(path.matches('/').count(), written.matches('/').count(), "{written:?} has other segments than {path:?}");
    let read = |target: String| {
        let raw = RawRequest { target: target.into(), ..raw.clone() };
        RequestFacts::read(&raw).map(|facts| facts.path().to_owned())
    };
    assert_eq!(read(path.to_owned()).as_deref(), Ok(path), "read a second time");
    let encoded: String =
        path.bytes().map(|byte| if byte == b'/' { "/".to_owned() } else { format!("%{byte:02X}") }).collect();
    // Three times as long, it may be too long.
    if let Ok(encoded) = read(encoded) {
        assert_eq!(encoded, path, "with every byte encoded");
    }
}

fn the_host_has_one_spelling(facts: &RequestFacts) {
    let host = facts.host();
    assert!(!host.bytes().any(|byte| byte.is_ascii_uppercase()) && !host.ends_with(['.', ':']), "{host}");
    let raw = RawRequest { host: host.into(), ..with_authorization(b"") };
    assert_eq!(RequestFacts::read(&raw).map(|facts| facts.host().to_owned()).as_deref(), Ok(host));
    assert!(!facts.host_name().is_empty() && host.starts_with(facts.host_name()), "{host}");
}

fn headers_are_found_in_any_case(raw: &RawRequest, facts: &RequestFacts) {
    for (name, values) in &raw.headers {
        let folded = fold_header_name(name);
        assert_eq!(fold_header_name(&folded), folded);
        assert!(folds_to(name, &folded));
        for name in [name.to_ascii_lowercase(), name.to_ascii_uppercase()] {
            assert!(facts.header_values(&name).eq(values.iter().map(Vec::as_slice)), "{name}");
        }
        match facts.only_header_value(name) {
            Ok(value) => {
                assert_eq!(value.map(str::as_bytes), values.first().map(Vec::as_slice));
                assert!(
                    values.len() == 1
                        && value.is_some_and(|value| value.bytes().all(|byte| (b' '..=b'~').contains(&byte)))
                );
            }
            Err(_) => assert!(values.len() > 1 || !values.iter().flatten().all(|byte| (b' '..=b'~').contains(byte))),
        }
        if facts.check_rule_header(&name.to_ascii_lowercase()).is_ok() {
            let twins = raw.headers.iter().filter(|(other, _)| fold_header_name(other) == folded).count();
            assert!(twins == 1 && values.len() == 1, "a rule would be held against one of several values of {name}");
        }
    }
}

fn only_trusted_proxies_name_a_client(facts: &RequestFacts) {
    let trusted_proxies = vec![Network::parse("10.0.0.0/8").expect("a network")];
    for depth in 0..3 {
        let addresses = ClientAddresses { depth, trusted_proxies: trusted_proxies.clone() };
        let client = addresses.told(facts.clone()).client();
        let Some(peer) = facts.peer() else {
            assert_eq!(client, ClientAddress::Unknown);
            continue;
        };
        if depth == 0 || !addresses.is_trusted(peer) {
            assert_eq!(client, ClientAddress::Known(peer), "a client names itself");
        } else if let ClientAddress::Known(named) = client {
            assert!(depth > 0 && is_written(facts, named), "{named} is written nowhere");
        }
    }
}

/// Whether somebody has written this address into the header, in whatever spelling.
fn is_written(facts: &RequestFacts, address: IpAddr) -> bool {
    let parts = facts.header_values("x-forwarded-for").flat_map(|line| line.split(|byte| *byte == b','));
    let read = parts.filter_map(|part| {
        RequestFacts::read(&RawRequest { source_address: part.trim_ascii().to_vec(), ..with_authorization(b"") })
            .ok()?
            .peer()
            .or_else(|| bracketed(part))
    });
    read.into_iter().any(|written| written == address)
}

fn bracketed(part: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(part.trim_ascii()).ok()?;
    text.strip_prefix('[')?.strip_suffix(']')?.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

fn only_the_certificate_itself_proves_a_binding(facts: &RequestFacts) {
    assert!(ClientCertificates::Untrusted.check(&BINDING, facts).is_err());
    if ClientCertificates::Trusted.check(&BINDING, facts).is_ok() {
        let values: Vec<_> = facts.header_values("x-forwarded-tls-client-cert").collect();
        let [value] = values.as_slice() else { panic!("of several certificates one was chosen") };
        assert_eq!(value.split(|byte| *byte == b',').next(), Some(CERTIFICATE.as_bytes()));
    }
}

fn decide(gate: &mut Gate, raw: &RawRequest) {
    let decision = gate.decide(raw, moment(), &NoSharedFiles);
    let (explained, explanation) = gate.explain(raw, moment(), SignatureCheck::Done);
    assert_eq!(explained, decision);
    match decision {
        Ok(forwarding) => {
            let facts = RequestFacts::read(raw).expect("what was let in was read");
            let by = explanation.rules.iter().find(|rule| rule.matches == Some(true)).expect("a rule let it in");
            let caller = if by.public { None } else { Some(genuine_caller(&facts)) };
            let path = facts.path();
            let is_for_anybody = path == "/healthz" || path == "/public" || path.starts_with("/public/");
            assert_eq!(caller.is_none(), is_for_anybody, "{path} by {}", by.name);
            nothing_of_the_client_speaks_for_the_gate(raw, &forwarding, by.name == "events");
            the_gates_word_is_about_this_request(&forwarding, &facts, caller);
        }
        Err(denial) => {
            let refusal = gate.refuse(&denial, raw, moment(), &NoSharedFiles);
            assert!(!refusal.log_line.chars().any(char::is_control), "{:?}", refusal.log_line);
            let answer = denial.answer();
            let is_visible = |text: &str| text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
            assert!(answer.headers.iter().all(|(_, value)| is_visible(value)), "{:?}", answer.headers);
        }
    }
}

/// The subject of whoever came in by a token; only the two that there are can have let anybody in.
fn genuine_caller(facts: &RequestFacts) -> &'static str {
    let token = presented_token(facts).ok().flatten().expect("a token let it in");
    let [bearer, bound] = &*GENUINE;
    assert_eq!(token.scheme(), TokenScheme::Bearer, "neither is bound to a key");
    let is_proved = || ClientCertificates::Trusted.check(&BINDING, facts).is_ok();
    assert!(
        token.bytes() == bearer.as_bytes() || (token.bytes() == bound.as_bytes() && is_proved()),
        "let in by a token that nobody has made"
    );
    "tester 7"
}

/// The request as what stands behind the gate sees it.
fn nothing_of_the_client_speaks_for_the_gate(raw: &RawRequest, forwarding: &Forwarding, takes_events: bool) {
    let is = |name: &str, other: &str| name.eq_ignore_ascii_case(other);
    for (name, value) in &forwarding.set {
        assert!(value.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{name}: {value:?}");
        assert_eq!(forwarding.set.iter().filter(|(other, _)| is(name, other)).count(), 1, "{name} is set twice");
    }
    let survives = |name: &str| {
        !forwarding.remove.iter().any(|removed| is(name, removed))
            && !forwarding.set.iter().any(|(set, _)| is(name, set))
    };
    for (name, values) in raw.headers.iter().filter(|(name, _)| survives(name)) {
        let folded = fold_header_name(name);
        let speaks_for_us = folded.starts_with("ce-auth")
            || matches!(folded.as_str(), "txn-token" | "x-auth-subject" | "authorization" | "dpop");
        assert!(!speaks_for_us, "a client's own {name} goes on");
        if folded.starts_with("ce-") {
            assert!(takes_events && is(name, &folded) && values.len() == 1, "a client's own {name} goes on");
        }
        if folded.starts_with("x-forwarded-tls-client-cert") && folded.len() <= "x-forwarded-tls-client-cert-info".len()
        {
            let is_other = folded != "x-forwarded-tls-client-cert" && folded != "x-forwarded-tls-client-cert-info";
            assert!(is_other || is(name, &folded), "{name} is no spelling of Traefik's");
        }
    }
}

fn the_gates_word_is_about_this_request(forwarding: &Forwarding, facts: &RequestFacts, caller: Option<&str>) {
    let value = |name: &str| forwarding.set.iter().find(|(set, _)| set == name).map(|(_, value)| value.as_str());
    let word = value("Txn-Token").expect("the gate signs every request");
    let claims = TransactionClaims::verify(word, &TRANSACTION_KEYS, NOW).expect("its own word");
    assert!(claims.is_for(facts.method(), facts.host(), facts.target()));
    assert_eq!(claims.sub.as_deref(), caller);
    assert_eq!(value("X-Auth-Subject"), caller.map(|_| "tester%207"));
}
