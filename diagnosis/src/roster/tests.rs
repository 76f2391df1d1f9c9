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
