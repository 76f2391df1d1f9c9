//! What an exchange is told in its file. Every mistake in it is found at once, with its line.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use reqwest::Url;
use trust_core::Mistake;
use trust_core::network::Network;

use super::client_authentication::{AssertionAlgorithm, ClientMethod};
use super::introspection::Expected;
use super::phantom::PhantomTerms;
use crate::config_file::{self, LocatedMistake};
use crate::section::Section;

const DEFAULT_LISTEN: &str = "127.0.0.1:8087";
const DEFAULT_ISSUER: &str = "urn:watchgate:exchange";

/// Shorter ones would be renewed at nearly every request, longer ones would outlive what a provider has taken back.
const TTL_SECONDS: RangeInclusive<u64> = 10..=300;
const DEFAULT_TTL_SECONDS: u64 = 60;

const DEFAULT_MAX_CONCURRENT: u64 = 32;
const DEFAULT_PER_SOURCE: u64 = 60;

const MAX_NAME_CHARACTERS: usize = 64;

const PROVIDER_KEYS: [&str; 11] = [
    "name",
    "issuer",
    "introspectionEndpoint",
    "audiences",
    "audienceOptional",
    "subjectFromClientId",
    "auth",
    "caFile",
    "allowedNetworks",
    "maxConcurrent",
    "perSourcePerMinute",
];

/// Everything that an exchange is told.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) listen: SocketAddr,
    pub(crate) key_file: PathBuf,
    pub(crate) terms: PhantomTerms,
    pub(crate) providers: Vec<ProviderSettings>,
}

/// What it is told about one provider.
#[derive(Debug)]
pub(crate) struct ProviderSettings {
    /// Stands in the path by which Traefik names the provider.
    pub(crate) name: String,
    pub(crate) expected: Expected,
    /// Found by discovery where it is missing.
    pub(crate) introspection_endpoint: Option<Url>,
    pub(crate) client_id: String,
    pub(crate) method: ClientMethod,
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) allowed_networks: Vec<Network>,
    /// Introspections at one moment.
    pub(crate) max_concurrent: usize,
    /// Introspections in a minute that one source may cause with tokens that are not known.
    pub(crate) per_source_per_minute: u32,
}

impl Settings {
    /// Reads the text of a file.
    pub(crate) fn read(text: &str) -> Result<Self, Vec<LocatedMistake>> {
        config_file::read(text, read_all)
    }
}

/// Nothing where the mistakes leave nothing to build; what is built beside mistakes is not used.
fn read_all(file: &Section<'_>, mistakes: &mut Vec<Mistake>) -> Option<Settings> {
    file.only_keys(&["listen", "issuer", "audience", "keyFile", "ttlSeconds", "providers"], mistakes);
    let listen = file.text("listen", mistakes).unwrap_or_else(|| DEFAULT_LISTEN.to_owned()).parse().ok();
    if listen.is_none() {
        file.at("listen").mistake("an address and a port such as 127.0.0.1:8087 were expected", mistakes);
    }
    let issuer = file.text("issuer", mistakes).unwrap_or_else(|| DEFAULT_ISSUER.to_owned());
    let audience = file.required("audience", mistakes);
    let key_file = file.required("keyFile", mistakes).map(PathBuf::from);
    let ttl_seconds = file.number("ttlSeconds", TTL_SECONDS, mistakes).unwrap_or(DEFAULT_TTL_SECONDS);
    let items = file.list("providers", mistakes);
    if items.is_empty() {
        file.at("providers").mistake("at least one provider must be named", mistakes);
    }
    let mut names = BTreeSet::new();
    let mut providers = Vec::new();
    for item in &items {
        let provider = read_provider(item, mistakes);
        if provider.as_ref().is_some_and(|provider| !names.insert(provider.name.clone())) {
            item.at("name").mistake("another provider has this name already", mistakes);
        }
        providers.extend(provider);
    }
    let terms = PhantomTerms { issuer, audience: audience?, ttl_seconds: i64::try_from(ttl_seconds).ok()? };
    Some(Settings { listen: listen?, key_file: key_file?, terms, providers })
}

fn read_provider(item: &Section<'_>, mistakes: &mut Vec<Mistake>) -> Option<ProviderSettings> {
    item.only_keys(&PROVIDER_KEYS, mistakes);
    let name = item.required("name", mistakes);
    if name.as_ref().is_some_and(|name| !is_name(name)) {
        item.at("name").mistake("it stands in a path: small letters, digits and hyphens, 64 at the most", mistakes);
    }
    let issuer = item.required("issuer", mistakes);
    let introspection_endpoint = item.url("introspectionEndpoint", mistakes);
    // Issuers are compared as they are written. Only as the place to look for its endpoint one must be an address.
    if !item.at("introspectionEndpoint").is_there() && issuer.is_some() {
        item.url("issuer", mistakes);
    }
    let audiences = item.texts("audiences", mistakes);
    if audiences.is_empty() {
        item.at("audiences").mistake("name the audiences of tokens that are for you, such as [watchgate]", mistakes);
    }
    let audience_optional = item.boolean("audienceOptional", mistakes).unwrap_or(false);
    let subject_from_client_id = item.boolean("subjectFromClientId", mistakes).unwrap_or(false);
    let authentication = read_authentication(&item.at("auth"), mistakes);
    let ca_file = item.path("caFile", mistakes);
    let allowed_networks = item.networks("allowedNetworks", mistakes);
    let max_concurrent = item.number("maxConcurrent", 1..=1024, mistakes).unwrap_or(DEFAULT_MAX_CONCURRENT);
    let per_source = item.number("perSourcePerMinute", 1..=1_000_000, mistakes).unwrap_or(DEFAULT_PER_SOURCE);
    let (client_id, method) = authentication?;
    Some(ProviderSettings {
        name: name?,
        expected: Expected { issuer: issuer?, audiences, audience_optional, subject_from_client_id },
        introspection_endpoint,
        client_id,
        method,
        ca_file,
        allowed_networks,
        max_concurrent: usize::try_from(max_concurrent).ok()?,
        per_source_per_minute: u32::try_from(per_source).ok()?,
    })
}

/// How a client shows a provider who it is. Only files are named here: what is in them is nobody's to read along.
pub(crate) fn read_authentication(auth: &Section<'_>, mistakes: &mut Vec<Mistake>) -> Option<(String, ClientMethod)> {
    let client_id = auth.required("clientId", mistakes);
    let named = auth.required("method", mistakes)?;
    let keys: &[&str] = match named.as_str() {
        "client_secret_basic" | "client_secret_post" => &["method", "clientId", "secretFile"],
        "private_key_jwt" => &["method", "clientId", "keyFile", "alg", "keyId"],
        "tls_client_auth" => &["method", "clientId", "certFile", "keyFile"],
        _ => {
            let methods = "client_secret_basic, client_secret_post, private_key_jwt or tls_client_auth";
            auth.at("method").mistake(format!("{methods} was expected"), mistakes);
            return None;
        }
    };
    auth.only_keys(keys, mistakes);
    let mut file = |key| auth.required(key, mistakes).map(PathBuf::from);
    let method = match named.as_str() {
        "client_secret_basic" => ClientMethod::SecretBasic { secret_file: file("secretFile")? },
        "client_secret_post" => ClientMethod::SecretPost { secret_file: file("secretFile")? },
        "tls_client_auth" => {
            let (certificate_file, key_file) = (file("certFile"), file("keyFile"));
            ClientMethod::Tls { certificate_file: certificate_file?, key_file: key_file? }
        }
        _ => {
            let (key_file, algorithm) = (file("keyFile"), auth.required("alg", mistakes)?);
            let algorithm = AssertionAlgorithm::named(&algorithm);
            if algorithm.is_none() {
                auth.at("alg").mistake("EdDSA, ES256, RS256 or PS256 was expected", mistakes);
            }
            let key_id = auth.text("keyId", mistakes);
            ClientMethod::PrivateKeyJwt { key_file: key_file?, algorithm: algorithm?, key_id }
        }
    };
    Some((client_id?, method))
}

fn is_name(name: &str) -> bool {
    let is_fit = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    name.len() <= MAX_NAME_CHARACTERS && name.bytes().all(is_fit)
}

#[cfg(test)]
mod tests;
