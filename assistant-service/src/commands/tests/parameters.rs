//! Defaults, and parameters that nobody but the lease's holder may see.

use super::runbooks::{call, stage};
use super::*;
use crate::testing::sent_events;

const SECRET: &str = "correct-horse-battery";

#[tokio::test]
async fn what_is_left_out_has_its_default_before_anybody_decides_about_it() {
    let stage = stage();
    let without = call(&stage, "drop-cache", json!({})).await;
    assert_eq!(without["parameters"], json!({"region": "everywhere"}));
    let with = call(&stage, "drop-cache", json!({"region": "everywhere"})).await;
    assert_eq!(without["digest"], with["digest"]);
    let other = call(&stage, "drop-cache", json!({"region": "north"})).await;
    assert_ne!(without["digest"], other["digest"]);
}

#[tokio::test]
async fn a_secret_reaches_the_holder_of_the_lease_and_nobody_else() {
    let stage = stage();
    let command = call(&stage, "set-password", json!({"password": SECRET})).await;
    assert_eq!(command["parameters"], json!({"account": "root", "password": "***"}));

    let lease = try_lease(&stage, 0).await.json;
    assert_eq!(lease["command"]["parameters"], json!({"account": "root", "password": SECRET}));
    let id = command["id"].as_str().unwrap();
    let report = json!({"fence": lease["fence"], "outcome": "failed"});
    let done = on(&stage, &command, "result", SERVICE, report).await.json;
    assert_eq!(done["state"], "failed");

    let mut seen = vec![format!("{:?}", stage.state.commands.find(id).await.unwrap()), done.to_string()];
    for target in [&format!("/v1/commands/{id}"), "/v1/commands", "/v1/events?limit=1000"] {
        seen.push(stage.get(target).send().await.json.to_string());
    }
    let followed = stage.get(&format!("/v1/commands/{id}/follow")).open().await;
    seen.extend(sent_events(followed).await.into_iter().map(|(_, data)| data));
    assert!(seen[0].contains("SecretParameters"), "{}", seen[0]);
    for text in seen {
        assert!(!text.contains(SECRET), "{text}");
    }
}

#[tokio::test]
async fn a_wrong_secret_is_not_repeated_in_the_refusal() {
    let stage = stage();
    let body = json!({"runbook": "set-password", "parameters": {"password": [SECRET]}});
    let refused = stage.post("/v1/commands", &body).send().await;
    assert_eq!(refused.wrong_fields(), ["parameters.password"]);
    assert!(!refused.json.to_string().contains(SECRET), "{refused:?}");
}

#[tokio::test]
async fn nobody_finds_a_secret_out_by_comparing_digests() {
    let stage = stage();
    let one = call(&stage, "set-password", json!({"password": SECRET})).await;
    let same = call(&stage, "set-password", json!({"password": SECRET})).await;
    assert_ne!(one["digest"], same["digest"]);
}
