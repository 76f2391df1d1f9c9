//! Runbooks of a test's own.

use std::sync::Arc;

use super::*;
use crate::backbone::{Batch, Put};
use crate::runbooks::{About, BackoffPolicy, Concurrency, Retry, Right, Runbook, RunbookCatalogue, RunbookTarget, Who};

/// The runbooks of one test, where everybody may do everything.
pub(super) struct Books(Vec<Arc<Runbook>>);

impl RunbookCatalogue for Books {
    fn get(&self, name: &str) -> Option<Arc<Runbook>> {
        self.0.iter().find(|runbook| runbook.name == name).cloned()
    }

    fn list(&self) -> Vec<Arc<Runbook>> {
        self.0.clone()
    }

    fn allows(&self, _who: &Who<'_>, _right: Right, _about: About<'_>) -> bool {
        true
    }
}

/// A runbook that takes anything, for the sample service, within a minute.
pub(super) fn runbook(name: &str, change: impl FnOnce(&mut Runbook)) -> Runbook {
    let text = format!(
        "name: {name}\ntitle: T\ndescription: D\nparameters: {{type: object}}\ntarget: {{service: {SERVICE}}}\nrisk: change\n\
         approval: {{needed: false, not_requester: false}}\ntimeout_seconds: 60\n"
    );
    let mut runbook = Runbook::from_yaml("test.yaml", &text).unwrap();
    change(&mut runbook);
    runbook
}

pub(super) fn tried_again(times: u32, first_pause_seconds: f64) -> impl FnOnce(&mut Runbook) {
    move |runbook| {
        runbook.idempotent = true;
        runbook.retry =
            Retry { retry: times, backoff_policy: BackoffPolicy::Exponential, backoff_delay: first_pause_seconds };
    }
}

pub(super) fn at_once(per_runbook: Option<u32>, per_target: Option<u32>) -> impl FnOnce(&mut Runbook) {
    move |runbook| {
        runbook.concurrency = Concurrency { per_runbook, per_target };
        runbook.target = RunbookTarget::Selector { service_from: "service".to_owned() };
    }
}

pub(super) fn stage(runbooks: impl IntoIterator<Item = Runbook>) -> Stage {
    Stage::new().with_runbooks(Books(runbooks.into_iter().map(Arc::new).collect()))
}

/// Asks for a command for this service.
pub(super) async fn ask_for(stage: &Stage, runbook: &str, service: &str) -> Value {
    let body = json!({"runbook": runbook, "parameters": {"service": service}});
    let answer = stage.post("/v1/commands", &body).by("ana").send().await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    answer.json
}

pub(super) async fn lease_of(stage: &Stage, service: &str, wait_seconds: u64) -> Answer {
    let target = format!("/v1/services/{service}/commands:lease");
    stage.post(&target, &json!({"wait_seconds": wait_seconds})).by(service).send().await
}

pub(super) async fn command(stage: &Stage, command: &Value) -> Value {
    stage.get(&format!("/v1/commands/{}", command["id"].as_str().unwrap())).send().await.json
}

/// Changes the record of an open command behind the service's back.
pub(super) async fn change_record(stage: &Stage, command: &Value, change: impl FnOnce(&mut Value)) {
    let backbone = &stage.state.backbone;
    let key = command["id"].as_str().unwrap().to_owned();
    let entry = backbone.get("commands.open", key.clone()).await.unwrap().unwrap();
    let mut record = serde_json::from_slice(&entry.value).unwrap();
    change(&mut record);
    let value = Some(record.to_string().into_bytes());
    let put = Put { bucket: "commands.open", key, value, expected_revision: Some(entry.revision), expires_at: None };
    backbone.commit(Batch { events: Vec::new(), puts: vec![put] }).await.unwrap();
}

/// The data of the command's events of this kind.
pub(super) async fn told(stage: &Stage, command: &Value, kind: &str) -> Vec<Value> {
    let id = command["id"].as_str().unwrap();
    let target = format!("/v1/events?subject={id}&type=dev.watchgate.command.{kind}");
    let page = stage.get(&target).send().await.json;
    page["events"].as_array().unwrap().iter().map(|event| event["event"]["data"].clone()).collect()
}
