//! The parts of a runbook that say who, how often and when.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use trust_core::principal::Principal;
use utoipa::ToSchema;

use super::Target;
use crate::condition::Condition;

/// Who carries a runbook out: always the same service, or the one that a parameter names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged, try_from = "WrittenTarget")]
pub enum RunbookTarget {
    /// This service.
    Service {
        /// Its name, which the subject of its token is.
        service: String,
    },
    /// The service that this parameter names; its schema must list all that it may be (`enum`).
    Selector {
        /// The name of the parameter.
        service_from: String,
    },
}

/// As it stands in a file, so that what is wrong there can be named.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenTarget {
    service: Option<String>,
    service_from: Option<String>,
}

impl TryFrom<WrittenTarget> for RunbookTarget {
    type Error = &'static str;

    fn try_from(written: WrittenTarget) -> Result<Self, Self::Error> {
        match written {
            WrittenTarget { service: Some(service), service_from: None } => Ok(Self::Service { service }),
            WrittenTarget { service: None, service_from: Some(service_from) } => Ok(Self::Selector { service_from }),
            _ => Err("it must say either `service` or `service_from`"),
        }
    }
}

impl RunbookTarget {
    /// The service that is meant by a call with these parameters, which have been held against the schema.
    #[must_use]
    pub fn resolve(&self, parameters: &Value) -> Option<Target> {
        let service = match self {
            Self::Service { service } => service,
            Self::Selector { service_from } => parameters.get(service_from)?.as_str()?,
        };
        Some(Target { service: service.to_owned() })
    }
}

/// Who must agree before a runbook is carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// Whether somebody must agree at all.
    pub needed: bool,
    /// Whether that must be somebody other than the one who asked.
    pub not_requester: bool,
    /// Who may decide. Without users and roles, everybody who has the right to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<Approver>,
    /// Whoever has one of these roles may decide, too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// Whose roles count, and where nobody is named, whose subjects may decide. Without it those of every issuer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub issuers: Vec<String>,
    /// How many must agree; one who is against it is enough to end it.
    #[serde(default = "one")]
    pub quorum: u32,
    /// How long it waits for them.
    #[serde(default = "an_hour")]
    pub lifetime_seconds: u64,
}

fn one() -> u32 {
    1
}

fn an_hour() -> u64 {
    60 * 60
}

/// Somebody who may decide: always issuer and subject, for a subject alone is anybody whom some issuer calls so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Approver {
    /// Who vouches for the subject.
    pub issuer: String,
    /// The subject.
    pub subject: String,
}

impl Approver {
    /// Whether it is this principal.
    #[must_use]
    pub fn is(&self, principal: &Principal) -> bool {
        principal.issuer() == self.issuer && principal.subject() == self.subject
    }
}

/// How often a failed command is tried again, in the words of Knative's delivery specification.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Retry {
    /// How often after the first time.
    pub retry: u32,
    /// How the waiting grows.
    pub backoff_policy: BackoffPolicy,
    /// The first waiting, in seconds; in a file it is a duration of ISO 8601 (`PT2S`).
    pub backoff_delay: f64,
}

impl Retry {
    /// Not at all.
    pub const NEVER: Self = Self { retry: 0, backoff_policy: BackoffPolicy::Exponential, backoff_delay: 0.0 };
}

/// How the waiting before each next attempt grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum BackoffPolicy {
    /// By the same time again.
    Linear,
    /// Twofold.
    Exponential,
}

/// How many commands are carried out at once; without a number as many as there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Concurrency {
    /// Of this runbook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_runbook: Option<u32>,
    /// Of this runbook for one service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_target: Option<u32>,
}

/// Events at which a runbook is worth a look.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SuggestWhen {
    /// A type, or `prefix.*` for all types below one.
    #[serde(rename = "type")]
    pub event_type: String,
    /// A source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// A subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// What must stand in its data; all of them hold.
    #[serde(rename = "where", default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Object>)]
    pub conditions: Vec<Condition>,
}

impl SuggestWhen {
    /// Whether it means an event with this type, source, subject and data.
    #[must_use]
    pub fn fits(&self, event_type: &str, source: &str, subject: Option<&str>, data: &Value) -> bool {
        let is_type = match self.event_type.strip_suffix(".*") {
            Some(prefix) => event_type.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('.')),
            None => event_type == self.event_type,
        };
        let is_source = self.source.as_deref().is_none_or(|wanted| wanted == source);
        is_type
            && is_source
            && self.subject.as_deref().is_none_or(|wanted| Some(wanted) == subject)
            && self.conditions.iter().all(|condition| condition.holds(data))
    }
}
