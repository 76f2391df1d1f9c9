use super::*;
use crate::request::RawRequest;

fn of(depth: usize, peer: &str, forwarded_for: &[&str]) -> ClientAddress {
    let trusted_proxies = vec![Network::parse("10.0.0.0/8").unwrap(), Network::parse("fd00::/8").unwrap()];
    let lines = forwarded_for.iter().map(|line| line.as_bytes().to_vec()).collect();
    let raw = RawRequest {
        method: b"GET".to_vec(),
        target: b"/".to_vec(),
        host: b"a".to_vec(),
        source_address: peer.into(),
        headers: vec![("X-Forwarded-For".into(), lines)],
    };
    ClientAddresses { depth, trusted_proxies }.of(&RequestFacts::read(&raw).unwrap())
}

fn known(text: &str) -> ClientAddress {
    ClientAddress::Known(text.parse().unwrap())
}

const PROXY: &str = "10.0.0.1:4711";

#[test]
fn the_place_is_counted_from_the_right() {
    // The example of Traefik's ipStrategy.depth.
    let list = "10.0.0.1,11.0.0.1,12.0.0.1,13.0.0.1";
    for (depth, expected) in [(1, "13.0.0.1"), (3, "11.0.0.1"), (4, "10.0.0.1")] {
        assert_eq!(of(depth, PROXY, &[list]), known(expected), "{depth}");
    }
    assert_eq!(of(0, PROXY, &[list]), known("10.0.0.1"), "without a depth it is the peer");
    assert_eq!(of(2, PROXY, &["11.0.0.1", "12.0.0.1 , 13.0.0.1"]), known("12.0.0.1"), "lines are one list");
    assert_eq!(of(3, PROXY, &["11.0.0.1", "12.0.0.1 , 13.0.0.1"]), known("11.0.0.1"));
}

#[test]
fn an_address_is_read_in_every_form_that_proxies_write() {
    for (text, expected) in [
        ("192.0.2.7", "192.0.2.7"),
        (" 192.0.2.7 ", "192.0.2.7"),
        ("192.0.2.7:4711", "192.0.2.7"),
        ("2001:db8::7", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
        ("[2001:db8::7]:4711", "2001:db8::7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
    ] {
        assert_eq!(of(1, PROXY, &[text]), known(expected), "{text}");
    }
}

#[test]
fn a_client_cannot_choose_who_it_is() {
    // Whatever a client sends stands left of what the proxy adds.
    for sent in ["6.6.6.6", "6.6.6.6,", ",", "unknown", "6.6.6.6, 7.7.7.7", "\u{7f}", "[::1"] {
        assert_eq!(of(1, PROXY, &[&format!("{sent}, 192.0.2.7")]), known("192.0.2.7"), "{sent}");
        assert_eq!(of(1, PROXY, &[sent, "192.0.2.7"]), known("192.0.2.7"), "{sent} in a line of its own");
    }
    assert_eq!(of(1, "192.0.2.9:1", &["6.6.6.6"]), known("192.0.2.9"), "a peer that is no proxy speaks for itself");
    assert_eq!(of(1, "[::ffff:10.0.0.1]:1", &["192.0.2.7"]), known("192.0.2.7"));
    assert_eq!(of(1, "[fd00::1]:1", &["192.0.2.7"]), known("192.0.2.7"));
}

#[test]
fn a_place_without_an_address_is_nobodys() {
    let behind = ClientAddress::Behind("10.0.0.1".parse().unwrap());
    for lines in [&[][..], &[""], &["192.0.2.7"], &["unknown, 192.0.2.7"], &["999.0.2.7, 192.0.2.7"], &[", 192.0.2.7"]]
    {
        assert_eq!(of(2, PROXY, lines), behind, "{lines:?}");
        assert_eq!(of(2, PROXY, lines).known(), None);
    }
    assert_eq!(of(1, "@", &["192.0.2.7"]), ClientAddress::Unknown);
}
