//! A link between two network namespaces that delays packets and loses some of them.
//!
//! Each end is a TUN device, and what the kernel sends into one of them is written to the other after its delay: the kernels' own
//! TCP and UDP stand on it as on any wire. `netem` does the same where the kernel has it.

use std::collections::VecDeque;
use std::fs::File;
use std::os::fd::AsFd as _;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use serde::{Deserialize, Serialize};
use tun_rs::{DeviceBuilder, SyncDevice};

/// The gateway's address, in the namespace of this program.
pub(crate) const GATEWAY: &str = "10.77.0.2";
/// The client's addresses; the second one is where it moves to.
pub(crate) const CLIENT: [&str; 2] = ["10.77.0.1", "10.77.0.3"];
/// The client's end of the link.
pub(crate) const CLIENT_DEVICE: &str = "far";

const GATEWAY_DEVICE: &str = "near";
/// As on Ethernet.
const MTU: usize = 1_500;
/// TCP's, whatever this machine has: that of Linux unless somebody changes it.
pub(crate) const CONGESTION_CONTROL: &str = "cubic";
/// What waits on the way in one direction at most; what comes then is lost, as at any router. 10,000 full packets are 15 MB: more than
/// anything that is measured here has on the way.
const QUEUE: usize = 10_000;

/// What the link does to packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Conditions {
    /// There and back, in milliseconds.
    pub(crate) round_trip_ms: u64,
    /// How many of a hundred packets are lost, in each direction for itself.
    pub(crate) loss_percent: u64,
}

/// The link; it ends with the program.
pub(crate) struct Link {
    conditions: Arc<Mutex<Conditions>>,
    overflowed: Arc<AtomicU64>,
}

impl Link {
    /// Between this program's namespace and that of the process `client`.
    pub(crate) fn between_us_and(client: u32) -> Result<Link> {
        let near = Arc::new(device(GATEWAY_DEVICE, &[GATEWAY], &CLIENT)?);
        let far = Arc::new(in_namespace_of(client, || device(CLIENT_DEVICE, &CLIENT, &[GATEWAY]))?);
        let (conditions, overflowed) = (Arc::default(), Arc::default());
        carry(&near, &far, 1, &conditions, &overflowed)?;
        carry(&far, &near, 2, &conditions, &overflowed)?;
        Ok(Link { conditions, overflowed })
    }

    /// From now on; what is on its way arrives as it would have.
    pub(crate) fn set(&self, conditions: Conditions) {
        *self.conditions.lock().unwrap_or_else(PoisonError::into_inner) = conditions;
    }

    /// How many packets were lost because too many were on their way: none, or the figures tell of this link and not of protocols.
    pub(crate) fn overflowed(&self) -> u64 {
        self.overflowed.load(Ordering::Relaxed)
    }
}

/// A TUN device in the namespace of this thread, with its addresses and with ways to the others'.
fn device(name: &str, own: &[&str], others: &[&str]) -> Result<SyncDevice> {
    let device =
        DeviceBuilder::new().name(name).build_sync().context("a TUN device cannot be made: is /dev/net/tun there?")?;
    for address in own {
        ip(&["addr", "add", &format!("{address}/32"), "dev", name])?;
    }
    ip(&["link", "set", name, "mtu", &MTU.to_string(), "up"])?;
    for address in others {
        ip(&["route", "add", &format!("{address}/32"), "dev", name, "congctl", CONGESTION_CONTROL])?;
    }
    Ok(device)
}

/// Runs the system's `ip` in the namespace of this thread.
pub(crate) fn ip(arguments: &[&str]) -> Result<()> {
    let ran = Command::new("ip")
        .args(arguments)
        .output()
        .context("there is no `ip`: scripts/system-packages.sh installs it")?;
    ensure!(ran.status.success(), "ip {}: {}", arguments.join(" "), String::from_utf8_lossy(&ran.stderr));
    Ok(())
}

fn in_namespace_of<T: Send + 'static>(process: u32, work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let namespace = File::open(format!("/proc/{process}/ns/net"))?;
    let thread = thread::spawn(move || {
        // This thread alone, which ends afterwards.
        move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))?;
        work()
    });
    thread.join().map_err(|_| anyhow!("a thread in the other namespace panicked"))?
}

/// Packets on their way, in the order in which they arrive.
#[derive(Default)]
struct Way {
    packets: Mutex<VecDeque<(Instant, Vec<u8>)>>,
    came: Condvar,
}

fn carry(
    from: &Arc<SyncDevice>,
    to: &Arc<SyncDevice>,
    seed: u64,
    conditions: &Arc<Mutex<Conditions>>,
    overflowed: &Arc<AtomicU64>,
) -> Result<()> {
    let way = Arc::<Way>::default();
    let (from, to, arriving) = (Arc::clone(from), Arc::clone(to), Arc::clone(&way));
    let (conditions, overflowed) = (Arc::clone(conditions), Arc::clone(overflowed));
    thread::Builder::new()
        .name("link takes".into())
        .spawn(move || take(&from, &way, seed, &conditions, &overflowed))?;
    thread::Builder::new().name("link gives".into()).spawn(move || give(&to, &arriving))?;
    Ok(())
}

fn take(from: &SyncDevice, way: &Way, seed: u64, conditions: &Mutex<Conditions>, overflowed: &AtomicU64) {
    let mut dice = Dice(seed);
    let mut packet = vec![0; MTU];
    // The device is gone when the program ends.
    while let Ok(length) = from.recv(&mut packet) {
        let Conditions { round_trip_ms, loss_percent } = *conditions.lock().unwrap_or_else(PoisonError::into_inner);
        if dice.percent() < loss_percent {
            continue;
        }
        let due = Instant::now() + Duration::from_millis(round_trip_ms) / 2;
        let mut packets = way.packets.lock().unwrap_or_else(PoisonError::into_inner);
        if packets.len() < QUEUE {
            packets.push_back((due, packet[..length].to_vec()));
            way.came.notify_one();
        } else {
            overflowed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn give(to: &SyncDevice, way: &Way) {
    loop {
        let mut packets = way.packets.lock().unwrap_or_else(PoisonError::into_inner);
        let (due, packet) = loop {
            match packets.pop_front() {
                Some(next) => break next,
                None => packets = way.came.wait(packets).unwrap_or_else(PoisonError::into_inner),
            }
        };
        drop(packets);
        thread::sleep(due.saturating_duration_since(Instant::now()));
        // A device that is down takes nothing: the packet is lost, as on a wire that is pulled.
        drop(to.send(&packet));
    }
}

/// Numbers that look like chance and are the same in each run (xorshift64*).
struct Dice(u64);

impl Dice {
    fn percent(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % 100
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_are_lost_as_is_said() {
        let mut dice = Dice(1);
        let lost = (0..100_000).filter(|_| dice.percent() < 3).count();
        assert!((2_800..3_200).contains(&lost), "{lost} of 100,000 at 3 percent");
    }
}
