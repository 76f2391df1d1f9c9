//! What the service says is not believed.

use super::*;

#[tokio::test]
async fn a_command_that_is_not_the_runners_own_catalogues_is_refused_before_anything_is_begun() {
    let (service, heard) = service();
    let steps = format!("steps:\n{}", post(&service, "/"));
    let strict =
        runbook("strict", &steps).replace("{value: {}}", "{value: {type: string, enum: [a]}}, required: [value]");
    let foreign = runbook("foreign", "").replace("service: runner", "service: mailer");
    let undry = runbook("undry", &steps).replace("dry_run: true", "dry_run: false");
    let stage = Stage::new(&[strict, foreign, undry]).with_webhooks(&service);
    let good = stage.work("strict", json!({"value": "a"}));
    for (work, why) in [
        (Work { runbook: "unknown".to_owned(), ..good.clone() }, "has no runbook"),
        (Work { runbook: "../strict".to_owned(), ..good.clone() }, "has no runbook"),
        (Work { runbook_digest: "0".repeat(64), ..good.clone() }, "digest"),
        (Work { runbook_digest: String::new(), ..good.clone() }, "digest"),
        (Work { parameters: json!({"value": "b"}), ..good.clone() }, "parameters.value"),
        (Work { parameters: json!([]), ..good.clone() }, "parameters"),
        (Work { parameters: json!({}), ..good.clone() }, "parameters.value"),
        (stage.work("foreign", json!({"value": "a"})), "not for the service runner"),
        (Work { dry_run: true, ..stage.work("undry", json!({"value": "a"})) }, "has no dry run"),
        (Work { id: "../../etc/passwd".to_owned(), ..good.clone() }, "journal cannot be written"),
    ] {
        let (ending, _) = stage.carry_out(&work).await;
        assert!(failed(&ending).contains(why), "{ending:?}");
    }
    assert!(heard.lock().unwrap().is_empty());
    assert!(matches!(stage.carry_out(&good).await.0, Ending::Succeeded(_)));
}

#[tokio::test]
async fn a_kind_without_its_setting_refuses_its_steps_with_a_sentence() {
    let podman = runbook("podman", "steps: [{name: a, podman: {restart: {container: web}}}]");
    let ansible = runbook("ansible", "steps: [{name: a, ansible: {playbook: a.yml, inventory: hosts}}]");
    let webhook = runbook("webhook", "steps: [{name: a, webhook: {url: 'https://example.com/'}}]");
    let stage = Stage::new(&[podman, ansible, webhook]);
    for (name, setting) in
        [("podman", "--podman-socket"), ("ansible", "--ansible-folder"), ("webhook", "--webhook-key")]
    {
        let (ending, _) = stage.run(name, json!({})).await;
        assert!(failed(&ending).contains(setting) && failed(&ending).contains("nothing was changed"), "{ending:?}");
    }
}

#[tokio::test]
async fn a_parameter_that_was_not_given_is_refused_where_a_step_needs_it() {
    let (service, heard) = service();
    let stage = Stage::new(&[runbook("tell", &format!("steps:\n{}", post(&service, "/")))]).with_webhooks(&service);
    let (ending, _) = stage.run("tell", json!({})).await;
    assert!(failed(&ending).contains("the parameter value was not given"), "{ending:?}");
    assert!(heard.lock().unwrap().is_empty());
}
