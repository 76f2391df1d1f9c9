use super::*;

fn raw(target: &str) -> RawRequest {
    RawRequest {
        method: b"GET".to_vec(),
        target: target.into(),
        host: b"GW.example.com:8443".to_vec(),
        source_address: b"192.0.2.7:4711".to_vec(),
        headers: vec![("X_Auth-User".into(), vec![b"root".to_vec()])],
    }
}

#[test]
fn plain_requests_are_read() {
    let raw_request = raw("/v1/%61sk?q=../x");
    let facts = RequestFacts::read(&raw_request).unwrap();
    assert_eq!((facts.path(), facts.target()), ("/v1/ask", "/v1/%61sk?q=../x"));
    assert_eq!((facts.host(), facts.host_name()), ("gw.example.com:8443", "gw.example.com"));
    assert_eq!(facts.source(), Some("192.0.2.7".parse().unwrap()));
    assert_eq!(facts.header_names(|name| name == "x-auth-user").collect::<Vec<_>>(), ["X_Auth-User"]);
    for target in ["/", "/a/", "/a.b/..c/...", "/%C3%A5"] {
        assert!(RequestFacts::read(&raw(target)).is_ok(), "{target}");
    }
}

#[test]
fn paths_with_two_readings_are_refused() {
    for target in [
        "/a/../b",
        "/a/./b",
        "/..",
        "/.",
        "/a//b",
        "//",
        "//evil.example.com/a",
        "/a%2fb",
        "/a%2Fb",
        "/a%5cb",
        "/a\\b",
        "/a%00",
        "/a%0a",
        "/a;b",
        "/a%3bb",
        "/%2e%2e/b",
        "/.%2e/b",
        "/a%25b",
        "/a%3fb",
        "/a%23b",
        "/a#b",
        "/a%5Cb",
        "/a%09",
        "/a%7f",
        "/a%3Bb",
        "/a;/../b",
        "/a/..;/b",
        "/a/;b",
        "/a/%2E%2E",
        "/a/%2e/b",
        "/a%c0%afb",
        "/a%e0%80%afb",
        "/a%",
        "/a%f",
        "/%ff",
        "/a\u{7f}",
    ] {
        assert_eq!(RequestFacts::read(&raw(target)).err().unwrap(), MalformedRequest::AmbiguousPath, "{target}");
    }
    for target in ["", "*", "a", "http://gw.example.com/", &format!("/{}", "a".repeat(MAX_TARGET_BYTES))] {
        assert_eq!(RequestFacts::read(&raw(target)).err().unwrap(), MalformedRequest::Target);
    }
}

#[test]
fn a_missing_method_or_host_is_refused() {
    for (method, host) in [
        ("", "a"),
        ("GET", ""),
        ("G T", "a"),
        ("post", "a"),
        ("gET", "a"),
        ("GET", "a b"),
        ("GET", "a/b"),
        ("GET", "user@a"),
    ] {
        let request = RawRequest { method: method.into(), host: host.into(), ..raw("/") };
        assert_eq!(RequestFacts::read(&request).err().unwrap(), MalformedRequest::MethodOrHost, "{method} {host}");
    }
}

#[test]
fn a_host_has_one_spelling() {
    let host = |text: &str| {
        RequestFacts::read(&RawRequest { host: text.into(), ..raw("/") }).map(|facts| facts.host_name().to_owned())
    };
    for text in ["gw.example.com", "GW.Example.COM", "gw.example.com:8443", "GW.EXAMPLE.COM:1"] {
        assert_eq!(host(text).as_deref(), Ok("gw.example.com"), "{text}");
    }
    for text in [
        "gw.example.com.",
        "gw.example.com.:443",
        "GW.EXAMPLE.COM..",
        ".",
        ":443",
        "gw.example.com:",
        "gw%2eexample.com",
    ] {
        assert_eq!(host(text), Err(MalformedRequest::MethodOrHost), "{text}");
    }
}

#[test]
fn what_stands_in_the_query_is_no_part_of_the_path() {
    for target in ["/a?next=/../b", "/a?next=%2F%2e%2e;%00#%", "/a?x=//?y"] {
        assert_eq!(RequestFacts::read(&raw(target)).unwrap().path(), "/a", "{target}");
    }
}

#[test]
fn ports_are_told_from_addresses() {
    for (host, expected) in [("a:1", "a"), ("a", "a"), ("[::1]:443", "[::1]"), ("[::1]", "[::1]"), ("::1", "::1")] {
        assert_eq!(without_port(host), expected);
    }
}

#[test]
fn a_header_that_must_stand_alone_is_read_once_or_refused() {
    let with = |values: &[&[u8]]| {
        let headers = vec![("Authorization".to_owned(), values.iter().map(|value| value.to_vec()).collect())];
        let raw = RawRequest { headers, ..raw("/") };
        let facts = RequestFacts::read(&raw).unwrap();
        facts.only_header_value("authorization").map(|value| value.map(str::to_owned))
    };
    assert_eq!(with(&[b"Bearer a"]), Ok(Some("Bearer a".to_owned())));
    assert_eq!(with(&[]), Ok(None));
    assert_eq!(with(&[b"a", b"b"]), Err(MalformedRequest::RepeatedHeader));
    assert_eq!(with(&[b"a\x01"]), Err(MalformedRequest::HeaderValue));
    assert_eq!(with(&["ä".as_bytes()]), Err(MalformedRequest::HeaderValue));
}
