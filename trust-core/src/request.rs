//! First step of the walk: what the host says of a request becomes facts that rules can be held against.
//!
//! Readers of URLs disagree about encoded separators and dot segments. A path that two of them could read differently
//! is refused here, so that no rule is ever tried on one reading while the upstream acts on another.

mod header_names;
mod path;

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};

use thiserror::Error;

use crate::client_address::ClientAddress;
use crate::words::are_visible;
use header_names::{HeaderNames, is_folded};
pub(crate) use header_names::{fold_header_name, folds_to};
use path::Path;
pub(crate) use path::{is_plain_path, plain_path};

/// Longest request target that is read, in bytes: it goes into the transaction token whole.
const MAX_TARGET_BYTES: usize = 8 * 1024;

/// Most headers that are looked at, and most values of one; an adapter need not read more than one beyond.
pub const MAX_HEADERS: usize = 256;

/// Longest value that a rule is held against, in bytes.
const MAX_RULE_VALUE_BYTES: usize = 16 * 1024;

/// What the host hands over, unread.
#[derive(Clone, Default)]
pub struct RawRequest {
    /// The method, such as `GET`.
    pub method: Vec<u8>,
    /// Path and query as they will be forwarded.
    pub target: Vec<u8>,
    /// The `Host` header, or `:authority`.
    pub host: Vec<u8>,
    /// Address and port of the peer.
    pub source_address: Vec<u8>,
    /// Every header with its values; for headers that the gate does not read ([`crate::gate::Gate::reads_header`]) the
    /// values may be left out.
    pub headers: Vec<(String, Vec<Vec<u8>>)>,
}

/// Why a request cannot be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum MalformedRequest {
    /// The target is not a path, or is too long.
    #[error("the request target is not an absolute path of at most 8 KiB")]
    Target,
    /// The path can be read in more than one way.
    #[error("the path holds an encoded separator, a dot segment, an empty segment or a control character")]
    AmbiguousPath,
    /// The method or the host is missing or malformed.
    #[error("the method or the host is missing or malformed")]
    MethodOrHost,
    /// A header that must stand alone is repeated.
    #[error("a header that may stand only once is repeated")]
    RepeatedHeader,
    /// A header's value is not visible ASCII.
    #[error("a header's value is not visible ASCII")]
    HeaderValue,
    /// `Connection` names a header that the gate sets or a rule looks at: the proxy would drop it on the way.
    #[error("the Connection header names a header that the gate sets or a rule looks at")]
    HopByHop,
    /// An upgrade that would take the connection past the gate.
    #[error("an upgrade to something other than a WebSocket")]
    Upgrade,
    /// A header asks the back end to act on another method than the rules see.
    #[error("a header names another method than the request's")]
    MethodOverride,
    /// A header asks the back end to act on another target than the rules see.
    #[error("a header names another target than the request's")]
    TargetOverride,
    /// A rule asks for the client's address, and it is not known.
    #[error("the client's address is not known")]
    UnknownSource,
    /// Too many headers.
    #[error("too many headers")]
    TooManyHeaders,
}

/// A request as rules see it. What is written as it reads lies where the host put it.
#[derive(Clone)]
pub(crate) struct RequestFacts<'r> {
    method: &'r str,
    target: &'r str,
    path: Path,
    host: Cow<'r, str>,
    source_address: &'r str,
    /// Where it is not the peer.
    client: Option<ClientAddress>,
    headers: Vec<Header<'r>>,
    names: HeaderNames,
}

#[derive(Clone)]
struct Header<'r> {
    spelled: &'r str,
    /// Where it is not the spelled name itself.
    folded: Option<String>,
    values: &'r [Vec<u8>],
}

impl Header<'_> {
    fn folded(&self) -> &str {
        self.folded.as_deref().unwrap_or(self.spelled)
    }
}

impl<'r> RequestFacts<'r> {
    /// Reads the facts, or says why the request cannot be judged.
    pub(crate) fn read(raw: &'r RawRequest) -> Result<Self, MalformedRequest> {
        let method = method(&raw.method).ok_or(MalformedRequest::MethodOrHost)?;
        let host = host_name(&raw.host).ok_or(MalformedRequest::MethodOrHost)?;
        let target = std::str::from_utf8(&raw.target).map_err(|_| MalformedRequest::Target)?;
        if target.len() > MAX_TARGET_BYTES || !target.starts_with('/') {
            return Err(MalformedRequest::Target);
        }
        let path = Path::plain(target.split('?').next().unwrap_or_default())?;
        if raw.headers.len() > MAX_HEADERS || raw.headers.iter().any(|(_, values)| values.len() > MAX_HEADERS) {
            return Err(MalformedRequest::TooManyHeaders);
        }
        let headers = raw.headers.iter().map(|(spelled, values)| Header {
            spelled,
            folded: (!is_folded(spelled)).then(|| fold_header_name(spelled)),
            values,
        });
        let names = raw.headers.iter().fold(HeaderNames::default(), |names, (spelled, _)| names.with(spelled));
        let source_address = std::str::from_utf8(&raw.source_address).unwrap_or_default();
        Ok(Self { method, target, path, host, source_address, client: None, headers: headers.collect(), names })
    }

    /// The method.
    #[must_use]
    pub(crate) fn method(&self) -> &'r str {
        self.method
    }

    /// Path and query, as they will be forwarded.
    #[must_use]
    pub(crate) fn target(&self) -> &'r str {
        self.target
    }

    /// The decoded path; it has one reading only.
    #[must_use]
    pub(crate) fn path(&self) -> &str {
        self.path.within(self.target)
    }

    /// The host in lower case, with its port if one was given.
    #[must_use]
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// The host without its port.
    #[must_use]
    pub(crate) fn host_name(&self) -> &str {
        without_port(&self.host)
    }

    /// Address and port of the peer, as the host gave them.
    #[must_use]
    pub(crate) fn source_address(&self) -> &'r str {
        self.source_address
    }

    /// The peer's IP address.
    #[must_use]
    pub(crate) fn peer(&self) -> Option<IpAddr> {
        ip_address(self.source_address)
    }

    /// Where the request comes from: the peer, unless [`ClientAddresses`] has found out more.
    ///
    /// [`ClientAddresses`]: crate::client_address::ClientAddresses
    #[must_use]
    pub(crate) fn client(&self) -> ClientAddress {
        self.client.unwrap_or_else(|| self.peer().map_or(ClientAddress::Unknown, ClientAddress::Known))
    }

    /// The same request, coming from this client.
    pub(crate) fn with_client(self, client: ClientAddress) -> Self {
        Self { client: Some(client), ..self }
    }

    /// The client's address, as far as it is known.
    #[must_use]
    pub(crate) fn source(&self) -> Option<IpAddr> {
        self.client().known()
    }

    /// All headers: as spelled, and folded.
    pub(crate) fn headers(&self) -> impl Iterator<Item = (&'r str, &str)> {
        self.headers.iter().map(|header| (header.spelled, header.folded()))
    }

    /// The spelled names of all headers whose folded name satisfies `holds`.
    pub(crate) fn header_names(&self, holds: impl Fn(&str) -> bool) -> impl Iterator<Item = &'r str> {
        self.headers.iter().filter(move |header| holds(header.folded())).map(|header| header.spelled)
    }

    /// Whether a header is there whose name folds to this.
    pub(crate) fn has_folded(&self, folded: &str) -> bool {
        self.names.may_hold(folded) && self.headers.iter().any(|header| header.folded() == folded)
    }

    /// All values of the headers whose names fold to one of these.
    pub(crate) fn values_of_folded(&self, names: &[&str]) -> impl Iterator<Item = &'r [u8]> {
        let may_hold = names.iter().any(|name| self.names.may_hold(name));
        let headers = if may_hold { self.headers.as_slice() } else { &[] };
        headers
            .iter()
            .filter(|header| names.contains(&header.folded()))
            .flat_map(|header| header.values.iter().map(Vec::as_slice))
    }

    /// All values of the header of exactly this lower-case name, in any case.
    pub(crate) fn header_values(&self, name: &str) -> impl Iterator<Item = &'r [u8]> {
        let headers = if self.names.may_hold(name) { self.headers.as_slice() } else { &[] };
        headers
            .iter()
            .filter(move |header| header.spelled.eq_ignore_ascii_case(name))
            .flat_map(|header| header.values.iter().map(Vec::as_slice))
    }

    /// Whether a rule may be held against this header: it stands at most once, in one spelling, with a text that is not
    /// too long. Otherwise the rule and the back end could look at different values.
    pub(crate) fn check_rule_header(&self, name: &str) -> Result<(), MalformedRequest> {
        let folded = fold_header_name(name);
        let is_alias = |header: &Header| header.folded() == folded && !header.spelled.eq_ignore_ascii_case(name);
        let mut values = self.header_values(name);
        let value = values.next().unwrap_or_default();
        if values.next().is_some() || self.headers.iter().any(is_alias) {
            return Err(MalformedRequest::RepeatedHeader);
        }
        let is_text = value.len() <= MAX_RULE_VALUE_BYTES && std::str::from_utf8(value).is_ok();
        if is_text { Ok(()) } else { Err(MalformedRequest::HeaderValue) }
    }

    /// The only value of a header, whatever its bytes; nothing when it is absent.
    pub(crate) fn only_header_bytes(&self, name: &str) -> Result<Option<&'r [u8]>, MalformedRequest> {
        let mut values = self.header_values(name);
        let value = values.next();
        if values.next().is_some() { Err(MalformedRequest::RepeatedHeader) } else { Ok(value) }
    }

    /// The only value of a header; nothing when it is absent.
    pub(crate) fn only_header_value(&self, name: &str) -> Result<Option<&'r str>, MalformedRequest> {
        self.only_header_bytes(name)?.map(visible).transpose()
    }
}

/// A header's value as text, if it is visible ASCII.
pub(crate) fn visible(value: &[u8]) -> Result<&str, MalformedRequest> {
    let text = std::str::from_utf8(value).ok().filter(|_| are_visible(value));
    text.ok_or(MalformedRequest::HeaderValue)
}

/// A token (RFC 9110, section 9.1) without lower-case letters. Methods are told apart by case, so `post` is another one than
/// `POST`: a rule would not stop it, and a back end that thinks otherwise would act on it.
fn method(bytes: &[u8]) -> Option<&str> {
    let is_token = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(byte);
    if bytes.is_empty() || bytes.len() > 64 || !bytes.iter().all(is_token) {
        return None;
    }
    std::str::from_utf8(bytes).ok()
}

fn host_name(bytes: &[u8]) -> Option<Cow<'_, str>> {
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(byte);
    if bytes.is_empty() || bytes.len() > 255 || !bytes.iter().all(allowed) {
        return None;
    }
    let host = std::str::from_utf8(bytes).ok()?;
    // `example.com.` is `example.com` to some readers and another name to others.
    let name = without_port(host);
    if name.is_empty() || name.ends_with('.') || name.ends_with(':') {
        return None;
    }
    let has_capitals = bytes.iter().any(u8::is_ascii_uppercase);
    Some(if has_capitals { host.to_ascii_lowercase().into() } else { host.into() })
}

pub(crate) fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => {
            if name.contains(':') && !name.ends_with(']') { host } else { name }
        }
        _ => host,
    }
}

fn ip_address(source_address: &str) -> Option<IpAddr> {
    // A zone names an interface of this host and is no part of the address (RFC 4007, section 11).
    let without_zone = match source_address.split_once('%') {
        Some((address, rest)) => format!("{address}{}", rest.trim_start_matches(|character| character != ']')),
        None => source_address.to_owned(),
    };
    let address = without_zone.parse::<SocketAddr>().map(|address| address.ip());
    address.or_else(|_| without_zone.parse::<IpAddr>()).ok().map(|address| address.to_canonical())
}

/// Whether a request that is read at all can have this method.
pub(crate) fn is_method(upper_case: &str) -> bool {
    method(upper_case.as_bytes()).is_some()
}

/// Whether a request that is read at all can name this host.
pub(crate) fn is_host(host: &str) -> bool {
    host_name(host.as_bytes()).is_some()
}

#[cfg(test)]
mod tests;
