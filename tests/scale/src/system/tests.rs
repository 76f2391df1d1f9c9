//! The whole, where its answer is known or must be bounded.

use super::*;
use crate::mix::MIX;

const HOSTS: Hosts = Hosts { gates: 1, gate_cores: 1, replicas: 1, replica_cores: 2, nats: 1, quorum: 1 };

fn only(kind: Kind) -> [Part; 1] {
    [Part { kind, share: 1.0, p99_within: 1.0 }]
}

fn costs() -> Costs {
    Costs::read().unwrap()
}

fn run(costs: &Costs, hosts: Hosts, kind: Kind, requests_per_second: f64) -> Outcome {
    let mix = only(kind);
    simulate(
        costs,
        hosts,
        &Load { requests_per_second, seconds: 50_000.0 / requests_per_second, mix: &mix, tails: 0.0, seed: 3 },
    )
}

#[test]
fn a_gate_alone_is_the_queue_that_it_is() {
    // M/D/1 by Pollaczek and Khinchine.
    let costs = Costs { gate: 0.001, gate_variation: 0.0, ..costs() };
    let outcome = run(&costs, HOSTS, Kind::Passed, 600.0);
    let mean = 0.001 * (1.0 + 0.6 / (2.0 * 0.4));
    let found = &outcome.times[&Kind::Passed];
    // Half of M/D/1 at 0.6 waits less than about the mean wait.
    assert!((0.55..0.65).contains(&outcome.gate), "{}", outcome.gate);
    assert!((found.median() / mean - 1.0).abs() < 0.25, "{} for {mean}", found.median());
}

#[test]
fn events_share_records_when_there_are_many_and_none_is_lost() {
    let costs = costs();
    let few = run(&costs, HOSTS, Kind::Event, 10.0);
    let many = run(&costs, HOSTS, Kind::Event, 5_000.0);
    assert!(
        few.jobs_of_a_record < 1.1 && many.jobs_of_a_record > 2.0,
        "{} {}",
        few.jobs_of_a_record,
        many.jobs_of_a_record
    );
    let idle = costs.gate + costs.front + costs.sync + costs.apply_record;
    let found = few.times[&Kind::Event].median();
    assert!(found > idle && found < idle * 3.0 + costs.round_trip * 3.0, "{found} for {idle}");
    let answered = many.times[&Kind::Event].quantile(1.0);
    assert!(answered.is_finite());
}

#[test]
fn a_quorum_that_needs_everybody_waits_for_the_slowest() {
    let costs = Costs { sync_variation: 1.5, ..costs() };
    let of_three = Hosts { nats: 3, quorum: 2, ..HOSTS };
    let of_two = Hosts { nats: 2, quorum: 2, ..HOSTS };
    let p99 = |hosts| run(&costs, hosts, Kind::Event, 50.0).quantile(Kind::Event, 0.99).unwrap();
    assert!(p99(of_two) > p99(of_three), "{} {}", p99(of_two), p99(of_three));
}

#[test]
fn more_replicas_do_not_make_the_log_faster() {
    let costs = costs();
    let applying = |replicas| {
        run(&costs, Hosts { replicas, replica_cores: 8, gate_cores: 8, ..HOSTS }, Kind::Event, 4_000.0).applier
    };
    let (one, four) = (applying(1), applying(4));
    assert!(four >= one * 0.95, "{one} {four}");
}

#[test]
fn each_tail_looks_at_each_commit_of_its_replica() {
    let costs = Costs { tail_look: 1e-5, ..costs() };
    let mix = only(Kind::Event);
    let busy = |tails| {
        let load = Load { requests_per_second: 50.0, seconds: 200.0, mix: &mix, tails, seed: 3 };
        simulate(&costs, HOSTS, &load).replica
    };
    // Nobody shares a commit at so few events: 50 looks a second of each of 400 tails, on two cores.
    let more = busy(400.0) - busy(0.0);
    assert!((more / (50.0 * 400.0 * 1e-5 / 2.0) - 1.0).abs() < 0.1, "{more}");
}

#[test]
fn the_same_seed_is_the_same_run_and_overload_is_seen() {
    let costs = costs();
    let run = |rate: f64| {
        let load = Load { requests_per_second: rate, seconds: 20.0, mix: &MIX, tails: 0.0, seed: 5 };
        simulate(&costs, HOSTS, &load)
    };
    assert_eq!(run(500.0).quantile(Kind::Passed, 0.99), run(500.0).quantile(Kind::Passed, 0.99));
    assert!(run(500.0).too_late(&MIX).is_empty());
    assert!(!run(0.98 / costs.gate).too_late(&MIX).is_empty());
}
