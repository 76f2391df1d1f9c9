use crate::batch::{Batch, Row};
use crate::book::{Book, MOST_ALARMS, MOST_ALARMS_OF_A_DEVICE};
use crate::detector::{Direction, Kind};
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
