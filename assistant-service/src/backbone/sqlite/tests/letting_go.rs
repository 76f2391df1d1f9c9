//! What was kept long enough goes, and nothing else does.

use std::time::{Duration, Instant};

use time::macros::datetime;

use super::*;
use crate::backbone::TypeFilter;
use crate::backbone::retention::{Class, Limits};
use crate::testing::ManualClock;

const HOUR: Duration = Duration::from_secs(60 * 60);
const MEBIBYTE: usize = 1024 * 1024;

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(datetime!(2026-03-01 12:00:00 UTC)))
}

fn class(name: &str, types: &[&str], max_age: Option<Duration>, max_bytes: Option<u64>) -> Class {
    let types = types.iter().map(|&text| text.to_owned()).collect();
    Class { name: name.to_owned(), types, limits: Limits { max_age, max_bytes } }
}

fn keeping(folder: &Path, classes: Vec<Class>, clock: Arc<ManualClock>) -> SqliteBackbone {
    let retention = Retention { classes, rest: Limits::default() };
    SqliteBackbone::open(folder, retention, clock, Histogram::new([1.0])).unwrap()
}

/// What stands in the file, seen or not.
fn rows(folder: &Path, event_type: &str) -> i64 {
    let store = Connection::open(folder.join("watchgate.sqlite")).unwrap();
    store.query_row("SELECT count(*) FROM events WHERE type = ?1", [event_type], |row| row.get(0)).unwrap()
}

async fn until(mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(60));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn fill(store: &SqliteBackbone, event_type: &str, count: usize) {
    let numbers: Vec<usize> = (0..count).collect();
    for some in numbers.chunks(5_000) {
        let made =
            some.iter().map(|number| event(&format!("{event_type}-{number}"), event_type, "{\"some\":\"json\"}"));
        store.commit(events(made.collect())).await.unwrap();
    }
}

#[tokio::test]
async fn each_class_keeps_to_its_own_age_and_size_and_the_others_are_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let clock = clock();
    let classes =
        || vec![class("small", &["s.*"], None, Some(20 * 1024 * 1024)), class("short", &["t"], Some(HOUR), None)];
    let store = keeping(folder.path(), classes(), Arc::clone(&clock));
    let body = "x".repeat(MEBIBYTE);
    for number in 0..40 {
        let of_each = ["s.x", "other"].map(|name| event(&format!("{name}-{number}"), name, &body));
        store.commit(events(of_each.into())).await.unwrap();
    }
    store.commit(events(vec![event("old", "t", "{}")])).await.unwrap();
    clock.advance(HOUR / 2);
    store.commit(events(vec![event("young", "t", "{}")])).await.unwrap();
    clock.advance(HOUR / 2 + Duration::from_secs(60));
    until(|| rows(folder.path(), "t") == 1 && rows(folder.path(), "s.x") < 40).await;
    drop(store);

    let store = keeping(folder.path(), classes(), clock);
    let kept = usize::try_from(rows(folder.path(), "s.x")).unwrap();
    assert!((12..=20).contains(&kept), "{kept}");
    let every = EventFilter { limit: 1000, ..EventFilter::default() };
    let of_type = |name: &str| EventFilter { event_type: Some(TypeFilter::Exact(name.into())), ..every.clone() };
    let newest: Vec<u64> = (80 - kept * 2..80).step_by(2).map(|place| u64::try_from(place + 1).unwrap()).collect();
    let mut found = Vec::new();
    let mut filter = of_type("s.x");
    loop {
        let (some, next) = positions(&store, filter.clone()).await;
        found.extend(some);
        filter.after = next;
        if next.is_none() {
            break;
        }
    }
    assert_eq!(found, newest);
    assert_eq!(positions(&store, of_type("t")).await, (vec![82], None));
    assert_eq!(rows(folder.path(), "other"), 40);
}

#[tokio::test]
async fn an_event_that_was_let_go_is_not_found_and_its_identity_is_free() {
    let folder = tempfile::tempdir().unwrap();
    let clock = clock();
    let classes = || vec![class("short", &["t"], Some(HOUR), None)];
    let store = keeping(folder.path(), Vec::new(), Arc::clone(&clock));
    drop(store);
    let store = keeping(folder.path(), classes(), Arc::clone(&clock));
    // So many that erasing them takes a while.
    fill(&store, "t", 30_000).await;
    clock.advance(HOUR + HOUR);
    let again = || store.commit(events(vec![event("t-29999", "t", "{}")]));
    let begun = Instant::now();
    let appended = loop {
        let appended = again().await.unwrap().events[0];
        if !appended.is_duplicate {
            break appended;
        }
        assert!(begun.elapsed() < Duration::from_secs(60));
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    let every = EventFilter { limit: 1000, ..EventFilter::default() };
    assert!(rows(folder.path(), "t") > 1, "all were erased before anybody could look");
    assert_eq!(positions(&store, every).await, (vec![appended.position], None));
    assert!(again().await.unwrap().events[0].is_duplicate);
}

#[tokio::test]
async fn commits_go_on_while_a_large_class_is_erased_and_a_restart_goes_on_with_it() {
    const LARGE: usize = 200_000;
    let folder = tempfile::tempdir().unwrap();
    let clock = clock();
    let store = keeping(folder.path(), Vec::new(), Arc::clone(&clock));
    fill(&store, "large", LARGE).await;
    drop(store);

    clock.advance(HOUR + HOUR);
    let short = vec![class("large", &["large"], Some(HOUR), None)];
    // They were kept under the name of the rest: a class takes what comes from now on.
    let retention = Retention { classes: short, rest: Limits { max_age: Some(HOUR), max_bytes: None } };
    let store = SqliteBackbone::open(folder.path(), retention, clock.clone(), Histogram::new([1.0])).unwrap();
    let (mut waits, mut number, mut is_restarted) = (Vec::new(), 0, false);
    let mut store = Some(store);
    let begun = Instant::now();
    loop {
        number += 1;
        let asked = Instant::now();
        let one = event(&format!("small-{number}"), "small", "{}");
        store.as_ref().unwrap().commit(events(vec![one])).await.unwrap();
        waits.push(asked.elapsed());
        let left = usize::try_from(rows(folder.path(), "large")).unwrap();
        if !is_restarted && left < LARGE / 2 {
            drop(store.take());
            // Without any class: what was let go is erased all the same.
            store = Some(keeping(folder.path(), Vec::new(), Arc::clone(&clock)));
            is_restarted = true;
        }
        if left == 0 {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(120), "{left} are left");
    }
    assert!(is_restarted);
    assert_eq!(rows(folder.path(), "small"), number);
    waits.sort();
    let at = |share: f64| {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "small"
        )]
        let place = (waits.len() as f64 * share) as usize;
        waits[place.min(waits.len() - 1)]
    };
    println!(
        "erased {LARGE} events in {:?} beside {} commits: median {:?}, p99 {:?}, most {:?}",
        begun.elapsed(),
        waits.len(),
        at(0.5),
        at(0.99),
        at(1.0)
    );
    assert!(at(1.0) < Duration::from_secs(5), "{:?}", at(1.0));
}
