//! One runbook file: YAML in, a [`Runbook`] or every mistake in it out.

mod approval;
mod parameters;
mod steps;
mod target;
mod trying;

use serde_json::Value;
use sha2::{Digest, Sha256};
use trust_core::Mistake as Said;

use super::{Mistake, Risk, Runbook, SuggestWhen};
use crate::condition;
use crate::config_file;
use crate::insights::check_event_type;
use crate::section::Section;

pub(super) use approval::{filled_list, issuers, names, users};

const FIELDS: [&str; 16] = [
    "name",
    "title",
    "description",
    "parameters",
    "target",
    "risk",
    "approval",
    "timeout_seconds",
    "dry_run",
    "idempotent",
    "retry",
    "concurrency",
    "steps",
    "verify",
    "rollback",
    "suggest_when",
];
const LONGEST_TIMEOUT_SECONDS: u64 = 24 * 60 * 60;

/// The risks by their names.
pub(super) const RISKS: [(&str, Risk); 3] =
    [("read", Risk::Read), ("change", Risk::Change), ("destructive", Risk::Destructive)];

/// Reads a runbook. Every field is looked at even after a mistake, so that one attempt shows them all.
pub(super) fn parse(file: &str, text: &str) -> Result<Runbook, Vec<Mistake>> {
    config_file::read(text, whole).map_err(|found| Mistake::all(file, found))
}

fn whole(root: &Section<'_>, mistakes: &mut Vec<Said>) -> Option<Runbook> {
    root.only_keys(&FIELDS, mistakes);
    let name = root.required("name", mistakes);
    if let Some(name) = &name {
        target::check_name(&root.at("name"), name, mistakes);
    }
    let title = words(root, "title", mistakes);
    let description = words(root, "description", mistakes);
    let parameters = parameters::read(root, mistakes);
    let schema = parameters.as_ref().map(|(schema, _)| schema);
    let target = target::read(root, schema, mistakes);
    let risk = root.required("risk", mistakes).and_then(|text| one_of(&root.at("risk"), &text, &RISKS, mistakes));
    let approval = approval::read(root, risk, mistakes);
    let timeout_seconds = required(root, "timeout_seconds", mistakes)
        .and_then(|()| root.number("timeout_seconds", 1..=LONGEST_TIMEOUT_SECONDS, mistakes));
    let dry_run = root.boolean("dry_run", mistakes).unwrap_or_default();
    let idempotent = root.boolean("idempotent", mistakes).unwrap_or_default();
    let retry = trying::retry(root, idempotent, mistakes);
    let concurrency = trying::concurrency(root, mistakes);
    let [steps, verify, rollback] = steps::read(root, target.as_ref(), schema, mistakes);
    let suggest_when = suggest_when(root, mistakes);
    let (parameters, validator) = parameters?;
    let mut runbook = Runbook {
        name: name?,
        title: title?,
        description: description?,
        parameters,
        target: target?,
        risk: risk?,
        approval: approval?,
        timeout_seconds: timeout_seconds?,
        dry_run,
        idempotent,
        retry,
        concurrency,
        steps,
        verify,
        rollback,
        suggest_when,
        digest: String::new(),
        validator,
    };
    match digest(&runbook) {
        Ok(digest) => runbook.digest = digest,
        Err(cause) => root.mistake(format!("it cannot be written as JSON: {cause}"), mistakes),
    }
    Some(runbook)
}

/// Says so when a key is missing.
fn required(section: &Section<'_>, key: &str, mistakes: &mut Vec<Said>) -> Option<()> {
    let here = section.at(key);
    if !here.is_there() {
        here.mistake("this is required", mistakes);
    }
    here.is_there().then_some(())
}

fn words(root: &Section<'_>, key: &str, mistakes: &mut Vec<Said>) -> Option<String> {
    let text = root.required(key, mistakes)?;
    if text.trim().is_empty() {
        root.at(key).mistake("it must say something", mistakes);
    }
    Some(text)
}

/// What a word stands for that is one of a few.
pub(super) fn one_of<T: Copy>(
    here: &Section<'_>,
    word: &str,
    choices: &[(&str, T)],
    mistakes: &mut Vec<Said>,
) -> Option<T> {
    let chosen = choices.iter().find(|(name, _)| *name == word).map(|(_, choice)| *choice);
    if chosen.is_none() {
        let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
        here.mistake(format!("{word:?} is none of {}", names.join(", ")), mistakes);
    }
    chosen
}

fn suggest_when(root: &Section<'_>, mistakes: &mut Vec<Said>) -> Option<SuggestWhen> {
    let section = root.at("suggest_when");
    if !section.is_there() {
        return None;
    }
    section.only_keys(&["type", "source", "subject", "where"], mistakes);
    let event_type = section.required("type", mistakes);
    if let Some(event_type) = &event_type {
        check_event_type(&section, event_type, mistakes);
    }
    let (source, subject) = (section.text("source", mistakes), section.text("subject", mistakes));
    let conditions = condition::read(&section, mistakes);
    Some(SuggestWhen { event_type: event_type?, source, subject, conditions })
}

/// The digest of everything but the digest itself, with members ordered by name, so that the same runbook has the same
/// digest however its file is written.
fn digest(runbook: &Runbook) -> Result<String, serde_json::Error> {
    let mut canonical = serde_json::to_value(runbook)?;
    canonical.sort_all_objects();
    if let Value::Object(members) = &mut canonical {
        members.remove("digest");
    }
    let digest = Sha256::digest(canonical.to_string());
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}
