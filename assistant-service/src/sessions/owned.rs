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

/// Sessions that one person may open in an hour, whatever becomes of them: each leaves events, and perhaps a revocation.
const MOST_OPENED: usize = 30;

/// In milliseconds.
const HOUR: i64 = 60 * 60 * 1000;

/// What a person has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Owned {
    /// Sessions that are not over, oldest first.
    listed: Vec<Listed>,
    /// When the last ones were opened, in milliseconds, oldest first.
    opened: Vec<i64>,
}

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
        let before = self.listed.iter().position(|listed| listed.id == record.id);
        let was_let_in = before.and_then(|at| self.listed.get(at)).map(|listed| listed.is_let_in);
        self.listed.retain(|listed| listed.until > now && listed.id != record.id);
        if record.state == State::Ended {
            return Ok(self);
        }
        let is_let_in = record.is_let_in();
        // What is there already keeps its place, whoever has come meanwhile.
        if was_let_in != Some(is_let_in) {
            let alike = self.listed.iter().filter(|listed| listed.is_let_in == is_let_in).count();
            if alike >= if is_let_in { MOST_SESSIONS } else { MOST_OPEN } {
                return Err(Problem::TooManySessions);
            }
        }
        if before.is_none() {
            self.count(now)?;
        }
        let listed = Listed { id: record.id.clone(), is_let_in, until: record.until };
        self.listed.insert(before.unwrap_or(usize::MAX).min(self.listed.len()), listed);
        Ok(self)
    }

    fn count(&mut self, now: i64) -> Result<(), Problem> {
        self.opened.retain(|at| at.saturating_add(HOUR) > now);
        if let Some(oldest) = self.opened.first().filter(|_| self.opened.len() >= MOST_OPENED) {
            let left = oldest.saturating_add(HOUR).saturating_sub(now);
            let retry_after_seconds = u64::try_from(left.saturating_add(999) / 1000).unwrap_or(1);
            return Err(Problem::TooOften { retry_after_seconds });
        }
        self.opened.push(now);
        Ok(())
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        self.listed.iter().map(|listed| listed.id.as_str())
    }

    /// When nothing of it matters any more, in milliseconds.
    pub(super) fn until(&self) -> i64 {
        let opened = self.opened.iter().map(|at| at.saturating_add(HOUR));
        self.listed.iter().map(|listed| listed.until).chain(opened).max().unwrap_or_default()
    }
}
