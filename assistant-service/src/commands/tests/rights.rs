//! What the rights of the runbooks let somebody do with a command. The example company's ask for scopes.

use super::runbooks::{DROP_CACHE, SET_PASSWORD, call, catalogue_with};
use super::*;
use crate::runbooks::FolderCatalogue;
use crate::testing::StagedRequest;

const REQUEST: &str = "commands:request";
const APPROVE: &str = "commands:approve";

fn with_scopes<'a>(request: StagedRequest<'a>, by: &str, scopes: &str) -> StagedRequest<'a> {
    request.by(by).claiming(|claims| claims.scope = Some(scopes.to_owned()))
}

async fn request(stage: &Stage, by: &str, scopes: &str) -> Answer {
    let body = json!({"runbook": "restart-worker", "parameters": {"worker": "mailer"}});
    with_scopes(stage.post("/v1/commands", &body), by, scopes).send().await
}

async fn act(stage: &Stage, command: &Value, what: &str, by: &str, scopes: &str) -> Answer {
    let target = format!("/v1/commands/{}/{what}", command["id"].as_str().unwrap());
    let decision = json!({"decision": "approve", "digest": command["digest"]});
    let body = if what == "approval" { decision } else { json!({}) };
    with_scopes(stage.post(&target, &body), by, scopes).send().await
}

fn is_refused(answer: &Answer, right: &str) {
    assert_eq!((answer.status, problem(answer)), (StatusCode::FORBIDDEN, "not-allowed"), "{answer:?}");
    let detail = answer.json["detail"].as_str().unwrap();
    let expected = format!(
        "You have not the right {right} to the runbook restart-worker; whoever keeps the rights of the runbooks can give it."
    );
    assert_eq!(detail, expected);
}

#[tokio::test]
async fn who_may_not_run_a_runbook_asks_for_nothing() {
    let stage = Stage::new();
    for scopes in ["", APPROVE, "commands", "commands:requests"] {
        is_refused(&request(&stage, "ana", scopes).await, "run");
    }
    assert_eq!(stage.get("/v1/commands").send().await.json["commands"], json!([]));
    assert_eq!(request(&stage, "ana", REQUEST).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn who_may_not_approve_decides_nothing() {
    let stage = Stage::new();
    let command = request(&stage, "ana", REQUEST).await.json;
    is_refused(&act(&stage, &command, "approval", "ben", REQUEST).await, "approve");
    is_refused(&act(&stage, &command, "approval", "ben", "").await, "approve");
    assert_eq!(state_of(&stage, &command).await, "pending");
    assert_eq!(act(&stage, &command, "approval", "ben", APPROVE).await.json["state"], "scheduled");
}

#[tokio::test]
async fn whoever_asked_may_always_call_it_off_and_others_need_the_right() {
    let stage = Stage::new();
    let (own, others) = (request(&stage, "ana", REQUEST).await.json, request(&stage, "ana", REQUEST).await.json);
    is_refused(&act(&stage, &own, "cancel", "ben", "").await, "cancel");
    assert_eq!(act(&stage, &own, "cancel", "ana", "").await.json["state"], "canceled");
    // The same name from another issuer is somebody else.
    let target = format!("/v1/commands/{}/cancel", others["id"].as_str().unwrap());
    let foreign = with_scopes(stage.post(&target, &json!({})), "ana", "");
    let foreign = foreign.claiming(|claims| claims.rctx.iss = Some("https://other.example".to_owned()));
    is_refused(&foreign.send().await, "cancel");
    assert_eq!(act(&stage, &others, "cancel", "ben", APPROVE).await.json["state"], "canceled");
}

#[tokio::test]
async fn what_the_caller_may_do_stands_in_the_catalogue_which_lists_all() {
    let stage = Stage::new();
    for (scopes, expected) in
        [("", json!([])), (REQUEST, json!(["run", "cancel"])), (APPROVE, json!(["approve", "cancel"]))]
    {
        let all = with_scopes(stage.get("/v1/runbooks"), "ana", scopes).send().await.json;
        assert_eq!(all["runbooks"].as_array().unwrap().len(), 5);
        assert_eq!(all["runbooks"][0]["you_may"], expected, "{scopes}");
    }
}

#[tokio::test]
async fn a_dry_run_and_a_run_are_two_rights_and_roles_of_the_token_give_them() {
    let folder = tempfile::tempdir().unwrap();
    let runbook = json!({
        "name": "look", "title": "T", "description": "D", "target": {"service": "a"}, "risk": "read", "timeout_seconds": 9,
        "approval": {"needed": false}, "parameters": {"type": "object"}, "dry_run": true,
    });
    let rules = json!({"rules": [
        {"name": "juniors", "who": {"roles": ["junior"]}, "allow": ["dry_run"]},
        {"name": "seniors", "who": {"roles": ["senior"]}, "allow": ["run", "dry_run"]},
        {"name": "whoever left", "who": {"roles": ["former"]}, "deny": ["run", "dry_run"]},
    ]});
    std::fs::write(folder.path().join("look.yaml"), runbook.to_string()).unwrap();
    std::fs::write(folder.path().join("rights.yaml"), rules.to_string()).unwrap();
    let stage = Stage::new().with_runbooks(FolderCatalogue::load(folder.path()).unwrap());
    for (roles, may_try, may_run) in [
        (&[][..], false, false),
        (&["junior"][..], true, false),
        (&["senior"][..], true, true),
        (&["junior", "senior"][..], true, true),
        (&["senior", "former"][..], false, false),
    ] {
        for (dry_run, may) in [(true, may_try), (false, may_run)] {
            let request = stage.post("/v1/commands", &json!({"runbook": "look", "dry_run": dry_run}));
            let request =
                request.claiming(|claims| claims.rctx.roles = Some(roles.iter().map(ToString::to_string).collect()));
            let expected = if may { StatusCode::CREATED } else { StatusCode::FORBIDDEN };
            assert_eq!(request.send().await.status, expected, "{roles:?} dry_run {dry_run}");
        }
    }
}

/// By risk, and for one user by name.
const BY_RISK: &str = "rules:
  - name: everybody
    risk: [change]
    allow: [run, dry_run, approve, cancel]
  - name: not ivo
    who: {users: [{issuer: 'https://issuer.watchgate.test', subject: ivo}]}
    deny: [approve, cancel]
";

#[tokio::test]
async fn a_command_whose_runbook_is_gone_is_stopped_and_rejected_by_whoever_may() {
    let with = |files: &[&str]| catalogue_with(BY_RISK, files);
    let stage = Stage::new().with_runbooks(with(&[DROP_CACHE, SET_PASSWORD]));
    let (one, other) = (call(&stage, "drop-cache", json!({})).await, call(&stage, "drop-cache", json!({})).await);
    let stage = stage.with_runbooks(with(&[SET_PASSWORD]));
    let refused = decide(&stage, &one, "ivo", "reject").await;
    assert_eq!((refused.status, problem(&refused)), (StatusCode::FORBIDDEN, "not-allowed"));
    assert_eq!(problem(&on(&stage, &other, "cancel", "ivo", json!({})).await), "not-allowed");
    assert_eq!(decide(&stage, &one, "ben", "reject").await.json["state"], "rejected");
    assert_eq!(on(&stage, &other, "cancel", "ben", json!({})).await.json["state"], "canceled");
}

#[tokio::test]
async fn who_is_denied_by_a_role_is_refused_also_where_the_gate_does_not_tell_roles() {
    let rights = "rules:
  - {name: everybody, allow: [run]}
  - {name: no trainees, who: {roles: [trainee]}, deny: [run]}
";
    let stage = Stage::new().with_runbooks(catalogue_with(rights, &[SET_PASSWORD]));
    let body = json!({"runbook": "set-password", "parameters": {"password": "hush hush"}});
    for (roles, status) in [
        (None, StatusCode::FORBIDDEN),
        (Some(vec![]), StatusCode::CREATED),
        (Some(vec!["operator".to_owned()]), StatusCode::CREATED),
        (Some(vec!["trainee".to_owned()]), StatusCode::FORBIDDEN),
    ] {
        let told = roles.clone();
        let answer = stage.post("/v1/commands", &body).by("ana").claiming(|claims| claims.rctx.roles = told);
        assert_eq!(answer.send().await.status, status, "{roles:?}");
    }
}
