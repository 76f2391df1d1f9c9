//! More than one who must agree, and who they are.

use super::runbooks::{DROP_CACHE, SET_PASSWORD, call, catalogue, stage};
use super::*;

fn names(command: &Value) -> Vec<&str> {
    let decided = command["approval"]["decided"].as_array().unwrap();
    decided.iter().map(|one| one["by"]["sub"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_command_is_scheduled_when_as_many_have_agreed_as_are_needed_each_once() {
    let stage = stage();
    let command = call(&stage, "drop-cache", json!({})).await;
    let first = decide(&stage, &command, "ben", "approve").await.json;
    assert_eq!((&first["state"], names(&first)), (&json!("pending"), vec!["ben"]));
    assert_eq!(first["approval"].get("decision"), None);
    for decision in ["approve", "reject"] {
        let again = decide(&stage, &command, "ben", decision).await;
        assert_eq!((again.status, problem(&again)), (StatusCode::CONFLICT, "decided-already"), "{decision}");
    }
    assert_eq!(try_lease(&stage, 0).await.status, StatusCode::NO_CONTENT);

    let last = decide(&stage, &command, "eva", "approve").await.json;
    assert_eq!((&last["state"], names(&last)), (&json!("scheduled"), vec!["ben", "eva"]));
    assert_eq!(last["approval"]["decision"], "approve");
    let late = decide(&stage, &command, "ivo", "approve").await;
    assert_eq!((late.status, problem(&late)), (StatusCode::CONFLICT, "wrong-state"));
    assert_eq!(trail(&stage, &command).await, ["requested", "pending", "pending", "scheduled"]);
}

#[tokio::test]
async fn two_who_agree_at_once_both_count() {
    let stage = stage();
    for _ in 0..8 {
        let command = call(&stage, "drop-cache", json!({})).await;
        let (one, other) =
            tokio::join!(decide(&stage, &command, "ben", "approve"), decide(&stage, &command, "eva", "approve"));
        assert_eq!((one.status, other.status), (StatusCode::OK, StatusCode::OK), "{one:?} {other:?}");
        assert_eq!(state_of(&stage, &command).await, "scheduled");
    }
}

#[tokio::test]
async fn of_three_who_agree_at_once_two_are_enough() {
    let stage = stage();
    let command = call(&stage, "drop-cache", json!({})).await;
    let all = ["ben", "eva", "ivo"].map(|by| decide(&stage, &command, by, "approve"));
    let mut statuses = futures_util::future::join_all(all).await.iter().map(|one| one.status).collect::<Vec<_>>();
    statuses.sort_unstable();
    assert_eq!(statuses, [StatusCode::OK, StatusCode::OK, StatusCode::CONFLICT]);
}

#[tokio::test]
async fn one_who_is_against_it_ends_it() {
    let stage = stage();
    let command = call(&stage, "drop-cache", json!({})).await;
    decide(&stage, &command, "ben", "approve").await;
    let ended = decide(&stage, &command, "eva", "reject").await.json;
    assert_eq!((&ended["state"], &ended["approval"]["decision"]), (&json!("rejected"), &json!("reject")));
    assert_eq!(decide(&stage, &command, "ivo", "approve").await.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn whoever_the_runbook_does_not_name_decides_nothing_nor_does_the_requester() {
    let stage = stage();
    let command = call(&stage, "drop-cache", json!({})).await;
    let target = format!("/v1/commands/{}/approval", command["id"].as_str().unwrap());
    let own = decide(&stage, &command, "ana", "approve").await;
    assert_eq!((own.status, problem(&own)), (StatusCode::FORBIDDEN, "own-request"));
    for decision in ["approve", "reject"] {
        let stranger = decide(&stage, &command, "mallory", decision).await;
        assert_eq!((stranger.status, problem(&stranger)), (StatusCode::FORBIDDEN, "not-an-approver"));
        let body = json!({"decision": decision, "digest": command["digest"]});
        let namesake = stage.post(&target, &body).by("ben");
        let namesake = namesake.claiming(|claims| claims.rctx.iss = Some("https://other.example".to_owned()));
        assert_eq!(problem(&namesake.send().await), "not-an-approver");
    }
    assert_eq!(trail(&stage, &command).await, ["requested", "pending"]);
}

#[tokio::test]
async fn what_the_runbook_said_at_the_request_counts() {
    let stage = stage();
    let command = call(&stage, "drop-cache", json!({})).await;
    let laxer = DROP_CACHE.replace("quorum: 2", "quorum: 1").replace("subject: ben", "subject: mallory");
    let stage = stage.with_runbooks(catalogue(&[&laxer]));
    assert_eq!(problem(&decide(&stage, &command, "mallory", "reject").await), "not-an-approver");
    assert_eq!(decide(&stage, &command, "ben", "reject").await.json["state"], "rejected");
}

#[tokio::test]
async fn nobody_approves_by_a_runbook_that_has_changed_or_is_gone_and_whoever_may_can_reject_it() {
    let stage = stage();
    let command = call(&stage, "drop-cache", json!({})).await;
    let shown = stage.get("/v1/runbooks/drop-cache").send().await.json;
    assert_eq!(command["runbook_digest"], shown["digest"]);
    assert_eq!(decide(&stage, &command, "ben", "approve").await.json["state"], "pending");
    let changed = DROP_CACHE.replace("Empties the cache", "Deletes the data");
    let stage = stage.with_runbooks(catalogue(&[&changed]));
    let refused = decide(&stage, &command, "eva", "approve").await;
    assert_eq!((refused.status, problem(&refused)), (StatusCode::CONFLICT, "digest-differs"));
    assert!(refused.json["detail"].as_str().unwrap().contains("runbook has changed"), "{refused:?}");
    let stage = stage.with_runbooks(catalogue(&[SET_PASSWORD]));
    assert_eq!(problem(&decide(&stage, &command, "eva", "approve").await), "digest-differs");
    assert_eq!(state_of(&stage, &command).await, "pending");
    assert_eq!(decide(&stage, &command, "eva", "reject").await.json["state"], "rejected");
    let late = decide(&stage, &command, "ivo", "approve").await;
    assert_eq!((late.status, problem(&late)), (StatusCode::CONFLICT, "wrong-state"));
}

#[tokio::test]
async fn the_runbook_as_it_was_counts_again_when_it_is_back() {
    let stage = stage();
    let command = call(&stage, "drop-cache", json!({})).await;
    let stage = stage.with_runbooks(catalogue(&[SET_PASSWORD])).with_runbooks(catalogue(&[DROP_CACHE]));
    assert_eq!(decide(&stage, &command, "ben", "approve").await.json["state"], "pending");
    assert_eq!(decide(&stage, &command, "eva", "approve").await.json["state"], "scheduled");
}

#[tokio::test]
async fn a_role_that_the_runbook_names_is_enough_and_another_is_not() {
    let text = DROP_CACHE.replace("  quorum: 2\n", "  roles: [operators]\n");
    let stage = stage().with_runbooks(catalogue(&[&text]));
    let command = call(&stage, "drop-cache", json!({})).await;
    let target = format!("/v1/commands/{}/approval", command["id"].as_str().unwrap());
    let approval = json!({"decision": "approve", "digest": command["digest"]});
    let decide_as = async |role: &str| {
        let request = stage.post(&target, &approval).by("zoe");
        request.claiming(|claims| claims.rctx.roles = Some(vec![role.to_owned()])).send().await
    };
    assert_eq!(problem(&decide_as("operator").await), "not-an-approver");
    assert_eq!(decide_as("operators").await.json["state"], "scheduled");
}
