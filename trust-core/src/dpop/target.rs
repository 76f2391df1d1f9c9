//! Whether a proof's `htu` names the request at hand: by its public origin, as the client sees it, because between the
//! client and the gate TLS ends and ports are mapped.

use crate::config::Origin;
use crate::request::{RequestFacts, plain_path};

/// A URI, as far as it counts: a query and a fragment do not (RFC 9449, section 4.3).
struct Uri<'u> {
    is_secure: bool,
    /// In lower case (RFC 3986, section 6.2.2.1).
    authority: String,
    path: &'u str,
}

impl<'u> Uri<'u> {
    fn read(text: &'u str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let is_secure = match scheme.to_ascii_lowercase().as_str() {
            "https" | "wss" => true,
            "http" | "ws" => false,
            _ => return None,
        };
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        // Nothing behind the authority is the root (RFC 3986, section 6.2.3).
        let (authority, path) = rest.find('/').and_then(|at| rest.split_at_checked(at)).unwrap_or((rest, "/"));
        Some(Self { is_secure, authority: authority.to_ascii_lowercase(), path })
    }
}

/// Whether this `htu` names the request. An origin that names the host with its port is asked before one that names it with
/// any: never may a proof for `http` open `https`.
pub(super) fn is_named_by(htu: &str, facts: &RequestFacts<'_>, origins: &[Origin]) -> bool {
    let host = facts.host();
    let exactly = origins.iter().find(|origin| origin.authority == host);
    let Some(origin) = exactly.or_else(|| origins.iter().find(|origin| origin.is_named_by(host))) else { return false };
    let Some(uri) = Uri::read(htu) else { return false };
    let is_secure = origin.is_secure();
    uri.is_secure == is_secure
        && without_default_port(&uri.authority, is_secure) == without_default_port(host, is_secure)
        && plain_path(uri.path).is_some_and(|path| path == facts.path())
}

/// The port that a scheme has anyway counts as not written (RFC 3986, section 6.2.3).
fn without_default_port(authority: &str, is_secure: bool) -> &str {
    authority.strip_suffix(if is_secure { ":443" } else { ":80" }).unwrap_or(authority)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::RawRequest;

    fn names(htu: &str, host: &str, target: &str, origins: &[&str]) -> bool {
        let origin =
            |text: &&str| Origin { text: (*text).to_owned(), authority: text.split_once("://").unwrap().1.to_owned() };
        let origins: Vec<_> = origins.iter().map(origin).collect();
        let raw = RawRequest {
            method: b"GET".to_vec(),
            target: target.into(),
            host: host.into(),
            source_address: Vec::new(),
            headers: Vec::new(),
        };
        is_named_by(htu, &RequestFacts::read(&raw).unwrap(), &origins)
    }

    #[test]
    fn one_address_is_written_in_many_ways() {
        for (htu, host, target) in [
            ("https://gw.example.com/a", "gw.example.com", "/a"),
            ("HTTPS://GW.Example.COM/a", "gw.example.com", "/a"),
            ("https://gw.example.com:443/a", "gw.example.com", "/a"),
            ("https://gw.example.com/a", "gw.example.com:443", "/a"),
            ("https://gw.example.com:8443/a", "gw.example.com:8443", "/a"),
            ("wss://gw.example.com/a", "gw.example.com", "/a"),
            ("https://gw.example.com/a?b=c#d", "gw.example.com", "/a?e=f"),
            ("https://gw.example.com", "gw.example.com", "/"),
            ("https://gw.example.com?a", "gw.example.com", "/"),
            ("https://gw.example.com/%61%20b", "gw.example.com", "/a%20b"),
            ("https://gw.example.com/a/", "gw.example.com", "/a/"),
        ] {
            assert!(names(htu, host, target, &["https://gw.example.com"]), "{htu} for {host} {target}");
        }
        assert!(names("ws://gw.example.com:80/a", "gw.example.com", "/a", &["http://gw.example.com"]));
    }

    #[test]
    fn another_address_is_never_taken_for_it() {
        for htu in [
            "http://gw.example.com/a",
            "ws://gw.example.com/a",
            "ftp://gw.example.com/a",
            "https://gw.example.com:80/a",
            "https://gw.example.com:8443/a",
            "https://gw.example.com./a",
            "https://evil@gw.example.com/a",
            "https://evil.example.com/a",
            "https://gw.example.com.evil.example/a",
            "https://gw.example.com\\@evil.example/a",
            "https://gw.example.com/b",
            "https://gw.example.com/A",
            "https://gw.example.com/a/",
            "https://gw.example.com/b/../a",
            "https://gw.example.com//a",
            "https://gw.example.com/%2fa",
            "https://gw.example.com/a;b",
            "https://gw.example.com",
            "//gw.example.com/a",
            "/a",
            "",
        ] {
            assert!(!names(htu, "gw.example.com", "/a", &["https://gw.example.com"]), "{htu}");
        }
        assert!(!names("https://gw.example.com/a", "gw.example.com", "/a", &[]));
        assert!(!names("https://gw.example.com/a", "gw.example.com", "/a", &["https://other.example.com"]));
    }

    #[test]
    fn the_port_decides_which_of_two_origins_is_named() {
        let origins = ["https://gw.example.com", "http://gw.example.com:8080"];
        assert!(names("http://gw.example.com:8080/a", "gw.example.com:8080", "/a", &origins));
        assert!(!names("https://gw.example.com:8080/a", "gw.example.com:8080", "/a", &origins));
        assert!(!names("http://gw.example.com/a", "gw.example.com", "/a", &origins));
        // Of two that nothing else tells apart, the first.
        let both = ["https://gw.example.com", "http://gw.example.com"];
        assert!(!names("http://gw.example.com/a", "gw.example.com", "/a", &both));
    }
}
