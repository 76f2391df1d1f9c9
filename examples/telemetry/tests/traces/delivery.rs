//! What arrives, and how.

use std::collections::{BTreeMap, HashMap};

use telemetry_traces::{SCENARIOS, scenario};

#[test]
fn every_batch_of_every_scenario_is_one_and_arrives_in_order() {
    for scenario in SCENARIOS {
        let (mut last, mut count) = (i64::MIN, 0);
        for arrival in scenario.trace(2, None) {
            arrival.batch.check().unwrap();
            assert!(arrival.at >= last, "{} turns time back", scenario.name);
            last = arrival.at;
            count += 1;
        }
        assert!(count > 20_000, "{}: {count}", scenario.name);
    }
}

#[test]
fn some_arrive_late_or_out_of_order_but_none_later_than_a_minute_and_some_values_are_missing() {
    let (mut newest, mut late, mut nulls) = (HashMap::new(), 0, 0);
    for arrival in scenario("noisy-day", 3).unwrap() {
        let batch = &arrival.batch;
        assert!(arrival.at - batch.newest() < 60_000, "{} is too late", batch.start);
        let newest = newest.entry(batch.device.clone()).or_insert(batch.start);
        late += usize::from(batch.start < *newest);
        *newest = batch.start.max(*newest);
        let clicks = batch.metrics.iter().position(|it| it == "ClickToPhotonLatency");
        for row in &batch.rows {
            nulls += row.1.iter().enumerate().filter(|(at, it)| Some(*at) != clicks && it.is_none()).count();
        }
    }
    assert!(late > 100 && nulls > 100, "{late} late, {nulls} missing");
}

#[test]
fn sessions_say_that_they_end_except_on_a_device_that_falls_silent() {
    for name in ["silent-device", "starts-and-ends"] {
        let trace = scenario(name, 4).unwrap();
        let silent: Vec<String> = trace.expectation().incidents.iter().flat_map(|it| it.devices.clone()).collect();
        let mut ended = BTreeMap::new();
        for batch in trace.batches() {
            ended.insert(batch.device, batch.ends);
        }
        for (device, ended) in ended {
            assert_eq!(ended, !silent.contains(&device), "{name}: {device}");
        }
    }
}
