//! What a row says.

use crate::{GateName, Request};

/// A request, and what must become of it.
#[derive(Clone, Debug)]
pub struct Row {
    /// The attack, in words.
    pub name: String,
    /// The gate that it is sent to.
    pub gate: GateName,
    /// What happens before.
    pub before: Vec<Step>,
    /// The request that counts.
    pub request: Request,
    /// Where it comes from, if not from this machine. Through Traefik all requests do.
    pub peer: Option<&'static str>,
    /// What must become of it.
    pub expected: Expected,
    /// Who can play it.
    pub played: Played,
}

/// What must become of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// The gate refuses it.
    Denied {
        /// With this status.
        status: u16,
        /// For this reason, by its code in the records of denials.
        reason: &'static str,
    },
    /// Go's HTTP server refuses it before any gate sees it.
    RefusedByServer {
        /// With this status.
        status: u16,
    },
    /// The gate answers by itself, and the back end learns nothing of it.
    AnsweredByGate,
    /// It arrives, and the back end sees all this.
    Passes(Vec<Seen>),
}

/// What the back end sees of a request. Names are in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Exactly one header of this name, with this value.
    Only(&'static str, String),
    /// Exactly one header of this name, whatever it says.
    Once(&'static str),
    /// No header of this name, in whatever spelling.
    No(&'static str),
    /// No header in which this text stands.
    Nowhere(&'static str),
}

/// Who can play a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Played {
    /// Both the real Traefik and the gate by itself.
    Everywhere,
    /// Only the gate by itself, for this reason.
    NativeOnly(&'static str),
}

/// What happens before the request that counts.
#[derive(Clone, Debug)]
pub enum Step {
    /// Another request, which gets this status.
    Send {
        /// The gate that it is sent to.
        gate: GateName,
        /// The request.
        request: Request,
        /// What it gets; 200 when it passes.
        status: u16,
    },
    /// The clock shows so many seconds more than at the beginning, or fewer.
    Clock(i64),
    /// A file below `/trust` holds this from now on; nothing when it is gone.
    File(&'static str, Option<String>),
    /// All instances are new: what they held in memory is lost.
    NewInstances,
    /// Somebody has been at the shared files.
    Spoil(Spoiling),
    /// The keeper's table of revocations holds this from now on. The head has to name it.
    Revoked(Vec<Revoked>),
    /// The table is cut off behind so many bytes.
    CutTable(usize),
}

/// What is revoked.
#[derive(Clone, Debug)]
pub enum Revoked {
    /// This very token; of a JWT, whatever its signature.
    Token(String),
    /// The tokens of an issuer that have this identifier.
    Id(&'static str, &'static str),
    /// Those of this session.
    Session(&'static str, &'static str),
    /// Those of this subject that were issued before a time.
    Subject(&'static str, &'static str, u64),
}

/// What somebody does to the files that gates share.
#[derive(Clone, Debug)]
pub enum Spoiling {
    /// Puts one text in place of another of the same length, wherever it stands.
    Replace(&'static str, &'static str),
    /// Writes each slot over the first slot of every set.
    CopyEverywhere,
    /// Lets nobody write down any more which proofs are spent.
    LoseProofs,
}

impl Seen {
    /// Whether the headers that arrived, by their names in lower case, are like this.
    pub fn holds(&self, arrived: &[(String, String)]) -> bool {
        let values =
            |name: &str| arrived.iter().filter(|(found, _)| found == name).map(|(_, value)| value).collect::<Vec<_>>();
        match self {
            Seen::Only(name, expected) => values(name) == [expected],
            Seen::Once(name) => values(name).len() == 1,
            Seen::No(name) => !arrived.iter().any(|(found, _)| folded(found) == *name),
            Seen::Nowhere(text) => !arrived.iter().any(|(_, value)| value.contains(text)),
        }
    }
}

fn folded(name: &str) -> String {
    name.chars().map(|character| if character.is_ascii_alphanumeric() { character } else { '-' }).collect()
}
