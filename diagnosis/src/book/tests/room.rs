use crate::batch::{Batch, Row};
use crate::book::{Book, MOST_ALARMS, MOST_ALARMS_OF_A_DEVICE, MOST_OPENED, MOST_SETTLED};
use crate::detector::{Direction, Kind};
use crate::engine::Change;
use crate::roster::Roster;
use crate::series::SeriesKey;
use crate::watch::{Finding, Signal};

const NOW: i64 = 1_793_600_000_000;

fn sound(book: &mut Book, roster: &Roster, device: usize, metric: usize, kind: Kind) {
    let [build, scene] = ["1", "menu"].map(str::to_owned);
    let key = SeriesKey { device: format!("devkit-{device}"), build, scene, metric: format!("metric-{metric}") };
    let finding = Finding { kind, direction: Direction::Up, began_at: NOW, before: 1.0, now: 2.0, score: 1.0 };
    book.signal(key, Signal::Open(finding), NOW, roster, &[]);
}

/// A roster that has heard these devices at [`NOW`].
fn heard(devices: usize) -> Roster {
    let mut roster = Roster::default();
    roster.tick(NOW);
    for device in 0..devices {
        let rows = vec![Row(0, Vec::new())];
        roster.hear(&Batch { device: format!("devkit-{device}"), start: NOW, rows, ..Batch::default() });
    }
    roster
}

#[test]
fn one_device_does_not_use_up_the_room_of_all() {
    let (mut book, roster) = (Book::default(), heard(2));
    (0..500).for_each(|metric| sound(&mut book, &roster, 0, metric, Kind::LevelShift));
    assert_eq!(book.open().1, MOST_ALARMS_OF_A_DEVICE);
    sound(&mut book, &roster, 1, 0, Kind::LevelShift);
    assert_eq!(book.open().1, MOST_ALARMS_OF_A_DEVICE + 1);
    sound(&mut book, &roster, 0, 500, Kind::Silence);
    assert_eq!(book.open().1, MOST_ALARMS_OF_A_DEVICE + 2, "a device that is missed is always told of");
}

#[test]
fn when_there_are_too_many_a_device_that_has_none_still_gets_one() {
    let full = MOST_ALARMS.div_ceil(MOST_ALARMS_OF_A_DEVICE);
    let (mut book, roster) = (Book::default(), heard(full + 1));
    for device in 0..full {
        (0..MOST_ALARMS_OF_A_DEVICE).for_each(|metric| sound(&mut book, &roster, device, metric, Kind::LevelShift));
    }
    let before = book.open().1;
    assert!((MOST_ALARMS..MOST_ALARMS + MOST_ALARMS_OF_A_DEVICE).contains(&before), "{before}");
    (0..5).for_each(|metric| sound(&mut book, &roster, full, metric, Kind::LevelShift));
    assert_eq!(book.open().1, before + 1);
}

#[test]
fn thousands_of_alarms_without_anything_in_common_are_looked_through_a_few_at_a_time() {
    const CROWD: usize = 3000;
    let (mut book, mut roster) = (Book::default(), heard(CROWD));
    // Two devices of one site, which come after all others in the order of names.
    let ours = ["z-1", "z-2"].map(str::to_owned);
    for device in &ours {
        let traits = std::iter::once(("site".to_owned(), "lab".to_owned())).collect();
        roster.hear(&Batch { device: device.clone(), start: NOW, traits, ..Batch::default() });
    }
    let crowd = (0..CROWD).map(|device| format!("devkit-{device}"));
    for device in crowd.chain(ours.clone()) {
        let key = SeriesKey { device, metric: "FrameTime".to_owned(), ..SeriesKey::default() };
        let (kind, direction) = (Kind::LevelShift, Direction::Up);
        let finding = Finding { kind, direction, began_at: NOW, before: 1.0, now: 2.0, score: 1.0 };
        book.signal(key, Signal::Open(finding), NOW, &roster, &[]);
    }
    let waiting = |book: &Book| book.alarms.values().filter(|alarm| alarm.waits()).count();
    let (mut opened, mut words) = (Vec::new(), 0);
    while waiting(&book) > 0 {
        let before = waiting(&book);
        let changes = book.settle(NOW + 20_000, &roster, |_, _| true);
        opened.extend(changes.into_iter().filter_map(|change| match change {
            Change::Opened(incident) => Some(incident),
            _ => None,
        }));
        words += 1;
        let settled = before - waiting(&book);
        assert!((1..=MOST_SETTLED).contains(&settled), "{settled}");
        assert!(opened.len() <= words * MOST_OPENED);
    }
    assert_eq!(opened.len(), CROWD + 1, "each of the crowd is one, and the two are one");
    let both: Vec<_> = ours.iter().filter_map(|device| book.of(device).next()?.1.incident()).collect();
    assert_eq!(both.len(), 2);
    assert_eq!(both[0], both[1]);
}
