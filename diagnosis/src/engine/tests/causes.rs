use super::lab::{DEVICES, SITES, START, Second, last_told, play};
use crate::detector::Kind;
use crate::engine::{Engine, SAMPLES};
use crate::incident::{Incident, IncidentState};
use crate::silence::Silence;

fn healthy(_: usize, _: i64, _: &mut Second) {}

/// From ten minutes on the first six devices run another build, in which frames take twice as long.
fn bad_build(device: usize, at: i64, second: &mut Second) {
    if device < 6 && at >= 600 + device as i64 * 20 {
        second.build = "2026.11.3";
        second.values[0] *= 2.0;
        second.values[1] *= 2.2;
    }
}

fn slow_from_600_to_900(device: usize, at: i64, second: &mut Second) {
    if device == 4 && (600..900).contains(&at) {
        second.values[0] *= 2.0;
    }
}

fn only(mut incidents: Vec<Incident>) -> Incident {
    assert_eq!(incidents.len(), 1, "{:#?}", incidents.iter().map(|incident| &incident.title).collect::<Vec<_>>());
    incidents.remove(0)
}

#[test]
fn nothing_is_raised_while_nothing_happens() {
    for seed in 1..4 {
        assert_eq!(play(&mut Engine::default(), seed, 0..1800, healthy), []);
    }
}

#[test]
fn a_bad_build_on_half_of_the_devices_is_one_incident_that_names_the_build() {
    for seed in 1..4 {
        let incident = only(last_told(&play(&mut Engine::default(), seed, 0..900, bad_build)));
        assert_eq!(incident.devices_in_all, 6, "{}", incident.title);
        assert_eq!(incident.moved_in_all, 12, "{}", incident.title);
        assert_eq!(incident.shared[0].what, "build");
        assert_eq!(incident.shared[0].value, "2026.11.3");
        assert_eq!((incident.shared[0].struck, incident.shared[0].others, incident.shared[0].others_in_all), (6, 0, 6));
        assert!(incident.title.contains("on 6 devices since build 2026.11.3"), "{}", incident.title);
        assert!((incident.began_at - START - 600_000).abs() <= 2000, "{}", incident.began_at - START);
        assert!(incident.opened_at - START <= 645_000, "{}", incident.opened_at - START);
        assert_eq!(incident.state, IncidentState::Open);
    }
}

#[test]
fn what_moved_first_stands_first() {
    fn heat(device: usize, at: i64, second: &mut Second) {
        if device == 4 && at >= 600 {
            second.values[1] += 0.1 * (at - 600) as f64;
        }
        if device == 4 && at >= 660 {
            second.values[0] += 0.4 * (at - 660) as f64;
        }
    }
    let incident = only(last_told(&play(&mut Engine::default(), 1, 0..900, heat)));
    let metrics: Vec<&str> = incident.moved.iter().map(|movement| movement.series.metric.as_str()).collect();
    assert_eq!(metrics, ["GPUTime", "FrameTime"]);
    assert_eq!(incident.shared[0].what, "device");
    assert!((incident.began_at - START - 600_000).abs() <= 30_000, "{}", incident.began_at - START);
}

#[test]
fn two_causes_at_once_on_other_devices_and_metrics_are_two_incidents() {
    fn two(device: usize, at: i64, second: &mut Second) {
        if device == 4 && at >= 600 {
            second.values[1] *= 1.6;
        }
        if SITES[device % SITES.len()] == "warsaw" && at >= 610 {
            second.values[2] *= 0.1;
        }
    }
    let incidents = last_told(&play(&mut Engine::default(), 1, 0..900, two));
    assert_eq!(incidents.len(), 2);
    assert_eq!(incidents[0].devices, ["devkit-04"]);
    assert_eq!(incidents[1].devices_in_all, DEVICES / 3);
    assert_eq!((incidents[1].shared[0].what.as_str(), incidents[1].shared[0].value.as_str()), ("site", "warsaw"));
}

#[test]
fn it_is_over_when_the_data_say_so_and_comes_back_as_the_same() {
    let mut engine = Engine::default();
    let first = only(last_told(&play(&mut engine, 1, 0..1150, slow_from_600_to_900)));
    assert_eq!(first.state, IncidentState::Resolved);
    let over = first.resolved_at.unwrap() - START;
    assert!((900_000..1_000_000).contains(&over), "{over}");
    assert!((32.0..36.0).contains(&first.moved[0].now), "it says how bad it was: {}", first.title);
    fn again(device: usize, at: i64, second: &mut Second) {
        if device == 4 && at >= 1200 {
            second.values[0] *= 2.0;
        }
    }
    let changes = play(&mut engine, 1, 1150..1300, again);
    assert!(changes.iter().all(|change| matches!(change, crate::engine::Change::Updated(_))), "{changes:#?}");
    let crate::engine::Change::Updated(last) = changes.last().unwrap() else { unreachable!() };
    assert_eq!((&last.incident, last.state), (&first.incident, IncidentState::Open));
}

#[test]
fn a_device_that_falls_silent_is_one_incident_and_one_that_ends_is_none() {
    fn silent(device: usize, at: i64, second: &mut Second) {
        second.is_told = !(device == 3 && at >= 300 || device == 5 && at > 300);
        second.ends = device == 5 && at == 300;
    }
    let mut engine = Engine::default();
    let incident = only(last_told(&play(&mut engine, 1, 0..600, silent)));
    assert_eq!(incident.devices, ["devkit-03"]);
    assert_eq!(incident.title, "No more samples from devkit-03");
    assert_eq!((incident.moved[0].kind, incident.moved[0].series.metric.as_str()), (Kind::Silence, SAMPLES));
    assert_eq!(incident.began_at, START + 299_000 + 21);
    let back = play(&mut engine, 1, 600..700, healthy);
    assert_eq!(only(last_told_since(&incident, &back)).state, IncidentState::Resolved);
}

/// The last that was told of an incident that was opened before.
fn last_told_since(opened: &Incident, changes: &[crate::engine::Change]) -> Vec<Incident> {
    let mut all = vec![crate::engine::Change::Opened(opened.clone())];
    all.extend(changes.iter().cloned());
    last_told(&all)
}

#[test]
fn silenced_alarms_are_no_incident_until_the_window_ends() {
    let mut engine = Engine::default();
    let window = |metric: &str, until: i64| Silence {
        device: Some("devkit-04".to_owned()),
        metric: Some(metric.to_owned()),
        from: START,
        until: START + until * 1000,
        ..Silence::default()
    };
    engine.silence(vec![window("FrameTime", 2000)]);
    assert_eq!(play(&mut engine, 1, 0..1100, slow_from_600_to_900), []);
    for ineffective in [window("GPUTime", 2000), window("FrameTime", 700)] {
        let mut engine = Engine::default();
        engine.silence(vec![ineffective.clone()]);
        let incident = only(last_told(&play(&mut engine, 1, 0..850, slow_from_600_to_900)));
        let since = if ineffective.until < START + 2_000_000 { 700 } else { 600 };
        assert!(incident.opened_at >= START + since * 1000, "{}", incident.opened_at - START);
    }
}

#[test]
fn effects_that_are_too_small_to_matter_are_none() {
    fn slightly(device: usize, at: i64, second: &mut Second) {
        // Without noise a fiftieth is many spreads; nobody would see it.
        second.values = [16.7, 12.0, 52e3].map(|value| if device < 6 && at >= 600 { value * 1.02 } else { value });
    }
    assert_eq!(play(&mut Engine::default(), 1, 0..1200, slightly), []);
}

#[test]
fn earlier_incidents_that_looked_alike_are_named() {
    let mut engine = Engine::default();
    let earlier = only(last_told(&play(&mut Engine::default(), 7, 0..900, bad_build)));
    engine.remember([&earlier]);
    let incident = only(last_told(&play(&mut engine, 1, 0..1000, slow_from_600_to_900)));
    assert_eq!(incident.similar.first().map(|similar| &similar.incident), Some(&earlier.incident));
    assert!(incident.similar[0].resemblance < 0.9, "{:?}", incident.similar);
}

#[test]
fn updates_are_at_least_five_seconds_apart() {
    let mut engine = Engine::default();
    let mut told: Vec<i64> = Vec::new();
    for at in 0..900 {
        told.extend(play(&mut engine, 1, at..at + 1, bad_build).iter().map(|_| at));
    }
    assert!(told.len() >= 4, "{told:?}");
    assert!(told.windows(2).all(|pair| pair[1] - pair[0] >= 5), "{told:?}");
}
