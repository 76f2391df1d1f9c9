use std::time::Duration;

use axum::http::StatusCode;
use serde_json::{Value, json};
use time::macros::datetime;
use trust_core::principal::Principal;

use super::command::{AttemptEnded, Decided, Decision, Ending, FailedAttempt, Outcome};
use super::state::{State, Step, next};
use crate::testing::{Answer, Stage};

mod again;
mod approvals;
mod books;
mod cancel;
mod clock;
mod dry_run;
mod follow;
mod idempotency;
mod late;
mod limits;
mod model;
mod output;
mod pace;
mod parameters;
mod phases;
mod places;
mod replay;
mod rights;
mod runbooks;
mod secrets;
mod trail;

const SERVICE: &str = "sample-service";
const LEASE: &str = "/v1/services/sample-service/commands:lease";

async fn ask(stage: &Stage, runbook: &str) -> Value {
    let parameters = if runbook == "restart-worker" { json!({"worker": "mailer"}) } else { json!({}) };
    let body = json!({"runbook": runbook, "parameters": parameters, "reason": "the queue grows"});
    let answer = stage.post("/v1/commands", &body).by("ana").send().await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    assert_eq!(answer.headers["location"], format!("/v1/commands/{}", answer.json["id"].as_str().unwrap()));
    answer.json
}

async fn on(stage: &Stage, command: &Value, what: &str, by: &str, body: Value) -> Answer {
    let target = format!("/v1/commands/{}/{what}", command["id"].as_str().unwrap());
    stage.post(&target, &body).by(by).send().await
}

async fn decide(stage: &Stage, command: &Value, by: &str, decision: &str) -> Answer {
    on(stage, command, "approval", by, json!({"decision": decision, "digest": command["digest"]})).await
}

async fn try_lease(stage: &Stage, wait_seconds: u64) -> Answer {
    stage.post(LEASE, &json!({"wait_seconds": wait_seconds})).by(SERVICE).send().await
}

async fn state_of(stage: &Stage, command: &Value) -> String {
    let answer = stage.get(&format!("/v1/commands/{}", command["id"].as_str().unwrap())).send().await;
    answer.json["state"].as_str().unwrap().to_owned()
}

async fn trail(stage: &Stage, command: &Value) -> Vec<String> {
    let target = format!("/v1/events?subject={}&type=dev.watchgate.command.*", command["id"].as_str().unwrap());
    let page = stage.get(&target).send().await.json;
    let events = page["events"].as_array().unwrap();
    assert!(events.iter().all(|event| event["event"]["correlationid"] == command["id"]));
    let last = |text: &Value| text.as_str().unwrap().rsplit('.').next().unwrap().to_owned();
    events.iter().map(|event| last(&event["event"]["type"])).collect()
}

/// Why the command's last event says that it has expired.
async fn expiry(stage: &Stage, command: &Value) -> Value {
    let target = format!("/v1/events?subject={}&order=desc&limit=1", command["id"].as_str().unwrap());
    stage.get(&target).send().await.json["events"][0]["event"]["data"]["expired_because"].clone()
}

fn problem(answer: &Answer) -> &str {
    answer.json["type"].as_str().unwrap().rsplit(':').next().unwrap()
}

/// A command that was just leased, and its fence.
async fn leased(stage: &Stage, runbook: &str) -> (Value, Value) {
    let command = ask(stage, runbook).await;
    if command["state"] == "pending" {
        assert_eq!(decide(stage, &command, "ben", "approve").await.status, StatusCode::OK);
    }
    let answer = try_lease(stage, 0).await;
    assert_eq!(answer.status, StatusCode::OK);
    (command, answer.json["fence"].clone())
}

async fn running(stage: &Stage, runbook: &str) -> (Value, Value) {
    let (command, fence) = leased(stage, runbook).await;
    let answer = on(stage, &command, "heartbeat", SERVICE, json!({"fence": fence})).await;
    assert_eq!((answer.status, &answer.json["state"]), (StatusCode::OK, &json!("running")));
    (command, fence)
}

/// Everything that can happen to a command, with its name.
fn every_step() -> Vec<(&'static str, Step)> {
    let by = Principal::new("https://idp.example.com", "ben");
    let noon = datetime!(2026-03-01 12:00:00 UTC);
    let decided = Decided { by: by.clone(), decision: Decision::Approve, comment: None, at: noon };
    let failed = FailedAttempt { attempt: 1, because: AttemptEnded::Failed, message: None, at: noon };
    let outcome = Outcome { outcome: Ending::Succeeded, result: Value::Null, message: None };
    vec![
        ("ask for approval", Step::AskForApproval),
        ("schedule", Step::Schedule),
        ("agree", Step::Agree(decided.clone())),
        ("approve", Step::Approve(decided.clone())),
        ("reject", Step::Reject(decided)),
        ("expire", Step::Expire),
        ("cancel", Step::Cancel),
        ("lease", Step::Lease { holder: by.clone() }),
        ("lose lease", Step::LoseLease),
        ("start", Step::Start),
        ("verify", Step::Verify),
        ("roll back", Step::RollBack),
        ("succeed", Step::Succeed(outcome.clone())),
        ("fail", Step::Fail(outcome.clone())),
        ("ask to stop", Step::AskToStop { by }),
        ("stop", Step::Stop(outcome)),
        ("time out", Step::TimeOut),
        ("abandon", Step::Abandon),
        ("try again", Step::TryAgain { not_before: noon, failed }),
    ]
}

#[test]
fn the_table_of_steps_is_this_one() {
    let steps = every_step();
    let mut table = Vec::new();
    for state in State::ALL {
        for (name, step) in &steps {
            if let Some(then) = next(state, step) {
                assert!(!state.is_final(), "{name} leads on from {state:?}");
                table.push(format!("{} -{name}-> {}", state.name(), then.name()));
            }
        }
    }
    let expected = [
        "requested -ask for approval-> pending",
        "requested -schedule-> scheduled",
        "pending -agree-> pending",
        "pending -approve-> scheduled",
        "pending -reject-> rejected",
        "pending -expire-> expired",
        "pending -cancel-> canceled",
        "scheduled -expire-> expired",
        "scheduled -cancel-> canceled",
        "scheduled -lease-> leased",
        "leased -cancel-> canceled",
        "leased -lose lease-> scheduled",
        "leased -start-> running",
        "running -verify-> verifying",
        "running -roll back-> rolling_back",
        "running -succeed-> succeeded",
        "running -fail-> failed",
        "running -ask to stop-> running",
        "running -stop-> canceled",
        "running -time out-> timeout",
        "running -abandon-> abandoned",
        "running -try again-> scheduled",
        "verifying -roll back-> rolling_back",
        "verifying -succeed-> succeeded",
        "verifying -fail-> failed",
        "verifying -ask to stop-> verifying",
        "verifying -stop-> canceled",
        "verifying -time out-> timeout",
        "verifying -abandon-> abandoned",
        "verifying -try again-> scheduled",
        "rolling_back -fail-> failed",
        "rolling_back -stop-> canceled",
        "rolling_back -time out-> timeout",
        "rolling_back -abandon-> abandoned",
        "rolling_back -try again-> scheduled",
    ];
    assert_eq!(table, expected);
}

#[tokio::test]
async fn a_command_is_asked_for_approved_leased_and_carried_out_and_each_step_is_an_event() {
    let stage = Stage::new();
    let command = ask(&stage, "restart-worker").await;
    assert_eq!(command["state"], "pending");
    assert_eq!(command["approval"], json!({"needed": true, "not_requester": true, "quorum": 1}));
    assert_eq!(try_lease(&stage, 0).await.status, StatusCode::NO_CONTENT);

    let approved = decide(&stage, &command, "ben", "approve").await.json;
    assert_eq!(approved["state"], "scheduled");
    assert_eq!(approved["approval"]["decided"][0]["by"], json!({"iss": crate::testing::ISSUER, "sub": "ben"}));

    let lease = try_lease(&stage, 0).await.json;
    let runbook = stage.get("/v1/runbooks/restart-worker").send().await.json;
    let call = json!({"id": command["id"], "runbook": "restart-worker", "runbook_digest": runbook["digest"],
        "parameters": {"worker": "mailer"}, "timeout_seconds": 60, "dry_run": false, "attempt": 1});
    assert_eq!(lease, json!({"command": call, "fence": 1, "lease_expires_at": "2026-03-01T12:00:30Z"}));

    stage.clock.advance(Duration::from_secs(5));
    let progress = json!({"percent": 50, "line": "stopping"});
    let beat = on(&stage, &command, "heartbeat", SERVICE, json!({"fence": 1, "progress": progress})).await;
    assert_eq!(beat.json, json!({"state": "running", "lease_expires_at": "2026-03-01T12:00:35Z", "stop": false}));

    let report = json!({"fence": 1, "outcome": "succeeded", "result": {"pid": 7}, "message": "restarted"});
    let done = on(&stage, &command, "result", SERVICE, report.clone()).await;
    assert_eq!((done.status, &done.json["state"]), (StatusCode::OK, &json!("succeeded")));
    assert_eq!(done.json["result"], json!({"outcome": "succeeded", "result": {"pid": 7}, "message": "restarted"}));
    assert_eq!(done.json["progress"], progress);
    assert_eq!(done.json.get("lease"), None);

    // A report whose answer was lost is sent again.
    assert_eq!(on(&stage, &command, "result", SERVICE, report).await.json, done.json);
    let story = ["requested", "pending", "scheduled", "leased", "running", "succeeded"];
    assert_eq!(trail(&stage, &command).await, story);
}

#[tokio::test]
async fn the_events_of_a_command_name_who_made_each_step() {
    let stage = Stage::new();
    let (command, fence) = running(&stage, "restart-worker").await;
    on(&stage, &command, "result", SERVICE, json!({"fence": fence, "outcome": "failed"})).await;
    let page = stage.get("/v1/events?type=dev.watchgate.command.*").send().await.json;
    let who = |event: &Value| event["event"]["authid"].as_str().unwrap().rsplit('#').next().unwrap().to_owned();
    let names: Vec<_> = page["events"].as_array().unwrap().iter().map(who).collect();
    assert_eq!(names, ["ana", "ana", "ben", SERVICE, SERVICE, SERVICE]);
}

#[tokio::test]
async fn a_result_without_a_heartbeat_begins_and_ends_the_command() {
    let stage = Stage::new();
    let (command, fence) = leased(&stage, "show-status").await;
    let done = on(&stage, &command, "result", SERVICE, json!({"fence": fence, "outcome": "failed"})).await;
    assert_eq!(done.json["state"], "failed");
    assert_eq!(trail(&stage, &command).await, ["requested", "scheduled", "leased", "running", "failed"]);
}

#[tokio::test]
async fn a_request_that_no_runbook_takes_is_refused_by_the_names_of_its_fields() {
    let stage = Stage::new();
    for (body, field) in [
        (json!({"runbook": "drop-tables"}), "runbook"),
        (json!({}), "runbook"),
        (json!({"runbook": "restart-worker", "parameters": {"worker": "x"}}), "parameters.worker"),
        (json!({"runbook": "show-status", "parameters": [], "reason": ""}), "parameters"),
        (json!({"runbook": "show-status", "reason": "x".repeat(3000)}), "reason"),
        (json!({"runbook": "show-status", "parameters": {"x": "x".repeat(70_000)}}), "parameters"),
        (json!({"runbook": "show-status", "target": {"service": "other"}}), "target"),
    ] {
        let answer = stage.post("/v1/commands", &body).send().await;
        assert_eq!((answer.status, answer.wrong_fields()), (StatusCode::BAD_REQUEST, vec![field]), "{body}");
    }
    let answer = stage.request("POST", "/v1/commands").header("content-type", "text/plain").body("{}").send().await;
    assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(stage.get("/v1/commands").send().await.json, json!({"commands": [], "next_before": null}));
}

#[tokio::test]
async fn only_somebody_else_decides_about_exactly_this_command_and_only_once() {
    let stage = Stage::new();
    let command = ask(&stage, "restart-worker").await;
    assert_eq!(decide(&stage, &command, "ana", "approve").await.status, StatusCode::FORBIDDEN);
    let mut other = command.clone();
    other["digest"] = json!("0".repeat(64));
    assert_eq!(decide(&stage, &other, "ben", "approve").await.status, StatusCode::CONFLICT);
    assert_eq!(state_of(&stage, &command).await, "pending");
    // The same name from another issuer is another person.
    let target = format!("/v1/commands/{}/approval", command["id"].as_str().unwrap());
    let rejection = stage.post(&target, &json!({"decision": "reject", "digest": command["digest"]})).by("ana");
    let rejection = rejection.claiming(|claims| claims.rctx.iss = Some("https://other.example".to_owned()));
    assert_eq!(rejection.send().await.json["state"], "rejected");
    assert_eq!(decide(&stage, &command, "ben", "approve").await.status, StatusCode::CONFLICT);
    assert_eq!(state_of(&stage, &command).await, "rejected");
}

#[tokio::test]
async fn of_two_decisions_at_once_one_counts() {
    let stage = Stage::new();
    let command = ask(&stage, "restart-worker").await;
    let (one, other) =
        tokio::join!(decide(&stage, &command, "ben", "approve"), decide(&stage, &command, "eva", "reject"));
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    assert_eq!(trail(&stage, &command).await.len(), 3);
}

#[tokio::test]
async fn a_digest_depends_on_what_is_called_and_on_nothing_else() {
    let stage = Stage::new();
    let (one, same) = (ask(&stage, "restart-worker").await, ask(&stage, "restart-worker").await);
    assert_eq!(one["digest"], same["digest"]);
    let body = json!({"runbook": "restart-worker", "parameters": {"worker": "thumbnailer"}});
    let other = stage.post("/v1/commands", &body).send().await.json;
    assert_ne!(one["digest"], other["digest"]);
}

#[tokio::test]
async fn what_has_not_begun_can_be_called_off_and_nothing_else() {
    let stage = Stage::new();
    let pending = ask(&stage, "restart-worker").await;
    let scheduled = ask(&stage, "show-status").await;
    for command in [&pending, &scheduled] {
        assert_eq!(on(&stage, command, "cancel", "ben", json!({})).await.json["state"], "canceled");
        assert_eq!(on(&stage, command, "cancel", "ben", json!({})).await.status, StatusCode::CONFLICT);
    }
    let (held, fence) = leased(&stage, "show-status").await;
    assert_eq!(on(&stage, &held, "cancel", "ben", json!({})).await.json["state"], "canceled");
    let late = on(&stage, &held, "heartbeat", SERVICE, json!({"fence": fence})).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    let (begun, _) = running(&stage, "show-status").await;
    on(&stage, &begun, "result", SERVICE, json!({"fence": 1, "outcome": "succeeded"})).await;
    assert_eq!(on(&stage, &begun, "cancel", "ben", json!({})).await.status, StatusCode::CONFLICT);
    assert_eq!(decide(&stage, &begun, "ben", "approve").await.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn only_the_holder_of_the_lease_reports() {
    let stage = Stage::new();
    assert_eq!(stage.post(LEASE, &json!({})).by("other").send().await.status, StatusCode::FORBIDDEN);
    let (command, fence) = leased(&stage, "show-status").await;
    for (what, body) in
        [("heartbeat", json!({"fence": fence})), ("result", json!({"fence": fence, "outcome": "succeeded"}))]
    {
        assert_eq!(on(&stage, &command, what, "other", body.clone()).await.status, StatusCode::FORBIDDEN, "{what}");
        let target = format!("/v1/commands/{}/{what}", command["id"].as_str().unwrap());
        let namesake = stage.post(&target, &body).by(SERVICE);
        let namesake = namesake.claiming(|claims| claims.rctx.iss = Some("https://other.example".to_owned()));
        assert_eq!(namesake.send().await.status, StatusCode::FORBIDDEN, "{what}");
        for stale in [0, 2] {
            let mut body = body.clone();
            body["fence"] = json!(stale);
            let refused = on(&stage, &command, what, SERVICE, body).await;
            assert_eq!((refused.status, problem(&refused)), (StatusCode::CONFLICT, "stale-fence"), "{what}");
        }
        let missing = json!({"id": "019ca000-0000-7000-8000-000000000000"});
        assert_eq!(on(&stage, &missing, what, SERVICE, body).await.status, StatusCode::NOT_FOUND, "{what}");
    }
    assert_eq!(state_of(&stage, &command).await, "leased");
}

#[tokio::test]
async fn reports_that_are_too_long_are_refused_by_their_fields() {
    let stage = Stage::new();
    let (command, fence) = leased(&stage, "show-status").await;
    for (what, body, field) in [
        ("heartbeat", json!({"fence": fence, "progress": {"percent": 101}}), "progress.percent"),
        ("heartbeat", json!({"fence": fence, "progress": {"line": "x".repeat(2000)}}), "progress.line"),
        ("heartbeat", json!({"fence": -1}), "fence"),
        ("result", json!({"fence": fence, "outcome": "done"}), "outcome"),
        ("result", json!({"fence": fence, "outcome": "failed", "result": {"log": "x".repeat(70_000)}}), "result"),
    ] {
        let answer = on(&stage, &command, what, SERVICE, body).await;
        assert_eq!((answer.status, answer.wrong_fields()), (StatusCode::BAD_REQUEST, vec![field]));
    }
    let answer = try_lease(&stage, 31).await;
    assert_eq!(answer.wrong_fields(), ["wait_seconds"]);
}

#[tokio::test]
async fn a_lease_that_is_lost_before_the_start_is_given_again_and_the_old_one_does_not_count() {
    let stage = Stage::new();
    let (command, old) = leased(&stage, "show-status").await;
    stage.clock.advance(Duration::from_secs(29));
    stage.state.commands.sweep().await.unwrap();
    assert_eq!(state_of(&stage, &command).await, "leased");
    stage.clock.advance(Duration::from_secs(1));
    stage.state.commands.sweep().await.unwrap();
    assert_eq!(state_of(&stage, &command).await, "scheduled");

    let again = try_lease(&stage, 0).await.json;
    assert_eq!((&again["command"]["id"], &again["fence"]), (&command["id"], &json!(2)));
    let late = on(&stage, &command, "result", SERVICE, json!({"fence": old, "outcome": "succeeded"})).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert_eq!(
        trail(&stage, &command).await,
        ["requested", "scheduled", "leased", "scheduled", "leased", "late_result"]
    );
}

#[tokio::test]
async fn silence_while_running_ends_in_abandoned_and_a_late_report_does_not_change_that() {
    let stage = Stage::new();
    let (command, fence) = running(&stage, "restart-worker").await;
    stage.clock.advance(Duration::from_secs(20));
    on(&stage, &command, "heartbeat", SERVICE, json!({"fence": fence})).await;
    stage.clock.advance(Duration::from_secs(29));
    stage.state.commands.sweep().await.unwrap();
    assert_eq!(state_of(&stage, &command).await, "running");
    stage.clock.advance(Duration::from_secs(1));
    stage.state.commands.sweep().await.unwrap();
    assert_eq!(state_of(&stage, &command).await, "abandoned");
    let late = on(&stage, &command, "result", SERVICE, json!({"fence": fence, "outcome": "succeeded"})).await;
    assert_eq!((late.status, problem(&late)), (StatusCode::CONFLICT, "wrong-state"));
}

#[tokio::test]
async fn a_result_after_the_end_of_the_lease_counts_while_nobody_has_ended_the_command() {
    let stage = Stage::new();
    let (command, fence) = running(&stage, "restart-worker").await;
    stage.clock.advance(Duration::from_secs(31));
    let late = on(&stage, &command, "result", SERVICE, json!({"fence": fence, "outcome": "succeeded"})).await;
    assert_eq!(late.json["state"], "succeeded");
}

#[tokio::test]
async fn heartbeats_and_a_result_that_cross_do_not_refuse_each_other() {
    let stage = Stage::new();
    for _ in 0..8 {
        let (command, fence) = running(&stage, "show-status").await;
        let beat = |percent: u8| json!({"fence": fence, "progress": {"percent": percent}});
        let (one, other) = tokio::join!(
            on(&stage, &command, "heartbeat", SERVICE, beat(1)),
            on(&stage, &command, "heartbeat", SERVICE, beat(2))
        );
        assert_eq!((one.status, other.status), (StatusCode::OK, StatusCode::OK));
        let report = json!({"fence": fence, "outcome": "succeeded"});
        let (beaten, done, again) = tokio::join!(
            on(&stage, &command, "heartbeat", SERVICE, beat(3)),
            on(&stage, &command, "result", SERVICE, report.clone()),
            on(&stage, &command, "result", SERVICE, report)
        );
        assert_eq!((done.status, again.status), (StatusCode::OK, StatusCode::OK));
        // A heartbeat that comes second is told that the command has ended, nothing else.
        assert!(beaten.status == StatusCode::OK || problem(&beaten) == "wrong-state", "{beaten:?}");
        let story = trail(&stage, &command).await;
        assert_eq!(story, ["requested", "scheduled", "leased", "running", "succeeded"]);
    }
}

#[tokio::test]
async fn whoever_takes_longer_than_the_runbook_allows_is_timed_out_despite_heartbeats() {
    let stage = Stage::new();
    let (command, fence) = running(&stage, "restart-worker").await;
    for _ in 0..3 {
        stage.clock.advance(Duration::from_secs(20));
        on(&stage, &command, "heartbeat", SERVICE, json!({"fence": fence})).await;
    }
    stage.state.commands.sweep().await.unwrap();
    assert_eq!(state_of(&stage, &command).await, "timeout");
}

#[tokio::test]
async fn an_approval_that_nobody_gives_within_an_hour_is_not_waited_for() {
    let stage = Stage::new();
    let command = ask(&stage, "restart-worker").await;
    stage.clock.advance(Duration::from_secs(3599));
    stage.state.commands.sweep().await.unwrap();
    assert_eq!(state_of(&stage, &command).await, "pending");
    stage.clock.advance(Duration::from_secs(1));
    stage.state.commands.sweep().await.unwrap();
    assert_eq!(state_of(&stage, &command).await, "expired");
    assert_eq!(expiry(&stage, &command).await, "nobody_decided");
    assert_eq!(decide(&stage, &command, "ben", "approve").await.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn of_many_who_ask_at_once_one_gets_the_command() {
    let stage = Stage::new();
    ask(&stage, "show-status").await;
    let answers = futures_util::future::join_all((0..16).map(|_| try_lease(&stage, 0))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == StatusCode::OK).count(), 1);
    assert_eq!(answers.iter().filter(|answer| answer.status == StatusCode::NO_CONTENT).count(), 15);
}

#[tokio::test]
async fn commands_are_leased_in_the_order_they_were_asked_for() {
    let stage = Stage::new();
    let (first, second) = (ask(&stage, "show-status").await, ask(&stage, "show-status").await);
    for command in [first, second] {
        assert_eq!(try_lease(&stage, 0).await.json["command"]["id"], command["id"]);
    }
}

#[tokio::test]
async fn a_waiting_service_is_woken_when_its_command_is_scheduled() {
    let stage = Stage::new();
    let started = std::time::Instant::now();
    let (answer, command) = tokio::join!(try_lease(&stage, 30), ask(&stage, "show-status"));
    assert_eq!(answer.json["command"]["id"], command["id"]);
    assert!(started.elapsed() < super::lease::LOOK_EVERY, "it was found by looking, not by being told");
}

#[tokio::test]
async fn a_waiting_service_is_sent_away_when_the_service_ends() {
    let stage = Stage::new();
    let end = async { stage.state.ending.send_replace(true) };
    let (answer, _) = tokio::join!(try_lease(&stage, 30), end);
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn everything_goes_on_after_a_restart() {
    let stage = Stage::new();
    let (under_way, fence) = running(&stage, "restart-worker").await;
    let pending = ask(&stage, "restart-worker").await;
    let stage = stage.restarted();
    let done = on(&stage, &under_way, "result", SERVICE, json!({"fence": fence, "outcome": "succeeded"})).await;
    assert_eq!(done.json["state"], "succeeded");
    assert_eq!(decide(&stage, &pending, "ben", "approve").await.json["state"], "scheduled");
    assert_eq!(try_lease(&stage, 0).await.json["command"]["id"], pending["id"]);
}

#[tokio::test]
async fn commands_are_listed_by_state_and_service_with_the_newest_first() {
    let stage = Stage::new();
    let (done, fence) = running(&stage, "show-status").await;
    on(&stage, &done, "result", SERVICE, json!({"fence": fence, "outcome": "succeeded"})).await;
    let scheduled = ask(&stage, "show-status").await;
    let pending = ask(&stage, "restart-worker").await;
    for (query, expected) in [
        ("", vec![&pending, &scheduled, &done]),
        ("?state=succeeded", vec![&done]),
        ("?state=pending&service=sample-service", vec![&pending]),
        ("?service=other", vec![]),
        ("?limit=2", vec![&pending, &scheduled]),
    ] {
        let page = stage.get(&format!("/v1/commands{query}")).send().await.json;
        let ids: Vec<_> = page["commands"].as_array().unwrap().iter().map(|command| &command["id"]).collect();
        assert_eq!(ids, expected.iter().map(|command| &command["id"]).collect::<Vec<_>>(), "{query}");
    }
    let page = stage.get("/v1/commands?limit=2").send().await.json;
    let rest = stage.get(&format!("/v1/commands?before={}", page["next_before"].as_str().unwrap())).send().await.json;
    assert_eq!(rest["commands"][0]["id"], done["id"]);
    assert_eq!(stage.get("/v1/commands?state=odd").send().await.wrong_fields(), ["query"]);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_command_longer_than_the_own_token_holds() {
    let stage = Stage::new();
    let started = tokio::time::Instant::now();
    let request = stage.post(LEASE, &json!({"wait_seconds": 30})).by(SERVICE);
    let answer = request.claiming(|claims| claims.rctx.exp = Some(claims.iat + 7)).send().await;
    assert_eq!((answer.status, started.elapsed().as_secs()), (StatusCode::NO_CONTENT, 7));
}
