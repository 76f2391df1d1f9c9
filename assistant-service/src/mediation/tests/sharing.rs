//! What is shared is what was read, and it can be taken back.

use super::*;

#[tokio::test]
async fn only_the_restatement_that_was_read_is_accepted() {
    let play = Play::begun(Stage::new()).await;
    let read = play.take(ANA, "account", &json!({"text": "I wait for reviews."})).await["yours"].clone();
    // Meanwhile she tells something else, at another device.
    play.take(ANA, "account", &json!({"text": OF_ANA})).await;
    let refused = play.post(ANA, "restatement", &json!({"accept": read["restatement_id"], "share": true})).await;
    assert_eq!(
        (refused.status.as_u16(), &refused.json["type"]),
        (409, &json!("urn:watchgate:problem:mediation-state"))
    );
    assert_eq!(play.view(BEN).await["theirs"]["has_shared"], false);
    assert_eq!(play.refused(ANA, "restatement", &json!({"accept": true, "share": true})).await, 400);
    assert_eq!(play.accept(ANA, true).await["yours"]["shared"], OF_ANA, "she has read this one");
}

#[tokio::test]
async fn each_text_has_an_id_and_the_same_text_keeps_it() {
    let play = Play::begun(Stage::new()).await;
    let id = |seen: Value| seen["yours"]["restatement_id"].as_str().unwrap().to_owned();
    let told = id(play.take(ANA, "account", &json!({"text": "I wait."})).await);
    let own = id(play.take(ANA, "restatement", &json!({"text": "I wait long.", "share": false})).await);
    assert_ne!(told, own);
    assert_eq!(id(play.accept(ANA, true).await), own);
    assert_eq!(id(play.take(ANA, "restatement", &json!({"text": "I wait long.", "share": true})).await), own);
    assert_eq!(play.refused(ANA, "restatement", &json!({"accept": told, "share": true})).await, 409);
    assert_eq!(play.refused(BEN, "restatement", &json!({"accept": own, "share": true})).await, 409, "it is not his");
}

#[tokio::test]
async fn what_is_shared_is_taken_back_whatever_is_proposed_and_without_a_turn() {
    let play = Play::shared(Stage::new()).await;
    for number in 2..15 {
        play.take(ANA, "account", &json!({"text": format!("It happened {number} times.")})).await;
    }
    let back = play.take(ANA, "restatement", &json!({"share": false})).await;
    assert_eq!((&back["state"], back.get("together"), back["yours"].get("shared")), (&json!("open"), None, None));
    assert_eq!(back["yours"]["restatement"], "It happened 14 times.");
    assert_eq!(play.view(BEN).await["theirs"], json!({"has_left": false, "has_shared": false}));
    let events = play.events().await.len();
    play.take(ANA, "restatement", &json!({"share": false})).await;
    assert_eq!(play.events().await.len(), events, "there is nothing more to take back");

    let play = Play::agreed(play.stage).await;
    assert_eq!(play.refused(ANA, "restatement", &json!({"share": false})).await, 409);
}
