use std::time::{Duration, Instant};

use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::{event, publish_structured};
use crate::events::EventSchemas;
use crate::events::binding::Mode;
use crate::events::binding::json::{Items, items};
use crate::events::intake::Intake;
use crate::events::submission::Submission;
use crate::testing::{Answer, Stage, TESTER};

const BATCH: &str = "application/cloudevents-batch+json";

async fn publish(stage: &Stage, body: impl Into<Vec<u8>>) -> Answer {
    let request = stage.request("POST", "/v1/events").header("content-type", BATCH).header("ce-id", "transaction-1");
    request.header("ce-correlationid", "gate-1").body(body).send().await
}

async fn kept_ids(stage: &Stage) -> Vec<String> {
    let page = stage.get("/v1/events?type=com.example.*").send().await.json;
    page["events"].as_array().unwrap().iter().map(|one| one["event"]["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_batch_is_kept_in_its_order_and_each_event_is_stamped() {
    let stage = Stage::new();
    let mut second = event("b");
    second["authid"] = json!("somebody else");
    second["correlationid"] = json!("own");
    let answer = publish(&stage, json!([event("a"), second, event("c")]).to_string()).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    let receipt =
        |id: &str, position: u64| json!({"id": id, "source": TESTER, "position": position, "duplicate": false});
    assert_eq!(answer.json, json!([receipt("a", 1), receipt("b", 2), receipt("c", 3)]));
    let page = stage.get("/v1/events").send().await.json;
    let of = |place: usize, name: &str| page["events"][place]["event"][name].clone();
    assert_eq!([of(0, "id"), of(1, "id"), of(2, "id")], [json!("a"), json!("b"), json!("c")]);
    assert_eq!([of(0, "authid"), of(1, "authid")], [json!(TESTER), json!(TESTER)]);
    assert_eq!([of(0, "correlationid"), of(1, "correlationid")], [json!("gate-1"), json!("own")]);
    assert_eq!(of(0, "time"), json!("2026-03-01T12:00:00Z"));
}

#[tokio::test]
async fn equal_events_of_a_batch_and_of_before_are_duplicates() {
    let stage = Stage::new();
    publish_structured(&stage, &event("a")).await;
    let answer = publish(&stage, json!([event("a"), event("b"), event("b")]).to_string()).await;
    let said =
        |place: usize| (answer.json[place]["position"].as_u64().unwrap(), answer.json[place]["duplicate"] == true);
    let (first, new, again) = (said(0), said(1), said(2));
    assert_eq!((first, new.1, again), ((1, true), false, (new.0, true)));
    assert_eq!(kept_ids(&stage).await, ["a", "b"]);
}

#[tokio::test]
async fn one_malformed_event_of_a_batch_is_a_dead_letter_and_the_others_are_kept() {
    let stage = Stage::new();
    let mut broken = event("b");
    broken["time"] = json!("yesterday");
    let answer = publish(&stage, json!([event("a"), broken, 7, event("c")]).to_string()).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
    assert_eq!(answer.json[0]["id"], "a");
    assert_eq!((&answer.json[1]["index"], &answer.json[1]["errors"][0]["field"]), (&json!(1), &json!("time")));
    assert_eq!((&answer.json[2]["index"], &answer.json[2]["errors"][0]["field"]), (&json!(2), &json!("body")));
    assert_eq!(answer.json[3]["id"], "c");
    assert_eq!(kept_ids(&stage).await, ["a", "c"]);
    for (place, body) in [(1, broken.to_string()), (2, "7".to_owned())] {
        let id = answer.json[place]["dead_letter"].as_str().unwrap();
        let letter = stage.get(&format!("/v1/dead-letters/{id}")).send().await;
        assert_eq!((&letter.json["body"], &letter.json["mode"]), (&json!(body), &json!("batch")), "{letter:?}");
    }
}

#[tokio::test]
async fn one_event_that_is_not_the_callers_refuses_the_whole_batch_and_nothing_is_kept() {
    let stage = Stage::new();
    for (name, value) in [
        ("type", "dev.watchgate.command.succeeded"),
        ("source", "https://issuer.watchgate.test#tester-8"),
        ("source", "watchgate"),
    ] {
        // Malformed ones beside it, and in itself, change nothing.
        for also in [None, Some("time")] {
            let mut foreign = event("transaction-1");
            foreign[name] = json!(value);
            if let Some(also) = also {
                foreign[also] = json!("wrong");
            }
            let answer = publish(&stage, json!([event("a"), 7, foreign]).to_string()).await;
            assert_eq!((answer.status, &answer.json["index"]), (StatusCode::FORBIDDEN, &json!(2)), "{name}: {value}");
        }
    }
    assert_eq!(stage.get("/v1/events").send().await.json["events"], json!([]));
    assert_eq!(stage.get("/v1/dead-letters").send().await.json["dead_letters"], json!([]));
}

#[tokio::test]
async fn a_batch_of_which_nothing_could_be_taken_is_refused_with_its_dead_letters() {
    let stage = Stage::new();
    let answer = publish(&stage, "[{}, 7]").await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert_eq!(answer.json["type"], "urn:watchgate:problem:batch-not-taken");
    let letters = answer.json["dead_letters"].as_array().unwrap();
    assert_eq!(letters.iter().map(|one| one["index"].as_u64().unwrap()).collect::<Vec<_>>(), [0, 1]);
    let listed = stage.get("/v1/dead-letters").send().await.json;
    let ids: Vec<_> = listed["dead_letters"].as_array().unwrap().iter().rev().map(|one| &one["id"]).collect();
    assert_eq!(ids, letters.iter().map(|one| &one["dead_letter"]).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_is_no_list_is_a_dead_letter_and_too_long_a_list_is_not() {
    let stage = Stage::new();
    for body in ["", "{", "null", "{}", "\"[]\"", "[1,]", "[] x"] {
        let answer = publish(&stage, body).await;
        assert_eq!((answer.status, answer.wrong_fields()), (StatusCode::BAD_REQUEST, vec!["body"]), "{body}");
        assert!(answer.json["dead_letter"].is_string(), "{answer:?}");
    }
    let too_many = format!("[{}]", vec!["{}"; 1001].join(","));
    let answer = publish(&stage, too_many).await;
    assert_eq!((answer.status, answer.wrong_fields()), (StatusCode::BAD_REQUEST, vec!["body"]));
    assert_eq!(answer.json["dead_letter"], Value::Null);
    let listed = stage.get("/v1/dead-letters").send().await.json;
    assert_eq!(listed["dead_letters"].as_array().unwrap().len(), 7);
}

#[tokio::test]
async fn an_empty_batch_is_taken_and_does_nothing() {
    let stage = Stage::new();
    let answer = publish(&stage, " [ ] ").await;
    assert_eq!((answer.status, answer.json), (StatusCode::ACCEPTED, json!([])));
    let request = stage.request("POST", "/v1/events").header("content-type", &format!("{BATCH}; charset=utf-8"));
    assert_eq!(request.body("[]").send().await.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn the_most_that_a_batch_may_have_is_kept_whole() {
    let stage = Stage::new();
    let events: Vec<_> = (0..1000).map(|number| event(&number.to_string())).collect();
    let answer = publish(&stage, json!(events).to_string()).await;
    assert_eq!((answer.status, answer.json.as_array().unwrap().len()), (StatusCode::ACCEPTED, 1000));
    assert_eq!(answer.json[999]["position"], 1000);
}

#[tokio::test]
async fn a_thousand_bad_events_do_not_draw_a_large_answer() {
    let stage = Stage::new();
    let long_name = "N".repeat(600);
    let bad = format!("{{{}}}", (0..1).map(|n| format!(r#""{long_name}{n}":1"#)).collect::<Vec<_>>().join(","));
    let body = format!("[{}]", vec![bad; 1000].join(","));
    let answer = publish(&stage, body.clone()).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.json.to_string().len() < body.len(), "{} for {}", answer.json.to_string().len(), body.len());
}

/// What every event of a batch costs before it is kept. Without optimisation this is many times slower than what runs; the
/// bound is for what would be slow in kind.
#[test]
fn a_hundred_events_are_read_checked_and_stamped_in_a_moment() {
    let stage = Stage::new();
    let padding = "x".repeat(120);
    let one = |n: usize| {
        json!({"specversion": "1.0", "id": n.to_string(), "source": TESTER, "type": "com.example.frame",
        "time": "2026-03-01T12:00:00Z", "datacontenttype": "application/json", "data": {"n": n, "text": padding}})
    };
    let body = json!((0..100).map(one).collect::<Vec<_>>()).to_string();
    let principal = trust_core::principal::Principal::new(crate::testing::ISSUER, "tester-7");
    let submission = Submission::for_tests(principal, &["com.example.*"], stage.clock.as_ref());
    let schemas = EventSchemas::default();
    let walk = || {
        let began = Instant::now();
        let Ok(Items::All(events)) = items(body.as_bytes()) else { panic!("no list") };
        let intake = Intake::new(&submission, &schemas);
        let taken = events.iter().map(|text| {
            let event = intake.read(Mode::Batch, &HeaderMap::new(), text.get().as_bytes()).unwrap();
            intake.keep(event).unwrap().event.json.len()
        });
        assert!(taken.sum::<usize>() > body.len());
        began.elapsed()
    };
    let fastest = (0..50).map(|_| walk()).min().unwrap();
    println!("{} bytes, 100 events: {fastest:?}", body.len());
    assert!(fastest < Duration::from_millis(if cfg!(debug_assertions) { 50 } else { 1 }), "{fastest:?}");
}
