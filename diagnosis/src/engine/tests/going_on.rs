//! Parked, revived, copied and begun again anywhere: nothing that is told depends on it.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::lab::{DEVICES, Fault, START, Second, hear, of_second, play};
use crate::engine::{Change, Engine, InvalidParked, Limits};

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

#[test]
fn what_another_version_has_kept_is_refused_however_well_its_length_fits() {
    let mut engine = Engine::default();
    play(&mut engine, 1, 0..30, much);
    let mut book = engine.save_book().unwrap();
    let mut device = engine.copy("devkit-00").unwrap().unwrap();
    for (number, kept) in [&mut book, &mut device].into_iter().enumerate() {
        let mut other = Engine::default();
        let mut read = |kept: &[u8]| if number == 0 { other.restore(kept) } else { other.revive(kept) };
        read(kept).unwrap();
        let [higher, lower] = (crate::form::FORM + 1).to_be_bytes();
        (kept[0], kept[1]) = (higher, lower);
        assert!(matches!(read(kept), Err(InvalidParked::OtherForm(form)) if form == crate::form::FORM + 1));
        assert!(matches!(read(&kept[..1]), Err(InvalidParked::Bytes(_))));
    }
}

/// An engine, and what is kept of devices that are not in its memory.
struct InPieces {
    engine: Engine,
    kept: BTreeMap<String, Vec<u8>>,
}

impl InPieces {
    fn second(&mut self, at: i64, fault: Fault) -> Vec<Change> {
        let mut told = self.engine.tick(START + at * 1000);
        for batch in of_second(1, at, fault) {
            if self.engine.needs(&batch)
                && let Some(kept) = self.kept.get(&batch.device)
            {
                self.engine.revive(kept).unwrap();
            }
            told.extend(hear(&mut self.engine, &batch));
        }
        told
    }
}

/// What an engine in pieces tells, and what it knows at the end: at each of these seconds some devices are parked, and at `moves` another engine goes
/// on from a checkpoint and what came after it.
fn told_in_pieces(
    limits: Limits,
    fault: Fault,
    parks: &[(i64, usize)],
    copied_at: i64,
    moves: i64,
) -> (Vec<Change>, Vec<u8>) {
    let mut told = Vec::new();
    let mut pieces = InPieces { engine: Engine::new(limits), kept: BTreeMap::new() };
    let (mut kept, mut book) = (BTreeMap::new(), Vec::new());
    for at in 0..SECONDS {
        if at == copied_at {
            // What is parked is kept as it is.
            kept.clone_from(&pieces.kept);
            let checkpoint = pieces.engine.checkpoint().unwrap();
            kept.extend(checkpoint.devices);
            book = checkpoint.book;
        }
        if at == moves {
            pieces = InPieces { engine: Engine::new(limits), kept: kept.clone() };
            pieces.engine.restore(&book).unwrap();
            (copied_at..moves).for_each(|at| drop(pieces.second(at, fault)));
        }
        told.extend(pieces.second(at, fault));
        for (_, device) in parks.iter().filter(|(when, _)| *when == at) {
            let device = format!("devkit-{device:02}");
            if let Some(bytes) = pieces.engine.park(&device).unwrap() {
                assert!(!pieces.engine.knows(&device));
                pieces.kept.insert(device, bytes);
            }
        }
    }
    (told, pieces.engine.save_book().unwrap())
}

/// Each device is not heard for some minutes, in turn, and all have another build now and then.
fn in_turn(device: usize, at: i64, second: &mut Second) {
    much(device, at, second);
    second.is_told &= (at / 50 + device as i64) % 12 > 2;
    second.ends = false;
}

const NARROW: Limits = Limits { series: 30, series_of_a_device: 4, devices: 11 };

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn nothing_that_is_told_depends_on_parking_or_on_beginning_again(
        parks in proptest::collection::vec((0..SECONDS, 0..DEVICES), 0..40),
        copied_at in 1..SECONDS - 1,
        after in 0..200_i64,
    ) {
        let moves = (copied_at + after).min(SECONDS - 1);
        let whole = told_in_pieces(Limits::default(), much, &[], SECONDS, SECONDS);
        prop_assert_eq!(&whole.0, &play(&mut Engine::default(), 1, 0..SECONDS, much));
        prop_assert_eq!(whole, told_in_pieces(Limits::default(), much, &parks, copied_at, moves));
    }

    #[test]
    fn what_goes_for_want_of_room_is_the_same_for_whoever_begins_again(
        parks in proptest::collection::vec((0..SECONDS, 0..DEVICES), 0..40),
        copied_at in 1..SECONDS - 1,
        after in 0..200_i64,
    ) {
        let moves = (copied_at + after).min(SECONDS - 1);
        let whole = told_in_pieces(NARROW, in_turn, &[], SECONDS, SECONDS);
        prop_assert_eq!(whole, told_in_pieces(NARROW, in_turn, &parks, copied_at, moves));
    }
}

#[test]
fn there_is_something_to_forget_in_what_is_played() {
    let mut pieces = InPieces { engine: Engine::new(NARROW), kept: BTreeMap::new() };
    let told: Vec<Change> = (0..SECONDS).flat_map(|at| pieces.second(at, in_turn)).collect();
    assert!(pieces.engine.census().forgotten > 30, "{:?}", pieces.engine.census());
    assert!(!told.is_empty());
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
