use std::time::Duration;

use super::*;
use crate::probe::check::Outcome;

const CHECKS: [Check; 2] = [Check::Event, Check::Ask];

fn receivers(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn open(folder: &tempfile::TempDir, names: &[&str]) -> Outbox {
    Outbox::open(folder.path().join("state.json"), &receivers(names), &CHECKS, 0).unwrap()
}

fn failed(check: Check) -> Finding {
    Finding { check, outcome: Outcome::Failed("no".to_owned()), took: Duration::ZERO }
}

fn passed(check: Check) -> Finding {
    Finding { check, outcome: Outcome::Passed("yes".to_owned()), took: Duration::ZERO }
}

async fn fail(outbox: &Outbox, check: Check) {
    for _ in 0..2 {
        outbox.take(&[failed(check)], 1).await;
    }
}

async fn waiting(outbox: &Outbox, receiver: &str) -> usize {
    outbox.standing().await.waiting[receiver]
}

#[tokio::test]
async fn what_was_not_delivered_is_there_after_a_restart_and_what_was_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(&folder, &["ops", "bus"]);
    fail(&outbox, Check::Ask).await;
    let notice = outbox.next("ops").await;
    outbox.delivered("ops", &notice).await;
    drop(outbox);

    let outbox = open(&folder, &["ops", "bus"]);
    assert_eq!((waiting(&outbox, "ops").await, waiting(&outbox, "bus").await), (0, 1));
    // It is still failing, and that is not told again.
    fail(&outbox, Check::Ask).await;
    assert_eq!((waiting(&outbox, "ops").await, waiting(&outbox, "bus").await), (0, 1));
    assert_eq!(outbox.next("bus").await, notice);
    // Its end is told to both, to one of them after its beginning.
    outbox.take(&[passed(Check::Ask)], 2).await;
    assert_eq!(outbox.next("ops").await.ended, Some(2));
    assert_eq!((waiting(&outbox, "bus").await, outbox.next("bus").await.ended), (2, None));
}

#[tokio::test]
async fn whoever_waits_is_woken_by_a_notice() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(&folder, &["ops"]);
    let (heard, ()) = tokio::join!(outbox.next("ops"), async {
        tokio::task::yield_now().await;
        fail(&outbox, Check::Event).await;
    });
    assert_eq!(heard.alert.check, Check::Event);
}

#[tokio::test]
async fn a_receiver_that_is_gone_has_no_row_and_a_new_one_hears_of_what_comes() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(&folder, &["old"]);
    fail(&outbox, Check::Ask).await;
    drop(outbox);
    let outbox = open(&folder, &["new"]);
    assert_eq!(outbox.standing().await.waiting, BTreeMap::from([("new".to_owned(), 0)]));
    fail(&outbox, Check::Event).await;
    assert_eq!(waiting(&outbox, "new").await, 1);
}

#[tokio::test]
async fn an_alert_of_a_check_that_is_made_no_more_is_over_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(&folder, &["ops"]);
    fail(&outbox, Check::Ask).await;
    drop(outbox);
    let path = folder.path().join("state.json");
    let outbox = Outbox::open(path, &receivers(&["ops"]), &[Check::Event], 9).unwrap();
    assert!(outbox.alerts().await.is_empty());
    let begun = outbox.next("ops").await;
    outbox.delivered("ops", &begun).await;
    assert_eq!((begun.ended, outbox.next("ops").await.ended), (None, Some(9)));
}

#[tokio::test]
async fn a_row_that_is_full_loses_its_oldest_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(&folder, &["ops"]);
    // Written once: the file is not what is tested here.
    let mut state = outbox.state.lock().await;
    let alert = |since| Alert { id: uuid::Uuid::now_v7(), check: Check::Ask, since, reason: String::new() };
    for since in 0..=i64::try_from(MOST_WAITING).unwrap() {
        state.add(&Notice { alert: alert(since), ended: None });
    }
    drop(state);
    let standing = outbox.standing().await;
    assert_eq!((standing.waiting["ops"], standing.dropped), (MOST_WAITING, 1));
    assert_eq!(outbox.next("ops").await.alert.since, 1);
}

#[tokio::test]
async fn a_state_file_is_one_probes_alone_and_one_that_is_broken_is_not_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    let first = open(&folder, &["ops"]);
    let second = Outbox::open(path.clone(), &receivers(&["ops"]), &CHECKS, 0);
    assert!(second.err().unwrap().to_string().contains("another probe"));
    drop(first);
    std::fs::write(&path, "{\"alerts\": [").unwrap();
    let broken = Outbox::open(path, &receivers(&["ops"]), &CHECKS, 0);
    assert!(broken.err().unwrap().to_string().contains("is no state file"));
}
