//! `watchgate runbook check`, as its caller sees it: the built program, a folder, exit codes.

#![expect(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

mod program;

use std::fs;
use std::path::Path;

use program::{Ended, watchgate};
use serde_json::{Value, json};

fn company() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    root.join("examples/company/runbooks").display().to_string()
}

/// The example company's folder with other files in it or in place of its own, and the end of a check of it.
fn check(files: &[(&str, &str)], arguments: &[&str]) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(company()).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let mut words = vec!["runbook", "check", folder.path().to_str().unwrap()];
    words.extend(arguments);
    let mut ended = watchgate(&words);
    ended.stdout = ended.stdout.replace(folder.path().to_str().unwrap(), "");
    ended
}

const WRONG: [(&str, &str); 2] = [
    (
        "a.yaml",
        "name: a\ntitle: A\ndescription: D\ntarget: {service: a}\nrisk: none\napproval: {needed: false}\ntimeout_seconds: 9\nparameters: {type: object}\n",
    ),
    ("rights.yaml", "rules:\n  - name: all\n    allow: [run]\n    runs: 1\n"),
];

#[test]
fn a_good_folder_is_counted() {
    let ended = watchgate(&["runbook", "check", &company()]);
    assert_eq!((ended.code, ended.stdout.as_str()), (0, "5 runbooks, 2 rules of rights: no mistake\n"), "{ended:?}");
    let ended = watchgate(&["runbook", "check", "--json", &company()]);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((ended.code, report), (0, json!({"valid": true, "runbooks": 5, "rules": 2, "mistakes": []})));
}

#[test]
fn every_mistake_of_every_file_is_named_with_its_line() {
    let ended = check(&WRONG, &[]);
    assert_eq!(ended.code, 1, "{ended:?}");
    let expected = [
        "/a.yaml:5: risk: \"none\" is none of read, change, destructive",
        "/rights.yaml:4: rules[0].runs: no such key; there are name, who, runbooks, risk, allow, deny",
    ];
    assert_eq!(ended.stdout.lines().collect::<Vec<_>>(), expected);
    let report: Value = serde_json::from_str(&check(&WRONG, &["--json"]).stdout).unwrap();
    assert_eq!(report["valid"], json!(false));
    let first = json!({"file": "a.yaml", "line": 5, "detail": "risk: \"none\" is none of read, change, destructive"});
    assert_eq!((&report["mistakes"][0], &report["mistakes"][1]["line"]), (&first, &json!(4)));
}

#[test]
fn a_rule_for_a_runbook_that_is_not_there_is_a_mistake() {
    let rules = "rules:\n  - name: none\n    runbooks: [restart-wroker]\n    deny: [run]\n";
    let ended = check(&[("rights.yaml", rules)], &[]);
    let expected = "/rights.yaml:3: rules[0].runbooks[0]: no runbook of the folder is called so\n";
    assert_eq!((ended.code, ended.stdout.as_str()), (1, expected));
}

#[test]
fn a_folder_without_rights_is_good_and_says_what_follows() {
    let folder = tempfile::tempdir().unwrap();
    let ended = watchgate(&["runbook", "check", folder.path().to_str().unwrap()]);
    let expected = "0 runbooks, no rights.yaml, so nobody may run them: no mistake\n";
    assert_eq!((ended.code, ended.stdout.as_str()), (0, expected));
}

#[test]
fn a_folder_that_is_not_there_cannot_be_judged() {
    let ended = watchgate(&["runbook", "check", "/nowhere/at/all"]);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains("/nowhere/at/all is no folder"), "{}", ended.stderr);
}
