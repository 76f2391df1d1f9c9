//! Silences: who may have which, and that nothing is told while one holds.

use super::*;
use crate::testing::TESTER;

#[tokio::test]
async fn a_silence_is_kept_listed_told_and_taken_back() {
    let stage = Stage::new();
    let body = json!({"device": "console-1", "metric": "FrameTime", "until": "2026-03-01T13:00:00Z", "reason": "a stress test"});
    let made = stage.post("/v1/silences", &body).send().await;
    assert_eq!(made.status, 201, "{}", made.json);
    assert_eq!((&made.json["created_by"], &made.json["from"]), (&json!(TESTER), &json!("2026-03-01T12:00:00Z")));
    let listed = stage.get("/v1/silences").send().await;
    assert_eq!(listed.json["silences"], json!([made.json]));
    let id = made.json["id"].as_str().unwrap();
    let gone = stage.request("DELETE", &format!("/v1/silences/{id}")).send().await;
    assert_eq!(gone.status, 204);
    assert_eq!(stage.request("DELETE", &format!("/v1/silences/{id}")).send().await.status, 404);
    assert_eq!(stage.get("/v1/silences").send().await.json["silences"], json!([]));
    let told = stage.get("/v1/events?type=dev.watchgate.telemetry.silence.*").send().await;
    let told: Vec<_> = told.json["events"].as_array().unwrap().iter().map(|event| event["event"].clone()).collect();
    let types: Vec<_> = told.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["dev.watchgate.telemetry.silence.created", "dev.watchgate.telemetry.silence.removed"]);
    assert!(told.iter().all(|event| event["authid"] == TESTER && event["subject"] == id), "{told:?}");
}

#[tokio::test]
async fn a_silence_that_says_too_little_or_too_much_is_refused() {
    let stage = Stage::new();
    let until = "2026-03-01T13:00:00Z";
    for (body, fields) in [
        (json!({"until": until, "reason": "r"}), vec!["device"]),
        (json!({"device": "", "until": until, "reason": "r"}), vec!["device"]),
        (json!({"device": "a", "until": "2026-03-01T12:00:00Z", "reason": "r"}), vec!["until"]),
        (json!({"device": "a", "until": "2026-04-01T12:00:00Z", "reason": "r"}), vec!["until"]),
        (json!({"device": "a", "from": "2026-03-01T14:00:00Z", "until": until, "reason": "r"}), vec!["until"]),
        (json!({"device": "a", "until": until, "reason": " "}), vec!["reason"]),
        (json!({"traits": {"site": ""}, "until": until, "reason": "r"}), vec!["traits"]),
        (json!({"device": "a", "until": until}), vec!["reason"]),
        (json!({"device": "a", "until": until, "reason": "r", "who": "x"}), vec!["who"]),
    ] {
        let answer = stage.post("/v1/silences", &body).send().await;
        assert_eq!((answer.status.as_u16(), answer.wrong_fields()), (400, fields), "{body}");
    }
    for number in 0..crate::incidents::silence::MOST {
        let body = json!({"device": format!("console-{number}"), "until": until, "reason": "r"});
        assert_eq!(stage.post("/v1/silences", &body).send().await.status, 201);
    }
    let body = json!({"device": "one more", "until": until, "reason": "r"});
    assert_eq!(stage.post("/v1/silences", &body).send().await.status, 429);
    // They end by themselves.
    stage.clock.advance(std::time::Duration::from_secs(2 * 60 * 60));
    assert_eq!(stage.get("/v1/silences").send().await.json["silences"], json!([]));
}

#[tokio::test]
async fn of_many_that_are_made_at_once_no_more_are_kept_than_are_kept_at_all() {
    let stage = Stage::new();
    let replica = stage.replica();
    let body = json!({"device": "console-1", "until": "2026-03-01T13:00:00Z", "reason": "r"});
    for _ in 1..crate::incidents::silence::MOST {
        assert_eq!(stage.post("/v1/silences", &body).send().await.status, 201);
    }
    // One place is left.
    let at_once = (0..8).map(|number| if number % 2 == 0 { &stage } else { &replica });
    let made = futures_util::future::join_all(at_once.map(|stage| stage.post("/v1/silences", &body).send())).await;
    let mut statuses: Vec<u16> = made.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 429, 429, 429, 429, 429, 429, 429]);
    let told = stage.get("/v1/events?type=dev.watchgate.telemetry.silence.created&limit=200").send().await;
    assert_eq!(told.json["events"].as_array().map(Vec::len), Some(crate::incidents::silence::MOST));
}

#[tokio::test]
async fn what_is_silenced_makes_no_incident_whoever_follows_the_log() {
    let stage = Stage::new();
    let start = millis(stage.clock.now());
    // Before there are any samples, and by somebody else than the service: that one counts for nothing.
    let body = json!({"device": "console-1", "until": "2026-03-01T13:00:00Z", "reason": "a stress test"});
    assert_eq!(stage.post("/v1/silences", &body).send().await.status, 201);
    send_second(&stage, start, 0).await;
    let mut following = follower(&stage).await;
    let forged = json!({"specversion": "1.0", "id": "forged", "source": "urn:test",
        "type": "dev.watchgate.telemetry.silence.created", "data": {"id": "x", "reason": "r", "created_by": "me", "created_at": 0,
            "silence": {"device": "console-3", "from": 0, "until": i64::MAX}}});
    send(&stage, [forged]).await;
    for number in 1..IS_WELL_AGAIN {
        send_second(&stage, start, number).await;
        look_and_tick(&mut following).await;
        if number == GOES_BAD - 1 {
            following = follower(&stage).await;
        }
    }
    let said = said(&stage).await;
    assert_eq!(of_type(&said, "opened").len(), 1, "{said:#?}");
    assert!(said.iter().all(|event| event["data"]["devices"] == json!(["console-3"])), "{said:#?}");
}
