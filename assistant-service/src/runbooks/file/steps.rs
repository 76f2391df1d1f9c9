//! The steps of the runner's runbooks.

mod arguments;
mod podman;

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Url;
use serde_json::Value;
use trust_core::Mistake;

use super::super::{Action, Ansible, RUNNER, RunbookTarget, Step, Webhook};
use crate::section::Section;
use arguments::{Wanted, argument};

const PARTS: [&str; 3] = ["steps", "verify", "rollback"];
const KINDS: [&str; 3] = ["podman", "ansible", "webhook"];
const MOST_STEPS: usize = 50;
const LONGEST_NAME_BYTES: usize = 200;
const LONGEST_PATH_BYTES: usize = 1024;

/// `steps`, `verify` and `rollback`. `schema` is that of the parameters, where it could be read.
pub(super) fn read(
    root: &Section<'_>,
    target: Option<&RunbookTarget>,
    schema: Option<&Value>,
    mistakes: &mut Vec<Mistake>,
) -> [Vec<Step>; 3] {
    let is_runners = target.map(|target| matches!(target, RunbookTarget::Service { service } if service == RUNNER));
    let mut names = BTreeSet::new();
    let parts = PARTS.map(|part| {
        let here = root.at(part);
        if is_runners == Some(false) && here.is_there() {
            let what = format!("only `target: {{service: {RUNNER}}}` has steps; other services know what to do");
            here.mistake(what, mistakes);
        }
        let items = root.list(part, mistakes);
        if items.len() > MOST_STEPS {
            here.mistake(format!("there may be {MOST_STEPS} of them"), mistakes);
        }
        items.iter().filter_map(|item| step(item, &mut names, schema, mistakes)).collect::<Vec<_>>()
    });
    if is_runners == Some(true) && root.list(PARTS[0], &mut Vec::new()).is_empty() {
        root.at(PARTS[0]).mistake("a runbook of the runner says with steps what is done", mistakes);
    }
    parts
}

fn step(
    section: &Section<'_>,
    names: &mut BTreeSet<String>,
    schema: Option<&Value>,
    mistakes: &mut Vec<Mistake>,
) -> Option<Step> {
    section.only_keys(&["name", "podman", "ansible", "webhook"], mistakes);
    let name = section.required("name", mistakes);
    if let Some(name) = &name {
        let here = section.at("name");
        if name.trim().is_empty() || name.len() > LONGEST_NAME_BYTES || name.chars().any(char::is_control) {
            let what = format!("a step's name is one line of at most {LONGEST_NAME_BYTES} bytes that says something");
            here.mistake(what, mistakes);
        } else if !names.insert(name.clone()) {
            here.mistake(format!("a step above is called {name:?} already"), mistakes);
        }
    }
    let kinds: Vec<_> = KINDS.into_iter().filter(|kind| section.at(kind).is_there()).collect();
    let action = match kinds.as_slice() {
        ["podman"] => podman::read(&section.at("podman"), schema, mistakes).map(Action::Podman),
        ["ansible"] => ansible(&section.at("ansible"), schema, mistakes).map(Action::Ansible),
        ["webhook"] => webhook(&section.at("webhook"), schema, mistakes).map(Action::Webhook),
        _ => {
            section.mistake(format!("exactly one of {} was expected", KINDS.join(", ")), mistakes);
            None
        }
    };
    Some(Step { name: name?, action: action? })
}

fn ansible(section: &Section<'_>, schema: Option<&Value>, mistakes: &mut Vec<Mistake>) -> Option<Ansible> {
    section.only_keys(&["playbook", "inventory", "vars"], mistakes);
    let mut path = |key: &str| {
        let path = section.required(key, mistakes)?;
        if !stays_below(&path) {
            let what = "a path below the runner's working copy was expected, such as playbooks/site.yml, without `..`";
            section.at(key).mistake(what, mistakes);
        }
        Some(path)
    };
    let (playbook, inventory) = (path("playbook"), path("inventory"));
    let mut vars = BTreeMap::new();
    for (name, here) in section.entries("vars", mistakes) {
        let begins_well = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
        let is_identifier = begins_well && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !is_identifier || name.to_ascii_lowercase().starts_with("ansible_") {
            here.mistake("a variable's name has letters, digits and _, and does not begin with ansible_", mistakes);
        }
        vars.extend(argument(&here, &Wanted::Anything, schema, mistakes).map(|value| (name, value)));
    }
    Some(Ansible { playbook: playbook?, inventory: inventory?, vars })
}

fn stays_below(path: &str) -> bool {
    let is_part = |part: &str| !matches!(part, "" | "." | "..") && !part.starts_with('-');
    path.len() <= LONGEST_PATH_BYTES
        && !path.chars().any(|character| character.is_control() || character == '\\')
        && path.split('/').all(is_part)
}

fn webhook(section: &Section<'_>, schema: Option<&Value>, mistakes: &mut Vec<Mistake>) -> Option<Webhook> {
    section.only_keys(&["url", "body"], mistakes);
    super::required(section, "url", mistakes)?;
    let here = section.at("url");
    let is_good = |text: &&str| {
        Url::parse(text).is_ok_and(|url| {
            let has_no_more = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
            url.scheme() == "https" && url.has_host() && has_no_more
        })
    };
    let url = here.as_text().filter(is_good).map(str::to_owned);
    if url.is_none() {
        let what = "an address such as https://hooks.example.com/restart was expected: https, without user, password \
                    and fragment, and never from a parameter";
        here.mistake(what, mistakes);
    }
    let mut body = BTreeMap::new();
    for (name, here) in section.entries("body", mistakes) {
        body.extend(argument(&here, &Wanted::Anything, schema, mistakes).map(|value| (name, value)));
    }
    Some(Webhook { url: url?, body })
}
