//! How many of everything so many requests need, with one of each lost; and at what the one log ends.

use anyhow::{Result, bail};

use crate::costs::Costs;
use crate::mix::{Kind, MIX, OPEN_FOR_EACH, TAILS_OF_OPEN};
use crate::system::{Hosts, Load, Outcome, simulate};

/// Hosts as they are counted here.
pub(crate) const GATE_CORES: usize = 4;
pub(crate) const REPLICA_CORES: usize = 4;
/// What a host of a gate has for requests that are open.
const GATE_MIB: f64 = 4096.0;
/// Tails that one replica holds open, as the service has it.
const TAILS_OF_A_REPLICA: f64 = 512.0;
/// More than this nobody should plan with: what is not in the model takes the rest.
const MOST_BUSY: f64 = 0.7;
/// More would be another design.
const MOST_HOSTS: usize = 400;

/// What so many requests a second need.
#[derive(Debug)]
pub(crate) struct Need {
    /// All hosts, of which one of each may be lost.
    pub(crate) hosts: Hosts,
    /// With all of them.
    pub(crate) whole: Outcome,
    /// With one of each lost.
    pub(crate) lost: Outcome,
    /// What the number of gates and of replicas comes from.
    pub(crate) gates_for: &'static str,
    pub(crate) replicas_for: &'static str,
}

/// Enough of them to see a p99 of the rarest kind.
fn seconds(requests_per_second: f64) -> f64 {
    (400_000.0 / requests_per_second).clamp(3.0, 4_000.0)
}

fn load(requests_per_second: f64, seed: u64) -> Load<'static> {
    let tails = requests_per_second * OPEN_FOR_EACH * TAILS_OF_OPEN;
    Load { requests_per_second, seconds: seconds(requests_per_second), mix: &MIX, tails, seed }
}

/// With one of each lost: a follower of NATS is one, and then the other must have each record.
fn without_one(hosts: Hosts) -> Hosts {
    Hosts { gates: hosts.gates - 1, replicas: hosts.replicas - 1, nats: hosts.nats - 1, ..hosts }
}

/// The least hosts with which each kind is answered in time.
pub(crate) fn need(costs: &Costs, requests_per_second: f64, seed: u64) -> Result<Need> {
    let open = requests_per_second * OPEN_FOR_EACH;
    let by_memory = (open * costs.open_request_kib / 1024.0 / GATE_MIB).ceil() as usize;
    let events = requests_per_second * MIX.iter().find(|part| part.kind == Kind::Event).map_or(0.0, |part| part.share);
    let by_tails = (open * TAILS_OF_OPEN / TAILS_OF_A_REPLICA).ceil() as usize;
    let mut hosts = Hosts {
        gates: by_memory.max(1) + 1,
        gate_cores: GATE_CORES,
        replicas: by_tails.max(1) + 1,
        replica_cores: REPLICA_CORES,
        nats: 3,
        quorum: 2,
    };
    let (mut gates_for, mut replicas_for) = ("memory of open requests", "tails that are open");
    if by_memory <= 1 {
        gates_for = "one may be lost";
    }
    if by_tails <= 1 {
        replicas_for = "one may be lost";
    }
    loop {
        let lost = simulate(costs, without_one(hosts), &load(requests_per_second, seed));
        let late: Vec<_> = lost.too_late(&MIX).iter().map(|part| part.kind.name()).collect();
        // A disk and whoever applies may be busy all of the time: those who wait share the next record, and the next commit. What counts
        // is how long they wait.
        if lost.gate > MOST_BUSY {
            (hosts.gates, gates_for) = (grown(hosts.gates, lost.gate), "processors");
        } else if lost.replica > MOST_BUSY {
            (hosts.replicas, replicas_for) = (grown(hosts.replicas, lost.replica), "processors");
        } else if !late.is_empty() {
            bail!(
                "{events:.0} events/s in {:.1} jobs a record, {} replicas {:.2} busy, applying {:.2}, NATS's disk {:.2}; too late: {}",
                lost.jobs_of_a_record,
                hosts.replicas,
                lost.replica,
                lost.applier,
                lost.disk,
                late.join(", ")
            );
        } else {
            let whole = simulate(costs, hosts, &load(requests_per_second, seed));
            return Ok(Need { hosts, whole, lost, gates_for, replicas_for });
        }
        if hosts.gates > MOST_HOSTS || hosts.replicas > MOST_HOSTS {
            bail!("more than {MOST_HOSTS} hosts of a kind");
        }
    }
}

/// As many as would be busy enough, and one more at least. One of them is lost.
fn grown(hosts: usize, busy: f64) -> usize {
    let wanted = (hosts - 1) as f64 * busy / MOST_BUSY;
    (wanted.ceil() as usize + 1).max(hosts + 1)
}

/// The most requests a second of this mix for which hosts can be had, and what is at its end then.
pub(crate) fn limit(costs: &Costs, seed: u64) -> (f64, String) {
    let (mut can, mut cannot, mut why) = (1_000.0, 0.0, String::new());
    while cannot == 0.0 || cannot / can > 1.05 {
        let tried: f64 = if cannot == 0.0 { can * 2.0 } else { f64::sqrt(can * cannot) };
        match need(costs, tried, seed) {
            Ok(_) => can = tried,
            Err(error) => (cannot, why) = (tried, error.to_string()),
        }
    }
    (can, why)
}
