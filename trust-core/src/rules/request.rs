//! Conditions on requests. Named as Traefik names them, and stricter where it matters: prefixes match whole segments,
//! regular expressions match the whole value.

use regex_lite::Regex;

use super::claim;
use super::parser::{Call, RuleMistake};
use crate::network::Network;
use crate::percent;
use crate::request::{RequestFacts, is_host, is_method, is_plain_path, without_port};
use crate::suggestion::{nearest, suggestion};

/// One condition on a request.
#[derive(Clone, Debug)]
pub(crate) enum RequestMatcher {
    Path(String),
    PathPrefix(String),
    PathRegexp(Regex),
    Method(String),
    Host(String),
    HeaderRegexp { name: String, pattern: Regex },
    ClientIp(Network),
}

/// Their names, as rules write them.
pub(super) const NAMES: [&str; 7] = ["Path", "PathPrefix", "PathRegexp", "Method", "Host", "HeaderRegexp", "ClientIP"];

/// What anchors a pattern at both ends.
const BEGINNING: &str = "^(?:";
const END: &str = ")$";

/// Names that a reader of Traefik's documentation expects here, and what to write instead.
const OF_TRAEFIK: [(&[&str], &str); 3] = [
    (&["Header", "Headers", "HeadersRegexp"], "HeaderRegexp, whose pattern fits the whole value"),
    (&["HostRegexp", "HostHeader"], "Host for each name, joined by ||"),
    (&["Query", "QueryRegexp"], "a condition on the path: rules look at no query"),
];

impl RequestMatcher {
    /// Reads a call as a condition on requests.
    pub(crate) fn read(call: Call) -> Result<Self, RuleMistake> {
        let Call { name, arguments, column } = call;
        let mistake = |what: String| RuleMistake { column, what };
        match (name.as_str(), arguments.as_slice()) {
            ("Path", [path]) => Ok(Self::Path(absolute(path).map_err(mistake)?)),
            ("PathPrefix", [path]) => {
                Ok(Self::PathPrefix(absolute(path).map_err(mistake)?.trim_end_matches('/').to_owned()))
            }
            ("PathRegexp", [pattern]) => Ok(Self::PathRegexp(whole(pattern).map_err(mistake)?)),
            ("Method", [method]) if is_method(&method.to_ascii_uppercase()) => {
                Ok(Self::Method(method.to_ascii_uppercase()))
            }
            ("Method", [method]) => Err(mistake(format!("`{method}` is not a method such as `GET`"))),
            ("Host", [host]) => Ok(Self::Host(host_name(host).map_err(mistake)?)),
            ("HeaderRegexp", [name, _]) if !is_header_name(name) => {
                Err(mistake(format!("`{name}` is not a header's name such as `X-Team`")))
            }
            ("HeaderRegexp", [name, pattern]) => {
                Ok(Self::HeaderRegexp { name: name.to_ascii_lowercase(), pattern: whole(pattern).map_err(mistake)? })
            }
            ("ClientIP", [network]) => Network::parse(network).map(Self::ClientIp).map_err(mistake),
            ("Path" | "PathPrefix" | "PathRegexp" | "Method" | "Host" | "ClientIP", _) => {
                Err(mistake(format!("{name} takes one value; join several with ||")))
            }
            ("HeaderRegexp", _) => Err(mistake("HeaderRegexp takes a header's name and a pattern".to_owned())),
            _ => Err(mistake(unknown(&name))),
        }
    }

    /// Whether it holds for this request.
    pub(crate) fn holds(&self, facts: &RequestFacts) -> bool {
        match self {
            Self::Path(path) => facts.path() == path,
            Self::PathPrefix(prefix) => {
                facts.path().strip_prefix(prefix.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }
            Self::PathRegexp(pattern) => pattern.is_match(facts.path()),
            Self::Method(method) => facts.method() == method,
            Self::Host(host) => facts.host_name() == host,
            Self::HeaderRegexp { name, pattern } => {
                // The gate has held the request against `check_rule_header`: there is one value at most, and it is text.
                let value = facts.header_values(name).next();
                value.and_then(|value| std::str::from_utf8(value).ok()).is_some_and(|value| pattern.is_match(value))
            }
            Self::ClientIp(network) => facts.source().is_some_and(|source| network.contains(source)),
        }
    }

    /// Whether it looks at the client's address.
    pub(crate) fn is_about_source(&self) -> bool {
        matches!(self, Self::ClientIp(_))
    }

    /// The header that it looks at, in lower case.
    pub(crate) fn header(&self) -> Option<&str> {
        match self {
            Self::HeaderRegexp { name, .. } => Some(name),
            _ => None,
        }
    }
}

fn unknown(name: &str) -> String {
    if claim::NAMES.contains(&name) {
        return format!("{name} is a condition on claims: it belongs under require");
    }
    let none = format!("no condition on requests is called {name}");
    let of_traefik = OF_TRAEFIK.iter().find(|(names, _)| names.contains(&name));
    match (of_traefik, nearest(name, &NAMES), nearest(name, &claim::NAMES)) {
        (Some((_, instead)), _, _) => format!("{none}; write {instead}"),
        (None, None, Some(near)) => format!("{none}; did you mean {near}, under require?"),
        (None, _, _) => none + &suggestion(name, &NAMES),
    }
}

/// A condition that can never hold would always hold behind a `!`, so it is a mistake.
fn absolute(path: &str) -> Result<String, String> {
    if is_plain_path(path) {
        return Ok(path.to_owned());
    }
    let rooted = format!("/{}", path.trim_start_matches('/'));
    // An encoded slash is no separator, so the path with one is not what was meant.
    let slashes = |text: &str| text.bytes().filter(|byte| *byte == b'/').count();
    let meant =
        percent::decode(&rooted).filter(|decoded| is_plain_path(decoded) && slashes(decoded) == slashes(&rooted));
    let meant = meant.map_or(String::new(), |meant| format!("; did you mean `{meant}`?"));
    Err(format!(
        "the path `{path}` must begin with / and be written decoded, without dot segments, empty segments, %, ;, ?, # and \\{meant}"
    ))
}

fn host_name(host: &str) -> Result<String, String> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    let is_plain = is_host(host) && without_port(host) == host;
    if is_plain {
        return Ok(host.to_ascii_lowercase());
    }
    let name = without_port(host).trim_end_matches('.');
    let meant = if name != host && !name.is_empty() && name.bytes().all(is_name) {
        format!("; did you mean `{name}`?")
    } else {
        String::new()
    };
    Err(format!("`{host}` is not a host's name; neither a port nor a dot at its end belongs here{meant}"))
}

/// A token (RFC 9110, section 5.1).
fn is_header_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// Anchored at both ends: an unanchored pattern matches far more than its writer meant. It must be valid by itself, or
/// a bracket in it could close the anchored group.
fn whole(pattern: &str) -> Result<Regex, String> {
    Regex::new(pattern)
        .and_then(|_| Regex::new(&format!("{BEGINNING}{pattern}{END}")))
        .map_err(|error| format!("the pattern `{pattern}` is not valid: {error}"))
}

/// The pattern as its rule writes it.
pub(super) fn written_pattern(pattern: &Regex) -> &str {
    let anchored = pattern.as_str();
    anchored.strip_prefix(BEGINNING).and_then(|rest| rest.strip_suffix(END)).unwrap_or(anchored)
}
