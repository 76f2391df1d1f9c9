//! Which addresses may be asked, looked at where a name has just become addresses: whoever looks earlier looks at others.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use thiserror::Error;
use trust_core::network::Network;

/// The addresses that may be asked: global unicast ones and those of the networks.
#[derive(Clone, Debug)]
pub(super) struct Addresses {
    pub(super) allowed: Vec<Network>,
    /// Without TLS nothing leaves this host.
    pub(super) loopback_only: bool,
}

impl Addresses {
    pub(super) fn admit(&self, address: IpAddr) -> bool {
        // ::ffff:127.0.0.1 is 127.0.0.1 to the system.
        let address = address.to_canonical();
        let is_allowed = self.allowed.iter().any(|network| network.contains(address));
        if self.loopback_only { address.is_loopback() && is_allowed } else { is_allowed || is_global_unicast(address) }
    }

    /// Whether an address of this host is among them.
    pub(super) fn admit_any_loopback(&self) -> bool {
        self.admit(Ipv4Addr::LOCALHOST.into()) || self.admit(Ipv6Addr::LOCALHOST.into())
    }
}

/// The address that stands in the place of a name.
pub(super) fn literal(url: &Url) -> Option<IpAddr> {
    let host = url.host_str()?;
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    IpAddr::from_str(bare).ok()
}

/// What leads out into the internet (the registries of RFC 6890), and through no translation back in.
fn is_global_unicast(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_global_v4(address),
        IpAddr::V6(address) => is_global_v6(address),
    }
}

fn is_global_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = matches!(
        (a, b, c),
        // This network, private ones, those of carriers, this host, links.
        (0 | 10 | 127, ..) | (100, 64..=127, _) | (169, 254, _) | (172, 16..=31, _) | (192, 168, _)
        // Protocols, documentation, relays to IPv6, benchmarks.
        | (192, 0, 0 | 2) | (192, 88, 99) | (198, 18..=19, _) | (198, 51, 100) | (203, 0, 113)
        // Multicast, reserved, broadcast.
        | (224.., ..)
    );
    !special
}

fn is_global_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    let is_unicast = a & 0xe000 == 0x2000;
    // Protocols and Teredo; documentation twice; 6to4, which leads to any IPv4 address.
    let special = matches!((a, b), (0x2001, ..0x0200 | 0x0db8) | (0x3fff, ..0x1000) | (0x2002, _));
    is_unicast && !special
}

/// Why a name leads nowhere.
#[derive(Debug, Error)]
#[error("the name has no address that may be asked; see allowedNetworks")]
struct NoAddress;

/// The system's resolver, and of its answer the addresses that may be asked.
#[derive(Debug)]
pub(super) struct VettingResolver(pub(super) Addresses);

impl Resolve for VettingResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let addresses = self.0.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let admitted: Vec<SocketAddr> = found.filter(|address| addresses.admit(address.ip())).collect();
            if admitted.is_empty() {
                return Err(NoAddress.into());
            }
            Ok(Box::new(admitted.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(networks: &[&str], address: &str) -> bool {
        let allowed = networks.iter().map(|network| Network::parse(network).unwrap()).collect();
        Addresses { allowed, loopback_only: false }.admit(address.parse().unwrap())
    }

    #[test]
    fn only_addresses_of_the_internet_are_admitted() {
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.0.1",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "2606:4700::1111",
        ] {
            assert!(admitted(&[], address), "{address}");
        }
        for address in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.0.9",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.9.9",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.0.1",
            "198.18.0.1",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff:1::",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "ff02::1",
        ] {
            assert!(!admitted(&[], address), "{address}");
        }
    }

    #[test]
    fn a_network_is_admitted_in_both_spellings_of_its_addresses() {
        assert!(admitted(&["127.0.0.0/8"], "127.0.0.1") && admitted(&["127.0.0.0/8"], "::ffff:127.0.0.1"));
        assert!(!admitted(&["127.0.0.0/8"], "::1") && !admitted(&["127.0.0.0/8"], "10.0.0.1"));
    }
}
