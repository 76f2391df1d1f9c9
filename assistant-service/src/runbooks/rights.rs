//! Who may do what with which runbooks, in Rundeck's manner: an explicit denial wins over whatever is allowed, and what
//! no rule allows is refused. The gate's rules stand in front of this: they say who comes to the routes at all.

mod file;

use serde::{Deserialize, Serialize};
use trust_core::principal::Principal;
use utoipa::ToSchema;

use super::{Approver, Risk, Runbook};
use crate::gate::Caller;
use crate::problem::Problem;

pub(super) use file::read;

/// What somebody may do with a runbook and its commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Right {
    /// Ask that it is carried out.
    Run,
    /// Ask what it would do.
    DryRun,
    /// Decide about commands of others that wait for it.
    Approve,
    /// Call off the commands of others; one's own may always be.
    Cancel,
}

impl Right {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Run, Self::DryRun, Self::Approve, Self::Cancel];

    /// Its name in files and on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::DryRun => "dry_run",
            Self::Approve => "approve",
            Self::Cancel => "cancel",
        }
    }
}

/// Whoever wants to do something.
#[derive(Debug, Clone)]
pub struct Who<'a> {
    /// Issuer and subject.
    pub principal: &'a Principal,
    /// The scopes of the token.
    pub scopes: Vec<&'a str>,
    /// The roles that the token's issuer gives.
    pub roles: &'a [String],
}

impl<'a> Who<'a> {
    /// Whoever calls, unless that is nobody.
    pub(crate) fn of(caller: &'a Caller) -> Result<Self, Problem> {
        let principal = caller.require_principal()?;
        Ok(Self { principal, scopes: caller.scopes().collect(), roles: caller.roles() })
    }
}

/// The rules of a folder of runbooks.
#[derive(Debug, Default)]
pub struct Rights {
    rules: Vec<Rule>,
}

/// For some people and some runbooks, what is allowed and what is denied.
#[derive(Debug)]
struct Rule {
    people: Option<People>,
    runbooks: Option<Vec<Pattern>>,
    risks: Option<Vec<Risk>>,
    allow: Vec<Right>,
    deny: Vec<Right>,
}

/// Each of the users, and whoever has one of the roles or one of the scopes.
#[derive(Debug)]
struct People {
    users: Vec<Approver>,
    roles: Vec<String>,
    scopes: Vec<String>,
}

/// A runbook's name, or the words that names begin with.
#[derive(Debug)]
enum Pattern {
    Name(String),
    /// With the hyphen that ends it: names are compared by whole words.
    Prefix(String),
}

impl Rights {
    /// How many rules there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.rules.len()
    }

    pub(super) fn allow(&self, who: &Who<'_>, right: Right, runbook: &Runbook) -> bool {
        let about = || self.rules.iter().filter(|rule| rule.is_about(who, runbook));
        !about().any(|rule| rule.deny.contains(&right)) && about().any(|rule| rule.allow.contains(&right))
    }
}

impl Rule {
    fn is_about(&self, who: &Who<'_>, runbook: &Runbook) -> bool {
        self.people.as_ref().is_none_or(|people| people.have(who))
            && self.runbooks.as_ref().is_none_or(|patterns| patterns.iter().any(|pattern| pattern.fits(&runbook.name)))
            && self.risks.as_ref().is_none_or(|risks| risks.contains(&runbook.risk))
    }
}

impl People {
    fn have(&self, who: &Who<'_>) -> bool {
        self.users.iter().any(|user| user.is(who.principal))
            || self.roles.iter().any(|role| who.roles.contains(role))
            || self.scopes.iter().any(|scope| who.scopes.contains(&scope.as_str()))
    }
}

impl Pattern {
    fn fits(&self, name: &str) -> bool {
        match self {
            Self::Name(whole) => whole == name,
            Self::Prefix(prefix) => name.starts_with(prefix),
        }
    }
}

#[cfg(test)]
mod tests;
