use std::path::Path;

use serde_json::Value;
use tokio::time::timeout;

use super::*;
use crate::spool::{LEAST_BYTES, NewBatch, Spool};
use crate::testing::{Reply, Shared, accepted, answer, events, script, serve, settings, voice};

const PATIENCE: Duration = Duration::from_secs(30);

fn put(spool: &mut Spool, numbers: std::ops::Range<u64>) {
    let data: Vec<_> = numbers.map(|number| number.to_string()).collect();
    let batches: Vec<_> = data.iter().map(|data| NewBatch { device: "d", time: 7, place: None, data }).collect();
    spool.append(&batches).unwrap();
}

/// Posts all that is in the spool, to the end.
async fn forward(address: &str, folder: &Path, spool: Spool) -> crate::Progress {
    forward_aloud(address, folder, spool).await.0
}

/// The same, and what was said.
async fn forward_aloud(address: &str, folder: &Path, spool: Spool) -> (crate::Progress, Vec<String>) {
    let gateway = Gateway::connect(&settings(address, folder)).unwrap();
    let (tally, (voice, mut heard)) = (Arc::<Tally>::default(), voice());
    let forwarding = Forwarding { gateway, store: Store::new(spool), tally: Arc::clone(&tally), voice };
    let (_ended, is_ended) = watch::channel(true);
    timeout(PATIENCE, forwarding.run(is_ended)).await.expect("it comes to an end");
    let mut said = Vec::new();
    while let Some(line) = heard.recv().await {
        said.push(line);
    }
    (tally.progress(), said)
}

fn spool_of(folder: &Path, events: u64) -> Spool {
    let mut spool = Spool::open(&folder.join("spool"), LEAST_BYTES).unwrap();
    put(&mut spool, 0..events);
    spool
}

fn number(event: &Value) -> u64 {
    event["data"].as_u64().unwrap()
}

#[tokio::test]
async fn a_gateway_that_fails_in_every_way_has_each_event_in_the_end_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let spool = spool_of(folder.path(), 1000);
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
                accepted(request)
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
async fn a_status_of_a_proxy_or_the_gate_puts_nothing_aside() {
    let folder = tempfile::tempdir().unwrap();
    let spool = spool_of(folder.path(), 3);
    let denial =
        r#"{"type": "about:blank", "title": "Bad Request", "status": 400, "detail": "The request is malformed."}"#;
    let mut answers = vec![
        answer("422 Unprocessable Content", "", ""),
        answer("415 Unsupported Media Type", "", "<html>"),
        answer("413 Content Too Large", "", "<html>"),
        answer("400 Bad Request", "Content-Type: application/problem+json\r\n", denial),
        answer("400 Bad Request", "", "<html>"),
    ];
    let taken: Shared<u64> = Shared::default();
    let book = Arc::clone(&taken);
    let address = serve(move |request| match answers.pop() {
        Some(answer) => Reply::Answer(answer),
        None => {
            book.lock().unwrap().extend(events(request).iter().map(number));
            accepted(request)
        }
    })
    .await;
    let (progress, said) = forward_aloud(&address, folder.path(), spool).await;
    assert_eq!(*taken.lock().unwrap(), [0, 1, 2]);
    assert_eq!((progress.sent, progress.refused, progress.waiting), (3, 0, 0));
    assert!(!folder.path().join("spool/refused").exists());
    assert!(said[1].contains("Bad Request: The request is malformed. (400)"), "{said:?}");
}

#[tokio::test]
async fn whoever_takes_less_at_once_gets_less_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let spool = spool_of(folder.path(), 300);
    let taken: Shared<u64> = Shared::default();
    let book = Arc::clone(&taken);
    let address = serve(move |request| {
        let numbers: Vec<_> = events(request).iter().map(number).collect();
        if numbers.len() > 10 {
            return Reply::Answer(answer("413 Content Too Large", "", ""));
        }
        book.lock().unwrap().extend(numbers);
        accepted(request)
    })
    .await;
    let progress = forward(&address, folder.path(), spool).await;
    assert_eq!(*taken.lock().unwrap(), (0..300).collect::<Vec<_>>());
    assert_eq!((progress.sent, progress.refused, progress.waiting), (300, 0, 0));
}

#[tokio::test]
async fn what_the_service_takes_nothing_of_is_put_aside_and_told_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let spool = spool_of(folder.path(), 2);
    let letters = r#"{"index": 0, "dead_letter": "d-1"}, {"index": 1, "dead_letter": "d-2"}"#;
    let problem = format!(r#"{{"type": "urn:watchgate:problem:batch-not-taken", "dead_letters": [{letters}]}}"#);
    let address = serve(move |_| Reply::Answer(answer("400 Bad Request", "", &problem))).await;
    let (progress, said) = forward_aloud(&address, folder.path(), spool).await;
    assert_eq!((progress.sent, progress.refused, progress.waiting), (0, 2, 0));
    let aside = std::fs::read_to_string(folder.path().join("spool/refused")).unwrap();
    let numbers: Vec<_> =
        aside.lines().map(|line| number(&serde_json::from_str::<Value>(line).unwrap()["event"])).collect();
    assert_eq!(numbers, [0, 1]);
    assert_eq!(said.iter().filter(|line| line.contains("put aside")).count(), 1, "not a line for each: {said:?}");
}

#[tokio::test]
async fn why_nothing_is_taken_is_told_when_it_changes_and_not_at_each_try() {
    let folder = tempfile::tempdir().unwrap();
    let spool = spool_of(folder.path(), 1);
    let statuses = ["503 Service Unavailable", "503 Service Unavailable", "401 Unauthorized", "401 Unauthorized"];
    let replies = statuses.map(|status| Reply::Answer(answer(status, "", "")));
    let address = serve(script(replies.into())).await;
    let (_, said) = forward_aloud(&address, folder.path(), spool).await;
    let said: Vec<_> = said.iter().map(|line| line.split(';').next().unwrap()).collect();
    let expected = [
        "the gateway takes nothing: the gateway answers 503 Service Unavailable",
        "the gateway takes nothing: the gateway answers 401 Unauthorized",
        "the gateway takes events",
    ];
    assert_eq!(said, expected);
}

#[tokio::test]
async fn what_the_service_has_made_a_dead_letter_of_is_put_aside_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let spool = spool_of(folder.path(), 3);
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
    let spool = spool_of(folder.path(), 1);
    let times: Shared<std::time::Instant> = Shared::default();
    let book = Arc::clone(&times);
    let address = serve(move |request| {
        let mut book = book.lock().unwrap();
        book.push(std::time::Instant::now());
        match book.len() {
            1 => Reply::Answer(answer("503 Service Unavailable", "Retry-After: 1\r\n", "")),
            _ => accepted(request),
        }
    })
    .await;
    forward(&address, folder.path(), spool).await;
    let times = times.lock().unwrap();
    assert!(times[1] - times[0] >= Duration::from_secs(1), "{:?}", times[1] - times[0]);
    assert_eq!(times.len(), 2);
}
