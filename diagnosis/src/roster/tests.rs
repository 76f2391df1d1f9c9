use super::*;
use crate::batch::Row;

fn batch(start: Millis, build: &str, scene: &str) -> Batch {
    let [device, build, scene] = ["console-1", build, scene].map(str::to_owned);
    Batch { device, build, scene, start, rows: vec![Row(0, Vec::new())], ..Batch::default() }
}

fn heard(roster: &mut Roster, now: Millis, batch: &Batch) -> (String, String) {
    roster.tick(now);
    roster.hear(batch);
    let device = roster.get("console-1").unwrap();
    (device.build.clone(), device.scene.clone())
}

fn known(build: &str, scene: &str) -> (String, String) {
    (build.to_owned(), scene.to_owned())
}

const NOW: Millis = 1_793_600_000_000;

#[test]
fn what_comes_late_says_nothing_of_the_present() {
    let mut roster = Roster::default();
    assert_eq!(heard(&mut roster, NOW, &batch(NOW, "1", "menu")), known("1", "menu"));
    assert_eq!(heard(&mut roster, NOW + 9000, &batch(NOW + 9000, "2", "menu")), known("2", "menu"));
    assert_eq!(heard(&mut roster, NOW + 9500, &batch(NOW + 8000, "1", "menu")), known("2", "menu"));
    assert_eq!(
        heard(&mut roster, NOW + 400_000, &batch(NOW + 8500, "1", "menu")),
        known("2", "menu"),
        "nor what is older"
    );
    assert_eq!(roster.get("console-1").unwrap().build_since, Some(NOW + 9000));
}

#[test]
fn who_says_no_build_and_no_scene_says_nothing_of_them() {
    let mut roster = Roster::default();
    heard(&mut roster, NOW, &batch(NOW, "1", "menu"));
    assert_eq!(heard(&mut roster, NOW + 1000, &batch(NOW + 1000, "", "")), known("1", "menu"));
    assert_eq!(heard(&mut roster, NOW + 2000, &batch(NOW + 2000, "", "harbour")), known("1", "harbour"));
    assert_eq!(roster.get("console-1").unwrap().build_since, None);
}

#[test]
fn a_clock_that_was_set_back_is_followed_after_twenty_batches() {
    let mut roster = Roster::default();
    heard(&mut roster, NOW, &batch(NOW, "1", "menu"));
    for number in 1..20 {
        assert_eq!(heard(&mut roster, NOW + number, &batch(number, "2", "menu")), known("1", "menu"), "{number}");
    }
    assert_eq!(heard(&mut roster, NOW + 20, &batch(20, "2", "menu")), known("2", "menu"));
    assert_eq!(heard(&mut roster, NOW + 21, &batch(21, "3", "menu")), known("3", "menu"));
}

#[test]
fn a_clock_that_is_far_ahead_is_not_believed() {
    let mut roster = Roster::default();
    heard(&mut roster, NOW, &batch(NOW + 3_600_000, "1", "menu"));
    assert_eq!(roster.get("console-1").unwrap().newest, NOW);
    assert_eq!(heard(&mut roster, NOW + 1000, &batch(NOW + 1000, "2", "menu")), known("2", "menu"));
}

#[test]
fn a_session_that_ends_by_a_clock_that_was_set_back_has_ended() {
    let mut roster = Roster::default();
    heard(&mut roster, NOW, &batch(NOW, "1", "menu"));
    heard(&mut roster, NOW + 1000, &Batch { ends: true, ..batch(5, "1", "menu") });
    assert!(roster.get("console-1").unwrap().has_ended());
}

/// When a device is missed, in seconds, that is heard at these, with a tick each second until it is missed.
fn missed_at(seconds: impl IntoIterator<Item = i64>) -> Option<i64> {
    let (mut roster, mut told) = (Roster::default(), seconds.into_iter().peekable());
    let at = |second: i64| NOW + second * 1000;
    (0..24 * 3600).find(|second| {
        let is_missed = !roster.tick(at(*second)).is_empty();
        while told.next_if_eq(second).is_some() {
            roster.hear(&batch(at(*second), "1", "menu"));
        }
        is_missed
    })
}

#[test]
fn one_crash_before_a_device_is_known_does_not_make_anybody_wait_for_hours() {
    for crashes_at in [1, 2, 10, 59] {
        let back_at = crashes_at + 50 * 60;
        let missed = missed_at((0..crashes_at).chain(back_at..back_at + 300));
        assert_eq!(missed, Some(back_at + 299 + 60), "{crashes_at}");
    }
}

#[test]
fn who_comes_back_after_a_crash_is_not_missed_before_it_is_heard_for_a_minute() {
    let back_at = 50 * 60;
    assert_eq!(missed_at((0..30).chain(back_at..back_at + 50)), None);
}

#[test]
fn who_tells_much_at_once_every_five_minutes_is_missed_when_that_does_not_come_and_not_before() {
    for at_once in [1, 2, 30] {
        let pairs = |pairs: i64| (0..pairs).flat_map(move |pair| vec![pair * 300; at_once]);
        assert_eq!(missed_at(pairs(300)), None, "{at_once}: it goes on for more than a day");
        let missed = missed_at(pairs(100)).unwrap() - 99 * 300;
        assert!((1200..1800).contains(&missed), "{at_once}: {missed} s after the last");
    }
}
