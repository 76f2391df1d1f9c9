//! What becomes of a request's bytes before a plugin sees them: Go's `net/http` reads the headers and `net/url` the target,
//! and Traefik's http-wasm host hands over `URL.EscapedPath` and the query.

use attack_table::Request;
use attack_table::request::latin1;
use trust_core::request::RawRequest;

/// The status with which Go refuses what it does not read.
pub(crate) const REFUSED: u16 = 400;

/// A request as the plugin's host would hand it over, with all values; or Go refuses it.
pub(crate) fn read(request: &Request, authority: &str, peer: &str) -> Option<RawRequest> {
    let mut headers: Vec<(String, Vec<Vec<u8>>)> = Vec::new();
    for line in request.all_headers() {
        let (name, value) = line.split_once(':')?;
        let (name, value) = (canonical(name), latin1(value.trim()));
        match headers.iter_mut().find(|(held, _)| *held == name) {
            Some((_, values)) => values.push(value),
            None => headers.push((name, vec![value])),
        }
    }
    // Go takes one `Host` out of the headers and refuses two.
    if headers.iter().any(|(name, _)| name == "Host") {
        return None;
    }
    let (named, target) = split_absolute(&request.target);
    let host = named.or(request.host.as_deref()).unwrap_or(authority);
    Some(RawRequest {
        method: latin1(&request.method),
        target: target_of(target)?,
        host: latin1(host),
        source_address: peer.into(),
        headers,
    })
}

/// `textproto.CanonicalMIMEHeaderKey`: a capital after each hyphen, small letters elsewhere.
pub(crate) fn canonical(name: &str) -> String {
    let mut begins = true;
    let mut canonical = String::with_capacity(name.len());
    for letter in name.chars() {
        canonical.push(if begins { letter.to_ascii_uppercase() } else { letter.to_ascii_lowercase() });
        begins = letter == '-';
    }
    canonical
}

/// The host that stands in the request line counts for more than the header (RFC 9112, section 3.2.2).
fn split_absolute(target: &str) -> (Option<&str>, &str) {
    let Some(rest) = target.strip_prefix("https://") else { return (None, target) };
    let at = rest.find('/').unwrap_or(rest.len());
    let (host, path) = rest.split_at_checked(at).unwrap_or((rest, ""));
    (Some(host), path)
}

fn target_of(target: &str) -> Option<Vec<u8>> {
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    let decoded = decoded(&latin1(path))?;
    let mut bytes = if path.bytes().all(may_stand) { path.into() } else { escaped(&decoded) };
    if let Some(query) = query {
        bytes.push(b'?');
        bytes.extend(latin1(query));
    }
    Some(bytes)
}

/// `url.unescape`: nothing when a `%` is not followed by two digits.
fn decoded(path: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(path.len());
    let mut bytes = path.iter();
    while let Some(byte) = bytes.next() {
        if *byte == b'%' {
            let mut digit = || char::from(*bytes.next()?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            let (high, low) = (digit()?, digit()?);
            decoded.push(high.wrapping_shl(4) | low);
        } else {
            decoded.push(*byte);
        }
    }
    Some(decoded)
}

/// `url.validEncoded`: a path in which anything else stands is encoded anew.
fn may_stand(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=:@[]/%".contains(&byte)
}

/// `url.escape` for a path.
fn escaped(path: &[u8]) -> Vec<u8> {
    let stays = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.~$&+,/:;=@".contains(byte);
    path.iter().flat_map(|byte| if stays(byte) { vec![*byte] } else { format!("%{byte:02X}").into_bytes() }).collect()
}
