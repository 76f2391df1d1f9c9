use serde_json::{Value, json};

use crate::testing::{Answer, Stage, TESTER};

async fn put(stage: &Stage, answer: &str, body: &Value) -> Answer {
    put_by(stage, "tester-7", answer, body).await
}

async fn put_by(stage: &Stage, subject: &str, answer: &str, body: &Value) -> Answer {
    let request = stage.request("PUT", &format!("/v1/ratings/{answer}")).by(subject);
    request.header("content-type", "application/json").body(body.to_string()).send().await
}

async fn rated(stage: &Stage) -> Vec<Value> {
    let events = stage.get("/v1/events?type=dev.watchgate.assistant.rated").send().await;
    events.json["events"].as_array().unwrap().iter().map(|one| one["event"].clone()).collect()
}

#[tokio::test]
async fn a_rating_is_an_event_of_the_one_who_rates() {
    let stage = Stage::new();
    let body = json!({"helpful": false, "question": "How?", "answer": "So.", "correction": "Rather so."});
    let answer = put(&stage, "0190-a", &body).await;
    assert_eq!((answer.status.as_u16(), &answer.json), (200, &json!({"answer_id": "0190-a", "duplicate": false})));
    let [event] = &rated(&stage).await[..] else { panic!("not one event") };
    assert_eq!((&event["subject"], &event["authid"]), (&json!("0190-a"), &json!(TESTER)));
    assert_eq!(event["dataclassification"], "confidential");
    assert_eq!(event["data"], body);
}

#[tokio::test]
async fn a_rating_said_again_is_kept_once_and_another_one_takes_its_place() {
    let stage = Stage::new();
    let (good, bad) = (json!({"helpful": true}), json!({"helpful": false}));
    for (body, duplicate) in [(&good, false), (&good, true), (&bad, false), (&good, false), (&good, true)] {
        assert_eq!(put(&stage, "a", body).await.json["duplicate"], duplicate, "{body}");
    }
    let helpful = |event: &Value| event["data"]["helpful"].as_bool().unwrap();
    assert_eq!(rated(&stage).await.iter().map(helpful).collect::<Vec<_>>(), [true, false, true]);
    // Another caller's and another answer's are ratings of their own.
    assert_eq!(put_by(&stage, "tester-8", "a", &good).await.json["duplicate"], false);
    assert_eq!(put(&stage, "b", &good).await.json["duplicate"], false);
}

#[tokio::test]
async fn at_one_moment_one_rating_is_kept_once() {
    let stage = Stage::new();
    let body = json!({"helpful": true, "question": "How?"});
    let answers = futures_util::future::join_all((0..4).map(|_| put(&stage, "a", &body))).await;
    let kept = answers.iter().filter(|answer| answer.json["duplicate"] == false).count();
    assert_eq!((answers.iter().all(|answer| answer.status == 200), kept, rated(&stage).await.len()), (true, 1, 1));
}

#[tokio::test]
async fn what_is_wrong_is_refused_by_name_and_nothing_of_it_is_kept() {
    let stage = Stage::new();
    let long = "ä".repeat(8001);
    for (answer, body, fields) in [
        ("a", json!({}), vec!["helpful"]),
        ("a", json!({"helpful": "yes"}), vec!["helpful"]),
        ("a", json!({"helpful": true, "rating": 5}), vec!["rating"]),
        ("a", json!({"helpful": true, "question": "ä".repeat(2001), "answer": long}), vec!["question", "answer"]),
        ("a", json!({"helpful": true, "correction": " "}), vec!["correction"]),
        ("a%20b", json!({"helpful": true}), vec!["answer_id"]),
        (&"a".repeat(129), json!({"helpful": true}), vec!["answer_id"]),
    ] {
        let refused = put(&stage, answer, &body).await;
        assert_eq!((refused.status.as_u16(), refused.wrong_fields()), (400, fields), "{answer} {body}");
    }
    assert_eq!(rated(&stage).await, [] as [Value; 0]);
    let longest = json!({"helpful": true, "question": "ä".repeat(2000), "answer": "ä".repeat(8000)});
    assert_eq!(put(&stage, &"a".repeat(128), &longest).await.status, 200);
}

#[tokio::test]
async fn nobody_rates_without_a_name() {
    let stage = Stage::new();
    let request = stage.request("PUT", "/v1/ratings/a").header("content-type", "application/json");
    let refused = request.body(r#"{"helpful":true}"#).claiming(|claims| claims.sub = None).send().await;
    assert_eq!(refused.status, 401);
    assert_eq!(rated(&stage).await, [] as [Value; 0]);
}
