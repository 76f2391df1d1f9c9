//! What one side does for itself alone shows the other one nothing: not in its view, not in its list, and not by an event of theirs.

use std::time::Duration;

use super::*;

/// All that Ben sees, and what events tell of this mediation.
async fn seen(play: &Play) -> (Value, Vec<Value>, usize) {
    let id = play.path.rsplit('/').next().unwrap();
    let events = play.events().await;
    let of_it = events.iter().filter(|event| event.to_string().contains(id)).count();
    (play.view(BEN).await, play.list(BEN).await, of_it)
}

/// The same play for each of the steps, a minute before it.
async fn a_minute_later(play: &Play) {
    play.stage.clock.advance(Duration::from_secs(60));
}

#[tokio::test]
async fn what_is_said_in_private_moves_nothing_for_the_other_one() {
    let play = Play::begun(Stage::new()).await;
    let before = seen(&play).await;
    for (what, body) in [
        ("account", json!({"text": OF_ANA})),
        ("account", json!({"text": format!("{OF_ANA} Truly.")})),
        ("restatement", json!({"text": "I wait for reviews.", "share": false})),
    ] {
        a_minute_later(&play).await;
        let own = play.view(ANA).await["updated_at"].clone();
        let after = play.take(ANA, what, &body).await;
        assert_ne!(after["updated_at"], own, "she sees it: {what}");
        assert_eq!(seen(&play).await, before, "{what} {body}");
    }
    // What he may see does move it.
    a_minute_later(&play).await;
    play.accept(ANA, true).await;
    let shared = seen(&play).await;
    assert_eq!(shared.0["updated_at"], "2026-03-01T12:04:00Z");
    assert_eq!((&shared.1[0]["updated_at"], shared.2), (&shared.0["updated_at"], before.2 + 1));
    // Other words in the place of those that he cannot read yet.
    a_minute_later(&play).await;
    play.take(ANA, "restatement", &json!({"text": "I wait for days.", "share": true})).await;
    assert_eq!(seen(&play).await, shared);
}

#[tokio::test]
async fn an_event_of_a_private_step_says_no_more_than_that_there_was_one() {
    let play = Play::begun(Stage::new()).await;
    play.take(ANA, "account", &json!({"text": OF_ANA})).await;
    let event =
        play.events().await.into_iter().find(|event| event["type"] == "dev.watchgate.mediation.private").unwrap();
    assert_eq!((&event["data"], event.get("subject"), event.get("correlationid")), (&json!({}), None, None));
    assert_eq!((event.get("authid"), &event["authtype"]), (None, &json!("system")));
}
