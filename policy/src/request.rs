//! A request as the gate would get it, from what a person writes.

use thiserror::Error;
use trust_core::request::RawRequest;

/// A URL that does not say whole where a request goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("write the whole URL, such as https://gw.example.com/v1/events?a=b")]
pub struct NoWholeUrl;

/// A line that is no header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("write it as 'Name: value'")]
pub struct NoHeader;

/// What a request says. Nothing of it is tidied up: the gate must see what would arrive.
#[derive(Clone, Debug)]
pub struct AskedRequest<'a> {
    /// The method.
    pub method: &'a str,
    /// The whole URL.
    pub url: &'a str,
    /// The peer's address and port.
    pub source: &'a str,
    /// Names and values, in their order; names may be repeated.
    pub headers: Vec<(String, String)>,
    /// Sent as `Authorization: Bearer`.
    pub token: Option<&'a str>,
}

/// Reads `Name: value`.
pub fn parse_header(text: &str) -> Result<(String, String), NoHeader> {
    match text.split_once(':') {
        Some((name, value)) if !name.is_empty() && !name.contains(char::is_whitespace) => {
            Ok((name.to_owned(), value.trim().to_owned()))
        }
        _ => Err(NoHeader),
    }
}

impl AskedRequest<'_> {
    /// The request, byte by byte as it is spelled.
    pub fn raw(&self) -> Result<RawRequest, NoWholeUrl> {
        let (authority, target) = parts(self.url)?;
        let mut given = self.headers.clone();
        given.extend(self.token.map(|token| ("Authorization".to_owned(), format!("Bearer {}", token.trim()))));
        let mut headers: Vec<(String, Vec<Vec<u8>>)> = Vec::new();
        for (name, value) in given {
            // Traefik hands the values of one name over together; names that differ only in case are one name to it.
            match headers.iter_mut().find(|(other, _)| other.eq_ignore_ascii_case(&name)) {
                Some((_, values)) => values.push(value.into_bytes()),
                None => headers.push((name, vec![value.into_bytes()])),
            }
        }
        Ok(RawRequest {
            method: self.method.as_bytes().to_vec(),
            target: target.into_bytes(),
            host: authority.as_bytes().to_vec(),
            source_address: self.source.as_bytes().to_vec(),
            headers,
        })
    }
}

/// Host with port, and the target. No URL library is asked: each of them would repair what the gate refuses.
fn parts(url: &str) -> Result<(&str, String), NoWholeUrl> {
    let rest = url.split_once("://").filter(|(scheme, _)| matches!(*scheme, "http" | "https")).map(|(_, rest)| rest);
    let rest = rest.ok_or(NoWholeUrl)?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, target) = rest.split_at_checked(end).unwrap_or((rest, ""));
    // Clients send a slash where there is no path.
    let slash = if target.starts_with('/') { "" } else { "/" };
    Ok((authority, format!("{slash}{target}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_as_it_stands() {
        for (url, authority, target) in [
            ("https://gw.example.com/a?b=c", "gw.example.com", "/a?b=c"),
            ("http://gw.example.com:8443", "gw.example.com:8443", "/"),
            ("https://gw.example.com?a", "gw.example.com", "/?a"),
            ("https://GW.example.com//a/../%2f", "GW.example.com", "//a/../%2f"),
            ("https://gw.example.com/a#b", "gw.example.com", "/a#b"),
            ("https://[::1]:443/a", "[::1]:443", "/a"),
        ] {
            assert_eq!(parts(url).unwrap(), (authority, target.to_owned()), "{url}");
        }
        assert!(parts("/a").is_err() && parts("ftp://a/").is_err());
    }

    #[test]
    fn values_of_one_name_stay_together_whatever_its_case() {
        let headers = ["X-A: 1", "x-a:2", "authorization: Basic YTpi"].map(|line| parse_header(line).unwrap()).to_vec();
        let url = "https://gw.example.com/";
        let asked = AskedRequest { method: "GET", url, source: "192.0.2.1:1", headers, token: Some(" t \n") };
        let expected = [
            ("X-A".to_owned(), vec![b"1".to_vec(), b"2".to_vec()]),
            ("authorization".to_owned(), vec![b"Basic YTpi".to_vec(), b"Bearer t".to_vec()]),
        ];
        assert_eq!(asked.raw().unwrap().headers, expected);
        assert!(["X A: 1", ": 1", "X-A"].into_iter().all(|line| parse_header(line).is_err()));
    }
}
