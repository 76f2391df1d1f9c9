//! Free ports. They are taken below the range from which the kernel serves outgoing connections: a port from that
//! range may be gone again before Traefik listens on it.

use std::hash::{BuildHasher as _, RandomState};
use std::net::{Ipv4Addr, TcpListener, UdpSocket};

use anyhow::{Result, bail};

const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

/// A port that is free for TCP and for UDP, which HTTP/3 needs on the same number.
pub fn free() -> Result<u16> {
    for attempt in 0..200_u64 {
        // Stages that start at the same time, in one program or in several, must not all try the same ports.
        let random = RandomState::new().hash_one(attempt);
        let offset = u16::try_from(random.checked_rem(u64::from(COUNT)).unwrap_or_default()).unwrap_or_default();
        let port = FIRST.saturating_add(offset);
        let at = (Ipv4Addr::LOCALHOST, port);
        if TcpListener::bind(at).is_ok() && UdpSocket::bind(at).is_ok() {
            return Ok(port);
        }
    }
    bail!("no free port between {FIRST} and {}: end the programs that hold them", FIRST.saturating_add(COUNT))
}
