mod fields;
mod steps;

use std::fs;

use serde_json::json;

use super::*;

pub(super) const GOOD: &str = "
name: restart-worker
title: Restart a worker
description: Stops one worker and starts it again.
target: {service: sample-service}
risk: change
approval: {needed: true, not_requester: true}
timeout_seconds: 60
parameters:
  type: object
  additionalProperties: false
  required: [worker]
  properties:
    worker: {type: string, enum: [thumbnailer, mailer]}
    reason: {type: string}
";

fn mistakes(text: &str) -> Vec<String> {
    file::parse("one.yaml", text).err().unwrap_or_default().iter().map(Mistake::to_string).collect()
}

fn loaded(files: &[(&str, &str)]) -> Result<FolderCatalogue, InvalidRunbooks> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    FolderCatalogue::load(folder.path())
}

#[test]
fn the_examples_are_good_runbooks() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/company/runbooks");
    let catalogue = FolderCatalogue::load(&folder).unwrap();
    let names: Vec<_> = catalogue.list().iter().map(|runbook| runbook.name.clone()).collect();
    assert_eq!(names, ["cool-console", "restart-worker", "roll-back-build", "rotate-logs", "show-status"]);

    let restart = catalogue.get("restart-worker").unwrap();
    assert_eq!((restart.risk, restart.timeout_seconds), (Risk::Change, 60));
    assert_eq!(restart.target, RunbookTarget::Service { service: "sample-service".to_owned() });
    let Approval { needed, not_requester, users, roles, issuers, quorum, lifetime_seconds } = &restart.approval;
    assert_eq!((needed, not_requester, quorum, lifetime_seconds), (&true, &true, &1, &3600));
    assert!(users.is_empty() && roles.is_empty() && issuers.is_empty());
    assert_eq!(catalogue.get("show-status").unwrap().risk, Risk::Read);
    assert!(catalogue.get("drop-table").is_none());
}

#[test]
fn parameters_are_held_against_the_schema_and_every_wrong_one_is_named() {
    let runbook = file::parse("one.yaml", GOOD).unwrap();
    assert_eq!(runbook.check_parameters(&json!({"worker": "mailer", "reason": "stuck"})), Ok(()));

    let named = |parameters: Value| {
        let errors = runbook.check_parameters(&parameters).unwrap_err();
        errors.into_iter().map(|error| error.field).collect::<Vec<_>>()
    };
    assert_eq!(named(json!({})), ["parameters.worker"]);
    assert_eq!(named(json!([])), ["parameters"]);
    assert_eq!(named(json!({"worker": "mailer", "speed": 3})), ["parameters"]);
    let mut both = named(json!({"worker": "checkout", "reason": 7}));
    both.sort();
    assert_eq!(both, ["parameters.reason", "parameters.worker"]);
}

#[test]
fn a_wrong_value_is_not_repeated_to_whoever_sees_the_error() {
    let runbook = file::parse("one.yaml", GOOD).unwrap();
    let errors = runbook.check_parameters(&json!({"worker": "hunter2"})).unwrap_err();
    assert!(!errors[0].detail.contains("hunter2"), "{errors:?}");
}

#[test]
fn every_mistake_of_a_file_is_told_at_once_with_its_line() {
    let text = "
name: Restart Worker
title: ' '
description: Stops it.
target: {service: sample-service, host: a}
risk: catastrophic
approval:
  needed: false
  not_requester: true
timeout_seconds: 0
parameters: {type: object, properties: {worker: {type: strong}}}
colour: red
";
    let found = mistakes(text);
    let begin =
        |line: &str, word: &str| found.iter().any(|mistake| mistake.starts_with(line) && mistake.contains(word));
    assert_eq!(found.len(), 8, "{found:#?}");
    assert!(begin("one.yaml:2: name", "lower-case"), "{found:#?}");
    assert!(begin("one.yaml:3: title", "say something"), "{found:#?}");
    assert!(begin("one.yaml:5: target.host", "no such key"), "{found:#?}");
    assert!(begin("one.yaml:6: risk", "catastrophic"), "{found:#?}");
    assert!(begin("one.yaml:9: approval.not_requester", "says nothing"), "{found:#?}");
    assert!(begin("one.yaml:10: timeout_seconds", "from 1 to 86400"), "{found:#?}");
    assert!(begin("one.yaml:11: parameters", "JSON Schema"), "{found:#?}");
    assert!(begin("one.yaml:12: colour", "no such key"), "{found:#?}");
}

#[test]
fn missing_fields_are_all_named() {
    let found = mistakes("name: lonely\n");
    assert_eq!(found.len(), 7, "{found:#?}");
    assert!(found.contains(&"one.yaml:1: approval: this is required".to_owned()), "{found:#?}");
}

#[test]
fn what_is_no_yaml_or_says_a_field_twice_is_refused_with_its_line() {
    for text in ["name: [", "- a list", "name: one\nname: two\n", ""] {
        let found = mistakes(text);
        assert!(!found.is_empty() && found.iter().all(|mistake| mistake.starts_with("one.yaml")), "{text}: {found:#?}");
    }
    assert!(mistakes("title: a\nname: one\nname: two\n")[0].starts_with("one.yaml:3:"));
}

#[test]
fn a_destructive_runbook_without_approval_is_refused() {
    let text = GOOD
        .replace("risk: change", "risk: destructive")
        .replace("{needed: true, not_requester: true}", "{needed: false, not_requester: false}");
    assert!(mistakes(&text)[0].contains("destructive"));
}

#[test]
fn a_schema_that_points_elsewhere_is_refused_not_fetched() {
    for reference in ["https://example.com/schema.json", "file:///etc/hostname"] {
        let text = GOOD.replace(
            "worker: {type: string, enum: [thumbnailer, mailer]}",
            &format!("worker: {{$ref: '{reference}'}}"),
        );
        assert_eq!(mistakes(&text).len(), 1, "{reference}");
    }
}

#[test]
fn a_folder_with_mistakes_gives_no_catalogue_and_names_every_file() {
    let broken = GOOD.replace("risk: change", "risk: none");
    let refused = loaded(&[("a.yaml", GOOD), ("b.yaml", &broken), ("c.yml", "name: ["), ("d.yaml", GOOD)]).unwrap_err();
    let files: Vec<_> = refused.0.iter().map(|mistake| mistake.file.as_str()).collect();
    assert_eq!(files, ["b.yaml", "c.yml", "d.yaml"]);
    assert!(refused.0[2].detail.contains("a.yaml"), "{refused}");
    assert!(refused.to_string().contains("mistakes in the runbooks: 3;"), "{refused}");
}

#[test]
fn a_missing_folder_is_a_mistake_and_an_empty_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    assert!(FolderCatalogue::load(&folder.path().join("nowhere")).unwrap_err().to_string().contains("nowhere"));
    assert!(FolderCatalogue::load(folder.path()).unwrap().list().is_empty());
}

#[test]
fn a_digest_depends_on_the_content_alone() {
    let digest = |text: &str| file::parse("one.yaml", text).unwrap().digest;
    let reordered = format!("timeout_seconds: 60\n{}", GOOD.replace("timeout_seconds: 60\n", ""));
    assert_eq!(digest(GOOD), digest(&reordered));
    assert_eq!(digest(GOOD).len(), 64);
    for (old, new) in
        [("thumbnailer", "billing"), ("risk: change", "risk: read"), ("not_requester: true", "not_requester: false")]
    {
        assert_ne!(digest(GOOD), digest(&GOOD.replace(old, new)), "{new}");
    }
}

#[tokio::test]
async fn the_catalogue_is_read_over_http() {
    let stage = crate::testing::Stage::new();
    let all = stage.get("/v1/runbooks").send().await;
    assert_eq!(all.status, 200);
    let names: Vec<_> = all.json["runbooks"].as_array().unwrap().iter().map(|one| one["name"].clone()).collect();
    assert_eq!(names, ["cool-console", "restart-worker", "roll-back-build", "rotate-logs", "show-status"]);

    let one = stage.get("/v1/runbooks/restart-worker").send().await;
    assert_eq!(one.json, all.json["runbooks"][1]);
    assert_eq!(one.json["you_may"], json!(["run", "approve", "cancel"]));
    assert_eq!(all.json["runbooks"][4]["you_may"], json!(["run", "cancel"]));
    assert_eq!(one.json["target"], json!({"service": "sample-service"}));
    assert_eq!(one.json["risk"], "change");
    let approval = json!({"needed": true, "not_requester": true, "quorum": 1, "lifetime_seconds": 3600});
    assert_eq!(one.json["approval"], approval);
    assert_eq!(one.json["parameters"]["properties"]["worker"]["enum"], json!(["thumbnailer", "mailer"]));

    let missing = stage.get("/v1/runbooks/drop-table").send().await;
    assert_eq!(missing.status, 404);
}

#[tokio::test]
async fn a_name_that_is_no_text_is_answered_with_a_problem() {
    let answer = crate::testing::Stage::new().get("/v1/runbooks/%FF").send().await;
    assert_eq!(answer.status, axum::http::StatusCode::NOT_FOUND);
    assert_eq!(answer.headers["content-type"], "application/problem+json");
}
