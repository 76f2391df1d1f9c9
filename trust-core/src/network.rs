//! Networks of IP addresses, as rules and settings name them.

use std::net::{IpAddr, Ipv6Addr};

/// An address, or all that begin like it (RFC 4632, section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix_bits: u32,
}

impl Network {
    /// Reads `10.0.0.0/8` or a single address, or says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mistake = || format!("`{text}` is neither an address nor a network such as `10.0.0.0/8`");
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u32>().map_err(|_| mistake())?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| mistake())?;
        if address.to_canonical() != address {
            return Err(format!("`{text}` is an IPv4 network in the form of IPv6; write it as IPv4"));
        }
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix_bits = bits.unwrap_or(longest);
        if prefix_bits > longest { Err(mistake()) } else { Ok(Self { address, prefix_bits }) }
    }

    /// Whether an address lies in it. An IPv4 address lies in no IPv6 network, and the other way round.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let (address, network, width) = match (address, self.address) {
            (IpAddr::V4(address), IpAddr::V4(network)) => {
                (u128::from(address.to_bits()), u128::from(network.to_bits()), 32)
            }
            (IpAddr::V6(address), IpAddr::V6(network)) => (address.to_bits(), network.to_bits(), 128_u32),
            _ => return false,
        };
        let host_bits = width.saturating_sub(self.prefix_bits);
        let same = |shift| address.checked_shr(shift).unwrap_or(0) == network.checked_shr(shift).unwrap_or(0);
        same(host_bits)
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}/{}", self.address, self.prefix_bits)
    }
}

/// The first 64 bits of an IPv6 address, the others zero: a single customer holds all addresses that share them (RFC 6177).
#[must_use]
pub fn subnet(address: Ipv6Addr) -> Ipv6Addr {
    Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))
}
