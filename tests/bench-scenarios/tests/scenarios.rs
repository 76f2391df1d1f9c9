//! Every scenario with one seed: what should be raised is, nothing else, one incident for each cause.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use bench_scenarios::play::play;
use telemetry_traces::{SCENARIOS, Scenario};

/// What is wrong about each scenario, with seeds that take turns so that not all are of one lab. On all cores: they are much to judge.
#[test]
fn every_scenario_raises_what_it_should_and_nothing_else() {
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some((place, scenario)) = turn(&next) {
                    let seed = if place % 2 == 0 { 1 } else { 2 };
                    let played = play(scenario, seed, None);
                    assert!(played.judged > 10_000, "{} is no trace", scenario.name);
                    let said =
                        played.failures.iter().map(|failure| format!("{}, seed {seed}: {failure}", scenario.name));
                    wrong.lock().unwrap().extend(said);
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn turn(next: &AtomicUsize) -> Option<(usize, &'static Scenario)> {
    let place = next.fetch_add(1, Ordering::Relaxed);
    Some((place, SCENARIOS.get(place)?))
}
