//! The plugin's configuration: read in whatever shape Traefik hands it over, checked as a whole.
//!
//! Every mistake is reported, with its place. A configuration with a mistake gives no gate at all, so the adapter
//! denies everything.

mod client_address;
mod dpop;
mod reader;
mod resource_metadata;
mod rules;
mod transaction_token;

use std::sync::Arc;

use serde_json::Value;

use crate::client_address::ClientAddresses;
use crate::client_certificate::{self, ClientCertificates};
use crate::denial_record::Mode;
use crate::dpop::Proofs;
use crate::gate::GATE_KEY_FILE;
use crate::issuer::{EXCHANGED_TOKEN_TYPE, Issuer, IssuerPolicy};
use crate::keys::{KeyPurpose, KeySet};
use crate::request::{fold_header_name, without_port};
use crate::resource_metadata::ResourceMetadata;
use crate::rules::Rule;
use crate::signature::Algorithm;
use crate::suggestion::suggestion;
pub use reader::Mistake;
use reader::{Reader, normalised};
pub(crate) use transaction_token::TransactionTokenSetting;

const KEYS: [&str; 14] = [
    "publicOrigins",
    "issuers",
    "rules",
    "forwardClaims",
    "transactionToken",
    "tags",
    "claimsCacheMebibytes",
    "resourceMetadata",
    "mode",
    "throttle",
    "clientAddress",
    "trustClientCertificate",
    "dpop",
    "keeper",
];
const DEFAULT_TOKEN_TYPES: [&str; 2] = ["at+jwt", "JWT"];
/// What `watchgate exchange` writes in an opaque token's place.
const EXCHANGED_TOKEN_TYPES: [&str; 1] = [EXCHANGED_TOKEN_TYPE];
const DEFAULT_LEEWAY_SECONDS: u64 = 30;
const MAX_LEEWAY_SECONDS: u64 = 300;
/// A slot of the claims cache counts them in seven bits.
const MAX_SPOKEN_FOR: usize = 127;
const DEFAULT_CLAIMS_CACHE_MEBIBYTES: u64 = 16;
const MAX_CLAIMS_CACHE_MEBIBYTES: u64 = 1024;

/// Headers that carry a request itself; a claim forwarded in one of them would change the request.
/// What a proxy drops on the way (RFC 9110, section 7.6.1) would not arrive.
const RESERVED_HEADERS: [&str; 15] = [
    "host",
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "cookie",
    "dpop",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// What the gate is told to do, checked.
#[derive(Debug)]
pub(crate) struct GateConfig {
    pub(crate) origins: Vec<Origin>,
    pub(crate) issuers: Vec<ConfiguredIssuer>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) forward_claims: Vec<ForwardedClaim>,
    pub(crate) transaction_token: Option<TransactionTokenSetting>,
    /// Whether a keeper keeps the trust directory.
    pub(crate) has_keeper: bool,
    /// Whether permitted requests are tagged as events.
    pub(crate) has_tags: bool,
    /// Size of the shared claims cache; 0 for none.
    pub(crate) claims_cache_bytes: u64,
    pub(crate) resource_metadata: Option<ResourceMetadata>,
    pub(crate) mode: Mode,
    /// How many bad tokens a source may bring within a minute; 0 for any number.
    pub(crate) bad_tokens_per_minute: u32,
    pub(crate) client_addresses: ClientAddresses,
    pub(crate) client_certificates: ClientCertificates,
    pub(crate) proofs: Proofs,
}

/// A claim that goes to the back end in a header.
#[derive(Debug)]
pub(crate) struct ForwardedClaim {
    /// As spelled in the configuration.
    pub(crate) header: String,
    pub(crate) folded_header: String,
    pub(crate) claim: String,
}

/// An origin under which clients reach the gate (RFC 6454, section 4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    /// As written, without a slash at its end.
    pub(crate) text: String,
    /// Host, with its port when one is written.
    pub(crate) authority: String,
}

impl Origin {
    /// Whether a `Host` header names this origin. An origin without a port is named with any: ports are mapped on the way.
    pub(crate) fn is_named_by(&self, host: &str) -> bool {
        self.authority == host || self.authority == without_port(host)
    }

    /// Whether clients reach it over TLS.
    pub(crate) fn is_secure(&self) -> bool {
        self.text.starts_with("https://")
    }
}

/// An issuer, and the file that holds its keys when they are not inline.
#[derive(Debug)]
pub(crate) struct ConfiguredIssuer {
    pub(crate) issuer: Issuer,
    pub(crate) jwks_file: Option<String>,
}

impl GateConfig {
    /// Reads the JSON that Traefik hands to a plugin.
    pub(crate) fn from_json(bytes: &[u8]) -> Result<Self, Vec<Mistake>> {
        let value: Value = serde_json::from_slice(bytes)
            .map_err(|error| vec![Mistake { place: String::new(), what: format!("not JSON: {error}") }])?;
        let value = normalised(value);
        let mut mistakes = Vec::new();
        let config = Self::read(&Reader::root(&value), &mut mistakes);
        if mistakes.is_empty() { Ok(config) } else { Err(mistakes) }
    }

    fn read(root: &Reader<'_>, mistakes: &mut Vec<Mistake>) -> Self {
        root.only_keys(&KEYS, mistakes);
        let origins = root.strings("publicOrigins", mistakes).into_iter().filter_map(|(reader, text)| {
            let origin = origin(&text);
            if origin.is_none() {
                reader.mistake("an origin such as https://gw.example.com was expected", mistakes);
            }
            origin
        });
        let origins: Vec<Origin> = origins.collect();
        let proofs = dpop::read(root, &origins, mistakes);
        let issuers = issuers(root, mistakes);
        let rules = rules::read(root, mistakes);
        if rules.iter().any(Rule::needs_token) && root.is_empty("issuers") {
            root.at("issuers").mistake("rules ask for tokens, so at least one issuer is needed", mistakes);
        }
        let claims_cache_mebibytes = root
            .whole_number("claimsCacheMebibytes", MAX_CLAIMS_CACHE_MEBIBYTES, mistakes)
            .unwrap_or(DEFAULT_CLAIMS_CACHE_MEBIBYTES);
        let has_tags = root.boolean("tags", mistakes).unwrap_or(true);
        if !has_tags && rules.iter().any(|rule| !rule.event.client_types.is_empty()) {
            root.at("tags").mistake("rules take events of clients, and only tags tell whose they are", mistakes);
        }
        let client_certificates = client_certificates(root, &rules, mistakes);
        let resource_metadata =
            resource_metadata::read(root, &issuers, &rules, (client_certificates, &proofs), mistakes);
        Self {
            origins,
            issuers,
            rules,
            has_tags,
            has_keeper: root.boolean("keeper", mistakes).unwrap_or(false),
            claims_cache_bytes: claims_cache_mebibytes.saturating_mul(1024 * 1024),
            resource_metadata,
            client_certificates,
            proofs,
            mode: mode(root, mistakes),
            bad_tokens_per_minute: client_address::bad_tokens_per_minute(root, mistakes),
            client_addresses: client_address::read(root, mistakes),
            forward_claims: forward_claims(root, mistakes),
            transaction_token: transaction_token::read(root, mistakes),
        }
    }
}

fn mode(root: &Reader<'_>, mistakes: &mut Vec<Mistake>) -> Mode {
    match root.string("mode", mistakes).as_deref() {
        None | Some("enforce") => Mode::Enforce,
        Some("observe") => Mode::Observe,
        Some(_) => {
            root.at("mode").mistake("enforce or observe was expected", mistakes);
            Mode::Enforce
        }
    }
}

fn client_certificates(root: &Reader<'_>, rules: &[Rule], mistakes: &mut Vec<Mistake>) -> ClientCertificates {
    if root.boolean("trustClientCertificate", mistakes).unwrap_or(false) {
        return ClientCertificates::Trusted;
    }
    // With an origin, a token may be bound to a key.
    if rules.iter().any(Rule::needs_bound_token) && root.is_empty("publicOrigins") {
        let what = "rules ask for BoundToClient(), which holds for nobody unless client certificates are trusted or \
                    publicOrigins says what proofs are held against";
        root.at("trustClientCertificate").mistake(what, mistakes);
    }
    ClientCertificates::Untrusted
}

/// Reads an origin as it is written, or with a slash at its end.
pub(crate) fn origin(text: &str) -> Option<Origin> {
    let text = text.trim_end_matches('/');
    let authority = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    let is_authority =
        !authority.is_empty() && authority.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.:[]".contains(&byte));
    is_authority.then(|| Origin { text: text.to_owned(), authority: authority.to_ascii_lowercase() })
}

fn issuers(root: &Reader<'_>, mistakes: &mut Vec<Mistake>) -> Vec<ConfiguredIssuer> {
    let mut issuers: Vec<ConfiguredIssuer> = Vec::new();
    for reader in root.list("issuers", mistakes) {
        let Some(configured) = issuer(&reader, mistakes) else { continue };
        if issuers.iter().any(|other| other.issuer.policy.issuer == configured.issuer.policy.issuer) {
            reader.at("issuer").mistake("this issuer stands twice; one entry holds all its audiences", mistakes);
        }
        issuers.push(configured);
    }
    issuers
}

fn issuer(reader: &Reader<'_>, mistakes: &mut Vec<Mistake>) -> Option<ConfiguredIssuer> {
    let known = ["issuer", "audiences", "jwksFile", "jwks", "algorithms", "tokenTypes", "leewaySeconds", "speaksFor"];
    reader.only_keys(&known, mistakes);
    let issuer = reader.required_string("issuer", mistakes);
    if issuer.as_deref().is_some_and(|issuer| issuer.contains(['#', '?'])) {
        reader.at("issuer").mistake("an issuer has neither query nor fragment (RFC 8414, section 2)", mistakes);
    }
    let audiences: Vec<_> = reader.strings("audiences", mistakes).into_iter().map(|(_, audience)| audience).collect();
    if audiences.is_empty() {
        reader.at("audiences").mistake("at least one audience is needed", mistakes);
    }
    let algorithms = algorithms(reader, mistakes);
    let default_types = if reader.is_empty("speaksFor") { &DEFAULT_TOKEN_TYPES[..] } else { &EXCHANGED_TOKEN_TYPES };
    let token_types = reader.strings_or("tokenTypes", default_types, mistakes);
    let leeway_seconds =
        reader.whole_number("leewaySeconds", MAX_LEEWAY_SECONDS, mistakes).unwrap_or(DEFAULT_LEEWAY_SECONDS);
    let (keys, jwks_file) = key_source(reader, &algorithms, mistakes)?;
    let policy = IssuerPolicy {
        issuer: issuer?.into(),
        audiences,
        algorithms,
        token_types: token_types.into_iter().map(|(_, token_type)| token_type).collect(),
        leeway_seconds,
        speaks_for: speaks_for(reader, mistakes),
    };
    Some(ConfiguredIssuer { issuer: Issuer { policy, keys }, jwks_file })
}

/// The issuers for whose subjects this one may vouch.
fn speaks_for(reader: &Reader<'_>, mistakes: &mut Vec<Mistake>) -> Arc<[Arc<str>]> {
    let named = reader.strings("speaksFor", mistakes);
    if named.len() > MAX_SPOKEN_FOR {
        reader.at("speaksFor").mistake(format!("at most {MAX_SPOKEN_FOR} issuers"), mistakes);
    }
    named.into_iter().map(|(_, issuer)| issuer.into()).collect()
}

/// What an issuer may sign with: algorithms with a public key, all of them unless some are named; or with a shared secret,
/// when they alone are named. An issuer with both would let its public keys be tried as secrets.
fn algorithms(reader: &Reader<'_>, mistakes: &mut Vec<Mistake>) -> Vec<Algorithm> {
    let all = Algorithm::WITH_PUBLIC_KEY.map(Algorithm::name);
    let mut algorithms = Vec::new();
    for (reader, name) in reader.strings_or("algorithms", &all, mistakes) {
        match Algorithm::named(&name) {
            Some(algorithm) => algorithms.push(algorithm),
            None => {
                let meant = suggestion(&name, &all);
                reader.mistake(format!("{name:?} is no algorithm that is taken; none never is{meant}"), mistakes);
            }
        }
    }
    let shared = algorithms.iter().filter(|algorithm| algorithm.takes_shared_secret()).count();
    if shared > 0 && shared < algorithms.len() {
        let what = "HS256, HS384 and HS512 stand alone: with a public key beside them it could be taken for the secret";
        reader.at("algorithms").mistake(what, mistakes);
    }
    algorithms
}

/// The inline keys of an issuer, or the file below `/trust` that holds them: exactly one of the two.
fn key_source(
    reader: &Reader<'_>,
    algorithms: &[Algorithm],
    mistakes: &mut Vec<Mistake>,
) -> Option<(Option<KeySet>, Option<String>)> {
    match (reader.value("jwks"), reader.string("jwksFile", mistakes)) {
        (Some(_), None) if algorithms.iter().any(|algorithm| algorithm.takes_shared_secret()) => {
            let what = "secrets stand in a jwksFile only: Traefik's API shows this configuration to whoever may ask it";
            reader.at("jwks").mistake(what, mistakes);
            None
        }
        (Some(jwks), None) => {
            let text = if let Value::String(text) = jwks { text.clone() } else { jwks.to_string() };
            match KeySet::from_jwks(text.as_bytes(), KeyPurpose::PublicKeys) {
                Ok(keys) => Some((Some(keys), None)),
                Err(invalid) => {
                    reader.at("jwks").mistake(invalid.to_string(), mistakes);
                    None
                }
            }
        }
        (None, Some(file)) => {
            let is_below = file.split('/').all(|part| !matches!(part, "" | "." | "..")) && !file.contains('\\');
            if is_below && file != GATE_KEY_FILE {
                return Some((None, Some(file)));
            }
            reader
                .at("jwksFile")
                .mistake("a path below /trust such as jwks/idp.example.com.json was expected", mistakes);
            None
        }
        (Some(_), Some(_)) => {
            reader.mistake("jwks and jwksFile exclude each other", mistakes);
            None
        }
        (None, None) => {
            reader.mistake("keys are needed: jwksFile, or jwks inline", mistakes);
            None
        }
    }
}

fn forward_claims(root: &Reader<'_>, mistakes: &mut Vec<Mistake>) -> Vec<ForwardedClaim> {
    let mut forwarded: Vec<ForwardedClaim> = Vec::new();
    for (reader, header, claim) in root.string_map("forwardClaims", mistakes) {
        let folded_header = fold_header_name(&header);
        let folded = folded_header.as_str();
        let is_name = header.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') && !header.is_empty();
        let is_ours =
            folded.starts_with("ce-") || folded == "traceparent" || folded == crate::transaction_token::HEADER;
        if !is_name || is_ours || client_certificate::is_header(folded) || RESERVED_HEADERS.contains(&folded) {
            reader.mistake("this header cannot carry a claim; choose one such as X-Auth-Subject", mistakes);
        } else if forwarded.iter().any(|other| other.folded_header == folded) {
            reader.mistake("two entries name the same header", mistakes);
        }
        forwarded.push(ForwardedClaim { header, folded_header, claim });
    }
    forwarded
}

#[cfg(test)]
mod tests;
