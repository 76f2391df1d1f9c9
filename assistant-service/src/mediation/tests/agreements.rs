//! Agreements: who, when, and whether they held.

use std::time::Duration;

use super::*;
use crate::mediation::follow_up::follow_up;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::test]
async fn an_agreement_has_who_and_when() {
    let play = Play::agreed(Stage::new()).await;
    let agreement = &play.view(BEN).await["agreement"];
    let person = |subject: &str| json!({"issuer": ISSUER, "subject": subject});
    assert_eq!((&agreement["proposed_by"], &agreement["accepted_by"]), (&person(ANA), &person(BEN)));
    assert_eq!(agreement["accepted_at"], "2026-03-01T12:00:00Z");
    assert_eq!(agreement["follow_up_at"], "2026-03-15T12:00:00Z");
    assert_eq!(play.refused(ANA, "account", &json!({"text": "And more."})).await, 409);
}

#[tokio::test]
async fn only_the_other_side_accepts_and_only_what_is_proposed_now() {
    let play = Play::shared(Stage::new()).await;
    let first = play.take(ANA, "agreement", &json!({"text": "I do all."})).await["agreement"]["id"].clone();
    assert_eq!(play.refused(ANA, "agreement", &json!({"accept": first})).await, 409);
    let second = play.take(ANA, "agreement", &json!({"text": "You do all."})).await["agreement"]["id"].clone();
    assert_eq!(play.refused(BEN, "agreement", &json!({"accept": first})).await, 409, "he has read another one");
    play.take(ANA, "restatement", &json!({"text": "I wait.", "share": false})).await;
    assert_eq!(play.refused(BEN, "agreement", &json!({"accept": second})).await, 409, "nothing is shared any more");
    play.take(ANA, "restatement", &json!({"text": "I wait.", "share": true})).await;
    assert_eq!(play.take(BEN, "agreement", &json!({"accept": second})).await["state"], "agreed");
    let early = Play::begun(play.stage).await;
    assert_eq!(early.refused(ANA, "agreement", &json!({"text": "I do all."})).await, 409);
}

#[tokio::test]
async fn when_the_time_has_come_both_are_asked_and_each_learns_the_other_answer_after_giving_theirs() {
    let play = Play::agreed(Stage::new()).await;
    assert_eq!(play.refused(ANA, "outcome", &json!({"held": true})).await, 409);
    follow_up(&play.stage.state).await.unwrap();
    assert_eq!(play.view(ANA).await["state"], "agreed");
    play.stage.clock.advance(14 * DAY);
    follow_up(&play.stage.state).await.unwrap();
    follow_up(&play.stage.replica().state).await.unwrap();
    let asked = play.events().await.into_iter().filter(|event| event["type"] == "dev.watchgate.mediation.follow_up");
    assert_eq!(asked.count(), 1);
    for who in [ANA, BEN] {
        let listed = &play.list(who).await[0];
        assert_eq!((&listed["state"], &listed["asks_whether_it_held"]), (&json!("follow_up"), &json!(true)));
    }
    let said = play.take(ANA, "outcome", &json!({"held": false, "note": OF_ANA})).await;
    assert_eq!((&said["state"], &said["asks_whether_it_held"]), (&json!("follow_up"), &json!(false)));
    let waiting = play.view(BEN).await;
    assert!(waiting["theirs"].get("held").is_none() && tells(&waiting, OF_ANA).is_empty(), "{waiting}");
    let events = play.events().await.len();
    for other in
        [json!({"held": true, "note": OF_ANA}), json!({"held": false, "note": "Again."}), json!({"held": false})]
    {
        assert_eq!(play.refused(ANA, "outcome", &other).await, 409, "it is said once: {other}");
    }
    play.take(ANA, "outcome", &json!({"held": false, "note": OF_ANA})).await;
    assert_eq!(play.events().await.len(), events);
    let closed = play.take(BEN, "outcome", &json!({"held": true})).await;
    assert_eq!((&closed["state"], &closed["theirs"]["held"]), (&json!("closed"), &json!(false)));
    assert_eq!(tells(&closed, OF_ANA), [""; 0]);
    assert_eq!(play.refused(BEN, "outcome", &json!({"held": false})).await, 409);
}

#[tokio::test]
async fn sixty_agreements_that_are_due_at_once_are_all_asked_about() {
    let stage = Stage::new();
    let mut play = Play::agreed(stage).await;
    for number in 0..60 {
        let begun = begin(&play.stage, &format!("colleague-{number}"), "cara", "t").await;
        let path = begun.headers["location"].to_str().unwrap().to_owned();
        let one = Play { stage: play.stage, path };
        let who = format!("colleague-{number}");
        for who in [&*who, "cara"] {
            one.take(who, "restatement", &json!({"text": "I.", "share": true})).await;
        }
        let proposed = one.take(&who, "agreement", &json!({"text": "We do."})).await;
        one.take("cara", "agreement", &json!({"accept": proposed["agreement"]["id"]})).await;
        play = Play { stage: one.stage, path: play.path };
    }
    play.stage.clock.advance(15 * DAY);
    follow_up(&play.stage.state).await.unwrap();
    let listed = play.list("cara").await;
    assert_eq!(listed.iter().filter(|one| one["state"] == "follow_up").count(), 60);
    assert_eq!(play.view(ANA).await["state"], "follow_up");
}
