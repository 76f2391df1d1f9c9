use std::collections::{BTreeMap, BTreeSet};

use super::lab::{START, hear, last_told};
use crate::Millis;
use crate::batch::{Batch, Row};
use crate::engine::{Change, Engine, Limits, MOST_CHANGES};
use crate::incident::IncidentState;

fn batch(device: usize, scene: usize, at: i64) -> Batch {
    Batch {
        device: format!("devkit-{device}"),
        scene: format!("scene-{scene}"),
        start: START + at,
        metrics: (0..10).map(|metric| format!("metric-{metric}")).collect(),
        rows: vec![Row(0, vec![Some(1.0); 10])],
        ..Batch::default()
    }
}

#[test]
fn devices_and_series_stay_within_their_limits_and_the_oldest_go_first() {
    let mut engine = Engine::new(Limits { series: 100, series_of_a_device: 30, devices: 20 });
    for at in 0..1000 {
        engine.tick(START + at * 1000);
        hear(&mut engine, &batch(at as usize % 50, 0, at * 1000));
        let census = engine.census();
        assert!(census.series <= 100 && census.devices <= 20, "{census:?}");
    }
    assert_eq!(engine.census().forgotten, 1000 * 10 - 100);
    assert!((40..50).all(|device| engine.knows(&format!("devkit-{device}"))));
    for scene in 0..10 {
        hear(&mut engine, &batch(49, scene, 1_000_000 + scene as i64));
    }
    assert_eq!(engine.census().series, 100);
    assert!(engine.knows("devkit-49") && !engine.knows("devkit-40"));
}

/// Devices that come and go where there is room for four, each word by itself or in pages: of a page's devices those that are not in memory are
/// asked for before its first batch is heard, as they were kept at the last of the checkpoints.
fn known_in_pages(page: usize, parks: bool) -> (Vec<u8>, Vec<Option<Vec<u8>>>) {
    let mut engine = Engine::new(Limits { series: 10_000, series_of_a_device: 30, devices: 4 });
    let mut kept: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut batches = (0..600_usize).map(|number| batch(number * number % 23 % 9, 0, number as i64 * 100)).peekable();
    let mut heard = 0_i64;
    while batches.peek().is_some() {
        let some: Vec<Batch> = batches.by_ref().take(page).collect();
        for needed in some.iter().filter(|batch| engine.needs(batch)).collect::<Vec<_>>() {
            if let Some(bytes) = kept.get(&needed.device) {
                engine.revive(bytes).unwrap();
            }
        }
        for batch in some {
            hear(&mut engine, &batch);
            heard += 1;
        }
        if heard % 120 == 0 {
            engine.tick(START + heard * 100);
            kept.extend(engine.checkpoint().unwrap().devices);
            for device in (0..9).filter(|_| parks) {
                engine.park(&format!("devkit-{device}")).unwrap();
            }
        }
    }
    for device in kept.values().filter(|_| parks) {
        engine.revive(device).unwrap();
    }
    let copies = (0..9).map(|device| engine.copy(&format!("devkit-{device}")).unwrap()).collect();
    (engine.save_book().unwrap(), copies)
}

#[test]
fn beyond_the_limit_of_devices_what_is_known_does_not_depend_on_pages_nor_on_what_is_in_memory() {
    let whole = known_in_pages(1, false);
    for page in [1, 2, 5, 40, 120] {
        assert!(known_in_pages(page, false) == whole, "{page}");
        assert!(known_in_pages(page, true) == whole, "{page}, parked");
    }
}

#[test]
fn who_is_not_heard_for_hours_is_recalled_as_long_as_there_was_room() {
    let limits = Limits { devices: 4, ..Limits::default() };
    for others in [2, 6] {
        let mut engine = Engine::new(limits);
        hear(&mut engine, &batch(1, 0, 0));
        let parked = engine.park("devkit-1").unwrap().unwrap();
        engine.tick(START + 7_200_000);
        (2..2 + others).for_each(|device| drop(hear(&mut engine, &batch(device, 0, 7_200_000))));
        engine.revive(&parked).unwrap();
        assert_eq!(engine.knows("devkit-1"), others == 2);
    }
}

#[test]
fn a_batch_without_values_makes_no_series() {
    let mut engine = Engine::default();
    engine.take(&Batch { rows: vec![Row(0, vec![None; 10])], ..batch(1, 1, 0) });
    assert_eq!(engine.census().series, 0);
    assert_eq!(engine.census().devices, 1);
}

/// What a second of many devices tells that have nothing in common; none of them is heard in some minutes.
fn second_of_many(engine: &mut Engine, at: i64) -> Vec<Vec<Change>> {
    let mut told = vec![engine.tick(START + at * 1000)];
    let is_heard = !(90..200).contains(&at);
    let devices = (0..if is_heard { 100 } else { 0 })
        .map(|device| Batch { build: format!("build-{device}"), ..batch(device, device, at * 1000) });
    told.extend(devices.map(|batch| engine.take(&batch).0));
    told
}

#[test]
fn however_much_happens_at_once_each_word_changes_few_incidents_and_none_is_left_out() {
    let (mut engine, mut other) = (Engine::default(), None);
    let mut told = Vec::new();
    for at in 0..400 {
        let words = second_of_many(&mut engine, at);
        assert!(words.iter().all(|changes| changes.len() <= MOST_CHANGES), "{at}");
        // Somebody who begins in the middle of it tells the rest as this one does.
        if let Some(other) = &mut other {
            assert_eq!(second_of_many(other, at), words, "{at}");
        }
        let words = words.concat();
        if other.is_none() && words.iter().any(|change| matches!(change, Change::Opened(_))) {
            let checkpoint = engine.checkpoint().unwrap();
            let mut begins = Engine::default();
            checkpoint.devices.iter().for_each(|(_, device)| begins.revive(device).unwrap());
            begins.restore(&checkpoint.book).unwrap();
            other = Some(begins);
        }
        told.extend(words);
    }
    let incidents = last_told(&told);
    assert_eq!(incidents.len(), 100);
    assert!(incidents.iter().all(|incident| incident.state == IncidentState::Resolved));
    let opened: BTreeSet<Millis> = incidents.iter().map(|incident| incident.opened_at).collect();
    assert_eq!(opened.len(), 1, "each says when it became true, not when there was room to tell it");
}
