//! The walk of a request, from top to bottom: read `Gate::walk` and you have read the product.
//!
//! `RequestFacts` → `UnverifiedToken` → `VerifiedClaims` → `Permit` | `Denial` → `EventTags`. Each is made only by the
//! step before it.

pub mod explanation;
mod forwarding;
mod refusal;
mod trust_files;
mod vouching;
mod witness;

use std::collections::BTreeSet;

use crate::binding::Binding;
use crate::claims::roles;
use crate::claims_cache::ClaimsCache;
use crate::client_address::ClientAddresses;
use crate::client_certificate::{self, ClientCertificates};
use crate::config::{ForwardedClaim, GateConfig, Mistake, Origin, TransactionTokenSetting};
use crate::denial::Denial;
use crate::denial_record::Mode;
use crate::dpop::{self, Proofs};
use crate::issuer::Issuers;
use crate::kept_trust::KeptTrust;
use crate::keyed_hash::KeyedHash;
use crate::permit::Permit;
use crate::request::{MalformedRequest, RawRequest, RequestFacts, fold_header_name, folds_to};
use crate::resource_metadata::ResourceMetadata;
use crate::rules::Rule;
use crate::shared_files::SharedFiles;
use crate::tags::{EventTags, Moment, Untaggable};
use crate::throttle::{BAD_TOKENS_BYTES, Throttle};
use crate::token::{InvalidToken, presented_token};
use crate::transaction_token::{HEADER, TransactionKeys};
use crate::{early_data, method_override, target_override};
pub use forwarding::Forwarding;
pub use refusal::{Outcome, Refusal};
pub use trust_files::{GATE_KEY_FILE, InvalidTrustFile};
use vouching::Vouching;
use witness::{Nobody, Witness};

/// Headers whose values matter to every gate, in lower case.
const ALWAYS_READ: [&str; 5] = ["authorization", "connection", "upgrade", "traceparent", dpop::HEADER];

/// The gate's name as a source of events, where no public origin is configured.
const DEFAULT_SOURCE: &str = "urn:watchgate:gate";

/// A configured gate, with the keys it has been given.
pub struct Gate {
    origins: Vec<Origin>,
    rules: Vec<Rule>,
    issuers: Issuers,
    /// File below `/trust` and the position of its issuer.
    jwks_files: Vec<(String, usize)>,
    forward_claims: Vec<ForwardedClaim>,
    transaction: Option<TransactionSetting>,
    cache: ClaimsCache,
    /// Where the trust directory has a keeper.
    kept_trust: Option<KeptTrust>,
    has_tags: bool,
    tag_secret: KeyedHash,
    resource_metadata: Option<ResourceMetadata>,
    client_addresses: ClientAddresses,
    client_certificates: ClientCertificates,
    proofs: Proofs,
    throttle: Throttle,
    mode: Mode,
    /// Headers that rules look at, in lower case.
    rule_headers: BTreeSet<String>,
    /// Whether a rule looks at the peer's address.
    is_about_source: bool,
}

struct TransactionSetting {
    audience: String,
    /// Whether the word tells the caller's roles.
    has_roles: bool,
    keys: Option<TransactionKeys>,
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
        for rule in &config.rules {
            rule.select_claims(&mut issuers.selection);
        }
        config.forward_claims.iter().for_each(|forwarded| issuers.selection.want(&forwarded.claim, None));
        if config.transaction_token.as_ref().is_some_and(|setting| setting.has_roles) {
            issuers.selection.want(roles::CLAIM, None);
        }
        issuers.prepare_verifications();
        let conditions: Vec<_> = config.rules.iter().flat_map(|rule| rule.matches.conditions()).collect();
        let rule_headers = conditions.iter().filter_map(|condition| condition.header()).map(str::to_owned).collect();
        let is_about_source = conditions.iter().any(|condition| condition.is_about_source());
        let transaction = config.transaction_token.map(|TransactionTokenSetting { audience, has_roles }| {
            TransactionSetting { audience, has_roles, keys: None }
        });
        Ok(Self {
            origins: config.origins,
            rules: config.rules,
            issuers,
            jwks_files,
            forward_claims: config.forward_claims,
            transaction,
            cache: ClaimsCache::new(config.claims_cache_bytes),
            kept_trust: config.has_keeper.then(KeptTrust::default),
            has_tags: config.has_tags,
            tag_secret: KeyedHash::default(),
            resource_metadata: config.resource_metadata,
            client_addresses: config.client_addresses,
            client_certificates: config.client_certificates,
            proofs: config.proofs,
            throttle: Throttle::new(config.bad_tokens_per_minute),
            mode: config.mode,
            rule_headers,
            is_about_source,
        })
    }

    /// Size of the shared claims cache in bytes; 0 when there is none.
    #[must_use]
    pub fn claims_cache_bytes(&self) -> u64 {
        self.cache.file_bytes()
    }

    /// Size of the shared file of bad tokens in bytes; 0 when nobody counts them.
    #[must_use]
    pub fn bad_tokens_bytes(&self) -> u64 {
        if self.throttle.is_on() { BAD_TOKENS_BYTES } else { 0 }
    }

    /// Whether the values of this header matter to a decision.
    #[must_use]
    pub fn reads_header(&self, name: &str) -> bool {
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        ALWAYS_READ.into_iter().any(is)
            || self.rule_headers.iter().any(|header| is(header))
            || name.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("ce-"))
            || (name.as_bytes().first().is_some_and(|first| first.eq_ignore_ascii_case(&b'x'))
                && (method_override::is_override(name)
                    || target_override::is_override(name)
                    || self.client_addresses.reads_header(name)
                    || self.client_certificates.reads_header(name)))
    }

    /// Judges a request: how to forward it, or why not.
    pub fn decide(&mut self, raw: &RawRequest, moment: Moment, shared: &dyn SharedFiles) -> Result<Forwarding, Denial> {
        self.walk(raw, moment, shared, &mut Nobody)
    }

    fn walk(
        &mut self,
        raw: &RawRequest,
        moment: Moment,
        shared: &dyn SharedFiles,
        witness: &mut impl Witness,
    ) -> Result<Forwarding, Denial> {
        let now = moment.now.seconds();
        let facts = self.client_addresses.told(RequestFacts::read(raw)?);
        witness.saw_facts(&facts);
        self.check_way(&facts)?;
        early_data::check(&facts)?;
        method_override::check(&facts)?;
        target_override::check(&facts)?;
        self.check_what_rules_read(&facts)?;
        self.check_host(&facts)?;
        let mut matches = |rule: &&Rule| {
            let matches = rule.matches(&facts);
            witness.saw_rule(rule, &facts, matches);
            matches
        };
        let rule = self.rules.iter().find(&mut matches).ok_or(Denial::NoRule)?;
        let mut proof = None;
        let permit = match Permit::for_anybody(rule) {
            Some(permit) => permit,
            None => {
                let token = presented_token(&facts)?.ok_or(Denial::NoToken)?;
                let may_try = || self.throttle.check(facts.client(), &self.client_addresses, now, shared);
                let vouching = Vouching {
                    issuers: &self.issuers,
                    jwks_files: &self.jwks_files,
                    cache: &mut self.cache,
                    kept_trust: self.kept_trust.as_mut(),
                    now: moment.now,
                    shared,
                };
                let verified = || vouching.vouch(token, may_try);
                let claims = witness.vouch(token, &self.issuers, now, verified)?;
                let binding = Binding::of_claims(&claims);
                self.client_certificates.check(&binding, &facts)?;
                proof = self.proofs.check(&binding, token, claims.exchanged_digest(), &facts, now)?;
                witness.saw_claims(rule, &claims, now);
                Permit::for_principal(rule, claims, now)?
            }
        };
        let mut tags = if self.has_tags {
            EventTags::of(&facts, &permit, moment, self.source(), &self.tag_secret)?
        } else {
            EventTags::none(&facts, moment, &self.tag_secret, self.transaction.is_some())
        };
        let forwarding = self.forwarding(&facts, &permit, &mut tags, now)?;
        // Nothing may deny the request behind this.
        if let Some(proof) = proof {
            proof.spend(shared)?;
        }
        Ok(forwarding)
    }

    /// A proxy drops the headers that `Connection` names (RFC 9110, section 7.6.1), after the gate has set them or has held
    /// them against a rule. And behind
    /// an upgrade to HTTP/2 in clear text further requests would follow that no gate sees.
    fn check_way(&self, facts: &RequestFacts) -> Result<(), MalformedRequest> {
        if facts.header_values("upgrade").any(|value| !value.eq_ignore_ascii_case(b"websocket")) {
            return Err(MalformedRequest::Upgrade);
        }
        let names_ours = facts
            .header_values("connection")
            .flat_map(|value| value.split(|byte| *byte == b','))
            .map(|name| fold_header_name(String::from_utf8_lossy(name).trim()))
            .any(|name| self.is_ours(&name) || self.rule_headers.iter().any(|header| folds_to(header, &name)));
        if names_ours { Err(MalformedRequest::HopByHop) } else { Ok(()) }
    }

    /// Nothing that a rule looks at may be ambiguous or unknown: behind a `!` it would count as a yes.
    fn check_what_rules_read(&self, facts: &RequestFacts) -> Result<(), MalformedRequest> {
        self.rule_headers.iter().try_for_each(|name| facts.check_rule_header(name))?;
        if self.is_about_source && facts.source().is_none() {
            return Err(MalformedRequest::UnknownSource);
        }
        Ok(())
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
            || client_certificate::is_header(folded)
            || self.forward_claims.iter().any(|forwarded| forwarded.folded_header == folded)
    }
}

impl From<InvalidToken> for Denial {
    fn from(invalid: InvalidToken) -> Self {
        Self::InvalidToken(invalid)
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
