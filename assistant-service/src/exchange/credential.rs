//! First step of the exchange: the forwarded request's `Authorization` becomes one opaque token, or a reason why not.

use std::net::IpAddr;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use thiserror::Error;

/// Longer tokens are refused unread, as by the gate.
const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// The address of the client, as Traefik writes it for `forwardAuth`.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// How a token is presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// RFC 6750.
    Bearer,
    /// RFC 9449, section 7.1.
    Dpop,
}

impl Scheme {
    fn named(name: &str) -> Option<Self> {
        [Self::Bearer, Self::Dpop].into_iter().find(|scheme| scheme.name().eq_ignore_ascii_case(name))
    }

    /// As it stands in a header.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bearer => "Bearer",
            Self::Dpop => "DPoP",
        }
    }
}

/// An opaque token as a client presents it. Nobody has vouched for it, and it is never shown.
pub(crate) struct Credential<'r> {
    pub(crate) scheme: Scheme,
    /// The scheme in the client's own letters.
    pub(crate) scheme_as_given: &'r str,
    pub(crate) token: &'r str,
}

/// Why there is no token to ask about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum NoCredential {
    #[error("there is no Authorization header, or one of another scheme")]
    Missing,
    #[error("there is more than one Authorization header")]
    Repeated,
    #[error("the token holds characters that no token holds, or none at all")]
    Malformed(Scheme),
    #[error("the token is longer than 16 KiB")]
    TooLong(Scheme),
    #[error("the token is a JWT, which the gate checks by itself")]
    Jwt(Scheme),
}

impl<'r> Credential<'r> {
    /// Takes the token from a forwarded request.
    pub(crate) fn of(headers: &'r HeaderMap) -> Result<Self, NoCredential> {
        let mut lines = headers.get_all(AUTHORIZATION).iter();
        let line = lines.next().ok_or(NoCredential::Missing)?;
        // Two readers of two lines may each believe another one.
        if lines.next().is_some() {
            return Err(NoCredential::Repeated);
        }
        let text = line.to_str().map_err(|_| NoCredential::Missing)?;
        let (name, rest) = text.split_once(' ').unwrap_or((text, ""));
        let scheme = Scheme::named(name).ok_or(NoCredential::Missing)?;
        let token = rest.trim_matches(' ');
        if token.len() > MAX_TOKEN_BYTES {
            return Err(NoCredential::TooLong(scheme));
        }
        if !is_token(token) {
            return Err(NoCredential::Malformed(scheme));
        }
        // A JWT is checked by its signature. To let a provider vouch for one would be a way round the gate's own checks.
        if token.bytes().filter(|byte| *byte == b'.').count() == 2 {
            return Err(NoCredential::Jwt(scheme));
        }
        Ok(Self { scheme, scheme_as_given: name, token })
    }
}

/// `b64token` of RFC 6750, section 2.1.
fn is_token(text: &str) -> bool {
    let unpadded = text.trim_end_matches('=');
    !unpadded.is_empty() && unpadded.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte))
}

/// Where a forwarded request comes from: the last address that Traefik has written down, or nothing that is one. Nobody but
/// Traefik reaches the exchange, and with `trustForwardHeader: false` Traefik writes the peer of its connection and no more.
pub(crate) fn source(headers: &HeaderMap) -> Option<IpAddr> {
    let line = headers.get_all(FORWARDED_FOR).iter().next_back()?.to_str().ok()?;
    let address: IpAddr = line.rsplit(',').next()?.trim().parse().ok()?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    fn read(line: &str) -> Result<(Scheme, String, String), NoCredential> {
        let headers = headers(&[("authorization", line)]);
        let found = Credential::of(&headers)?;
        Ok((found.scheme, found.scheme_as_given.to_owned(), found.token.to_owned()))
    }

    #[test]
    fn either_scheme_is_read_in_any_case_and_kept_as_given() {
        for (line, scheme, given) in [
            ("Bearer abc", Scheme::Bearer, "Bearer"),
            ("bEARER  abc ", Scheme::Bearer, "bEARER"),
            ("DPoP abc", Scheme::Dpop, "DPoP"),
            ("dpop abc", Scheme::Dpop, "dpop"),
        ] {
            assert_eq!(read(line), Ok((scheme, given.to_owned(), "abc".to_owned())), "{line}");
        }
    }

    #[test]
    fn every_character_of_a_token_and_any_number_of_dots_but_two_are_read() {
        for token in ["a", "a.b", "a.b.c.d", "a.b.c.d.e", ".", "-._~+/==", "AZaz09"] {
            assert_eq!(read(&format!("Bearer {token}")).map(|(.., token)| token), Ok(token.to_owned()));
        }
    }

    #[test]
    fn what_is_no_opaque_token_is_refused_with_its_reason() {
        let bearer = Scheme::Bearer;
        let long = format!("Bearer {}", "a".repeat(MAX_TOKEN_BYTES + 1));
        for (line, reason) in [
            ("Basic YTpi", NoCredential::Missing),
            ("", NoCredential::Missing),
            ("Bearerabc", NoCredential::Missing),
            ("Bearer\tabc", NoCredential::Missing),
            (" Bearer abc", NoCredential::Missing),
            ("Bearer", NoCredential::Malformed(bearer)),
            ("Bearer ", NoCredential::Malformed(bearer)),
            ("Bearer \tabc", NoCredential::Malformed(bearer)),
            ("Bearer a b", NoCredential::Malformed(bearer)),
            ("Bearer a,b", NoCredential::Malformed(bearer)),
            ("Bearer a=b", NoCredential::Malformed(bearer)),
            ("Bearer ==", NoCredential::Malformed(bearer)),
            ("Bearer token=\"abc\"", NoCredential::Malformed(bearer)),
            ("Bearer a.b.c", NoCredential::Jwt(bearer)),
            ("dpop ..", NoCredential::Jwt(Scheme::Dpop)),
            (&long, NoCredential::TooLong(bearer)),
        ] {
            assert_eq!(read(line), Err(reason), "{}", line.get(..20).unwrap_or(line));
        }
        assert_eq!(Credential::of(&HeaderMap::new()).err(), Some(NoCredential::Missing));
    }

    #[test]
    fn two_authorization_headers_are_refused_even_when_they_are_the_same() {
        for second in ["Bearer abc", "Bearer a.b.c", "Basic YTpi", ""] {
            let headers = headers(&[("authorization", "Bearer abc"), ("Authorization", second)]);
            assert_eq!(Credential::of(&headers).err(), Some(NoCredential::Repeated), "{second}");
        }
    }

    #[test]
    fn the_source_is_what_stands_last() {
        for (lines, expected) in [
            (&[("x-forwarded-for", "192.0.2.7")][..], Some("192.0.2.7")),
            (&[("x-forwarded-for", "10.0.0.1, 192.0.2.7")], Some("192.0.2.7")),
            (&[("x-forwarded-for", "10.0.0.1"), ("x-forwarded-for", "192.0.2.7")], Some("192.0.2.7")),
            (&[("x-forwarded-for", "::ffff:192.0.2.7")], Some("192.0.2.7")),
            (&[("x-forwarded-for", "2001:db8::7")], Some("2001:db8::7")),
            (&[("x-forwarded-for", "192.0.2.7, somebody")], None),
            (&[], None),
        ] {
            assert_eq!(source(&headers(lines)), expected.map(|address| address.parse().unwrap()), "{lines:?}");
        }
    }
}
