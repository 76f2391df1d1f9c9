use std::time::Duration;

use super::*;
use crate::probe::check::Outcome;

const CHECKS: [Check; 2] = [Check::Event, Check::Ask];

fn receivers(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn open(folder: &tempfile::TempDir, names: &[&str]) -> Outbox {
    Outbox::open(folder.path().join("state.json"), &receivers(names), &CHECKS, &Origin::default(), 0).unwrap()
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

fn alert(since: i64) -> Alert {
    let (id, reason) = (uuid::Uuid::now_v7(), String::new());
    Alert { id, check: Check::Ask, since, reason, origin: Origin::default() }
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
async fn a_receiver_that_is_gone_has_no_row_and_a_new_one_hears_of_what_fires_and_of_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(&folder, &["old"]);
    fail(&outbox, Check::Ask).await;
    drop(outbox);
    let outbox = open(&folder, &["new"]);
    assert_eq!(outbox.standing().await.waiting, BTreeMap::from([("new".to_owned(), 1)]));
    outbox.take(&[passed(Check::Ask)], 2).await;
    let begun = outbox.next("new").await;
    outbox.delivered("new", &begun).await;
    let over = outbox.next("new").await;
    assert_eq!((begun.ended, over.ended, begun.alert), (None, Some(2), over.alert));
    // It is told of once, however often the probe begins.
    drop(outbox);
    assert_eq!(waiting(&open(&folder, &["new"]), "new").await, 1);
}

#[tokio::test]
async fn what_the_gate_let_through_is_known_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(&folder, &["ops"]);
    let let_through = BTreeSet::from([Attack::ForeignKey, Attack::AlgorithmNone]);
    outbox.keep_let_through(let_through.clone()).await;
    drop(outbox);
    assert_eq!(open(&folder, &["ops"]).let_through().await, let_through);
}

#[tokio::test]
async fn the_state_of_an_older_probe_is_read_and_its_alerts_are_of_this_gateway_from_now_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.json");
    let old = r#"{"id": "00000000-0000-0000-0000-000000000007", "check": "ask", "since": 1, "reason": "no"}"#;
    let state = format!(r#"{{"alerts": [{old}], "waiting": {{"ops": [{{"alert": {old}, "ended": null}}]}}}}"#);
    std::fs::write(&path, state).unwrap();
    let origin = |gateway: &str| Origin { gateway: gateway.to_owned(), labels: BTreeMap::new() };
    for gateway in ["https://here.example.com", "https://elsewhere.example.com"] {
        let outbox = Outbox::open(path.clone(), &receivers(&["ops"]), &CHECKS, &origin(gateway), 0).unwrap();
        let alert = outbox.next("ops").await.alert;
        assert_eq!(alert.origin, origin("https://here.example.com"));
        assert_eq!(outbox.alerts().await, [alert]);
        assert!(outbox.let_through().await.is_empty());
    }
}

#[tokio::test]
async fn what_would_be_too_large_to_be_opened_again_loses_the_oldest_of_the_longest_row() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(&folder, &["ops", "bus"]);
    let mut state = outbox.state.lock().await;
    for since in 0..64 {
        state.add(&Notice { alert: alert(since), ended: None });
    }
    state.waiting.get_mut("bus").unwrap().truncate(8);
    state.file.most_bytes = 6000;
    state.write();
    assert!(state.is_kept);
    drop(state);
    assert!(std::fs::metadata(folder.path().join("state.json")).unwrap().len() <= 6000);
    let standing = outbox.standing().await;
    assert_eq!((standing.waiting["bus"], standing.dropped), (8, 64 - standing.waiting["ops"] as u64));
    let last = outbox.state.lock().await.waiting["ops"].last().unwrap().alert.since;
    assert_eq!(last, 63);
}

#[tokio::test]
async fn an_alert_of_a_check_that_is_made_no_more_is_over_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(&folder, &["ops"]);
    fail(&outbox, Check::Ask).await;
    drop(outbox);
    let path = folder.path().join("state.json");
    let outbox = Outbox::open(path, &receivers(&["ops"]), &[Check::Event], &Origin::default(), 9).unwrap();
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
    let second = Outbox::open(path.clone(), &receivers(&["ops"]), &CHECKS, &Origin::default(), 0);
    assert!(second.err().unwrap().to_string().contains("another probe"));
    drop(first);
    std::fs::write(&path, "{\"alerts\": [").unwrap();
    let broken = Outbox::open(path, &receivers(&["ops"]), &CHECKS, &Origin::default(), 0);
    assert!(broken.err().unwrap().to_string().contains("is no state file"));
}
