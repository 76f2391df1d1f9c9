//! Calling off what has begun.

use super::books::*;
use super::*;

#[tokio::test]
async fn what_is_carried_out_is_asked_to_stop_once_and_its_service_says_when_it_has() {
    let stage = Stage::new();
    let (command, fence) = running(&stage, "show-status").await;
    let asked = on(&stage, &command, "cancel", "ben", json!({"reason": "the wrong host"})).await;
    assert_eq!((asked.status, &asked.json["state"]), (StatusCode::ACCEPTED, &json!("running")));
    assert_eq!(asked.json["stop_asked_by"], json!({"iss": crate::testing::ISSUER, "sub": "ben"}));
    assert_eq!(asked.json["cancel_reason"], "the wrong host");

    let again = on(&stage, &command, "cancel", "eva", json!({"reason": "me too"})).await;
    assert_eq!((again.status, &again.json), (StatusCode::ACCEPTED, &asked.json));

    let stopped = json!({"fence": fence, "outcome": "canceled"});
    let stopped = on(&stage, &command, "result", SERVICE, stopped).await.json;
    assert_eq!((&stopped["state"], &stopped["cancel_reason"]), (&json!("canceled"), &json!("the wrong host")));
    assert_eq!(on(&stage, &command, "cancel", "ben", json!({})).await.status, StatusCode::CONFLICT);
    assert_eq!(trail(&stage, &command).await, ["requested", "scheduled", "leased", "running", "running", "canceled"]);
}

#[tokio::test]
async fn signs_of_life_do_not_keep_anybody_from_asking_it_to_stop() {
    let stage = Stage::new();
    for _ in 0..8 {
        let (command, fence) = running(&stage, "show-status").await;
        let (beaten, asked) = tokio::join!(
            on(&stage, &command, "heartbeat", SERVICE, json!({"fence": fence})),
            on(&stage, &command, "cancel", "ben", json!({}))
        );
        assert_eq!((beaten.status, asked.status), (StatusCode::OK, StatusCode::ACCEPTED));
        on(&stage, &command, "result", SERVICE, json!({"fence": fence, "outcome": "canceled"})).await;
    }
}

#[tokio::test]
async fn a_reason_may_be_left_away_with_the_whole_body_and_is_bounded() {
    let stage = Stage::new();
    let command = ask(&stage, "show-status").await;
    let target = format!("/v1/commands/{}/cancel", command["id"].as_str().unwrap());
    let long = stage.post(&target, &json!({"reason": "x".repeat(2001)})).send().await;
    assert_eq!((long.status, long.wrong_fields()), (StatusCode::BAD_REQUEST, vec!["reason"]));
    let odd = stage.request("POST", &target).header("content-type", "text/plain").body("stop").send().await;
    assert_eq!(odd.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let bare = stage.request("POST", &target).send().await;
    assert_eq!((bare.status, &bare.json["state"]), (StatusCode::OK, &json!("canceled")));
}

#[tokio::test]
async fn whoever_stops_although_nobody_asked_for_it_has_failed() {
    let stage = stage([runbook("tidy", tried_again(1, 0.0)), runbook("once", |_| {})]);
    for (name, state) in [("once", "failed"), ("tidy", "scheduled")] {
        let (command, fence) = running(&stage, name).await;
        let report = json!({"fence": fence, "outcome": "canceled", "message": "no more"});
        for _ in 0..2 {
            let told = on(&stage, &command, "result", SERVICE, report.clone()).await;
            assert_eq!((told.status, &told.json["state"]), (StatusCode::OK, &json!(state)), "{name}");
            let message = told.json["result"].get("message").unwrap_or(&told.json["attempts_failed"][0]["message"]);
            assert_eq!(message, "no more", "{name}");
        }
        assert_eq!(told(&stage, &command, "canceled").await, [json!(null); 0]);
    }
}
