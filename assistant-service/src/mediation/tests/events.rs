//! What the log of events tells: that a mediation is in a state, and neither whose it is nor what is said in it.

use super::*;

#[tokio::test]
async fn events_carry_an_id_and_a_state_and_nothing_else() {
    let play = Play::agreed(Stage::new()).await;
    let id = play.path.rsplit('/').next().unwrap();
    let events = play.events().await;
    let kinds = events.iter().map(|event| event["type"].as_str().unwrap().rsplit('.').next().unwrap());
    assert_eq!(
        kinds.collect::<Vec<_>>(),
        ["open", "private", "private", "open", "shared", "shared", "agreed"],
        "two begin to talk, tell, share, propose and accept"
    );
    for event in events.iter().filter(|event| event["type"] != "dev.watchgate.mediation.private") {
        assert_eq!(event["data"], json!({"id": id, "state": event["data"]["state"]}));
        assert_eq!(event["type"], format!("dev.watchgate.mediation.{}", event["data"]["state"].as_str().unwrap()));
        assert_eq!((&event["subject"], &event["correlationid"]), (&json!(id), &json!(id)));
        assert_eq!((event.get("authid"), &event["authtype"]), (None, &json!("system")));
    }
    let all = play.stage.get("/v1/events?limit=100").send().await.json;
    for told in [OF_ANA, OF_BEN, "Who reviews whose code", "I wait for reviews.", "Reviews within a day"] {
        assert!(!all.to_string().contains(told) && tells(&all, told).is_empty(), "{told}");
    }
    for who in [ANA, BEN] {
        assert!(!Value::from(events.clone()).to_string().contains(&format!("\"{who}\"")), "{who}");
    }
}
