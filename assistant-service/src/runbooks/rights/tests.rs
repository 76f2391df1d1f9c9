use std::collections::BTreeSet;

use serde_json::json;
use trust_core::principal::Principal;

use super::super::{FolderCatalogue, Mistake, RunbookCatalogue};
use super::*;

const ISSUER: &str = "https://a.test";

fn runbook(name: &str, risk: &str) -> Runbook {
    let text = json!({
        "name": name, "title": "T", "description": "D", "target": {"service": "a"}, "risk": risk, "timeout_seconds": 9,
        "approval": {"needed": true, "not_requester": true}, "parameters": {"type": "object"},
    });
    Runbook::from_yaml("one.yaml", &text.to_string()).unwrap()
}

fn rights(rules: &str) -> Rights {
    read("rights.yaml", rules, None).unwrap()
}

/// Whether somebody with this issuer, subject, scope and role may.
fn may(rights: &Rights, who: (&str, &str, &str, &str), right: Right, runbook: &Runbook) -> bool {
    let (issuer, subject, scope, role) = who;
    let principal = Principal::new(issuer.to_owned(), subject.to_owned());
    let roles = [role.to_owned()];
    let who = Who { principal: &principal, scopes: vec![scope], roles: Some(&roles) };
    rights.allow(&who, right, runbook.into())
}

const RULES: &str = "
rules:
  - name: ana
    who: {users: [{issuer: 'https://a.test', subject: ana}]}
    allow: [run]
  - name: operators
    who: {roles: [operator], scopes: [commands:request]}
    runbooks: [restart-*, show-status]
    risk: [read, change]
    allow: [run, dry_run]
  - name: not the database
    runbooks: [restart-database]
    deny: [run]
  - name: not eva
    who: {users: [{issuer: 'https://a.test', subject: eva}]}
    deny: [run, dry_run, approve, cancel]
";

#[test]
fn what_a_rule_allows_is_allowed_unless_one_denies_it_and_all_else_is_refused() {
    let rights = rights(RULES);
    let (worker, database) = (runbook("restart-worker", "change"), runbook("restart-database", "change"));
    let (status, drop) = (runbook("show-status", "read"), runbook("drop-table", "change"));
    let (worse, other) = (runbook("restart-all", "destructive"), runbook("restarting", "change"));
    let ana = (ISSUER, "ana", "", "");
    for (who, right, runbook, expected) in [
        (ana, Right::Run, &worker, true),
        (ana, Right::Run, &drop, true),
        (ana, Right::DryRun, &worker, false),
        (ana, Right::Run, &database, false),
        (("https://b.test", "ana", "", ""), Right::Run, &worker, false),
        ((ISSUER, "ben", "commands:request", ""), Right::Run, &worker, true),
        ((ISSUER, "ben", "", "operator"), Right::DryRun, &status, true),
        ((ISSUER, "ben", "operator", "commands:request"), Right::Run, &worker, false),
        ((ISSUER, "ben", "", "operator"), Right::Approve, &worker, false),
        ((ISSUER, "ben", "", "operator"), Right::Run, &database, false),
        ((ISSUER, "ben", "", "operator"), Right::DryRun, &database, true),
        ((ISSUER, "ben", "", "operator"), Right::Run, &drop, false),
        ((ISSUER, "ben", "", "operator"), Right::Run, &worse, false),
        // Names are compared by whole words.
        ((ISSUER, "ben", "", "operator"), Right::Run, &other, false),
        ((ISSUER, "ben", "", "operators"), Right::Run, &worker, false),
        ((ISSUER, "eva", "commands:request", "operator"), Right::Run, &worker, false),
        ((ISSUER, "eva", "commands:request", "operator"), Right::DryRun, &status, false),
        ((ISSUER, "dan", "", ""), Right::Run, &worker, false),
    ] {
        assert_eq!(may(&rights, who, right, runbook), expected, "{who:?} {right:?} {}", runbook.name);
    }
}

#[test]
fn where_roles_are_not_told_a_denial_by_role_fits_and_a_permission_does_not() {
    let rights = rights(
        "
rules:
  - {name: a, runbooks: [restart-worker], allow: [run, approve]}
  - {name: b, who: {roles: [trainee], scopes: [training]}, deny: [run]}
  - {name: c, who: {scopes: [training]}, deny: [approve]}
  - {name: d, who: {roles: [operator]}, allow: [cancel]}
",
    );
    let (principal, worker) = (Principal::new(ISSUER, "ana"), runbook("restart-worker", "change"));
    let (none, operator, trainee) = ([], ["operator".to_owned()], ["trainee".to_owned()]);
    for (roles, expected) in [
        (None, [false, true, false]),
        (Some(&none[..]), [true, true, false]),
        (Some(&operator[..]), [true, true, true]),
        (Some(&trainee[..]), [false, true, false]),
    ] {
        let who = Who { principal: &principal, scopes: Vec::new(), roles };
        let may = [Right::Run, Right::Approve, Right::Cancel].map(|right| rights.allow(&who, right, (&worker).into()));
        assert_eq!(may, expected, "{roles:?}");
    }
}

#[test]
fn issuers_narrow_roles_scopes_and_everybody_but_not_users() {
    let rights = rights(
        "
rules:
  - name: a
    who:
      users: [{issuer: 'https://b.test', subject: ben}]
      roles: [operator]
      scopes: [commands:request]
      issuers: ['https://a.test']
    allow: [run]
  - {name: b, who: {issuers: ['https://a.test']}, allow: [approve]}
  - {name: c, who: {roles: [operator], issuers: ['https://c.test']}, deny: [approve]}
",
    );
    let (worker, other) = (runbook("restart-worker", "change"), "https://b.test");
    for (who, right, expected) in [
        ((ISSUER, "ana", "", "operator"), Right::Run, true),
        ((other, "ana", "", "operator"), Right::Run, false),
        ((ISSUER, "ana", "commands:request", ""), Right::Run, true),
        ((other, "ana", "commands:request", ""), Right::Run, false),
        ((other, "ben", "", ""), Right::Run, true),
        ((ISSUER, "ana", "", ""), Right::Run, false),
        ((ISSUER, "ana", "", "operator"), Right::Approve, true),
        ((other, "ben", "", ""), Right::Approve, false),
    ] {
        assert_eq!(may(&rights, who, right, &worker), expected, "{who:?} {right:?}");
    }
}

#[test]
fn where_the_risk_is_not_known_a_denial_by_risk_fits_and_a_permission_does_not() {
    let rights = rights(
        "
rules:
  - {name: a, risk: [read, change, destructive], allow: [run, cancel]}
  - {name: b, allow: [approve, cancel]}
  - {name: c, risk: [destructive], deny: [approve]}
",
    );
    let principal = Principal::new(ISSUER, "ana");
    let who = Who { principal: &principal, scopes: Vec::new(), roles: None };
    for (risk, expected) in [(None, [false, false, true]), (Some(Risk::Change), [true, true, true])] {
        let about = About { runbook: "gone", risk };
        let may = [Right::Run, Right::Approve, Right::Cancel].map(|right| rights.allow(&who, right, about));
        assert_eq!(may, expected, "{risk:?}");
    }
}

#[test]
fn the_order_of_rules_does_not_matter() {
    let (allow, deny) = ("  - {name: a, allow: [run]}\n", "  - {name: b, deny: [run]}\n");
    let worker = runbook("restart-worker", "change");
    for text in [format!("rules:\n{allow}{deny}"), format!("rules:\n{deny}{allow}")] {
        assert!(!may(&rights(&text), (ISSUER, "ana", "", ""), Right::Run, &worker), "{text}");
    }
    assert!(may(&rights(&format!("rules:\n{allow}")), (ISSUER, "ana", "", ""), Right::Run, &worker));
}

#[test]
fn without_the_file_and_without_rules_nobody_may_do_anything() {
    let principal = Principal::new(ISSUER.to_owned(), "ana".to_owned());
    let who = Who { principal: &principal, scopes: vec!["commands:request"], roles: Some(&[]) };
    let worker = runbook("restart-worker", "read");
    for right in Right::ALL {
        assert!(!FolderCatalogue::default().allows(&who, right, (&worker).into()));
        assert!(!rights("rules: []\n").allow(&who, right, (&worker).into()));
    }
}

#[test]
fn every_mistake_is_told_with_its_line() {
    let text = "
rules:
  - name: a
    allow: [run, walk]
  - name: a
    who: {}
    runbooks: [restart-wroker, restart-*, gone-*]
    deny: [run]
  - name: c
    runbooks: ['*', 'a*b', rest*]
    allow: []
  - name: d
    risk: [high]
  - name: e
    who: {users: [ana], scopes: [x, x], groups: [g]}
    allow: [run]
    deny: [run]
  - name: f
    runbook: [restart-worker]
    allow: [run]
  - name: g
    who: {users: [{issuer: a, subject: b}], issuers: [a]}
    allow: [run]
more: 1
";
    let known: BTreeSet<String> = ["restart-worker".to_owned()].into();
    let found: Vec<_> = read("rights.yaml", text, Some(&known)).unwrap_err().iter().map(Mistake::to_string).collect();
    for expected in [
        "rights.yaml:24: more: no such key",
        "rights.yaml:4: rules[0].allow[1]: \"walk\" is none of run, dry_run, approve, cancel",
        "rights.yaml:5: rules[1].name: a rule above",
        "rights.yaml:6: rules[1].who: users, roles, scopes or issuers",
        "rights.yaml:7: rules[1].runbooks[0]: no runbook",
        "rights.yaml:7: rules[1].runbooks[2]: no runbook",
        "rights.yaml:10: rules[2].runbooks[0]: a runbook's name",
        "rights.yaml:10: rules[2].runbooks[1]: a runbook's name",
        "rights.yaml:10: rules[2].runbooks[2]: a runbook's name",
        "rights.yaml:11: rules[2].allow: the list is empty",
        "rights.yaml:13: rules[3].risk[0]: \"high\" is none of read",
        "rights.yaml:12: rules[3]: allow or deny",
        "rights.yaml:15: rules[4].who.groups: no such key",
        "rights.yaml:15: rules[4].who.users[0]: a map was expected",
        "rights.yaml:15: rules[4].who.scopes[1]: \"x\" stands above",
        "rights.yaml:16: rules[4].allow: run is denied by the same rule",
        "rights.yaml:19: rules[5].runbook: no such key",
        "rights.yaml:22: rules[6].who.issuers: it says nothing",
    ] {
        assert!(found.iter().any(|one| one.starts_with(expected)), "{expected}: {found:#?}");
    }
    assert_eq!(found.len(), 20, "{found:#?}");
    for text in ["", "rules: {}\n", "rules: [a]\n", "rights: []\n"] {
        assert!(read("rights.yaml", text, None).is_err(), "{text}");
    }
}
