//! Every scenario with two seeds: what should be raised is, nothing else, one incident for each cause.

use bench_scenarios::play::play;
use telemetry_traces::SCENARIOS;

#[test]
fn every_scenario_raises_what_it_should_and_nothing_else() {
    let mut wrong = Vec::new();
    for scenario in SCENARIOS {
        for seed in [1, 2] {
            let played = play(scenario, seed, None);
            assert!(played.judged > 10_000, "{} is no trace", scenario.name);
            wrong.extend(played.failures.iter().map(|failure| format!("{}, seed {seed}: {failure}", scenario.name)));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
