//! The steps of the runner's runbooks.

use serde_json::json;

use super::*;

const RUNNERS: &str = "
name: roll-worker
title: Roll a worker
description: Puts a new image in the place of the old one.
target: {service: runner}
risk: change
approval: {needed: false}
timeout_seconds: 60
parameters:
  type: object
  additionalProperties: false
  required: [container, lines]
  properties:
    container: {type: string}
    lines: {type: integer}
    reason: {type: string}
    key: {type: string, secret: true}
steps:
";

fn with(step: &str) -> String {
    format!("{RUNNERS}  - {{name: one, {step}}}\n")
}

#[test]
fn steps_of_every_kind_are_read() {
    let text = format!(
        "{RUNNERS}
  - {{name: stop, podman: {{restart: {{container: {{parameter: container}}}}}}}}
  - {{name: look, podman: {{logs: {{container: worker-1, tail: {{parameter: lines}}}}}}}}
  - {{name: more, podman: {{scale: {{pod: workers, image: 'registry.example.com/worker:1', replicas: 3}}}}}}
  - {{name: roll, podman: {{roll: {{container: worker-1, image: worker, healthy_within_seconds: 30}}}}}}
verify:
  - {{name: check, webhook: {{url: 'https://hooks.example.com/check?a=1', body: {{who: {{parameter: container}}, deep: {{x: [1]}}}}}}}}
rollback:
  - {{name: back, ansible: {{playbook: playbooks/back.yml, inventory: hosts.ini, vars: {{key: {{parameter: key}}, n: 1}}}}}}
"
    );
    let runbook = file::parse("one.yaml", &text).unwrap();
    let parameter = |name: &str| Argument::Parameter { parameter: name.to_owned() };
    let restart = Podman::Restart { container: parameter("container") };
    assert_eq!(runbook.steps[0], Step { name: "stop".to_owned(), action: Action::Podman(restart) });
    let logs = Podman::Logs { container: Argument::Value(json!("worker-1")), tail: parameter("lines") };
    assert_eq!(runbook.steps[1].action, Action::Podman(logs));
    let Action::Webhook(webhook) = &runbook.verify[0].action else { panic!("{:?}", runbook.verify) };
    assert_eq!(webhook.body["deep"], Argument::Value(json!({"x": [1]})));
    assert_eq!(webhook.body["who"], parameter("container"));
    let Action::Ansible(ansible) = &runbook.rollback[0].action else { panic!("{:?}", runbook.rollback) };
    assert_eq!((ansible.playbook.as_str(), &ansible.vars["key"]), ("playbooks/back.yml", &parameter("key")));
    assert_eq!(
        json!(runbook)["steps"][0],
        json!({"name": "stop", "podman": {"restart": {"container": {"parameter": "container"}}}})
    );
}

#[test]
fn whoever_is_not_the_runner_has_no_steps_and_the_runner_has_some() {
    let steps = "{name: a, podman: {restart: {container: b}}}";
    for part in ["steps", "verify", "rollback"] {
        let found = mistakes(&format!("{GOOD}{part}: [{steps}]\n"));
        assert!(found[0].contains(&format!(": {part}: only `target: {{service: runner}}`")), "{found:#?}");
    }
    for text in [RUNNERS.replace("steps:\n", ""), RUNNERS.replace("steps:\n", "steps: []\n"), RUNNERS.to_owned()] {
        let found = mistakes(&text);
        assert!(found.len() == 1 && found[0].contains("steps: a runbook of the runner says"), "{found:#?}");
    }
}

#[test]
fn a_step_that_could_not_be_carried_out_is_a_mistake_at_its_place() {
    let long = format!("{}: 1", "x".repeat(3));
    for (step, place, words) in [
        ("podman: {restart: {container: b}}, webhook: {url: 'https://a.test/'}", "steps[0]", "exactly one of"),
        ("shell: ls", "steps[0].shell", "no such key"),
        ("podman: restart", "steps[0].podman", "a map was expected"),
        ("podman: {}", "steps[0].podman", "exactly one of restart"),
        ("podman: {restart: {}}", "steps[0].podman.restart.container", "required"),
        ("podman: {restart: {container: b, force: true}}", "steps[0].podman.restart.force", "no such key"),
        ("podman: {restart: {container: '--all'}}", "steps[0].podman.restart.container", "a name was expected"),
        ("podman: {restart: {container: ../x}}", "steps[0].podman.restart.container", "a name was expected"),
        ("podman: {restart: {container: ''}}", "steps[0].podman.restart.container", "a name was expected"),
        ("podman: {restart: {container: 7}}", "steps[0].podman.restart.container", "a name was expected"),
        (
            "podman: {restart: {container: {parameter: host}}}",
            "steps[0].podman.restart.container",
            "no parameter \"host\"",
        ),
        ("podman: {restart: {container: {parameter: lines}}}", "steps[0].podman.restart.container", "type: string"),
        ("podman: {restart: {container: {parameter: reason}}}", "steps[0].podman.restart.container", "may be left out"),
        ("podman: {restart: {container: {parameter: key}}}", "steps[0].podman.restart.container", "secret"),
        ("podman: {restart: {container: {parameter: [a]}}}", "steps[0].podman.restart.container.parameter", "a text"),
        (
            "podman: {restart: {container: {parameter: container, or: b}}}",
            "steps[0].podman.restart.container.or",
            "no such key",
        ),
        ("podman: {logs: {container: b, tail: 0}}", "steps[0].podman.logs.tail", "from 1 to 10000"),
        ("podman: {logs: {container: b, tail: {parameter: container}}}", "steps[0].podman.logs.tail", "type: integer"),
        ("podman: {scale: {pod: b, image: 'a b', replicas: 1}}", "steps[0].podman.scale.image", "an image"),
        ("podman: {scale: {pod: b, image: a, replicas: 101}}", "steps[0].podman.scale.replicas", "from 0 to 100"),
        ("podman: {roll: {container: b, image: a}}", "steps[0].podman.roll.healthy_within_seconds", "required"),
        (
            "podman: {roll: {container: b, image: a, healthy_within_seconds: {parameter: lines}}}",
            "steps[0].podman.roll.healthy_within_seconds",
            "from 1 to 3600",
        ),
        ("webhook: {url: 'http://a.test/'}", "steps[0].webhook.url", "https"),
        ("webhook: {url: 'https://u:p@a.test/'}", "steps[0].webhook.url", "without user"),
        ("webhook: {url: {parameter: reason}}", "steps[0].webhook.url", "never from a parameter"),
        ("webhook: {body: {}}", "steps[0].webhook.url", "required"),
        ("webhook: {url: 'https://a.test/', body: {a: {parameter: host}}}", "steps[0].webhook.body.a", "no parameter"),
        (
            "webhook: {url: 'https://a.test/', body: {a: [{parameter: reason}]}}",
            "steps[0].webhook.body.a",
            "whole value",
        ),
        ("webhook: {url: 'https://a.test/', body: {a: null}}", "steps[0].webhook.body.a", "was expected"),
        ("ansible: {playbook: ../a.yml, inventory: b}", "steps[0].ansible.playbook", "below the runner's"),
        ("ansible: {playbook: /a.yml, inventory: b}", "steps[0].ansible.playbook", "below the runner's"),
        ("ansible: {playbook: a/./b.yml, inventory: b}", "steps[0].ansible.playbook", "below the runner's"),
        ("ansible: {playbook: -v, inventory: b}", "steps[0].ansible.playbook", "below the runner's"),
        ("ansible: {playbook: a.yml, inventory: 'a\\b'}", "steps[0].ansible.inventory", "below the runner's"),
        ("ansible: {playbook: a.yml}", "steps[0].ansible.inventory", "required"),
        (
            "ansible: {playbook: a.yml, inventory: b, vars: {ansible_user: x}}",
            "steps[0].ansible.vars.ansible_user",
            "ansible_",
        ),
        (
            "ansible: {playbook: a.yml, inventory: b, vars: {a-b: x}}",
            "steps[0].ansible.vars.a-b",
            "letters, digits and _",
        ),
        ("ansible: {playbook: a.yml, inventory: b, vars: [a]}", "steps[0].ansible.vars", "a map was expected"),
        (long.as_str(), "steps[0].xxx", "no such key"),
    ] {
        let found = mistakes(&with(step));
        let is_it = |one: &String| {
            one.starts_with("one.yaml:19: ") && one.contains(&format!(" {place}: ")) && one.contains(words)
        };
        assert!(found.iter().any(is_it), "{step}: {found:#?}");
    }
}

#[test]
fn steps_have_names_that_tell_them_apart() {
    let restart = "podman: {restart: {container: b}}";
    for (steps, words) in [
        (format!("  - {{{restart}}}\n"), "steps[0].name: this is required"),
        (format!("  - {{name: ' ', {restart}}}\n"), "steps[0].name: a step's name"),
        (format!("  - {{name: \"a\\nb\", {restart}}}\n"), "steps[0].name: a step's name"),
        (format!("  - {{name: a, {restart}}}\n  - {{name: a, {restart}}}\n"), "steps[1].name: a step above"),
        (format!("  - {{name: a, {restart}}}\nverify:\n  - {{name: a, {restart}}}\n"), "verify[0].name: a step above"),
        (format!("  - {{name: a, {restart}}}\nverify: {{}}\n"), "verify: a list was expected"),
        ((0..51).map(|n| format!("  - {{name: a{n}, {restart}}}\n")).collect(), "steps: there may be 50"),
    ] {
        let found = mistakes(&format!("{RUNNERS}{steps}"));
        assert!(found.iter().any(|one| one.contains(words)), "{words}: {found:#?}");
    }
}
