//! The same name and seed give the same trace.

use telemetry_traces::{Rate, SCENARIOS, Scenario};

/// A trace's first batches, as they are written.
fn bytes(scenario: &Scenario, seed: u64, count: usize) -> Vec<u8> {
    scenario.trace(seed, None).batches().take(count).flat_map(|batch| serde_json::to_vec(&batch).unwrap()).collect()
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_one_does_not() {
    for (place, scenario) in SCENARIOS.iter().enumerate() {
        // The first one to its end, of the others some minutes.
        let count = if place == 0 { usize::MAX } else { 4_000 };
        let first = bytes(scenario, 5, count);
        assert!(first == bytes(scenario, 5, count), "{} differs from itself", scenario.name);
        assert!(first != bytes(scenario, 6, count), "{} is the same for two seeds", scenario.name);
    }
}

#[test]
fn each_frame_of_a_minute_is_sixty_times_sixty_of_them() {
    let scenario = SCENARIOS.iter().find(|it| it.name == "regular-soak").unwrap();
    let trace = scenario.trace(1, Some(Rate::EACH_FRAME));
    let until = trace.starts_at() + 360_000;
    let mut frames = 0;
    for arrival in trace.take_while(|arrival| arrival.at < until) {
        let batch = arrival.batch;
        if batch.device == "devkit-01" && batch.metrics.first().is_some_and(|it| it == "FrameTime") {
            frames += batch.rows.iter().filter(|row| batch.start + i64::from(row.0) > until - 60_000).count();
            assert!(batch.rows.len() <= 14, "a batch holds no more than 200 ms");
        }
    }
    assert!((3400..3620).contains(&frames), "{frames} frames");
}
