//! Clocks of devices that say anything.

use super::lab::{DEVICES, Fault, START, Second, last_told, play, second};
use crate::Millis;
use crate::batch::{Batch, Row};
use crate::engine::{Change, Engine};
use crate::incident::{Incident, IncidentState};
use crate::silence::Silence;

const HOUR_MS: Millis = 60 * 60_000;

/// Which batches come in a second, of a device's own one.
type Sent<'a> = &'a dyn Fn(usize, i64, Batch) -> Vec<Batch>;

fn play_as(engine: &mut Engine, seconds: std::ops::Range<i64>, fault: Fault, sent: Sent<'_>) -> Vec<Change> {
    let mut changes = Vec::new();
    for at in seconds {
        changes.extend(engine.tick(START + at * 1000));
        for device in 0..DEVICES {
            let batches = second(1, device, at, fault).map_or_else(Vec::new, |batch| sent(device, at, batch));
            batches.iter().for_each(|batch| changes.extend(engine.take(batch).0));
        }
    }
    changes
}

fn slow_from_600_to_900(device: usize, at: i64, second: &mut Second) {
    if device == 4 && at >= 600 {
        second.build = "2026.11.3";
    }
    if device == 4 && (600..900).contains(&at) {
        second.values[0] *= 2.0;
    }
}

fn only(changes: &[Change]) -> Incident {
    let mut incidents = last_told(changes);
    assert_eq!(incidents.len(), 1, "{changes:#?}");
    incidents.remove(0)
}

/// A moment after the start, in seconds.
fn second_of(at: Millis) -> i64 {
    (at - START) / 1000
}

#[test]
fn one_batch_from_the_future_blinds_nobody() {
    for ahead in [HOUR_MS, Millis::MAX / 2] {
        let sent = |device: usize, at: i64, batch: Batch| {
            let again = Batch { start: batch.start.saturating_add(ahead), ..batch.clone() };
            if device == 4 && at == 500 { vec![again, batch] } else { vec![batch] }
        };
        let told = play_as(&mut Engine::default(), 0..1100, slow_from_600_to_900, &sent);
        let incident = only(&told);
        assert_eq!(incident.state, IncidentState::Resolved);
        assert!((900..1000).contains(&second_of(incident.resolved_at.unwrap())), "{incident:#?}");
        let opened: Vec<&Change> = told.iter().filter(|change| matches!(change, Change::Resolved(_))).collect();
        assert_eq!(opened.len(), 1, "it went on all the time");
        assert_eq!(incident.shared[0].value, "2026.11.3", "{:?}", incident.shared);
    }
}

#[test]
fn two_sources_of_one_device_may_have_clocks_that_are_minutes_apart() {
    for apart in [-300_000, -181_000, -20_000, 20_000, 181_000, 300_000] {
        // Beside what the device says there is somebody else who hears it, and knows neither build nor scene.
        let sent = |device: usize, _: i64, batch: Batch| {
            let mut other =
                Batch { start: batch.start + apart, build: String::new(), scene: String::new(), ..batch.clone() };
            other.metrics = vec!["CpuLoad".to_owned()];
            other.rows = vec![Row(0, vec![Some(30.0)])];
            if device == 4 { vec![other, batch] } else { vec![batch] }
        };
        let told = play_as(&mut Engine::default(), 0..1100, slow_from_600_to_900, &sent);
        let incident = only(&told);
        assert!((900..1000).contains(&second_of(incident.resolved_at.unwrap())), "{apart}: {incident:#?}");
        assert_eq!(incident.shared[0].value, "2026.11.3", "{apart}: {:?}", incident.shared);
        assert_eq!(told.iter().filter(|change| matches!(change, Change::Resolved(_))).count(), 1, "{apart}");
    }
}

#[test]
fn what_is_told_of_a_device_whose_clock_is_ahead_is_over_by_the_clock_of_those_who_listen() {
    let sent = |device: usize, _: i64, batch: Batch| {
        let ahead = if device == 4 { HOUR_MS } else { 0 };
        vec![Batch { start: batch.start + ahead, ..batch }]
    };
    let mut engine = Engine::default();
    let incident = only(&play_as(&mut engine, 0..1100, slow_from_600_to_900, &sent));
    let within = |at: Millis, seconds: std::ops::Range<i64>| assert!(seconds.contains(&second_of(at)), "{incident:#?}");
    within(incident.began_at, 600..730);
    within(incident.opened_at, 600..730);
    within(incident.resolved_at.unwrap(), 900..1000);
    play_as(&mut engine, 1100..1700, |_, _, _| {}, &sent);
    assert_eq!(engine.census().alarms, 0);
    assert_eq!(engine.census().incidents, 0);
    let again = play_as(
        &mut engine,
        1700..2000,
        |device, _, second| second.values[0] *= if device == 4 { 2.0 } else { 1.0 },
        &sent,
    );
    assert_ne!(only(&again).incident, incident.incident, "what is past is forgotten, and is another one");
}

#[test]
fn what_is_told_of_a_device_whose_clock_is_behind_comes_back_as_the_same() {
    fn now_and_then(device: usize, at: i64, second: &mut Second) {
        if device == 4 && ((600..700).contains(&at) || at >= 900) {
            second.values[0] *= 2.0;
        }
    }
    let sent = |device: usize, _: i64, batch: Batch| {
        let behind = if device == 4 { HOUR_MS } else { 0 };
        vec![Batch { start: batch.start - behind, ..batch }]
    };
    let told = play_as(&mut Engine::default(), 0..1100, now_and_then, &sent);
    assert_eq!(only(&told).state, IncidentState::Open);
    assert!(told.iter().any(|change| matches!(change, Change::Resolved(_))));
}

#[test]
fn a_silence_holds_for_its_window_whatever_the_clock_of_a_device_says() {
    for off in [-HOUR_MS, 0, HOUR_MS] {
        let sent = |device: usize, _: i64, batch: Batch| {
            let off = if device == 4 { off } else { 0 };
            vec![Batch { start: batch.start + off, ..batch }]
        };
        let mut engine = Engine::default();
        let (from, until) = (START + 500_000, START + 700_000);
        engine.silence(vec![Silence { device: Some("devkit-04".to_owned()), from, until, ..Silence::default() }]);
        assert_eq!(play_as(&mut engine, 0..700, slow_from_600_to_900, &sent), [], "{off}");
        let told = play_as(&mut engine, 700..800, slow_from_600_to_900, &sent);
        assert_eq!(only(&told).state, IncidentState::Open, "{off}");
    }
}

#[test]
fn a_device_that_was_set_to_another_time_is_heard_with_its_new_build() {
    let sent = |device: usize, at: i64, batch: Batch| {
        let behind = if device == 4 && at >= 600 { 3 * HOUR_MS } else { 0 };
        vec![Batch { start: batch.start - behind, ..batch }]
    };
    let mut engine = Engine::default();
    play_as(&mut engine, 0..800, slow_from_600_to_900, &sent);
    assert_eq!(engine.roster.get("devkit-04").unwrap().build, "2026.11.3");
    // It is missed as soon as others are.
    let told = play(&mut engine, 1, 800..1000, |device, _, second| second.is_told = device != 4);
    assert!(told.iter().any(|change| matches!(change, Change::Updated(_) | Change::Opened(_))), "{told:#?}");
}

#[test]
fn what_was_over_long_before_it_was_sent_is_resolved_as_soon_as_it_is_heard() {
    let mut engine = Engine::default();
    let now = START + 1_200_000;
    let mut told = engine.tick(now);
    for at in 0..1100 {
        let batches = (0..DEVICES).filter_map(|device| second(1, device, at, slow_from_600_to_900));
        batches.for_each(|batch| told.extend(engine.take(&batch).0));
    }
    told.extend((0..10).flat_map(|second| engine.tick(now + second * 1000)));
    let incident = only(&told);
    assert_eq!(incident.state, IncidentState::Resolved);
    assert!((900..1000).contains(&second_of(incident.resolved_at.unwrap())), "{incident:#?}");
}

/// The clock of those who listen, which was a day ahead for a while.
fn set_ahead_and_back(engine: &mut Engine, at: i64) {
    let day_ahead = START + at * 1000 + 24 * HOUR_MS;
    engine.resume(day_ahead);
    for second in 0..20 {
        assert_eq!(engine.tick(day_ahead + second * 1000), [], "{second}");
    }
    engine.resume(START + at * 1000);
}

#[test]
fn who_falls_silent_after_the_clock_was_ahead_is_missed_after_the_usual_time() {
    let mut engine = Engine::default();
    play(&mut engine, 1, 0..300, |_, _, _| {});
    set_ahead_and_back(&mut engine, 300);
    let told = play(&mut engine, 1, 300..600, |device, at, second| second.is_told = device != 4 || at < 400);
    let incident = only(&told);
    assert_eq!((incident.devices.as_slice(), incident.began_at), (&["devkit-04".to_owned()][..], START + 399_028));
    assert!((459..480).contains(&second_of(incident.opened_at)), "{incident:#?}");
}

#[test]
fn who_was_new_when_the_clock_was_ahead_is_missed_after_the_usual_time() {
    let mut engine = Engine::default();
    engine.resume(START + 24 * HOUR_MS);
    play(&mut engine, 1, 0..10, |_, _, _| {});
    engine.resume(START + 10_000);
    let told = play(&mut engine, 1, 10..300, |device, at, second| second.is_told = device != 4 || at < 150);
    assert!((209..230).contains(&second_of(only(&told).opened_at)), "{told:#?}");
}

#[test]
fn an_incident_after_the_clock_was_ahead_gathers_is_kept_up_to_date_and_ends() {
    fn one_after_the_other(device: usize, at: i64, second: &mut Second) {
        let from = match device {
            1 => 350,
            4 => 400,
            _ => return,
        };
        if (from..700).contains(&at) {
            second.values[0] *= 2.0;
        }
    }
    let mut engine = Engine::default();
    play(&mut engine, 1, 0..300, |_, _, _| {});
    set_ahead_and_back(&mut engine, 300);
    let told = play(&mut engine, 1, 300..1000, one_after_the_other);
    let incident = only(&told);
    let Some(Change::Opened(opened)) = told.first() else { panic!("{told:#?}") };
    let mut right = Engine::default();
    let as_ever = play(&mut right, 1, 0..1000, one_after_the_other);
    assert_eq!(told, as_ever, "as if the clock had been right all the time");
    assert_eq!((opened.devices_in_all, incident.devices_in_all), (1, 2));
    assert!(told.iter().any(|change| matches!(change, Change::Updated(_))));
    assert!((700..800).contains(&second_of(incident.resolved_at.unwrap())), "{incident:#?}");
}

#[test]
fn what_is_open_when_the_clock_goes_back_goes_on_and_ends_in_time() {
    fn slow_and_gone(device: usize, at: i64, second: &mut Second) {
        if device == 1 && (200..400).contains(&at) {
            second.values[0] *= 2.0;
        }
        second.is_told = device != 4 || !(200..400).contains(&at);
    }
    let mut engine = Engine::default();
    let mut told = play(&mut engine, 1, 0..100, |_, _, _| {});
    engine.resume(START + 100_000 + 24 * HOUR_MS);
    for at in 100..330 {
        told.extend(engine.tick(START + at * 1000 + 24 * HOUR_MS));
        (0..DEVICES).filter_map(|device| second(1, device, at, slow_and_gone)).for_each(|batch| {
            told.extend(engine.take(&batch).0);
        });
    }
    assert_eq!(last_told(&told).len(), 2, "one is slow, one is missed: {told:#?}");
    engine.resume(START + 330_000);
    told.extend(play(&mut engine, 1, 330..600, slow_and_gone));
    for incident in last_told(&told) {
        assert_eq!(incident.state, IncidentState::Resolved, "{incident:#?}");
        assert!((400..500).contains(&second_of(incident.resolved_at.unwrap())), "{incident:#?}");
        assert!(second_of(incident.opened_at) <= 390, "{incident:#?}");
    }
    assert_eq!((engine.census().incidents, engine.census().alarms), (0, 0));
}

#[test]
fn a_word_of_an_earlier_time_alone_changes_nothing() {
    let (mut engine, mut other) = (Engine::default(), Engine::default());
    for engine in [&mut engine, &mut other] {
        play(engine, 1, 0..300, |_, _, _| {});
    }
    assert_eq!(engine.tick(START - 24 * HOUR_MS), []);
    let silent: Fault = |device, _, second| second.is_told = device != 4;
    assert_eq!(play(&mut engine, 1, 300..500, silent), play(&mut other, 1, 300..500, silent));
}
