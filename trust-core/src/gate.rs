//! The walk of a request, from top to bottom: read [`Gate::decide`] and you have read the product.
//!
//! `RequestFacts` → `UnverifiedToken` → `VerifiedClaims` → `Permit` | `Denial` → `EventTags`. Each is made only by the
//! step before it.

mod forwarding;

use thiserror::Error;

use crate::config::{GateConfig, Mistake, Origin};
use crate::denial::Denial;
use crate::gate_key::{GateKeys, InvalidGateKeys};
use crate::issuer::{Issuers, Unverified};
use crate::keys::{InvalidJwks, KeySet};
use crate::permit::Permit;
use crate::request::{MalformedRequest, RawRequest, RequestFacts, fold_header_name};
use crate::rules::{Access, Rule};
use crate::tags::{EventTags, Moment, Untaggable};
use crate::token::UnverifiedToken;
use crate::transaction_token::{HEADER, TransactionKeys};
pub use forwarding::Forwarding;

/// The file below `/trust` that holds the gate's own keys.
pub const GATE_KEY_FILE: &str = "gate.key";

/// The gate's name as a source of events, where no public origin is configured.
const DEFAULT_SOURCE: &str = "urn:watchgate:gate";

/// A configured gate, with the keys it has been given.
#[derive(Debug)]
pub struct Gate {
    origins: Vec<Origin>,
    rules: Vec<Rule>,
    issuers: Issuers,
    /// File below `/trust` and the position of its issuer.
    jwks_files: Vec<(String, usize)>,
    forward_claims: Vec<(String, String)>,
    transaction: Option<TransactionSetting>,
    tag_secret: Vec<u8>,
}

#[derive(Debug)]
struct TransactionSetting {
    audience: String,
    keys: Option<TransactionKeys>,
}

/// Why a file of the trust directory is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidTrustFile {
    /// It is not there, or cannot be read.
    #[error("missing or unreadable")]
    Missing,
    /// It holds no keys of an issuer.
    #[error(transparent)]
    Jwks(#[from] InvalidJwks),
    /// It does not hold the gate's own keys.
    #[error(transparent)]
    GateKeys(#[from] InvalidGateKeys),
}

impl Gate {
    /// Reads the configuration, or says everything that is wrong with it.
    pub fn from_config(json: &[u8]) -> Result<Self, Vec<Mistake>> {
        let config = GateConfig::from_json(json)?;
        let mut issuers = Issuers::default();
        let mut jwks_files = Vec::new();
        for (index, configured) in config.issuers.into_iter().enumerate() {
            jwks_files.extend(configured.jwks_file.map(|file| (file, index)));
            issuers.all.push(configured.issuer);
        }
        let transaction = config.transaction_audience.map(|audience| TransactionSetting { audience, keys: None });
        Ok(Self {
            origins: config.origins,
            rules: config.rules,
            issuers,
            jwks_files,
            forward_claims: config.forward_claims,
            transaction,
            tag_secret: Vec::new(),
        })
    }

    /// Files below `/trust` that the gate lives on.
    #[must_use]
    pub fn wanted_files(&self) -> Vec<String> {
        let gate_key = self.transaction.iter().map(|_| GATE_KEY_FILE.to_owned());
        self.jwks_files.iter().map(|(file, _)| file.clone()).chain(gate_key).collect()
    }

    /// Takes a file's content, or the news that it cannot be read. Keys of a file that is gone or broken are forgotten:
    /// who took them away may have had a reason.
    pub fn take_file(&mut self, name: &str, content: Option<&[u8]>) -> Result<(), InvalidTrustFile> {
        let mut outcome = Ok(());
        for (_, index) in self.jwks_files.iter().filter(|(file, _)| file == name) {
            let Some(issuer) = self.issuers.all.get_mut(*index) else { continue };
            let keys = content.ok_or(InvalidTrustFile::Missing).and_then(|bytes| Ok(KeySet::from_jwks(bytes)?));
            (issuer.keys, outcome) = split(keys);
        }
        if let (GATE_KEY_FILE, Some(setting)) = (name, &mut self.transaction) {
            let keys = content.ok_or(InvalidTrustFile::Missing).and_then(|bytes| Ok(GateKeys::from_json(bytes)?));
            let (keys, read) = split(keys);
            setting.keys = keys.as_ref().map(|keys| keys.transaction_keys(&setting.audience));
            self.tag_secret = keys.as_ref().and_then(GateKeys::tag_secret).map(Vec::from).unwrap_or_default();
            outcome = read;
        }
        outcome
    }

    /// Whether the values of this header matter to a decision.
    #[must_use]
    pub fn reads_header(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        let is_in_a_rule = || {
            let mut conditions = self.rules.iter().flat_map(|rule| rule.matches.conditions());
            conditions.any(|matcher| matcher.header() == Some(&name))
        };
        matches!(name.as_str(), "authorization" | "connection" | "traceparent")
            || name.starts_with("ce-")
            || is_in_a_rule()
    }

    /// Judges a request: how to forward it, or why not.
    pub fn decide(&self, raw: RawRequest, moment: Moment) -> Result<Forwarding, Denial> {
        let now = moment.now.seconds();
        let facts = RequestFacts::read(raw)?;
        self.check_connection_header(&facts)?;
        self.check_host(&facts)?;
        let rule = self.rules.iter().find(|rule| rule.matches(&facts)).ok_or(Denial::NoRule)?;
        let permit = match rule.access {
            Access::Public => Permit::for_anybody(rule).ok_or(Denial::NoRule)?,
            Access::Authenticated(_) => {
                let token = UnverifiedToken::of(&facts)?.ok_or(Denial::NoToken)?;
                let claims = self.issuers.verify(&token, now)?;
                Permit::for_principal(rule, claims, now)?
            }
        };
        let tags = EventTags::of(&facts, &permit, moment, self.source(), &self.tag_secret)?;
        self.forwarding(&facts, &permit, &tags, now)
    }

    /// A proxy drops the headers that `Connection` names (RFC 9110, section 7.6.1), after the gate has set them.
    fn check_connection_header(&self, facts: &RequestFacts) -> Result<(), Denial> {
        let names_ours = facts
            .header_values("connection")
            .flat_map(|value| value.split(|byte| *byte == b','))
            .map(|name| fold_header_name(String::from_utf8_lossy(name).trim()))
            .any(|name| self.is_ours(&name));
        if names_ours { Err(MalformedRequest::HopByHop.into()) } else { Ok(()) }
    }

    fn check_host(&self, facts: &RequestFacts) -> Result<(), Denial> {
        let is_named = self.origins.is_empty() || self.origins.iter().any(|origin| origin.is_named_by(facts.host()));
        if is_named { Ok(()) } else { Err(Denial::ForeignHost) }
    }

    fn source(&self) -> &str {
        self.origins.first().map_or(DEFAULT_SOURCE, |origin| origin.text.as_str())
    }

    /// Whether a header of this folded name speaks for the gate.
    fn is_ours(&self, folded: &str) -> bool {
        folded.starts_with("ce-")
            || folded == HEADER
            || folded == "traceparent"
            || self.forward_claims.iter().any(|(header, _)| fold_header_name(header) == folded)
    }
}

fn split<T, E>(result: Result<T, E>) -> (Option<T>, Result<(), E>) {
    match result {
        Ok(value) => (Some(value), Ok(())),
        Err(error) => (None, Err(error)),
    }
}

impl From<Unverified> for Denial {
    fn from(unverified: Unverified) -> Self {
        match unverified {
            Unverified::Invalid(invalid) => Self::InvalidToken(invalid),
            Unverified::KeysUnavailable { issuer } => Self::KeysUnavailable { of: issuer },
        }
    }
}

impl From<Untaggable> for Denial {
    fn from(untaggable: Untaggable) -> Self {
        match untaggable {
            Untaggable::Malformed(malformed) => Self::MalformedRequest(malformed),
            Untaggable::Refused(refusal) => Self::ForeignEvent(refusal),
        }
    }
}

#[cfg(test)]
mod tests;
