use std::path::Path;

use serde_json::Value;
use tokio::time::timeout;

use super::*;
use crate::spool::{LEAST_BYTES, NewBatch, Spool};
use crate::testing::{Reply, Shared, accepted, answer, events, serve, settings, voice};

const PATIENCE: Duration = Duration::from_secs(30);

fn put(spool: &mut Spool, numbers: std::ops::Range<u64>) {
    let data: Vec<_> = numbers.map(|number| number.to_string()).collect();
    let batches: Vec<_> = data.iter().map(|data| NewBatch { device: "d", time: 7, place: None, data }).collect();
    spool.append(&batches).unwrap();
}

/// Posts all that is in the spool, to the end.
async fn forward(address: &str, folder: &Path, spool: Spool) -> crate::Progress {
    let gateway = Gateway::connect(&settings(address, folder)).unwrap();
    let (tally, (voice, _said)) = (Arc::<Tally>::default(), voice());
    let forwarding = Forwarding { gateway, store: Store::new(spool), tally: Arc::clone(&tally), voice };
    let (_ended, is_ended) = watch::channel(true);
    timeout(PATIENCE, forwarding.run(is_ended)).await.expect("it comes to an end");
    tally.progress()
}

fn number(event: &Value) -> u64 {
    event["data"].as_u64().unwrap()
}

#[tokio::test]
async fn a_gateway_that_fails_in_every_way_has_each_event_in_the_end_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(&folder.path().join("spool"), LEAST_BYTES).unwrap();
    put(&mut spool, 0..1000);
    let taken: Shared<(String, u64)> = Shared::default();
    let (book, mut request_number) = (Arc::clone(&taken), 0);
    let address = serve(move |request| {
        request_number += 1;
        let keep = || {
            // As the service does: an id that is known is no second event.
            let mut book = book.lock().unwrap();
            for event in events(request) {
                let id = event["id"].as_str().unwrap().to_owned();
                if !book.iter().any(|(known, _)| *known == id) {
                    book.push((id, number(&event)));
                }
            }
        };
        match request_number {
            2 => Reply::HangUp,
            // It was kept, and nobody was told.
            4 => {
                keep();
                Reply::HangUp
            }
            6 => Reply::Answer(answer("503 Service Unavailable", "", "")),
            8 => Reply::Answer(answer("429 Too Many Requests", "Retry-After: 0\r\n", "")),
            10 => Reply::Answer(answer("403 Forbidden", "", "")),
            _ => {
                keep();
                accepted()
            }
        }
    })
    .await;
    let progress = forward(&address, folder.path(), spool).await;
    let numbers: Vec<_> = taken.lock().unwrap().iter().map(|(_, number)| *number).collect();
    assert_eq!(numbers, (0..1000).collect::<Vec<_>>());
    assert_eq!((progress.sent, progress.waiting, progress.lost, progress.refused), (1000, 0, 0, 0));
}

#[tokio::test]
async fn one_event_that_is_refused_among_many_is_found_and_put_aside_and_the_others_pass() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(&folder.path().join("spool"), LEAST_BYTES).unwrap();
    put(&mut spool, 0..300);
    let taken: Shared<u64> = Shared::default();
    let book = Arc::clone(&taken);
    let address = serve(move |request| {
        let numbers: Vec<_> = events(request).iter().map(number).collect();
        if numbers.contains(&137) {
            return Reply::Answer(answer("422 Unprocessable Content", "", ""));
        }
        book.lock().unwrap().extend(numbers);
        accepted()
    })
    .await;
    let progress = forward(&address, folder.path(), spool).await;
    assert_eq!(*taken.lock().unwrap(), (0..300).filter(|number| *number != 137).collect::<Vec<_>>());
    assert_eq!((progress.sent, progress.refused, progress.waiting), (299, 1, 0));
    let aside = std::fs::read_to_string(folder.path().join("spool/refused")).unwrap();
    let aside: Value = serde_json::from_str(&aside).unwrap();
    assert_eq!((number(&aside["event"]), &aside["event"]["subject"]), (137, &"d".into()));
}

#[tokio::test]
async fn what_the_service_has_made_a_dead_letter_of_is_put_aside_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(&folder.path().join("spool"), LEAST_BYTES).unwrap();
    put(&mut spool, 0..3);
    let receipts = r#"[{"id": "a"}, {"index": 1, "dead_letter": "d-1", "errors": []}, {"id": "c"}]"#;
    let address = serve(move |_| Reply::Answer(answer("202 Accepted", "", receipts))).await;
    let progress = forward(&address, folder.path(), spool).await;
    assert_eq!((progress.sent, progress.refused), (2, 1));
    let aside = std::fs::read_to_string(folder.path().join("spool/refused")).unwrap();
    assert!(aside.contains("\"data\":1") && aside.contains("dead letter d-1") && aside.lines().count() == 1, "{aside}");
}

#[tokio::test]
async fn a_gateway_that_says_when_to_come_again_is_left_alone_until_then() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(&folder.path().join("spool"), LEAST_BYTES).unwrap();
    put(&mut spool, 0..1);
    let times: Shared<std::time::Instant> = Shared::default();
    let book = Arc::clone(&times);
    let address = serve(move |_| {
        let mut book = book.lock().unwrap();
        book.push(std::time::Instant::now());
        match book.len() {
            1 => Reply::Answer(answer("503 Service Unavailable", "Retry-After: 1\r\n", "")),
            _ => accepted(),
        }
    })
    .await;
    forward(&address, folder.path(), spool).await;
    let times = times.lock().unwrap();
    assert!(times[1] - times[0] >= Duration::from_secs(1), "{:?}", times[1] - times[0]);
    assert_eq!(times.len(), 2);
}
