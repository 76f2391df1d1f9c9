//! Conditions as a rule writes them, for whoever is told what became of them.

use std::fmt::{Display, Formatter, Result};

use super::claim::ClaimMatcher;
use super::request::{RequestMatcher, written_pattern};

impl Display for RequestMatcher {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> Result {
        match self {
            Self::Path(path) => call(formatter, "Path", &[path]),
            Self::PathPrefix(prefix) if prefix.is_empty() => call(formatter, "PathPrefix", &["/"]),
            Self::PathPrefix(prefix) => call(formatter, "PathPrefix", &[prefix]),
            Self::PathRegexp(pattern) => call(formatter, "PathRegexp", &[written_pattern(pattern)]),
            Self::Method(method) => call(formatter, "Method", &[method]),
            Self::Host(host) => call(formatter, "Host", &[host]),
            Self::HeaderRegexp { name, pattern } => call(formatter, "HeaderRegexp", &[name, written_pattern(pattern)]),
            Self::ClientIp(network) => call(formatter, "ClientIP", &[&network.to_string()]),
        }
    }
}

impl Display for ClaimMatcher {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> Result {
        match self {
            Self::Scope(scope) => call(formatter, "Scope", &[scope]),
            Self::Role(role) => call(formatter, "Role", &[role]),
            Self::Group(group) => call(formatter, "Group", &[group]),
            Self::Acr(acr) => call(formatter, "Acr", &[acr]),
            Self::Issuer(issuer) => call(formatter, "Issuer", &[issuer]),
            Self::Claim { name, value } => call(formatter, "Claim", &[name, value]),
            Self::ClaimContains { name, value } => call(formatter, "ClaimContains", &[name, value]),
            Self::BoundToClient => call(formatter, "BoundToClient", &[]),
            Self::AuthenticatedWithin { seconds } => call(formatter, "AuthenticatedWithin", &[&format!("{seconds}s")]),
        }
    }
}

fn call(formatter: &mut Formatter<'_>, name: &str, values: &[&str]) -> Result {
    write!(formatter, "{name}(")?;
    for (index, value) in values.iter().enumerate() {
        let quote = if value.contains('`') { '"' } else { '`' };
        let comma = if index == 0 { "" } else { ", " };
        write!(formatter, "{comma}{quote}{value}{quote}")?;
    }
    formatter.write_str(")")
}
