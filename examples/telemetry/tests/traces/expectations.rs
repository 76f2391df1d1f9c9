//! Incidents held against what is expected.

use diagnosis::detector::{Direction, Kind};
use diagnosis::incident::{Incident, IncidentState, Movement, Shared};
use diagnosis::series::SeriesKey;
use telemetry_traces::{Expectation, Failure};

use crate::samples::expected;

/// What a perfect diagnosis would have said of a hot console.
fn perfect() -> (Expectation, Incident) {
    let expected = expected("thermal-throttling", 31);
    let device = expected.devices.first().unwrap().clone();
    let series = SeriesKey {
        device: device.clone(),
        build: "2026.11.2".to_owned(),
        scene: "city".to_owned(),
        metric: "GPUTemperature".to_owned(),
    };
    let (kind, direction, began_at) = (Kind::Drift, Direction::Up, expected.cause_at + 20_000);
    let movement = Movement { series, kind, direction, began_at, before: 70.0, now: 90.0, score: 0.99, is_over: false };
    let shared = Shared {
        what: "device".to_owned(),
        value: device.clone(),
        struck: 1,
        struck_in_all: 1,
        others: 0,
        others_in_all: 11,
    };
    let incident = Incident {
        incident: "one".to_owned(),
        state: IncidentState::Open,
        title: "GPUTemperature up".to_owned(),
        began_at,
        opened_at: began_at + 20_000,
        resolved_at: None,
        merged_into: None,
        moved: vec![movement],
        moved_in_all: 1,
        devices: vec![device],
        devices_in_all: 1,
        shared: vec![shared],
        similar: Vec::new(),
    };
    (Expectation { incidents: vec![expected] }, incident)
}

#[test]
fn what_should_be_raised_and_is_fails_in_nothing() {
    let (expectation, incident) = perfect();
    assert_eq!(expectation.failures(&[incident]), Vec::new());
}

#[test]
fn what_is_missed_split_late_or_without_a_cause_fails() {
    let (expectation, incident) = perfect();
    let cause = "a fan stops";
    assert_eq!(expectation.failures(&[]), vec![Failure::Missed(cause)]);
    assert_eq!(expectation.failures(&[incident.clone(), incident.clone()]), vec![Failure::Split(cause, 2)]);
    let late = Incident { opened_at: expectation.incidents[0].by + 7, ..incident.clone() };
    assert_eq!(expectation.failures(&[late]), vec![Failure::Late(cause, 7)]);
    let early = Incident { opened_at: expectation.incidents[0].cause_at - 1, ..incident.clone() };
    let elsewhere = Incident { devices: vec!["another".to_owned()], ..incident.clone() };
    for extra in [early, elsewhere] {
        assert_eq!(expectation.failures(&[incident.clone(), extra.clone()]), vec![Failure::Extra(extra.title)]);
    }
}

#[test]
fn what_was_merged_is_no_second_one_but_must_have_a_cause() {
    let (expectation, incident) = perfect();
    let merged = Incident { merged_into: Some("one".to_owned()), ..incident.clone() };
    assert_eq!(expectation.failures(&[incident.clone(), merged.clone()]), Vec::new());
    assert_eq!(expectation.failures(std::slice::from_ref(&merged)), vec![Failure::Missed("a fan stops")]);
    let elsewhere = Incident { devices: vec!["another".to_owned()], ..merged };
    assert_eq!(expectation.failures(&[incident, elsewhere.clone()]), vec![Failure::Extra(elsewhere.title)]);
}

#[test]
fn another_first_metric_kind_scene_or_trait_fails() {
    let (expectation, incident) = perfect();
    let with = |change: &dyn Fn(&mut Incident)| {
        let mut changed = incident.clone();
        change(&mut changed);
        expectation.failures(&[changed])
    };
    let cause = "a fan stops";
    let metric = "FrameTime".to_owned();
    assert_eq!(with(&|it| it.moved[0].series.metric.clone_from(&metric)), vec![Failure::First(cause, metric.clone())]);
    assert_eq!(with(&|it| it.moved[0].kind = Kind::Silence), vec![Failure::Kind(cause, Kind::Silence)]);
    assert_eq!(with(&|it| it.devices_in_all = 0), vec![Failure::Devices(cause, 0)]);
    assert!(matches!(with(&|it| it.shared.clear())[..], [Failure::Shared(..)]));
    let mut in_scene = expectation.clone();
    in_scene.incidents[0].scene = Some("harbour");
    assert_eq!(in_scene.failures(&[incident]), vec![Failure::Scene(cause, "city".to_owned())]);
}
