//! `rights.yaml`: YAML in, [`Rights`] or every mistake in it out.

use std::collections::BTreeSet;

use trust_core::Mistake as Said;

use super::super::file::{RISKS, filled_list, issuers, names, one_of, users};
use super::super::{Mistake, Risk};
use super::{Pattern, People, Right, Rights, Rule};
use crate::config_file;
use crate::section::Section;

const MOST_RULES: usize = 500;

/// Reads the rules. `known` are the names of all runbooks: a rule that names another one denies nothing, and its writer
/// believes that it does. Where they are not all known, that is not looked at.
pub(in super::super) fn read(file: &str, text: &str, known: Option<&BTreeSet<String>>) -> Result<Rights, Vec<Mistake>> {
    config_file::read(text, |root, mistakes| whole(root, known, mistakes)).map_err(|found| Mistake::all(file, found))
}

fn whole(root: &Section<'_>, known: Option<&BTreeSet<String>>, mistakes: &mut Vec<Said>) -> Option<Rights> {
    root.only_keys(&["rules"], mistakes);
    if !root.at("rules").is_there() {
        root.at("rules").mistake("this is required: a list of rules; an empty one lets nobody do anything", mistakes);
    }
    let items = root.list("rules", mistakes);
    if items.len() > MOST_RULES {
        root.at("rules").mistake(format!("there may be {MOST_RULES} of them"), mistakes);
    }
    let mut taken = BTreeSet::new();
    let rules = items.iter().map(|item| rule(item, known, &mut taken, mistakes)).collect();
    Some(Rights { rules })
}

fn rule(
    section: &Section<'_>,
    known: Option<&BTreeSet<String>>,
    taken: &mut BTreeSet<String>,
    mistakes: &mut Vec<Said>,
) -> Rule {
    section.only_keys(&["name", "who", "runbooks", "risk", "allow", "deny"], mistakes);
    if let Some(name) = section.required("name", mistakes)
        && !taken.insert(name.clone())
    {
        section.at("name").mistake(format!("a rule above is called {name:?} already"), mistakes);
    }
    let people = people(&section.at("who"), mistakes);
    let runbooks = section.at("runbooks").is_there().then(|| patterns(section, known, mistakes));
    let risks = section.at("risk").is_there().then(|| words::<Risk>(section, "risk", &RISKS, mistakes));
    let rights = Right::ALL.map(|right| (right.name(), right));
    let (allow, deny) = (words(section, "allow", &rights, mistakes), words(section, "deny", &rights, mistakes));
    if !section.at("allow").is_there() && !section.at("deny").is_there() {
        section.mistake("allow or deny was expected", mistakes);
    }
    if let Some(both) = deny.iter().find(|right| allow.contains(right)) {
        section.at("allow").mistake(format!("{} is denied by the same rule", both.name()), mistakes);
    }
    Rule { people, runbooks, risks, allow, deny }
}

/// Without `who` a rule is about everybody.
fn people(section: &Section<'_>, mistakes: &mut Vec<Said>) -> Option<People> {
    if !section.is_there() {
        return None;
    }
    section.only_keys(&["users", "roles", "scopes", "issuers"], mistakes);
    if ["users", "roles", "scopes", "issuers"].iter().all(|key| !section.at(key).is_there()) {
        section.mistake("users, roles, scopes or issuers were expected; leave `who` out for everybody", mistakes);
    }
    let (users, roles) = (users(section, mistakes), names(section, "roles", mistakes));
    let scopes = names(section, "scopes", mistakes);
    let are_users_alone = roles.is_empty() && scopes.is_empty() && !users.is_empty();
    Some(People { issuers: issuers(section, are_users_alone, mistakes), users, roles, scopes })
}

fn patterns(section: &Section<'_>, known: Option<&BTreeSet<String>>, mistakes: &mut Vec<Said>) -> Vec<Pattern> {
    let mut patterns = Vec::new();
    for item in filled_list(section, "runbooks", mistakes) {
        let pattern = match item.as_text().map(|text| (text, text.strip_suffix('*'))) {
            Some((_, Some(prefix))) if prefix.ends_with('-') && !prefix.contains('*') => {
                Pattern::Prefix(prefix.to_owned())
            }
            Some((text, None)) if !text.is_empty() && !text.contains('*') => Pattern::Name(text.to_owned()),
            _ => {
                let what = "a runbook's name was expected, or restart-* for all that begin so; leave it out for all";
                item.mistake(what, mistakes);
                continue;
            }
        };
        if known.is_some_and(|known| !known.iter().any(|name| pattern.fits(name))) {
            item.mistake("no runbook of the folder is called so", mistakes);
        }
        patterns.push(pattern);
    }
    patterns
}

fn words<T: Copy>(section: &Section<'_>, key: &str, choices: &[(&str, T)], mistakes: &mut Vec<Said>) -> Vec<T> {
    let mut words = Vec::new();
    for item in filled_list(section, key, mistakes) {
        match item.as_text() {
            Some(word) => words.extend(one_of(&item, word, choices, mistakes)),
            None => item.mistake("a word was expected", mistakes),
        }
    }
    words
}
