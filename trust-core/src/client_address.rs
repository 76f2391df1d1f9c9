//! Where a request comes from: the peer of the connection, or whom trusted proxies before Traefik name.

use std::net::{IpAddr, SocketAddr};

use crate::network::Network;
use crate::request::RequestFacts;

/// Where each proxy adds the address of the one before it.
const HEADER: &str = "x-forwarded-for";

/// How far the gate looks back for the client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ClientAddresses {
    /// The address at this place of `X-Forwarded-For`, counted from the right, is the client's; 0 when the peer is.
    pub(crate) depth: usize,
    /// Proxies before Traefik.
    pub(crate) trusted_proxies: Vec<Network>,
}

/// Where a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientAddress {
    /// From this address.
    Known(IpAddr),
    /// From a trusted proxy that names no client where one should stand.
    Behind(IpAddr),
    /// The peer has no IP address, as on a socket of this machine.
    Unknown,
}

impl ClientAddress {
    /// The address, for rules: none is better than a wrong one.
    pub(crate) fn known(self) -> Option<IpAddr> {
        match self {
            Self::Known(address) => Some(address),
            Self::Behind(_) | Self::Unknown => None,
        }
    }
}

impl ClientAddresses {
    /// Whether the header is read at all.
    pub(crate) fn reads_header(&self, name: &str) -> bool {
        self.depth > 0 && name.eq_ignore_ascii_case(HEADER)
    }

    /// Whether this is one of the proxies before Traefik.
    pub(crate) fn is_trusted(&self, address: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|network| network.contains(address))
    }

    /// Tells a request where it comes from.
    pub(crate) fn told<'r>(&self, facts: RequestFacts<'r>) -> RequestFacts<'r> {
        if self.depth == 0 {
            return facts;
        }
        let client = self.of(&facts);
        facts.with_client(client)
    }

    /// Finds out where a request comes from.
    ///
    /// A client can write into `X-Forwarded-For` what it likes, but only to the left of what proxies add. So the header
    /// counts when the peer is a trusted proxy, never otherwise, and then it counts from the right: what stands there was
    /// written by proxies of ours, whatever the client sent. Its lines are one list, in their order (RFC 9110, section
    /// 5.3); nothing in it is skipped, for what is skipped would shift the places. When the place is missing or holds no
    /// address, the request is neither the proxy's own (which is never throttled, so that would be a way round) nor
    /// anybody's whose address could be guessed (who would be throttled for it): it comes from behind that proxy, and all
    /// such requests are counted as one.
    fn of(&self, facts: &RequestFacts) -> ClientAddress {
        let Some(peer) = facts.peer() else { return ClientAddress::Unknown };
        let Some(behind_last) = self.depth.checked_sub(1) else { return ClientAddress::Known(peer) };
        if !self.is_trusted(peer) {
            return ClientAddress::Known(peer);
        }
        let lines: Vec<_> = facts.header_values(HEADER).collect();
        let mut from_the_right = lines.iter().rev().flat_map(|line| line.rsplit(|byte| *byte == b','));
        let named = from_the_right.nth(behind_last).and_then(|named| address(named.trim_ascii()));
        named.map_or(ClientAddress::Behind(peer), ClientAddress::Known)
    }
}

/// An address as proxies write it: alone, in brackets, or with the port that some add.
fn address(named: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(named).ok()?;
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse::<IpAddr>().ok().or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()))?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests;
