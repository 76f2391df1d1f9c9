//! A request as the gate would get it, from the words of a command line.

use anyhow::{Context, anyhow};
use trust_core::request::RawRequest;

use super::{ExplainArguments, text_of};

/// Reads `Name: value`.
pub(super) fn parse_header(text: &str) -> Result<(String, String), String> {
    match text.split_once(':') {
        Some((name, value)) if !name.is_empty() && !name.contains(char::is_whitespace) => {
            Ok((name.to_owned(), value.trim().to_owned()))
        }
        _ => Err("write it as 'Name: value'".to_owned()),
    }
}

/// The request, byte by byte as the arguments spell it.
pub(super) fn raw(arguments: &ExplainArguments) -> anyhow::Result<RawRequest> {
    let (authority, target) = parts(&arguments.url)?;
    let mut given = arguments.headers.clone();
    if let Some(token) = &arguments.token {
        let token = if token == "-" { text_of("-".as_ref()).context("the token")? } else { token.clone() };
        given.push(("Authorization".to_owned(), format!("Bearer {}", token.trim())));
    }
    let mut headers: Vec<(String, Vec<Vec<u8>>)> = Vec::new();
    for (name, value) in given {
        // Traefik hands the values of one name over together; names that differ only in case are one name to it.
        match headers.iter_mut().find(|(other, _)| other.eq_ignore_ascii_case(&name)) {
            Some((_, values)) => values.push(value.into_bytes()),
            None => headers.push((name, vec![value.into_bytes()])),
        }
    }
    Ok(RawRequest {
        method: arguments.method.clone().into_bytes(),
        target: target.into_bytes(),
        host: authority.as_bytes().to_vec(),
        source_address: arguments.source.clone().into_bytes(),
        headers,
    })
}

/// Host with port, and the target. No URL library is asked: each of them would repair what the gate refuses.
fn parts(url: &str) -> anyhow::Result<(&str, String)> {
    let rest = url.split_once("://").filter(|(scheme, _)| matches!(*scheme, "http" | "https")).map(|(_, rest)| rest);
    let rest =
        rest.ok_or_else(|| anyhow!("--url: write the whole URL, such as https://gw.example.com/v1/events?a=b"))?;
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
}
