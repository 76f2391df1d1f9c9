//! Who must agree before a runbook is carried out.

use trust_core::Mistake;

use super::super::{Approval, Approver, Risk};
use crate::section::Section;

const LONGEST_LIFETIME_SECONDS: u64 = 7 * 24 * 60 * 60;
const SHORTEST_LIFETIME_SECONDS: u64 = 60;
const USUAL_LIFETIME_SECONDS: u64 = 60 * 60;
const MOST_OF_A_QUORUM: u64 = 20;
const MOST_NAMES: usize = 100;

pub(super) fn read(root: &Section<'_>, risk: Option<Risk>, mistakes: &mut Vec<Mistake>) -> Option<Approval> {
    super::required(root, "approval", mistakes)?;
    let section = root.at("approval");
    section
        .only_keys(&["needed", "not_requester", "users", "roles", "issuers", "quorum", "lifetime_seconds"], mistakes);
    super::required(&section, "needed", mistakes)?;
    let needed = section.boolean("needed", mistakes)?;
    let not_requester = section.boolean("not_requester", mistakes);
    if needed && !section.at("not_requester").is_there() {
        section
            .at("not_requester")
            .mistake("this is required where approval is needed: may whoever asks decide, too?", mistakes);
    }
    if !needed {
        if not_requester == Some(true) {
            section.at("not_requester").mistake("it says nothing while needed is false", mistakes);
        }
        for key in ["users", "roles", "issuers", "quorum", "lifetime_seconds"] {
            if section.at(key).is_there() {
                section.at(key).mistake("it says nothing while needed is false", mistakes);
            }
        }
        if risk == Some(Risk::Destructive) {
            section.at("needed").mistake("a destructive runbook needs approval", mistakes);
        }
    }
    let users = users(&section, mistakes);
    let roles = names(&section, "roles", mistakes);
    let issuers = issuers(&section, roles.is_empty() && !users.is_empty(), mistakes);
    let quorum = section.number("quorum", 1..=MOST_OF_A_QUORUM, mistakes).unwrap_or(1);
    if roles.is_empty() && !users.is_empty() && usize::try_from(quorum).is_ok_and(|quorum| quorum > users.len()) {
        let what = format!("{quorum} must agree, and only {} may: name more users, or a role", users.len());
        section.at("quorum").mistake(what, mistakes);
    }
    let lifetime = section.number("lifetime_seconds", SHORTEST_LIFETIME_SECONDS..=LONGEST_LIFETIME_SECONDS, mistakes);
    Some(Approval {
        needed,
        not_requester: not_requester.unwrap_or_default(),
        users,
        roles,
        issuers,
        quorum: u32::try_from(quorum).unwrap_or(u32::MAX),
        lifetime_seconds: lifetime.unwrap_or(USUAL_LIFETIME_SECONDS),
    })
}

/// People by issuer and subject: a subject alone is anybody whom some issuer calls so.
pub(in super::super) fn users(section: &Section<'_>, mistakes: &mut Vec<Mistake>) -> Vec<Approver> {
    let mut users = Vec::new();
    for item in filled_list(section, "users", mistakes) {
        item.only_keys(&["issuer", "subject"], mistakes);
        let (issuer, subject) = (item.required("issuer", mistakes), item.required("subject", mistakes));
        let (Some(issuer), Some(subject)) = (issuer, subject) else { continue };
        let user = Approver { issuer, subject };
        if users.contains(&user) {
            item.mistake("this user stands above already", mistakes);
        } else {
            users.push(user);
        }
    }
    users
}

/// Whose roles, scopes or subjects are meant. Users have issuers of their own, so that beside them alone these say nothing.
pub(in super::super) fn issuers(
    section: &Section<'_>,
    are_users_alone: bool,
    mistakes: &mut Vec<Mistake>,
) -> Vec<String> {
    if are_users_alone && section.at("issuers").is_there() {
        section.at("issuers").mistake("it says nothing beside users alone: each of them has an issuer", mistakes);
    }
    names(section, "issuers", mistakes)
}

/// Words that each say something and stand once.
pub(in super::super) fn names(section: &Section<'_>, key: &str, mistakes: &mut Vec<Mistake>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for item in filled_list(section, key, mistakes) {
        match item.as_text().filter(|name| !name.is_empty()) {
            None => item.mistake("a text was expected", mistakes),
            Some(name) if names.iter().any(|other| other == name) => {
                item.mistake(format!("{name:?} stands above already"), mistakes);
            }
            Some(name) => names.push(name.to_owned()),
        }
    }
    names
}

/// A list that is there names something: an empty one would be read as nobody by one, and as everybody by another.
pub(in super::super) fn filled_list<'a>(
    section: &Section<'a>,
    key: &str,
    mistakes: &mut Vec<Mistake>,
) -> Vec<Section<'a>> {
    let (before, items) = (mistakes.len(), section.list(key, mistakes));
    let here = section.at(key);
    if here.is_there() && items.is_empty() && mistakes.len() == before {
        here.mistake("the list is empty; leave it out, or name something", mistakes);
    } else if items.len() > MOST_NAMES {
        here.mistake(format!("there may be {MOST_NAMES} of them"), mistakes);
    }
    items
}
