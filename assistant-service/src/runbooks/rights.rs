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
    /// The roles that the token's issuer gives; nothing where they are not told.
    pub roles: Option<&'a [String]>,
}

/// What somebody wants to do something with.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// The runbook's name.
    pub runbook: &'a str,
    /// What it can do at worst. Where that is not known any more, a rule that names risks denies, and allows nothing.
    pub risk: Option<Risk>,
}

impl<'a> From<&'a Runbook> for About<'a> {
    fn from(runbook: &'a Runbook) -> Self {
        Self { runbook: &runbook.name, risk: Some(runbook.risk) }
    }
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

/// Each of the users, and whoever has one of the roles or one of the scopes. Where issuers are named, the roles and scopes
/// are theirs alone; where nothing else is, it is everybody of theirs.
#[derive(Debug)]
struct People {
    issuers: Vec<String>,
    users: Vec<Approver>,
    roles: Vec<String>,
    scopes: Vec<String>,
}

/// What a rule is asked for. What is not known of a caller or a runbook makes a denial fit, and no permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    Allow,
    Deny,
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

    pub(super) fn allow(&self, who: &Who<'_>, right: Right, about: About<'_>) -> bool {
        let any = |effect| self.rules.iter().any(|rule| rule.names(right, effect) && rule.is_for(who, about, effect));
        !any(Effect::Deny) && any(Effect::Allow)
    }
}

impl Rule {
    fn names(&self, right: Right, effect: Effect) -> bool {
        match effect {
            Effect::Allow => self.allow.contains(&right),
            Effect::Deny => self.deny.contains(&right),
        }
    }

    fn is_for(&self, who: &Who<'_>, about: About<'_>, effect: Effect) -> bool {
        let has_risk = |risks: &Vec<Risk>| about.risk.map_or(effect == Effect::Deny, |risk| risks.contains(&risk));
        self.people.as_ref().is_none_or(|people| people.have(who, effect))
            && self.runbooks.as_ref().is_none_or(|patterns| patterns.iter().any(|pattern| pattern.fits(about.runbook)))
            && self.risks.as_ref().is_none_or(has_risk)
    }
}

impl People {
    fn have(&self, who: &Who<'_>, effect: Effect) -> bool {
        self.users.iter().any(|user| user.is(who.principal))
            || (are_of(&self.issuers, who.principal) && self.have_by_token(who, effect))
    }

    fn have_by_token(&self, who: &Who<'_>, effect: Effect) -> bool {
        let by_role = || match who.roles {
            Some(roles) => self.roles.iter().any(|role| roles.contains(role)),
            None => effect == Effect::Deny && !self.roles.is_empty(),
        };
        let are_all = self.users.is_empty() && self.roles.is_empty() && self.scopes.is_empty();
        are_all || by_role() || self.scopes.iter().any(|scope| who.scopes.contains(&scope.as_str()))
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

/// Whether one of the issuers vouches for somebody; where none is named, any issuer may.
pub(crate) fn are_of(issuers: &[String], principal: &Principal) -> bool {
    issuers.is_empty() || issuers.iter().any(|issuer| issuer == principal.issuer())
}

#[cfg(test)]
mod tests;
