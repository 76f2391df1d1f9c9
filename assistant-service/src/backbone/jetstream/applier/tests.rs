use std::thread::JoinHandle;

use bytes::Bytes;
use rusqlite::Connection;
use time::OffsetDateTime;
use tokio::time::timeout;

use super::*;
use crate::backbone::jetstream::in_hand::{self, Handing};
use crate::backbone::store::{Durability, StoreFolder};
use crate::backbone::{Batch, NewEvent};

const RECORD_BYTES: usize = 4 * 1024 * 1024;

/// As many of those as may be in hand.
const FITTING: u64 = 8;

const ENOUGH: Duration = Duration::from_secs(30);

/// An applier at work on a store of its own.
struct AtWork {
    handing: Handing,
    applied: watch::Receiver<Applied>,
    ending: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

fn start(folder: &std::path::Path) -> AtWork {
    let folder = StoreFolder::take(folder).unwrap();
    let ledger = folder.ledger(Durability::Rebuildable).unwrap();
    let (newest, _) = Newest::channel(ledger.stand());
    let (applied, retention) = (watch::Sender::new(Applied::of(&ledger)), Arc::<Retention>::default());
    let known = applied.subscribe();
    let (pending, numbering) = (Arc::default(), Numbering::default());
    let applier = Applier { ledger, wal: folder.wal(), newest, retention, pending, numbering, applied };
    let (handing, records) = in_hand::channel();
    let (ending, ended) = oneshot::channel();
    let thread = std::thread::spawn(move || applier.run(records, ended));
    AtWork { handing, applied: known, ending, thread }
}

/// The text of a record of so many bytes and a few more.
fn record(sequence: u64, bytes: usize) -> Bytes {
    let padding = "x".repeat(bytes);
    let json =
        format!(r#"{{"specversion":"1.0","id":"{sequence}","source":"urn:test","type":"t","data":"{padding}"}}"#);
    let events = vec![NewEvent::from_json(json).unwrap()];
    let (answer, _) = oneshot::channel();
    let job = Job { batch: Batch { events, puts: Vec::new() }, floors: Vec::new(), answer };
    record::encode(&[job], &Retention::default()).unwrap()
}

async fn hand_over(handing: &Handing, sequence: u64, payload: Bytes) {
    let room = handing.room_for(payload.len()).await.unwrap();
    let name = sequence.to_string();
    let record = Arrived { sequence, time: OffsetDateTime::UNIX_EPOCH, name, payload, _room: room };
    handing.hand_over(record).await.unwrap();
}

#[tokio::test]
async fn while_the_store_takes_nothing_no_more_is_in_hand_than_a_bound_in_bytes_and_then_all_is_applied() {
    let folder = tempfile::tempdir().unwrap();
    let AtWork { handing, mut applied, ending, thread } = start(folder.path());
    let busy = Connection::open(folder.path().join("watchgate.sqlite")).unwrap();
    busy.execute_batch("BEGIN IMMEDIATE").unwrap();
    // A little less than that, for what is around the event.
    let payload = |sequence| record(sequence, RECORD_BYTES - 1024);
    for sequence in 1..=FITTING {
        timeout(ENOUGH, hand_over(&handing, sequence, payload(sequence))).await.unwrap();
    }
    let beyond = Duration::from_millis(300);
    let next = timeout(beyond, hand_over(&handing, FITTING + 1, payload(FITTING + 1))).await;
    assert!(next.is_err(), "more is in hand than there is room for");
    busy.execute_batch("COMMIT").unwrap();
    for sequence in FITTING + 1..=3 * FITTING {
        timeout(ENOUGH, hand_over(&handing, sequence, payload(sequence))).await.unwrap();
    }
    timeout(ENOUGH, applied.wait_for(|applied| applied.sequence == 3 * FITTING)).await.unwrap().unwrap();
    drop(ending);
    thread.join().unwrap();
    assert!(handing.room_for(1).await.is_err(), "there is room although nobody applies any more");
}

#[tokio::test]
async fn a_record_larger_than_all_of_the_room_is_applied_alone() {
    let folder = tempfile::tempdir().unwrap();
    let AtWork { handing, mut applied, ending, thread } = start(folder.path());
    for sequence in 1..=2 {
        let large = record(sequence, 10 * RECORD_BYTES);
        timeout(ENOUGH, hand_over(&handing, sequence, large)).await.unwrap();
    }
    timeout(ENOUGH, applied.wait_for(|applied| applied.sequence == 2)).await.unwrap().unwrap();
    drop(ending);
    thread.join().unwrap();
}
