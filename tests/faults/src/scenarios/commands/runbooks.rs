//! What may be asked for.

use crate::judge::Terms;

/// Its commands are carried out by holders of our own, who die and dawdle.
pub(in crate::scenarios) const BY_HAND: &str = "alder";
/// Its commands are carried out by the library.
pub(in crate::scenarios) const BY_LIBRARY: &str = "birch";

pub(super) const RIGHTS: &str = "rules:\n  - name: everybody\n    allow: [run, dry_run, approve, cancel]\n";

/// A runbook, and how it is used.
#[derive(Clone, Copy, Debug)]
pub(super) struct Runbook {
    pub(super) terms: Terms,
    yaml: &'static str,
    /// Of a hundred commands so many.
    pub(super) share: u64,
    pub(super) holders: Holders,
    pub(super) for_whom: For,
}

/// Which holders of its commands may die.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holders {
    /// The first ones: a command has ended a lease later, or is begun then by another.
    Die,
    /// In the long form alone, since each further attempt takes a minute.
    DieInTheLongForm,
    /// What waits for a place would wait too long for it.
    Live,
}

/// Whom a command is for, and what becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum For {
    Both,
    /// Carried out for longer than is allowed.
    Dawdlers,
    /// Nobody decides about it. That takes a minute, so it is asked for in the long form alone.
    Nobody,
}

const fn terms(runbook: &'static str, retries: u32, at_once: Option<usize>) -> Terms {
    Terms { runbook, retries, at_once }
}

pub(super) const RUNBOOKS: [Runbook; 6] = [
    Runbook {
        terms: terms("look", 0, None),
        yaml: "risk: read\napproval: {needed: false, not_requester: false}\ntimeout_seconds: 60\n",
        share: 36,
        holders: Holders::Die,
        for_whom: For::Both,
    },
    Runbook {
        terms: terms("restart", 0, None),
        yaml: "risk: change\napproval: {needed: true, not_requester: true, quorum: 2}\ntimeout_seconds: 60\n",
        share: 26,
        holders: Holders::Die,
        for_whom: For::Both,
    },
    Runbook {
        terms: terms("rebuild", 2, None),
        yaml: "risk: change\napproval: {needed: false, not_requester: false}\ntimeout_seconds: 60\nidempotent: true\n\
               retry: {retry: 2, backoffPolicy: linear, backoffDelay: PT0.5S}\n",
        share: 20,
        holders: Holders::DieInTheLongForm,
        for_whom: For::Both,
    },
    Runbook {
        terms: terms("migrate", 0, Some(2)),
        yaml: "risk: change\napproval: {needed: false, not_requester: false}\ntimeout_seconds: 60\nconcurrency: {per_runbook: 2}\n",
        share: 10,
        holders: Holders::Live,
        for_whom: For::Both,
    },
    Runbook {
        terms: terms("dawdle", 0, None),
        yaml: "risk: read\napproval: {needed: false, not_requester: false}\ntimeout_seconds: 3\n",
        share: 5,
        holders: Holders::Live,
        for_whom: For::Dawdlers,
    },
    Runbook {
        terms: terms("ignored", 0, None),
        yaml: "risk: change\napproval: {needed: true, not_requester: false, lifetime_seconds: 60}\ntimeout_seconds: 60\n",
        share: 3,
        holders: Holders::Live,
        for_whom: For::Nobody,
    },
];

impl Runbook {
    pub(super) fn text(self) -> String {
        let (name, yaml) = (self.terms.runbook, self.yaml);
        format!(
            "name: {name}\ntitle: Do it\ndescription: It is done.\ntarget: {{service_from: service}}\n{yaml}parameters:\n  type: object\n  \
             additionalProperties: false\n  required: [service, number]\n  properties:\n    service: {{type: string, enum: [{BY_HAND}, \
             {BY_LIBRARY}]}}\n    number: {{type: integer}}\n"
        )
    }

    /// The one with this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        RUNBOOKS.into_iter().find(|runbook| runbook.terms.runbook == name)
    }

    /// The one that a number below a hundred means.
    pub(super) fn drawn(mut number: u64) -> Option<Self> {
        RUNBOOKS.into_iter().find(|runbook| match number.checked_sub(runbook.share) {
            Some(rest) => {
                number = rest;
                false
            }
            None => true,
        })
    }
}
