//! Against a receiver that does what the test says, with a clock that stands.

use std::sync::Mutex;

use anyhow::bail;
use tokio::time::Instant;

use super::*;
use crate::probe::alerts::Origin;
use crate::probe::check::{Check, Finding, Outcome};

/// Refuses until the moment that it is told, and writes down what it hears and when.
struct Scripted {
    begun: Instant,
    takes_from: Duration,
    tried: Mutex<Vec<Duration>>,
    heard: Mutex<Vec<(Check, bool)>>,
}

impl Receiver for Scripted {
    fn name(&self) -> &str {
        "ops"
    }

    async fn tell(&self, notice: &Notice) -> anyhow::Result<()> {
        self.tried.lock().unwrap().push(self.begun.elapsed());
        if self.begun.elapsed() < self.takes_from {
            bail!("not yet");
        }
        self.heard.lock().unwrap().push((notice.alert.check, notice.ended.is_some()));
        Ok(())
    }
}

fn scripted(takes_from: Duration) -> Scripted {
    Scripted { begun: Instant::now(), takes_from, tried: Mutex::default(), heard: Mutex::default() }
}

fn open(folder: &tempfile::TempDir) -> Outbox {
    let path = folder.path().join("state.json");
    Outbox::open(path, &["ops".to_owned()], &[Check::Ask, Check::Event], &Origin::default(), 0).unwrap()
}

async fn outbox(folder: &tempfile::TempDir) -> Outbox {
    let outbox = open(folder);
    for (check, outcome) in [
        (Check::Ask, Outcome::Failed(String::new())),
        (Check::Ask, Outcome::Failed(String::new())),
        (Check::Event, Outcome::Failed(String::new())),
        (Check::Event, Outcome::Failed(String::new())),
        (Check::Ask, Outcome::Passed(String::new())),
    ] {
        outbox.take(&[Finding { check, outcome, took: Duration::ZERO }], 0).await;
    }
    outbox
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_was_away_for_hours_hears_everything_once_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let (outbox, receiver) = (outbox(&folder).await, scripted(Duration::from_secs(2 * 3600)));
    let _ = tokio::time::timeout(Duration::from_secs(3 * 3600), deliver(&receiver, &outbox, &Metrics::default())).await;
    let heard = receiver.heard.lock().unwrap().clone();
    assert_eq!(heard, [(Check::Ask, false), (Check::Event, false), (Check::Ask, true)]);
    let tried = receiver.tried.lock().unwrap().clone();
    // Waits grow: some fifty tries in two hours, and not thousands; and it is told soon after it is back.
    assert!((20..80).contains(&tried.len()), "{} tries", tried.len());
    assert!(tried[tried.len() - 1] < receiver.takes_from + LONGEST_WAIT);
    assert_eq!(outbox.standing().await.waiting["ops"], 0);
}

#[tokio::test(start_paused = true)]
async fn what_a_receiver_has_taken_is_not_told_again_by_the_next_process() {
    let folder = tempfile::tempdir().unwrap();
    let first = outbox(&folder).await;
    let receiver = scripted(Duration::ZERO);
    let _ = tokio::time::timeout(Duration::from_secs(1), deliver(&receiver, &first, &Metrics::default())).await;
    assert_eq!(receiver.heard.lock().unwrap().len(), 3);
    drop(first);
    let second = open(&folder);
    let again = scripted(Duration::ZERO);
    let _ = tokio::time::timeout(Duration::from_secs(600), deliver(&again, &second, &Metrics::default())).await;
    assert!(again.heard.lock().unwrap().is_empty());
}
