//! What one person has of sessions, in one entry that changes together with each of them: so bounds hold at all replicas.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use trust_core::principal::Principal;

use super::record::{Record, State};
use crate::problem::Problem;

/// Offers and devices that one person may have open at once.
const MOST_OPEN: usize = 5;

/// Sessions that one person may have.
const MOST_SESSIONS: usize = 50;

/// A person's sessions that are not over, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Owned(Vec<Listed>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Listed {
    id: String,
    is_let_in: bool,
    /// In milliseconds.
    until: i64,
}

impl Owned {
    /// The name of a person's entry.
    pub(super) fn key(person: &Principal) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(person.uri()))
    }

    /// The same after a session has become what `record` says, at `now` in milliseconds.
    pub(super) fn with(mut self, record: &Record, now: i64) -> Result<Self, Problem> {
        let before = self.0.iter().position(|listed| listed.id == record.id);
        let was_let_in = before.and_then(|at| self.0.get(at)).map(|listed| listed.is_let_in);
        self.0.retain(|listed| listed.until > now && listed.id != record.id);
        if record.state == State::Ended {
            return Ok(self);
        }
        let is_let_in = record.is_let_in();
        // What is there already keeps its place, whoever has come meanwhile.
        if was_let_in != Some(is_let_in) {
            let alike = self.0.iter().filter(|listed| listed.is_let_in == is_let_in).count();
            if alike >= if is_let_in { MOST_SESSIONS } else { MOST_OPEN } {
                return Err(Problem::TooManySessions);
            }
        }
        let listed = Listed { id: record.id.clone(), is_let_in, until: record.until };
        self.0.insert(before.unwrap_or(usize::MAX).min(self.0.len()), listed);
        Ok(self)
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|listed| listed.id.as_str())
    }

    /// When the last of them is over, in milliseconds.
    pub(super) fn until(&self) -> i64 {
        self.0.iter().map(|listed| listed.until).max().unwrap_or_default()
    }
}
