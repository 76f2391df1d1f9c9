//! Incidents that turn out to have one cause.

use super::lab::{Fault, Second, last_told, play};
use crate::engine::{Change, Engine};
use crate::incident::{Incident, IncidentState};

/// Frames of one device take longer, and half a minute later the GPU of three others; at last its own GPU does too.
fn two_that_are_one(device: usize, at: i64, second: &mut Second) {
    match device {
        0 if (600..1000).contains(&at) => second.values[0] *= 2.0,
        4..7 if (630..1000).contains(&at) => second.values[1] *= 2.0,
        _ => {}
    }
    if device == 0 && (690..1000).contains(&at) {
        second.values[1] *= 2.0;
    }
}

/// The same, but that what the others have begins twelve minutes later.
fn two_that_are_two(device: usize, at: i64, second: &mut Second) {
    match device {
        0 if at >= 600 => second.values[0] *= 2.0,
        4..7 if at >= 1320 => second.values[1] *= 2.0,
        _ => {}
    }
    if device == 0 && at >= 1380 {
        second.values[1] *= 2.0;
    }
}

fn told(seconds: i64, fault: Fault) -> Vec<Change> {
    play(&mut Engine::default(), 1, 0..seconds, fault)
}

fn is_of(incident: &Incident, change: &Change) -> bool {
    let (Change::Opened(told) | Change::Updated(told) | Change::Resolved(told)) = change;
    told.incident == incident.incident
}

#[test]
fn two_open_incidents_that_one_alarm_belongs_to_become_the_older_one() {
    let changes = told(1200, two_that_are_one);
    let incidents = last_told(&changes);
    let [older, younger] = &incidents[..] else { panic!("{incidents:#?}") };
    assert_eq!((younger.state, younger.devices_in_all), (IncidentState::Resolved, 3));
    assert_eq!(younger.merged_into.as_ref(), Some(&older.incident));
    assert!(younger.resolved_at < older.resolved_at);
    assert_eq!(older.devices, ["devkit-00", "devkit-04", "devkit-05", "devkit-06"]);
    assert_eq!((older.state, &older.merged_into, older.moved_in_all), (IncidentState::Resolved, &None, 5));
    assert!(older.moved.iter().all(|movement| movement.is_over));
    let merged = changes.iter().position(|change| matches!(change, Change::Resolved(it) if it.merged_into.is_some()));
    assert!(!changes[merged.unwrap() + 1..].iter().any(|change| is_of(younger, change)), "told of after it was merged");
}

#[test]
fn incidents_that_began_at_other_times_stay_two_though_an_alarm_belongs_to_both() {
    let incidents = last_told(&told(1500, two_that_are_two));
    assert_eq!(incidents.len(), 2);
    assert!(incidents.iter().all(|incident| incident.merged_into.is_none() && incident.state == IncidentState::Open));
}

#[test]
fn what_was_merged_is_no_earlier_incident_that_others_look_like() {
    let incidents = last_told(&told(1200, two_that_are_one));
    let mut engine = Engine::default();
    engine.remember(&incidents);
    let again = last_told(&play(&mut engine, 2, 0..1200, two_that_are_one));
    let similar: Vec<&str> = again.iter().flat_map(|it| &it.similar).map(|it| it.incident.as_str()).collect();
    assert!(similar.contains(&incidents[0].incident.as_str()), "{similar:?}");
    assert!(!similar.contains(&incidents[1].incident.as_str()), "{similar:?}");
}

#[test]
fn who_goes_on_from_a_saved_book_merges_the_same() {
    let mut first = Engine::default();
    let mut changes = play(&mut first, 1, 0..680, two_that_are_one);
    let checkpoint = first.checkpoint().unwrap();
    let mut second = Engine::default();
    checkpoint.devices.iter().for_each(|(_, device)| second.revive(device).unwrap());
    second.restore(&checkpoint.book).unwrap();
    changes.extend(play(&mut second, 1, 680..1200, two_that_are_one));
    assert_eq!(changes, told(1200, two_that_are_one));
}

#[test]
fn what_swings_has_no_direction_that_keeps_it_from_what_is_higher() {
    fn restless(device: usize, at: i64, second: &mut Second) {
        match device {
            0 if at >= 600 => second.values[0] *= 2.0,
            4 if at >= 620 && at % 5 == 0 => second.values[0] *= 0.2,
            _ => {}
        }
    }
    let incidents = last_told(&told(900, restless));
    assert_eq!(incidents.len(), 1, "{incidents:#?}");
    assert_eq!(incidents[0].devices, ["devkit-00", "devkit-04"]);
}
