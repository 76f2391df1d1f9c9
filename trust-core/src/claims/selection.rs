//! Which claims a configuration can ever ask for. The rest is dropped once a token is verified, so that what is kept of
//! it fits into a slot of the claims cache.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::scalar_text;

/// The session with the origin's issuer in which a deputy's token was made: the member `sid` of the claim `origin`.
pub(crate) const ORIGIN_SESSION: &str = "origin.sid";

/// Who calls since when, for which client, in which session, with which scopes, bound to what.
const ALWAYS: [&str; 10] = ["azp", "client_id", "cnf", "iat", "jti", ORIGIN_SESSION, "scope", "scp", "sid", "sub"];

/// Claims by name, and what of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClaimSelection {
    claims: BTreeMap<String, Wanted>,
}

/// What of a claim is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// All of it.
    Whole,
    /// Of a list, these members: rules ask for no other. A person's list of groups can be longer than all the rest.
    Members(BTreeSet<String>),
}

impl Default for ClaimSelection {
    fn default() -> Self {
        Self { claims: ALWAYS.iter().map(|name| ((*name).to_owned(), Wanted::Whole)).collect() }
    }
}

impl ClaimSelection {
    /// Keeps a claim from now on: all of it, or one member of a list.
    pub(crate) fn want(&mut self, name: &str, member: Option<&str>) {
        let wanted = self.claims.entry(name.to_owned()).or_insert_with(|| Wanted::Members(BTreeSet::new()));
        match (wanted, member) {
            (Wanted::Members(members), Some(member)) => {
                members.insert(member.to_owned());
            }
            (wanted, None) => *wanted = Wanted::Whole,
            (Wanted::Whole, Some(_)) => {}
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Wanted)> {
        self.claims.iter().map(|(name, wanted)| (name.as_str(), wanted))
    }
}

impl Wanted {
    /// Whether this member of a list is kept.
    pub(crate) fn wants_member(&self, member: &Value) -> bool {
        match self {
            Self::Whole => true,
            Self::Members(members) => scalar_text(member).is_some_and(|text| members.contains(&text)),
        }
    }
}
