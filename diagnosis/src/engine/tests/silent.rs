//! Devices and series of which nothing comes any more.

use super::lab::{START, last_told, second};
use crate::Millis;
use crate::engine::{Change, Engine};
use crate::incident::{Incident, IncidentState};
use crate::silence::Silence;

fn hear(engine: &mut Engine, seconds: std::ops::Range<i64>, build: &str) -> Vec<Change> {
    let mut changes = Vec::new();
    for at in seconds {
        changes.extend(engine.tick(START + at * 1000));
        let mut batch = second(1, 0, at, |_, _, _| {}).unwrap();
        build.clone_into(&mut batch.build);
        changes.extend(engine.take(&batch).0);
    }
    changes
}

fn wait(engine: &mut Engine, seconds: std::ops::Range<i64>) -> Vec<Change> {
    seconds.step_by(5).flat_map(|at| engine.tick(START + at * 1000)).collect()
}

fn only(changes: &[Change]) -> Incident {
    let mut incidents = last_told(changes);
    assert_eq!(incidents.len(), 1, "{changes:#?}");
    incidents.remove(0)
}

fn at(second: i64) -> Millis {
    START + second * 1000
}

#[test]
fn who_is_missed_is_missed_until_it_comes_back_with_whatever_build() {
    for build in ["2026.11.2", "2026.11.3"] {
        let mut engine = Engine::default();
        hear(&mut engine, 0..120, "2026.11.2");
        let mut told = wait(&mut engine, 120..4 * 3600);
        assert_eq!(only(&told).state, IncidentState::Open);
        told.extend(hear(&mut engine, 4 * 3600..4 * 3600 + 200, build));
        let incident = only(&told);
        assert_eq!(incident.state, IncidentState::Resolved, "{build}");
        assert_eq!(incident.resolved_at, Some(at(4 * 3600)), "{build}");
    }
}

#[test]
fn who_does_not_come_back_in_a_day_is_no_more_missed() {
    let mut engine = Engine::default();
    hear(&mut engine, 0..120, "2026.11.2");
    let told = wait(&mut engine, 120..24 * 3600 + 400);
    let incident = only(&told);
    assert_eq!((incident.state, incident.began_at), (IncidentState::Resolved, at(119)));
    let over = incident.resolved_at.unwrap();
    assert!((at(24 * 3600)..at(24 * 3600 + 200)).contains(&over), "{}", (over - START) / 1000);
    assert_eq!(engine.census().devices, 0);
}

#[test]
fn a_silence_that_began_within_a_window_is_told_when_the_window_ends() {
    let mut engine = Engine::default();
    let window = Silence { device: Some("devkit-00".to_owned()), from: START, until: at(500), ..Silence::default() };
    engine.silence(vec![window]);
    hear(&mut engine, 0..120, "2026.11.2");
    assert_eq!(wait(&mut engine, 120..500), []);
    let incident = only(&wait(&mut engine, 500..1000));
    assert_eq!((incident.state, incident.began_at), (IncidentState::Open, at(119)));
    assert!(incident.opened_at >= at(500), "{}", incident.opened_at - START);
}

#[test]
fn a_silence_that_ended_within_the_window_is_not_told() {
    let mut engine = Engine::default();
    let window = Silence { device: Some("devkit-00".to_owned()), from: START, until: at(500), ..Silence::default() };
    engine.silence(vec![window]);
    hear(&mut engine, 0..120, "2026.11.2");
    assert_eq!(wait(&mut engine, 120..400), []);
    assert_eq!(hear(&mut engine, 400..800, "2026.11.2"), []);
}

#[test]
fn a_batch_that_comes_late_after_the_last_one_makes_nobody_wait_longer() {
    let mut engine = Engine::default();
    hear(&mut engine, 0..600, "2026.11.2");
    let mut told = wait(&mut engine, 600..640);
    let mut late = second(1, 0, 598, |_, _, _| {}).unwrap();
    late.start += 500;
    told.extend(engine.take(&late).0);
    told.extend(wait(&mut engine, 640..720));
    assert_eq!(only(&told).state, IncidentState::Open);
}

#[test]
fn a_scene_that_was_left_while_it_was_bad_is_well_when_it_is_entered_again() {
    let (mut engine, mut told) = (Engine::default(), Vec::new());
    for second_of in 0..2400 {
        told.extend(engine.tick(at(second_of)));
        let mut batch = second(1, 0, second_of, |_, at, second| {
            second.values[0] *= if (600..900).contains(&at) { 2.0 } else { 1.0 };
        })
        .unwrap();
        if (900..2100).contains(&second_of) {
            "menu".clone_into(&mut batch.scene);
        }
        told.extend(engine.take(&batch).0);
    }
    assert_eq!(only(&told).state, IncidentState::Resolved);
    assert_eq!(told.iter().filter(|change| matches!(change, Change::Opened(_))).count(), 1);
}
