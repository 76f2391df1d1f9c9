//! Gates, replicas and the one log, as events in time. A request takes a core of a gate; if it is for us, one of a replica; if it changes
//! anything, it waits with others for a record, which the leader syncs and a quorum has, and which every replica applies. Whoever waits
//! is answered when his own replica has applied it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};

use measuring::statistics::Sample;

use crate::costs::Costs;
use crate::draw::Draw;
use crate::mix::{Kind, Part, TAILS_OF_AN_EVENT};
use crate::station::{Seconds, Station};

/// As the service does it.
const RECORDS_UNDER_WAY: usize = 4;
const JOBS_OF_A_RECORD: usize = 256;
const RECORDS_OF_A_COMMIT: usize = 256;

/// This share of the time is not looked at: a system begins empty.
const WARM_UP: f64 = 0.2;

/// What there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hosts {
    pub(crate) gates: usize,
    pub(crate) gate_cores: usize,
    pub(crate) replicas: usize,
    pub(crate) replica_cores: usize,
    /// NATS nodes that run, of which a majority of all must have a record.
    pub(crate) nats: usize,
    pub(crate) quorum: usize,
}

/// What comes.
#[derive(Clone, Debug)]
pub(crate) struct Load<'a> {
    pub(crate) requests_per_second: f64,
    pub(crate) seconds: f64,
    pub(crate) mix: &'a [Part],
    /// Tails that are open.
    pub(crate) tails: f64,
    pub(crate) seed: u64,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Times of those who were answered, in seconds.
    pub(crate) times: BTreeMap<Kind, Sample>,
    /// The busiest of each kind.
    pub(crate) gate: f64,
    pub(crate) replica: f64,
    pub(crate) applier: f64,
    pub(crate) disk: f64,
    pub(crate) jobs_of_a_record: f64,
}

#[derive(Clone, Copy, Debug)]
struct Request {
    kind: Kind,
    came: f64,
}

#[derive(Debug)]
enum Event {
    Comes,
    AtReplica(Request, usize),
    Waits(Request, usize),
    /// A record is in the log.
    Kept {
        by: usize,
        jobs: Vec<Request>,
    },
    /// A replica has made its commit, with these of its own jobs in it.
    Applied {
        by: usize,
        own: Vec<Request>,
    },
}

struct Replica {
    cores: Station,
    arrived: VecDeque<Arrived>,
    is_applying: bool,
    applying_seconds: f64,
    waiting: VecDeque<Request>,
    under_way: usize,
}

/// A record that a replica has yet to apply.
struct Arrived {
    jobs: usize,
    /// Who waits for it here.
    own: Vec<Request>,
}

struct System<'a> {
    costs: &'a Costs,
    hosts: Hosts,
    mix: Vec<(Kind, f64)>,
    tails: f64,
    draw: Draw,
    gates: Vec<Station>,
    replicas: Vec<Replica>,
    /// The leader's first.
    disks: Vec<Station>,
    coming: BinaryHeap<Reverse<(Seconds, u64)>>,
    events: BTreeMap<u64, Event>,
    next: u64,
    turn: usize,
    from: f64,
    times: BTreeMap<Kind, Vec<f64>>,
    records: u64,
    jobs: u64,
}

/// Lets it run.
pub(crate) fn simulate(costs: &Costs, hosts: Hosts, load: &Load<'_>) -> Outcome {
    let replica = || Replica {
        cores: Station::new(hosts.replica_cores),
        arrived: VecDeque::new(),
        is_applying: false,
        applying_seconds: 0.0,
        waiting: VecDeque::new(),
        under_way: 0,
    };
    let mut system = System {
        costs,
        hosts,
        mix: load.mix.iter().map(|part| (part.kind, part.share)).collect(),
        tails: load.tails,
        draw: Draw::seeded(load.seed),
        gates: vec![Station::new(hosts.gate_cores); hosts.gates],
        replicas: (0..hosts.replicas).map(|_| replica()).collect(),
        disks: vec![Station::new(1); hosts.nats],
        coming: BinaryHeap::new(),
        events: BTreeMap::new(),
        next: 0,
        turn: 0,
        from: load.seconds * WARM_UP,
        times: BTreeMap::new(),
        records: 0,
        jobs: 0,
    };
    system.at(0.0, Event::Comes);
    while let Some(Reverse((Seconds(now), number))) = system.coming.pop() {
        let Some(event) = system.events.remove(&number) else { continue };
        system.step(now, event, load);
    }
    system.outcome(load.seconds)
}

impl System<'_> {
    fn at(&mut self, then: f64, event: Event) {
        self.coming.push(Reverse((Seconds(then), self.next)));
        self.events.insert(self.next, event);
        self.next += 1;
    }

    fn step(&mut self, now: f64, event: Event, load: &Load<'_>) {
        match event {
            Event::Comes => self.comes(now, load),
            Event::AtReplica(request, replica) => self.at_replica(now, request, replica),
            Event::Waits(request, replica) => {
                self.replicas[replica].waiting.push_back(request);
                self.publish(now, replica);
            }
            Event::Kept { by, jobs } => self.kept(now, by, jobs),
            Event::Applied { by, own } => self.applied(now, by, own),
        }
    }

    fn comes(&mut self, now: f64, load: &Load<'_>) {
        if now >= load.seconds {
            return;
        }
        let next = now + self.draw.exponential(1.0 / load.requests_per_second);
        self.at(next, Event::Comes);
        let Some(kind) = self.draw.one_of(&self.mix) else { return };
        let request = Request { kind, came: now };
        self.turn += 1;
        let takes = self.draw.around(self.costs.gate, self.costs.gate_variation);
        let gate = self.turn % self.gates.len();
        let done = self.gates[gate].done_at(now, takes);
        if kind == Kind::Passed {
            self.answered(request, done);
        } else {
            let replica = self.turn % self.replicas.len();
            self.at(done + self.costs.round_trip / 2.0, Event::AtReplica(request, replica));
        }
    }

    fn at_replica(&mut self, now: f64, request: Request, replica: usize) {
        let own = match request.kind {
            Kind::Passed | Kind::Event => 0.0,
            Kind::Query => self.costs.query,
            Kind::Ask => self.costs.ask,
            Kind::CommandCall => self.costs.command_call,
        };
        let takes = self.draw.around(self.costs.front + own, self.costs.front_variation);
        let done = self.replicas[replica].cores.done_at(now, takes);
        if request.kind.commits() {
            self.at(done, Event::Waits(request, replica));
        } else {
            // Whoever reads asks the log first how far it goes.
            self.answered(request, done + self.costs.round_trip * 1.5);
        }
    }

    /// Makes a record of all who wait, if another may be under way.
    fn publish(&mut self, now: f64, by: usize) {
        let Replica { waiting, under_way, cores, .. } = &mut self.replicas[by];
        if waiting.is_empty() || *under_way >= RECORDS_UNDER_WAY {
            return;
        }
        *under_way += 1;
        let jobs: Vec<_> = waiting.drain(..waiting.len().min(JOBS_OF_A_RECORD)).collect();
        let (costs, trip) = (self.costs, self.costs.round_trip);
        let sent = cores.done_at(now, costs.publish_record) + trip / 2.0;
        (self.records, self.jobs) = (self.records + 1, self.jobs + jobs.len() as u64);
        let work = costs.nats_record + costs.nats_job * jobs.len() as f64;
        let mut had_by = Vec::with_capacity(self.disks.len());
        for (node, disk) in self.disks.iter_mut().enumerate() {
            let sync = self.draw.around(costs.sync, costs.sync_variation);
            // A follower hears of it from the leader, who hears from it.
            let away = if node == 0 { 0.0 } else { trip / 2.0 };
            had_by.push(disk.done_at(sent + away, work + sync) + away);
        }
        // The leader's own counts, and those of the fastest followers.
        let leader = had_by[0];
        had_by[1..].sort_by(f64::total_cmp);
        let kept = leader.max(had_by[self.hosts.quorum - 1]);
        self.at(kept + trip / 2.0, Event::Kept { by, jobs });
    }

    /// Every replica has it to apply.
    fn kept(&mut self, now: f64, by: usize, jobs: Vec<Request>) {
        let shown = jobs.iter().filter(|job| job.kind == Kind::Event).count() as f64 * TAILS_OF_AN_EVENT;
        // Tails are spread over all replicas and gates.
        let (replicas, gates) = (self.replicas.len() as f64, self.gates.len() as f64);
        for gate in &mut self.gates {
            gate.done_at(now, shown * self.costs.gate_tail / gates);
        }
        let count = jobs.len();
        for replica in &mut self.replicas {
            replica.cores.done_at(now, shown * self.costs.tail / replicas);
            replica.arrived.push_back(Arrived { jobs: count, own: Vec::new() });
        }
        if let Some(arrived) = self.replicas[by].arrived.back_mut() {
            arrived.own = jobs;
        }
        for replica in 0..self.replicas.len() {
            self.apply(now, replica);
        }
        self.replicas[by].under_way -= 1;
        self.publish(now, by);
    }

    /// Makes one commit of all records that have arrived, unless one is being made.
    fn apply(&mut self, now: f64, number: usize) {
        let replica = &mut self.replicas[number];
        if replica.arrived.is_empty() || replica.is_applying {
            return;
        }
        replica.is_applying = true;
        let count = replica.arrived.len().min(RECORDS_OF_A_COMMIT);
        let (mut jobs, mut own) = (0, Vec::new());
        for arrived in replica.arrived.drain(..count) {
            jobs += arrived.jobs;
            own.extend(arrived.own);
        }
        let takes = self.costs.apply_record + self.costs.apply_job * jobs as f64;
        replica.applying_seconds += takes;
        // A thread of its own, which needs a core like anybody.
        let done = replica.cores.done_at(now, takes);
        self.at(done, Event::Applied { by: number, own });
    }

    fn applied(&mut self, now: f64, by: usize, own: Vec<Request>) {
        for job in own {
            self.answered(job, now + self.costs.round_trip / 2.0);
        }
        // Every tail of this replica looks for what is new to it, whether there is anything or not.
        let looks = self.tails / self.replicas.len() as f64 * self.costs.tail_look;
        let replica = &mut self.replicas[by];
        for _ in 0..self.hosts.replica_cores {
            replica.cores.done_at(now, looks / self.hosts.replica_cores as f64);
        }
        replica.is_applying = false;
        self.apply(now, by);
    }

    fn answered(&mut self, request: Request, at: f64) {
        if request.came >= self.from {
            self.times.entry(request.kind).or_default().push(at - request.came);
        }
    }

    fn outcome(self, seconds: f64) -> Outcome {
        let most = |all: &mut dyn Iterator<Item = f64>| all.fold(0.0, f64::max);
        Outcome {
            gate: most(&mut self.gates.iter().map(|gate| gate.utilisation(seconds))),
            replica: most(&mut self.replicas.iter().map(|replica| replica.cores.utilisation(seconds))),
            applier: most(&mut self.replicas.iter().map(|replica| replica.applying_seconds / seconds)),
            disk: most(&mut self.disks.iter().map(|disk| disk.utilisation(seconds))),
            jobs_of_a_record: self.jobs as f64 / self.records.max(1) as f64,
            times: self.times.into_iter().map(|(kind, times)| (kind, Sample::of(times))).collect(),
        }
    }
}

impl Outcome {
    /// In seconds; none where nobody came.
    pub(crate) fn quantile(&self, kind: Kind, share: f64) -> Option<f64> {
        self.times.get(&kind).map(|times| times.quantile(share))
    }

    /// Kinds whose p99 is not within its bound.
    pub(crate) fn too_late<'a>(&self, mix: &'a [Part]) -> Vec<&'a Part> {
        let is_late = |part: &&Part| self.quantile(part.kind, 0.99).is_some_and(|p99| p99 > part.p99_within);
        mix.iter().filter(is_late).collect()
    }
}

#[cfg(test)]
mod tests;
