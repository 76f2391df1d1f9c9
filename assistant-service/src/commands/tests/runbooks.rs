//! Runbooks that say more than those of the example company.

use super::*;
use crate::runbooks::FolderCatalogue;

/// Two must agree out of three, the one who asks not among them; it can say what it would do.
pub(super) const DROP_CACHE: &str = "
name: drop-cache
title: Drop the cache
description: Empties the cache of a region.
target: {service: sample-service}
risk: change
approval:
  needed: true
  not_requester: true
  quorum: 2
  users:
    - {issuer: 'https://issuer.watchgate.test', subject: ana}
    - {issuer: 'https://issuer.watchgate.test', subject: ben}
    - {issuer: 'https://issuer.watchgate.test', subject: eva}
    - {issuer: 'https://issuer.watchgate.test', subject: ivo}
dry_run: true
timeout_seconds: 60
parameters:
  type: object
  additionalProperties: false
  properties:
    region: {type: string, default: everywhere}
";

/// Takes a secret.
pub(super) const SET_PASSWORD: &str = "
name: set-password
title: Set a password
description: Sets the password of an account.
target: {service: sample-service}
risk: change
approval: {needed: false, not_requester: false}
timeout_seconds: 60
parameters:
  type: object
  additionalProperties: false
  required: [password]
  properties:
    account: {type: string, default: root}
    password: {type: string, secret: true}
";

/// Everybody may do everything.
const RIGHTS: &str = "rules:
  - name: everybody
    allow: [run, dry_run, approve, cancel]
";

pub(super) fn catalogue(files: &[&str]) -> FolderCatalogue {
    catalogue_with(RIGHTS, files)
}

pub(super) fn catalogue_with(rights: &str, files: &[&str]) -> FolderCatalogue {
    let folder = tempfile::tempdir().unwrap();
    for (number, text) in files.iter().enumerate() {
        std::fs::write(folder.path().join(format!("{number}.yaml")), text).unwrap();
    }
    std::fs::write(folder.path().join("rights.yaml"), rights).unwrap();
    FolderCatalogue::load(folder.path()).unwrap()
}

pub(super) fn stage() -> Stage {
    Stage::new().with_runbooks(catalogue(&[DROP_CACHE, SET_PASSWORD]))
}

/// Asks for a command as ana.
pub(super) async fn call(stage: &Stage, runbook: &str, parameters: Value) -> Value {
    let body = json!({"runbook": runbook, "parameters": parameters, "reason": "it is full"});
    let answer = stage.post("/v1/commands", &body).by("ana").send().await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    answer.json
}
