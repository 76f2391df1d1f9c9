//! What is left of somebody who leaves, and of a mediation after its time.

use std::time::Duration;

use super::*;
use crate::mediation::book::MEDIATIONS;
use crate::mediation::follow_up::follow_up;
use crate::mediation::people::PEOPLE;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What the store has of mediations.
async fn kept(play: &Play) -> Vec<String> {
    let entries = play.stage.state.backbone.list(MEDIATIONS, None, 10).await.unwrap();
    entries.into_iter().map(|entry| String::from_utf8(entry.value).unwrap()).collect()
}

#[tokio::test]
async fn whoever_leaves_takes_their_words_along() {
    let play = Play::shared(Stage::new()).await;
    assert_eq!(play.leave(ANA).await, 204);
    assert_eq!((play.leave(ANA).await, play.list(ANA).await.len()), (404, 0));
    assert_eq!(play.stage.get(&play.path).by(ANA).send().await.status, 404);
    let left = play.view(BEN).await;
    assert_eq!((&left["state"], &left["theirs"]), (&json!("left"), &json!({"has_left": true, "has_shared": false})));
    assert_eq!(left["yours"]["account"], OF_BEN);
    let kept = kept(&play).await.concat();
    for gone in [OF_ANA, "I wait for reviews."] {
        assert!(!kept.contains(gone), "{kept}");
    }
    assert_eq!(play.refused(BEN, "account", &json!({"text": "And more."})).await, 409);
}

#[tokio::test]
async fn what_is_left_before_the_other_one_has_said_anything_is_gone_for_both() {
    for (leaves, says) in [(ANA, true), (ANA, false), (BEN, false)] {
        let play = Play::begun(Stage::new()).await;
        if says {
            play.take(leaves, "account", &json!({"text": OF_ANA})).await;
            play.accept(leaves, true).await;
        }
        assert_eq!(play.leave(leaves).await, 204);
        for who in [ANA, BEN] {
            assert_eq!(play.list(who).await, [Value::Null; 0], "{leaves} {who}");
            assert_eq!(play.stage.get(&play.path).by(who).send().await.status, 404);
        }
        assert_eq!(kept(&play).await, [""; 0]);
        // Of who has begun something lately that is kept, and of nobody else.
        let people = play.stage.state.backbone.list(PEOPLE, None, 10).await.unwrap();
        assert_eq!(people.len(), 1);
        play.stage.clock.advance(DAY);
        assert_eq!(play.stage.state.backbone.list(PEOPLE, None, 10).await.unwrap().len(), 0);
        assert_eq!(play.events().await.last().unwrap()["data"]["state"], "left", "that is told all the same");
    }
}

#[tokio::test]
async fn when_both_have_left_nothing_is_kept() {
    let play = Play::shared(Stage::new()).await;
    assert_eq!((play.leave(BEN).await, play.leave(ANA).await), (204, 204));
    assert_eq!(kept(&play).await, [""; 0]);
    assert_eq!(begin(&play.stage, ANA, BEN, "t").await.status, 201, "it can be tried again");
}

#[tokio::test]
async fn an_agreement_stays_with_the_one_who_stays_and_a_proposal_does_not() {
    let play = Play::agreed(Stage::new()).await;
    assert_eq!(play.leave(ANA).await, 204);
    let left = play.view(BEN).await;
    assert_eq!(left["agreement"]["text"], "Reviews within a day, not after six.");
    play.stage.clock.advance(14 * DAY);
    follow_up(&play.stage.state).await.unwrap();
    assert_eq!(play.view(BEN).await["state"], "left", "nobody is asked about it any more");

    let play = Play::shared(play.stage).await;
    play.take(ANA, "agreement", &json!({"text": "I do all."})).await;
    play.leave(ANA).await;
    assert!(play.view(BEN).await.get("agreement").is_none());
}

#[tokio::test]
async fn what_has_ended_or_rests_is_kept_for_a_time_and_then_gone() {
    for (ends, days) in [(true, 30), (false, 90)] {
        let play = Play::shared(Stage::new()).await;
        if ends {
            play.leave(ANA).await;
        }
        play.stage.clock.advance(days * DAY - Duration::from_secs(1));
        assert_eq!(play.list(BEN).await.len(), 1, "{days}");
        play.stage.clock.advance(Duration::from_secs(2));
        assert_eq!((play.list(BEN).await.len(), kept(&play).await.len()), (0, 0), "{days}");
        assert_eq!(play.stage.get(&play.path).by(BEN).send().await.status, 404);
    }
}

#[tokio::test]
async fn an_agreement_is_kept_until_after_the_day_on_which_it_is_asked_about() {
    let play = Play::shared(Stage::new()).await;
    let body = json!({"text": "Until next year.", "follow_up_at": "2027-02-01T00:00:00Z"});
    let proposed = play.take(ANA, "agreement", &body).await;
    play.take(BEN, "agreement", &json!({"accept": proposed["agreement"]["id"]})).await;
    play.stage.clock.advance(340 * DAY);
    follow_up(&play.stage.state).await.unwrap();
    assert_eq!(play.list(BEN).await[0]["asks_whether_it_held"], true);
}
