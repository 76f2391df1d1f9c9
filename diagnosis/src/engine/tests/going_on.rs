//! Parked, revived, copied and begun again anywhere: nothing that is told depends on it.

use proptest::prelude::*;

use super::lab::{DEVICES, START, Second, of_second, play};
use crate::engine::{Change, Engine};

const SECONDS: i64 = 800;

/// A bad build, a device that falls silent and comes back, one that ends, and a short fault, so that every kind of state is there.
fn much(device: usize, at: i64, second: &mut Second) {
    match device {
        0..4 if at >= 300 => {
            second.build = "2026.11.3";
            second.values[0] *= 1.8;
        }
        6 => second.is_told = !(250..450).contains(&at),
        7 => {
            second.is_told = at <= 350;
            second.ends = at == 350;
        }
        9 if (200..260).contains(&at) => second.values[2] *= 0.1,
        _ => {}
    }
}

#[test]
fn the_same_samples_are_told_the_same_way() {
    let told = play(&mut Engine::default(), 1, 0..SECONDS, much);
    assert!(told.iter().filter(|change| matches!(change, Change::Opened(_))).count() >= 3, "{told:#?}");
    assert!(told.iter().any(|change| matches!(change, Change::Resolved(_))));
    assert_eq!(told, play(&mut Engine::default(), 1, 0..SECONDS, much));
}

/// What an engine in pieces tells: at each of these seconds some devices are parked, and at `moves` another engine goes on from a checkpoint
/// and what came after it.
fn told_in_pieces(parks: &[(i64, usize)], copied_at: i64, moves: i64) -> Vec<Change> {
    let mut told = Vec::new();
    let mut engine = Engine::default();
    let mut parked: Vec<(String, Vec<u8>)> = Vec::new();
    let mut kept = Vec::new();
    let mut book = Vec::new();
    for at in 0..SECONDS {
        if at == copied_at {
            let checkpoint = engine.checkpoint().unwrap();
            kept.extend(checkpoint.devices);
            // What is parked is kept as it is.
            kept.extend(parked.iter().cloned());
            book = checkpoint.book;
        }
        if at == moves {
            engine = Engine::default();
            for (_, device) in &kept {
                engine.revive(device).unwrap();
            }
            engine.restore(&book).unwrap();
            parked.clear();
            play(&mut engine, 1, copied_at..moves, much);
        }
        told.extend(engine.tick(START + at * 1000));
        for batch in of_second(1, at, much) {
            if engine.needs(&batch)
                && let Some(place) = parked.iter().position(|(device, _)| *device == batch.device)
            {
                engine.revive(&parked.remove(place).1).unwrap();
            }
            told.extend(engine.take(&batch).0);
        }
        for (_, device) in parks.iter().filter(|(when, _)| *when == at) {
            let device = format!("devkit-{device:02}");
            if let Some(bytes) = engine.park(&device).unwrap() {
                assert!(!engine.knows(&device));
                parked.push((device, bytes));
            }
        }
    }
    told
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn nothing_that_is_told_depends_on_parking_or_on_beginning_again(
        parks in proptest::collection::vec((0..SECONDS, 0..DEVICES), 0..40),
        copied_at in 1..SECONDS - 1,
        after in 0..200_i64,
    ) {
        let whole = play(&mut Engine::default(), 1, 0..SECONDS, much);
        prop_assert_eq!(whole, told_in_pieces(&parks, copied_at, (copied_at + after).min(SECONDS - 1)));
    }
}

#[test]
fn only_what_changed_is_copied() {
    let mut engine = Engine::default();
    play(&mut engine, 1, 0..30, |_, _, _| {});
    assert_eq!(engine.checkpoint().unwrap().devices.len(), DEVICES);
    play(&mut engine, 1, 30..31, |device, _, second| second.is_told = device == 3);
    assert_eq!(engine.changed_devices(), ["devkit-03"]);
    assert_eq!(engine.checkpoint().unwrap().devices.len(), 1);
    assert_eq!(engine.checkpoint().unwrap().devices.len(), 0);
}

#[test]
fn who_was_not_heard_for_ten_minutes_is_idle() {
    let mut engine = Engine::default();
    play(&mut engine, 1, 0..700, |device, at, second| second.is_told = device != 3 || at < 50);
    assert_eq!(engine.idle_devices(START + 700_000), ["devkit-03"]);
    assert!(engine.park("devkit-03").unwrap().is_some());
    assert_eq!(engine.idle_devices(START + 700_000), Vec::<String>::new());
    assert!(engine.park("devkit-03").unwrap().is_none());
}

#[test]
fn time_in_which_nobody_listened_is_no_silence() {
    let mut engine = Engine::default();
    play(&mut engine, 1, 0..300, |_, _, _| {});
    engine.resume(START + 1_000_000);
    assert_eq!(engine.tick(START + 1_001_000), []);
    assert_eq!(engine.tick(START + 1_080_000).len(), 1, "all of them, as one");
}

#[test]
fn bytes_that_are_no_parked_device_or_book_are_refused() {
    let mut engine = Engine::default();
    assert!(engine.revive(&[255; 40]).is_err());
    assert!(engine.restore(&[255; 40]).is_err());
    assert_eq!(engine.census(), Engine::default().census());
}
