//! What is refused, and what is the same when it is said again.

use std::time::Duration;

use super::*;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::test]
async fn what_cannot_be_is_refused_with_its_place() {
    let play = Play::begun(Stage::new()).await;
    let long = "a".repeat(4001);
    for (what, body, field) in [
        ("account", json!({"text": " "}), "text"),
        ("account", json!({"text": long}), "text"),
        ("account", json!({}), "text"),
        ("account", json!({"text": "I", "answers": {"what_happened": "I"}}), "text"),
        ("account", json!({"answers": {"what_happened": " "}}), "answers"),
        ("account", json!({"answers": {"what_happened": long}}), "answers"),
        ("restatement", json!({"share": true}), "accept"),
        ("restatement", json!({"text": "I", "accept": "1", "share": true}), "accept"),
        ("restatement", json!({"text": "I"}), "share"),
        ("agreement", json!({"text": "I", "accept": "1"}), "text"),
        ("agreement", json!({}), "text"),
        ("agreement", json!({"text": "I", "follow_up_at": "2026-03-01T11:00:00Z"}), "follow_up_at"),
        ("agreement", json!({"text": "I", "follow_up_at": "2027-03-02T12:00:00Z"}), "follow_up_at"),
    ] {
        let refused = play.post(ANA, what, &body).await;
        assert_eq!((refused.status.as_u16(), refused.wrong_fields()), (400, vec![field]), "{what} {refused:?}");
    }
    play.take(ANA, "account", &json!({"text": "ä".repeat(4000)})).await;
    let all_wrong = begin(&play.stage, ANA, "", " ").await;
    assert_eq!(all_wrong.wrong_fields(), ["topic", "with.subject"]);
    for (with, topic, field) in
        [(ANA, "t", "with"), ("", "t", "with.subject"), (BEN, " ", "topic"), (BEN, &*"t".repeat(201), "topic")]
    {
        let refused = begin(&play.stage, ANA, with, topic).await;
        assert_eq!((refused.status.as_u16(), refused.wrong_fields()), (400, vec![field]), "{refused:?}");
    }
}

#[tokio::test]
async fn what_is_said_again_changes_nothing() {
    let play = Play::agreed(Stage::new()).await;
    let agreed = play.view(ANA).await;
    let events = play.events().await.len();
    let proposal = &agreed["agreement"]["id"];
    play.take(BEN, "account", &json!({"text": OF_BEN})).await;
    play.take(BEN, "restatement", &json!({"text": "I get reviews at night.", "share": true})).await;
    play.take(ANA, "agreement", &json!({"text": "Reviews within a day, not after six."})).await;
    play.take(BEN, "agreement", &json!({"accept": proposal})).await;
    assert_eq!((play.view(ANA).await, play.events().await.len()), (agreed, events));
}

#[tokio::test]
async fn with_a_key_the_same_request_begins_one_mediation() {
    let stage = Stage::new();
    let begin = |who: &'static str, topic: &str| {
        let body = json!({"topic": topic, "with": {"issuer": ISSUER, "subject": BEN}});
        stage.post("/v1/mediations", &body).by(who).header("idempotency-key", "k-1").send()
    };
    let (first, again) = (begin(ANA, "t").await, begin(ANA, "t").await);
    assert_eq!((first.status.as_u16(), again.status.as_u16()), (201, 200));
    assert_eq!(first.json["id"], again.json["id"]);
    assert_eq!(begin(ANA, "another").await.status, 422);
    let others = begin("cara", "t").await;
    assert_eq!(others.status, 201);
    assert_ne!(others.json["id"], first.json["id"]);
    let path = format!("/v1/mediations/{}/leave", first.json["id"].as_str().unwrap());
    assert_eq!(stage.request("POST", &path).by(ANA).send().await.status, 204);
    assert_eq!(begin(ANA, "t").await.status, 422, "no second one comes of it because the first is left");
    stage.clock.advance(DAY);
    assert_eq!(begin(ANA, "t").await.status, 201);
}

#[tokio::test]
async fn an_id_does_not_follow_from_whose_key_it_was_begun_with() {
    // Else whoever reads it in an event could try who comes to it.
    let begin = async || {
        let (stage, body) = (Stage::new(), json!({"topic": "t", "with": {"issuer": ISSUER, "subject": BEN}}));
        let begun = stage.post("/v1/mediations", &body).by(ANA).header("idempotency-key", "k-1").send().await;
        begun.json["id"].as_str().unwrap().to_owned()
    };
    assert_ne!(begin().await, begin().await);
}

#[tokio::test]
async fn one_has_so_many_open_and_may_settle_or_leave_one_first() {
    let stage = Stage::new();
    let mut last = Value::Null;
    for number in 0..20 {
        if number == 10 {
            stage.clock.advance(DAY);
        }
        let begun = begin(&stage, ANA, &format!("colleague-{number}"), "t").await;
        assert_eq!(begun.status, 201);
        last = begun.json["id"].clone();
    }
    stage.clock.advance(DAY);
    let refused = begin(&stage, ANA, BEN, "t").await;
    assert_eq!(
        (refused.status.as_u16(), &refused.json["type"]),
        (429, &json!("urn:watchgate:problem:too-many-mediations"))
    );
    // Whom others want to talk to may talk to others all the same.
    assert_eq!(begin(&stage, "colleague-0", BEN, "t").await.status, 201);
    let left = stage.request("POST", &format!("/v1/mediations/{}/leave", last.as_str().unwrap())).by(ANA).send().await;
    assert_eq!(left.status, 204);
    assert_eq!(begin(&stage, ANA, BEN, "t").await.status, 201);
}

#[tokio::test]
async fn one_begins_ten_within_a_day_left_ones_among_them() {
    let stage = Stage::new();
    stage.clock.advance(DAY);
    for number in 0..10 {
        let begun = begin(&stage, ANA, &format!("nobody-{number}"), "t").await;
        let path = format!("/v1/mediations/{}/leave", begun.json["id"].as_str().unwrap());
        assert_eq!((begun.status.as_u16(), number), (201, number));
        assert_eq!(stage.request("POST", &path).by(ANA).send().await.status, 204);
        stage.clock.advance(Duration::from_secs(60));
    }
    let refused = begin(&stage, ANA, BEN, "t").await;
    assert_eq!((refused.status.as_u16(), &refused.json["type"]), (429, &json!("urn:watchgate:problem:too-often")));
    assert_eq!(refused.headers["retry-after"], (DAY.as_secs() - 600).to_string());
    assert_eq!(begin(&stage, BEN, ANA, "t").await.status, 201, "others begin as many");
    stage.clock.advance(DAY - Duration::from_secs(600));
    assert_eq!(begin(&stage, ANA, BEN, "t").await.status, 201);
    assert_eq!(begin(&stage, ANA, BEN, "t").await.status, 429, "the second of them is not a day ago");
}

#[tokio::test]
async fn what_others_begin_with_somebody_takes_nothing_from_what_they_may_begin() {
    let stage = Stage::new();
    for number in 0..100 {
        assert_eq!(begin(&stage, &format!("colleague-{number}"), BEN, "t").await.status, 201, "{number}");
    }
    assert_eq!(begin(&stage, BEN, ANA, "t").await.status, 201);
    let listed = stage.get("/v1/mediations").by(BEN).send().await;
    assert_eq!(listed.json["mediations"].as_array().unwrap().len(), 101);
}

#[tokio::test]
async fn nobody_can_be_drawn_into_more_than_a_hundred() {
    let stage = Stage::new();
    for number in 0..100 {
        assert_eq!(begin(&stage, &format!("colleague-{number}"), BEN, "t").await.status, 201, "{number}");
    }
    assert_eq!(begin(&stage, ANA, BEN, "t").await.status, 429);
    assert_eq!(begin(&stage, ANA, "cara", "t").await.status, 201);
}

#[tokio::test]
async fn after_fifteen_turns_of_a_side_only_what_ends_it_is_taken_of_it() {
    let play = Play::shared(Stage::new()).await;
    for number in 2..15 {
        play.take(ANA, "account", &json!({"text": format!("It happened {number} times.")})).await;
    }
    assert_eq!(play.view(ANA).await["turns_left"], 0);
    for (what, body) in [
        ("account", json!({"text": "And more."})),
        ("restatement", json!({"text": "And more.", "share": true})),
        ("agreement", json!({"text": "And more."})),
    ] {
        let refused = play.post(ANA, what, &body).await;
        assert_eq!(
            (refused.status.as_u16(), &refused.json["type"]),
            (409, &json!("urn:watchgate:problem:mediation-state"))
        );
    }
    // Nobody silences the other one, and what was shared can still be taken back.
    assert_eq!(play.view(BEN).await["turns_left"], 13);
    assert_eq!(play.take(BEN, "account", &json!({"text": "And more."})).await["turns_left"], 12);
    let proposed = play.take(BEN, "agreement", &json!({"text": "We stop."})).await;
    assert_eq!(play.take(ANA, "agreement", &json!({"accept": proposed["agreement"]["id"]})).await["state"], "agreed");
}

#[tokio::test]
async fn two_replicas_that_change_one_mediation_at_once_lose_nothing() {
    let play = Play::begun(Stage::new()).await;
    let replica = play.stage.replica();
    let account = |stage: &'static str| json!({"text": format!("My side of it, {stage}.")});
    let (path, here, there) = (format!("{}/account", play.path), account("here"), account("there"));
    let (first, second) =
        tokio::join!(play.stage.post(&path, &here).by(ANA).send(), replica.post(&path, &there).by(BEN).send(),);
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (200, 200));
    assert_eq!(play.view(ANA).await["yours"]["account"], here["text"]);
    assert_eq!(play.view(BEN).await["yours"]["account"], there["text"]);
    assert_eq!((&play.view(ANA).await["turns_left"], &play.view(BEN).await["turns_left"]), (&json!(14), &json!(14)));
}
