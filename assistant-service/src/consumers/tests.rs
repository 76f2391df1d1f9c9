use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use serde_json::{Value, json};
use trust_core::principal::Principal;

use super::names;
use crate::backbone::{Batch, NewEvent, Position};
use crate::testing::{Answer, ISSUER, Stage, TESTER};

mod at_once;
mod model;

/// Appends an event about a subject, and says where it stands.
pub(super) async fn append(stage: &Stage, id: &str, subject: Option<&str>, more: Value) -> Position {
    let mut event = json!({"specversion": "1.0", "id": id, "source": "urn:test", "type": "com.example.made"});
    event["subject"] = json!(subject);
    event.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    event.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    let event = NewEvent {
        source: "urn:test".to_owned(),
        id: id.to_owned(),
        event_type: event["type"].as_str().unwrap().to_owned(),
        subject: subject.map(str::to_owned),
        correlation_id: None,
        principal: None,
        json: event.to_string(),
    };
    let committed = stage.state.backbone.commit(Batch { events: vec![event], puts: Vec::new() }).await.unwrap();
    committed.events[0].position
}

async fn put(stage: &Stage, name: &str, settings: &Value) -> Answer {
    let request = stage.request("PUT", &format!("/v1/consumers/{name}"));
    request.header("content-type", "application/json").body(settings.to_string()).send().await
}

async fn made(stage: &Stage, name: &str, settings: Value) {
    let answer = put(stage, name, &settings).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{:?}", answer.json);
}

async fn fetch(stage: &Stage, name: &str, max: usize, wait: u64) -> Value {
    let body = json!({"max": max, "wait_seconds": wait});
    let answer = stage.post(&format!("/v1/consumers/{name}/events:fetch"), &body).send().await;
    assert_eq!(answer.status, StatusCode::OK, "{:?}", answer.json);
    answer.json["events"].clone()
}

async fn settle(stage: &Stage, name: &str, body: Value) -> Value {
    let answer = stage.post(&format!("/v1/consumers/{name}/events:settle"), &body).send().await;
    assert_eq!(answer.status, StatusCode::OK, "{:?}", answer.json);
    answer.json
}

async fn view(stage: &Stage, name: &str) -> Value {
    stage.get(&format!("/v1/consumers/{name}")).send().await.json
}

/// What a settlement says of events as they were handed out.
fn claims(events: &Value) -> Vec<Value> {
    let claim = |event: &Value| json!({"position": event["position"], "fence": event["fence"]});
    events.as_array().unwrap().iter().map(claim).collect()
}

fn ids(events: &Value) -> Vec<&str> {
    events.as_array().unwrap().iter().map(|event| event["event"]["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn events_are_handed_out_once_in_order_and_settled_as_one_change() {
    let stage = Stage::new();
    append(&stage, "before", None, Value::Null).await;
    made(&stage, "new", json!({})).await;
    made(&stage, "all", json!({"begin": {"after": 0}, "filter": {"type": "com.example.*"}})).await;
    for id in ["a", "b", "c"] {
        append(&stage, id, None, Value::Null).await;
    }
    append(&stage, "other", None, json!({"type": "org.example.made"})).await;
    assert_eq!(ids(&fetch(&stage, "new", 256, 0).await), ["a", "b", "c", "other"]);
    let first = fetch(&stage, "all", 2, 0).await;
    assert_eq!(ids(&first), ["before", "a"]);
    let second = fetch(&stage, "all", 256, 0).await;
    assert_eq!(ids(&second), ["b", "c"]);
    assert_eq!(fetch(&stage, "all", 256, 0).await, json!([]));
    let standing = view(&stage, "all").await;
    assert_eq!((&standing["held"], &standing["waiting"], &standing["lag"]), (&json!(4), &json!(0), &json!(0)));

    let revision = *stage.state.backbone.newest_revision().borrow();
    let both = [claims(&first), claims(&second)].concat();
    let settled = settle(&stage, "all", json!({"ack": both})).await;
    assert_eq!(settled, json!({"taken": 4, "stale": []}));
    assert_eq!(*stage.state.backbone.newest_revision().borrow(), revision + 1);
    let again = settle(&stage, "all", json!({"ack": claims(&first)})).await;
    assert_eq!(again, json!({"taken": 0, "stale": claims(&first)}));
    assert_eq!(view(&stage, "all").await["held"], 0);
}

#[tokio::test]
async fn whoever_falls_silent_loses_the_event_to_the_next_and_cannot_settle_it() {
    let stage = Stage::new();
    made(&stage, "jobs", json!({"ack_wait_seconds": 10})).await;
    append(&stage, "a", None, Value::Null).await;
    append(&stage, "b", None, Value::Null).await;
    let first = fetch(&stage, "jobs", 9, 0).await;
    stage.clock.step(time::Duration::HOUR);
    stage.clock.advance(Duration::from_secs(9));
    assert_eq!(fetch(&stage, "jobs", 9, 0).await, json!([]), "a set clock makes nobody silent");
    settle(&stage, "jobs", json!({"in_progress": [claims(&first)[1]]})).await;
    stage.clock.step(-time::Duration::HOUR * 2);
    stage.clock.advance(Duration::from_secs(1));
    let again = fetch(&stage, "jobs", 9, 0).await;
    assert_eq!((ids(&again), &again[0]["attempt"]), (vec!["a"], &json!(2)));
    assert!(again[0]["fence"].as_u64() > first[0]["fence"].as_u64());
    // The late word of the first holder is refused for what is not his any more, and taken for the rest.
    let late = settle(&stage, "jobs", json!({"ack": claims(&first)})).await;
    assert_eq!(late, json!({"taken": 1, "stale": [claims(&first)[0]]}));
    assert_eq!(settle(&stage, "jobs", json!({"ack": claims(&again)})).await["taken"], 1);
}

#[tokio::test]
async fn what_is_given_back_waits_and_what_fails_too_often_or_for_good_is_given_up_with_an_event() {
    let stage = Stage::new();
    made(&stage, "jobs", json!({"max_deliveries": 2, "filter": {"source": "urn:test"}})).await;
    for id in ["a", "b", "c"] {
        append(&stage, id, None, Value::Null).await;
    }
    let first = fetch(&stage, "jobs", 9, 0).await;
    let [a, b, c] = claims(&first).try_into().unwrap();
    let mut delayed = b.clone();
    delayed["delay_seconds"] = json!(5);
    let said = json!({"nak": [a, delayed], "term": [c]});
    assert_eq!(settle(&stage, "jobs", said.clone()).await["taken"], 3);
    assert_eq!(settle(&stage, "jobs", said).await["taken"], 0);
    let again = fetch(&stage, "jobs", 9, 0).await;
    assert_eq!((ids(&again), &again[0]["attempt"]), (vec!["a"], &json!(2)));
    stage.clock.advance(Duration::from_secs(5));
    assert_eq!(ids(&fetch(&stage, "jobs", 9, 0).await), ["b"]);
    assert_eq!(settle(&stage, "jobs", json!({"nak": claims(&again)})).await["taken"], 1);
    stage.clock.advance(Duration::from_secs(30));
    assert_eq!(fetch(&stage, "jobs", 9, 0).await, json!([]));

    let events = stage.get("/v1/events?type=dev.watchgate.consumer.gave-up").send().await.json;
    let said = events["events"].as_array().unwrap().iter().map(|event| {
        let data = &event["event"]["data"];
        assert_eq!((&data["consumer"], &data["owner"]), (&json!("jobs"), &json!(TESTER)));
        (data["id"].as_str().unwrap(), data["reason"].as_str().unwrap(), data["deliveries"].as_u64().unwrap())
    });
    let expected = [("c", "terminated", 1), ("a", "too_many_deliveries", 2), ("b", "too_many_deliveries", 2)];
    assert_eq!(said.collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn an_ordered_consumer_hands_out_one_event_of_a_subject_at_a_time() {
    let stage = Stage::new();
    made(&stage, "jobs", json!({"ordered": true})).await;
    for (id, subject) in [("a1", "a"), ("a2", "a"), ("b1", "b"), ("a3", "a")] {
        append(&stage, id, Some(subject), Value::Null).await;
    }
    append(&stage, "free", None, Value::Null).await;
    let first = fetch(&stage, "jobs", 9, 0).await;
    assert_eq!(ids(&first), ["a1", "b1", "free"]);
    assert_eq!(view(&stage, "jobs").await["waiting"], 2);
    assert_eq!(fetch(&stage, "jobs", 9, 0).await, json!([]));
    settle(&stage, "jobs", json!({"nak": [claims(&first)[0]]})).await;
    let again = fetch(&stage, "jobs", 9, 0).await;
    assert_eq!(ids(&again), ["a1"], "given back, and still before the others");
    let waiting = fetch(&stage, "jobs", 9, 30);
    let (next, _) = tokio::join!(waiting, settle(&stage, "jobs", json!({"ack": claims(&again)})));
    assert_eq!(ids(&next), ["a2"]);
    settle(&stage, "jobs", json!({"ack": claims(&next)})).await;
    assert_eq!(ids(&fetch(&stage, "jobs", 9, 0).await), ["a3"]);
}

#[tokio::test]
async fn whoever_waits_at_one_replica_is_woken_by_what_is_said_at_another() {
    let (stage, begun) = (Stage::new(), std::time::Instant::now());
    let other = stage.replica();
    let consumers = Arc::clone(&other.state.consumers);
    let announcing = tokio::spawn({
        let consumers = Arc::clone(&consumers);
        async move { consumers.announce_for_ever().await }
    });
    made(&stage, "jobs", json!({"ordered": true})).await;
    append(&stage, "a1", Some("a"), Value::Null).await;
    append(&stage, "a2", Some("a"), Value::Null).await;
    let mut held = fetch(&stage, "jobs", 9, 0).await;
    let tester = Principal::new(ISSUER, "tester-7");
    for (word, next) in [("nak", "a1"), ("ack", "a2")] {
        let (handed, _) = tokio::join!(fetch(&other, "jobs", 9, 30), async {
            // The one who waits has looked, and has seen that somebody holds it.
            let position = held[0]["position"].as_u64().unwrap();
            let delivery = stage.state.consumers.find(&tester, "jobs").await.unwrap().record.in_flight[&position];
            while !consumers
                .known(&names::key(&tester, "jobs"))
                .is_some_and(|local| local.seen.knows(&position, delivery))
            {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            settle(&stage, "jobs", json!({word: claims(&held)})).await;
        });
        assert_eq!(ids(&handed), [next], "after {word}");
        held = handed;
    }
    assert!(begun.elapsed() < Duration::from_secs(8), "nobody was woken: {:?}", begun.elapsed());
    announcing.abort();
}

#[tokio::test]
async fn what_was_given_up_is_a_dead_letter_and_sent_again_it_is_handed_out_by_its_consumer_alone() {
    let stage = Stage::new();
    let filter = json!({"type": "com.example.made"});
    made(&stage, "jobs", json!({"filter": filter, "max_deliveries": 1, "ack_wait_seconds": 10})).await;
    made(&stage, "others", json!({"filter": filter})).await;
    let position = append(&stage, "a", None, Value::Null).await;
    assert_eq!(ids(&fetch(&stage, "others", 9, 0).await), ["a"]);
    assert_eq!(ids(&fetch(&stage, "jobs", 9, 0).await), ["a"]);
    stage.clock.advance(Duration::from_secs(10));
    assert_eq!(fetch(&stage, "jobs", 9, 0).await, json!([]));
    let listed = stage.get("/v1/dead-letters").send().await.json["dead_letters"].clone();
    assert_eq!((listed.as_array().unwrap().len(), &listed[0]["reason"]), (1, &json!("gave-up")));
    let path = format!("/v1/dead-letters/{}", listed[0]["id"].as_str().unwrap());
    let letter = stage.get(&path).send().await.json;
    assert_eq!((&letter["principal"], &letter["event_id"]), (&json!(TESTER), &json!("a")));
    assert_eq!((&letter["given_up"]["consumer"], &letter["given_up"]["position"]), (&json!("jobs"), &json!(position)));
    let replay = || stage.request("POST", &format!("{path}/replay")).by("operator");
    let corrected = replay().header("content-type", "application/cloudevents+json").body("{}").send().await;
    assert_eq!((corrected.status, corrected.wrong_fields()), (StatusCode::BAD_REQUEST, vec!["body"]));
    let answer = replay().send().await;
    assert_eq!((answer.status, &answer.json["position"]), (StatusCode::ACCEPTED, &json!(position)));
    assert_eq!(replay().send().await.status, StatusCode::NOT_FOUND, "sent again twice");
    let again = fetch(&stage, "jobs", 9, 0).await;
    assert_eq!((ids(&again), &again[0]["attempt"]), (vec!["a"], &json!(1)));
    assert_eq!(fetch(&stage, "others", 9, 0).await, json!([]));
    assert_eq!(settle(&stage, "jobs", json!({"term": claims(&again)})).await["taken"], 1);
    assert_eq!(stage.get("/v1/dead-letters").send().await.json["dead_letters"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn deliveries_give_ups_and_lags_are_counted_without_owners() {
    let stage = Stage::new();
    made(&stage, "jobs", json!({"max_deliveries": 2})).await;
    for id in ["a", "b", "c"] {
        append(&stage, id, None, Value::Null).await;
    }
    let first = fetch(&stage, "jobs", 2, 0).await;
    settle(&stage, "jobs", json!({"nak": [claims(&first)[0]], "term": [claims(&first)[1]]})).await;
    let again = fetch(&stage, "jobs", 1, 0).await;
    settle(&stage, "jobs", json!({"nak": claims(&again)})).await;
    stage.state.consumers.measure().await.unwrap();
    let answer = stage.get("/metrics").open().await;
    let text = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    let text = std::str::from_utf8(&text).unwrap();
    for line in [
        "watchgate_consumer_deliveries_total 2",
        "watchgate_consumer_redeliveries_total 1",
        r#"watchgate_consumer_give_ups_total{reason="terminated"} 1"#,
        r#"watchgate_consumer_give_ups_total{reason="too_many_deliveries"} 1"#,
        // One that was never handed out, and two that say what was given up and are of another type: no filter, so all are.
        r#"watchgate_consumer_lag_events{consumer="jobs"} 3"#,
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in {text}");
    }
}

#[tokio::test]
async fn whoever_waits_is_handed_what_comes_in_and_what_nobody_needs_any_more_is_skipped() {
    let stage = Stage::new();
    made(&stage, "jobs", json!({})).await;
    let (handed, _) = tokio::join!(fetch(&stage, "jobs", 9, 30), async {
        append(&stage, "late", None, json!({"expirytime": "2026-03-01T11:59:59Z"})).await;
        append(&stage, "good", None, json!({"expirytime": "2026-03-01T12:00:01Z"})).await;
    });
    assert_eq!(ids(&handed), ["good"]);
    assert_eq!(fetch(&stage, "jobs", 9, 0).await, json!([]));
}

#[tokio::test]
async fn a_consumer_is_its_owners_alone_and_becomes_nothing_else() {
    let stage = Stage::new();
    made(&stage, "jobs", json!({"filter": {"type": "com.example.made"}})).await;
    let same = json!({"filter": {"type": "com.example.made"}});
    assert_eq!(put(&stage, "jobs", &same).await.status, StatusCode::OK);
    let changed = json!({"filter": {"type": "com.example.made"}, "max_deliveries": 9});
    assert_eq!(put(&stage, "jobs", &changed).await.json["settings"]["max_deliveries"], 9);
    for other in [json!({}), json!({"filter": {"type": "com.example.made"}, "ordered": true})] {
        assert_eq!(put(&stage, "jobs", &other).await.status, StatusCode::CONFLICT);
    }
    for (name, settings, field) in [
        ("Jobs", json!({}), "name"),
        ("-jobs", json!({}), "name"),
        (&"x".repeat(65), json!({}), "name"),
        ("j", json!({"max_in_flight": 1025}), "max_in_flight"),
        ("j", json!({"ack_wait_seconds": 0}), "ack_wait_seconds"),
        ("j", json!({"filter": {"source": ""}}), "filter.source"),
        ("j", json!({"begin": {"after": 1, "time": "2026-03-01T12:00:00Z"}}), "begin"),
        ("j", json!({"begin": {"at": 1}}), "begin.at"),
    ] {
        let answer = put(&stage, name, &settings).await;
        assert_eq!((answer.status.as_u16(), answer.wrong_fields()), (400, vec![field]), "{name} {settings}");
    }
    for (method, path, body) in [
        ("GET", "/v1/consumers/jobs", json!({})),
        ("DELETE", "/v1/consumers/jobs", json!({})),
        ("POST", "/v1/consumers/jobs/events:fetch", json!({"max": 1})),
        ("POST", "/v1/consumers/jobs/events:settle", json!({"ack": [{"position": 1, "fence": 1}]})),
    ] {
        let request = stage.request(method, path).header("content-type", "application/json").body(body.to_string());
        assert_eq!(request.by("mallory").send().await.status, StatusCode::NOT_FOUND, "{method} {path}");
    }
    assert_eq!(stage.get("/v1/consumers").by("mallory").send().await.json, json!({"consumers": []}));
    assert_eq!(stage.get("/v1/consumers").send().await.json, json!({"consumers": ["jobs"]}));

    append(&stage, "a", None, Value::Null).await;
    let held = fetch(&stage, "jobs", 9, 0).await;
    assert_eq!(stage.request("DELETE", "/v1/consumers/jobs").send().await.status, StatusCode::NO_CONTENT);
    made(&stage, "jobs", json!({"begin": {"after": 0}})).await;
    assert!(fetch(&stage, "jobs", 9, 0).await[0]["fence"].as_u64() > held[0]["fence"].as_u64());
    assert_eq!(settle(&stage, "jobs", json!({"ack": claims(&held)})).await["taken"], 0, "of the one before");
    for number in 1..super::MAX_CONSUMERS_OF_ONE {
        made(&stage, &format!("more-{number}"), json!({})).await;
    }
    assert_eq!(put(&stage, "too-many", &json!({})).await.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn a_consumer_that_begins_at_a_time_is_handed_what_came_in_from_then_on() {
    let stage = Stage::new();
    append(&stage, "before", None, Value::Null).await;
    stage.clock.advance(Duration::from_secs(3 * 60 * 60));
    append(&stage, "then", None, Value::Null).await;
    made(&stage, "jobs", json!({"begin": {"time": "2026-03-01T15:00:00Z"}})).await;
    assert_eq!(ids(&fetch(&stage, "jobs", 9, 0).await), ["then"]);
}

#[tokio::test]
async fn a_full_fetch_and_its_settlement_are_two_commits_and_an_empty_look_is_none() {
    let stage = Stage::new();
    made(&stage, "jobs", json!({})).await;
    for number in 0..256 {
        append(&stage, &number.to_string(), None, Value::Null).await;
    }
    let newest = stage.state.backbone.newest_revision();
    let before = *newest.borrow();
    let handed = fetch(&stage, "jobs", 256, 0).await;
    assert_eq!(handed.as_array().unwrap().len(), 256);
    assert_eq!(settle(&stage, "jobs", json!({"ack": claims(&handed)})).await["taken"], 256);
    assert_eq!(*newest.borrow(), before + 2);
    for _ in 0..9 {
        assert_eq!(fetch(&stage, "jobs", 256, 0).await, json!([]));
    }
    assert_eq!(*newest.borrow(), before + 2);
}
