//! What an exchange is told in its file. Every mistake in it is found at once, with its line.

mod fields;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;

use reqwest::Url;
use trust_core::Mistake;
use trust_core::network::Network;

use super::client_authentication::{AssertionAlgorithm, ClientMethod};
use super::introspection::Expected;
use super::phantom::PhantomTerms;
use crate::command_line::policy::located::Located;
use fields::{Fields, Mistakes};

const DEFAULT_LISTEN: &str = "127.0.0.1:8087";
const DEFAULT_ISSUER: &str = "urn:watchgate:exchange";

/// Longer ones would outlive what a provider has taken back for too long.
const MAX_TTL_SECONDS: u64 = 300;
const DEFAULT_TTL_SECONDS: u64 = 60;
/// Shorter ones would be renewed at nearly every request.
const MIN_TTL_SECONDS: u64 = 10;

const MAX_NAME_CHARACTERS: usize = 64;

const PROVIDER_KEYS: [&str; 10] = [
    "name",
    "issuer",
    "introspectionEndpoint",
    "audiences",
    "audienceOptional",
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

/// A mistake and its line, where the file has one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LocatedMistake {
    pub(crate) line: Option<u64>,
    pub(crate) mistake: Mistake,
}

impl Settings {
    /// Reads the text of a file.
    pub(crate) fn read(text: &str) -> Result<Self, Vec<LocatedMistake>> {
        let located = Located::read(text).map_err(|unreadable| {
            let mistake = Mistake { place: String::new(), what: unreadable.what };
            vec![LocatedMistake { line: unreadable.line, mistake }]
        })?;
        let mistakes = Mistakes::default();
        let value = located.to_value();
        let settings = read_all(&Fields::root(&value, &mistakes));
        match (mistakes.into_found(), settings) {
            (found, Some(settings)) if found.is_empty() => Ok(settings),
            (found, _) => {
                let line = |mistake: &Mistake| located.line_of(&mistake.place);
                Err(found.into_iter().map(|mistake| LocatedMistake { line: line(&mistake), mistake }).collect())
            }
        }
    }
}

/// Nothing where the mistakes leave nothing to build; what is built beside mistakes is not used.
fn read_all(fields: &Fields<'_>) -> Option<Settings> {
    fields.only(&["listen", "issuer", "audience", "keyFile", "ttlSeconds", "providers"]);
    let listen = fields.parsed_or("listen", DEFAULT_LISTEN, "an address and a port, such as 127.0.0.1:8087");
    let issuer = fields.text_or("issuer", DEFAULT_ISSUER);
    let audience = fields.text("audience");
    let key_file = fields.text("keyFile").map(PathBuf::from);
    let ttl_seconds = fields.number_or("ttlSeconds", DEFAULT_TTL_SECONDS, MIN_TTL_SECONDS..=MAX_TTL_SECONDS);
    let items = fields.list("providers");
    if items.is_empty() {
        fields.mistake("providers", "at least one provider must be named");
    }
    let mut names = BTreeSet::new();
    let mut providers = Vec::new();
    for item in &items {
        let provider = read_provider(item);
        if provider.as_ref().is_some_and(|provider| !names.insert(provider.name.clone())) {
            item.mistake("name", "another provider has this name already");
        }
        providers.push(provider);
    }
    Some(Settings {
        listen: listen?,
        key_file: key_file?,
        terms: PhantomTerms { issuer: issuer?, audience: audience?, ttl_seconds: i64::try_from(ttl_seconds?).ok()? },
        providers: providers.into_iter().collect::<Option<_>>()?,
    })
}

fn read_provider(fields: &Fields<'_>) -> Option<ProviderSettings> {
    fields.only(&PROVIDER_KEYS);
    let name = fields.text("name").filter(|name| is_name(fields, name));
    let issuer = fields.text("issuer");
    let introspection_endpoint = match (fields.optional_text("introspectionEndpoint"), &issuer) {
        (Some(endpoint), _) => url(fields, "introspectionEndpoint", &endpoint),
        // Issuers are compared as they are written. Only as the place to look for its endpoint one must be a URL.
        (None, Some(issuer)) => {
            url(fields, "issuer", issuer);
            None
        }
        (None, None) => None,
    };
    let audiences = fields.texts("audiences");
    if audiences.is_empty() {
        fields.mistake("audiences", "name the audiences of tokens that are for you, such as [watchgate]");
    }
    let allowed_networks = fields.list_of("allowedNetworks", Network::parse);
    let audience_optional = fields.switch_or_off("audienceOptional");
    let authentication = read_authentication(&fields.at("auth"));
    let max_concurrent = fields.number_or("maxConcurrent", 32, 1..=1024);
    let per_source_per_minute = fields.number_or("perSourcePerMinute", 60, 1..=1_000_000);
    let (client_id, method) = authentication?;
    Some(ProviderSettings {
        name: name?,
        expected: Expected { issuer: issuer?, audiences, audience_optional: audience_optional? },
        introspection_endpoint,
        client_id,
        method,
        ca_file: fields.optional_text("caFile").map(PathBuf::from),
        allowed_networks,
        max_concurrent: usize::try_from(max_concurrent?).ok()?,
        per_source_per_minute: u32::try_from(per_source_per_minute?).ok()?,
    })
}

/// How the exchange shows the provider who it is. Only files are named here: what is in them is nobody's to read along.
fn read_authentication(fields: &Fields<'_>) -> Option<(String, ClientMethod)> {
    let client_id = fields.text("clientId");
    let file = |key| fields.text(key).map(PathBuf::from);
    let (known, method): (&[&str], _) = match fields.text("method")?.as_str() {
        "client_secret_basic" => {
            (&["secretFile"], file("secretFile").map(|secret_file| ClientMethod::SecretBasic { secret_file }))
        }
        "client_secret_post" => {
            (&["secretFile"], file("secretFile").map(|secret_file| ClientMethod::SecretPost { secret_file }))
        }
        "private_key_jwt" => (&["keyFile", "alg", "keyId"], read_private_key(fields)),
        "tls_client_auth" => (&["certFile", "keyFile"], {
            let (certificate_file, key_file) = (file("certFile"), file("keyFile"));
            certificate_file
                .zip(key_file)
                .map(|(certificate_file, key_file)| ClientMethod::Tls { certificate_file, key_file })
        }),
        _ => {
            let methods = "client_secret_basic, client_secret_post, private_key_jwt or tls_client_auth";
            fields.mistake("method", format!("must be {methods}"));
            return None;
        }
    };
    fields.only(&[&["method", "clientId"], known].concat());
    Some((client_id?, method?))
}

fn read_private_key(fields: &Fields<'_>) -> Option<ClientMethod> {
    let key_file = fields.text("keyFile").map(PathBuf::from);
    let named = fields.text("alg")?;
    let algorithm = AssertionAlgorithm::named(&named);
    if algorithm.is_none() {
        fields.mistake("alg", "must be EdDSA, ES256, RS256 or PS256");
    }
    Some(ClientMethod::PrivateKeyJwt {
        key_file: key_file?,
        algorithm: algorithm?,
        key_id: fields.optional_text("keyId"),
    })
}

fn is_name(fields: &Fields<'_>, name: &str) -> bool {
    let is_good = name.len() <= MAX_NAME_CHARACTERS
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if !is_good {
        fields.mistake("name", "stands in a path: small letters, digits and hyphens, 64 at the most");
    }
    is_good
}

fn url(fields: &Fields<'_>, key: &str, text: &str) -> Option<Url> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "https" | "http") && url.fragment().is_none());
    if url.is_none() {
        fields.mistake(key, "must be a URL that begins with https://");
    }
    url
}

#[cfg(test)]
mod tests;
