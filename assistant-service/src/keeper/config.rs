//! What the keeper is told: one YAML file, of which every mistake is reported at once, with its line and place.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use reqwest::Url;
use trust_core::Mistake;
use trust_core::network::Network;

use crate::config_file::{self, LocatedMistake};
use crate::loopback::Loopback;
use crate::section::Section;

const DAY_HOURS: u64 = 24;
/// Keys that nobody has confirmed for longer are no keys.
const MOST_HOURS: u64 = 31 * DAY_HOURS;
const USUAL_SILENCE_SECONDS: u64 = 60;

/// The whole file.
#[derive(Debug)]
pub(super) struct KeeperConfig {
    /// The trust directory.
    pub(super) trust: PathBuf,
    /// The folder that the gate writes.
    pub(super) gate: PathBuf,
    /// The host's name, where several stand for one origin.
    pub(super) host: Option<String>,
    pub(super) service: Option<ServiceConfig>,
    pub(super) rotate_after: Option<Duration>,
    /// Audiences, and the files that services of this host read their transaction keys from.
    pub(super) transaction_keys: Vec<(String, PathBuf)>,
    pub(super) issuers: Vec<IssuerConfig>,
    /// Where a collector on this host is told what was counted.
    pub(super) metrics: Option<Loopback>,
}

/// The service whose backbone the keepers of all hosts share.
#[derive(Clone, Debug)]
pub(super) struct ServiceConfig {
    pub(super) url: Url,
    pub(super) audience: String,
    pub(super) ca_file: Option<PathBuf>,
    pub(super) client: Option<(PathBuf, PathBuf)>,
    /// After how long without a word from it the head is no longer renewed.
    pub(super) max_silence: Duration,
}

/// One issuer.
#[derive(Clone, Debug)]
pub(super) struct IssuerConfig {
    pub(super) issuer: String,
    /// Below the trust directory.
    pub(super) file: String,
    /// Where the keys are; without it they are discovered.
    pub(super) jwks_uri: Option<Url>,
    /// How long keys are kept after they were last fetched.
    pub(super) max_age: Duration,
    pub(super) ca_file: Option<PathBuf>,
    pub(super) allowed_networks: Vec<Network>,
}

/// Reads the file's text.
pub(super) fn read(text: &str) -> Result<KeeperConfig, Vec<LocatedMistake>> {
    config_file::read(text, whole)
}

fn whole(root: &Section<'_>, mistakes: &mut Vec<Mistake>) -> Option<KeeperConfig> {
    let known =
        ["trust", "gate", "host", "severalHosts", "service", "gateKeys", "transactionKeys", "issuers", "metrics"];
    root.only_keys(&known, mistakes);
    let trust = root.required("trust", mistakes).map(PathBuf::from);
    let gate = root.required("gate", mistakes).map(PathBuf::from);
    let several = root.boolean("severalHosts", mistakes).unwrap_or(false);
    let host = root.text("host", mistakes);
    if host.as_deref().is_some_and(|host| !is_plain_name(host)) {
        root.at("host").mistake("letters, digits, `.`, `-` and `_` were expected", mistakes);
    }
    if several && host.is_none() {
        root.at("host")
            .mistake("this is required where there are several hosts: proofs of possession name it", mistakes);
    }
    let service = root.at("service");
    let service = if service.is_there() { read_service(&service, mistakes) } else { None };
    let rotate_after = rotation(root, mistakes);
    let transaction_keys = transaction_keys(root, mistakes);
    let issuers = issuers(root, mistakes);
    let metrics = metrics(root, mistakes);
    Some(KeeperConfig {
        trust: trust?,
        gate: gate?,
        host: host.filter(|_| several),
        service,
        rotate_after,
        transaction_keys,
        issuers,
        metrics,
    })
}

fn metrics(root: &Section<'_>, mistakes: &mut Vec<Mistake>) -> Option<Loopback> {
    let section = root.at("metrics");
    if !section.is_there() {
        return None;
    }
    section.only_keys(&["listen"], mistakes);
    let address = section.required("listen", mistakes)?.parse();
    address.inspect_err(|error: &anyhow::Error| section.at("listen").mistake(error.to_string(), mistakes)).ok()
}

fn read_service(section: &Section<'_>, mistakes: &mut Vec<Mistake>) -> Option<ServiceConfig> {
    let known = ["url", "audience", "caFile", "clientCert", "clientKey", "maxSilenceSeconds"];
    section.only_keys(&known, mistakes);
    section.required("url", mistakes);
    // Twice the same mistake of form is no help to anybody.
    let url = section.url("url", &mut Vec::new());
    if section.at("url").is_there() && url.is_none() {
        section.at("url").mistake("an address such as https://localhost:8085 was expected", mistakes);
    }
    let audience = section.text("audience", mistakes).unwrap_or_else(|| "assistant-service".to_owned());
    let (cert, key) = (section.path("clientCert", mistakes), section.path("clientKey", mistakes));
    if cert.is_some() != key.is_some() {
        section.mistake("clientCert and clientKey go together", mistakes);
    }
    let silence = section.number("maxSilenceSeconds", 10..=3600, mistakes).unwrap_or(USUAL_SILENCE_SECONDS);
    Some(ServiceConfig {
        url: url?,
        audience,
        ca_file: section.path("caFile", mistakes),
        client: cert.zip(key),
        max_silence: Duration::from_secs(silence),
    })
}

fn rotation(root: &Section<'_>, mistakes: &mut Vec<Mistake>) -> Option<Duration> {
    let section = root.at("gateKeys");
    if !section.is_there() {
        return None;
    }
    section.only_keys(&["rotateHours"], mistakes);
    section.number("rotateHours", 1..=MOST_HOURS.saturating_mul(12), mistakes).map(hours)
}

fn transaction_keys(root: &Section<'_>, mistakes: &mut Vec<Mistake>) -> Vec<(String, PathBuf)> {
    let mut files = Vec::new();
    for entry in root.list("transactionKeys", mistakes) {
        entry.only_keys(&["audience", "file"], mistakes);
        let (audience, file) = (entry.required("audience", mistakes), entry.required("file", mistakes));
        files.extend(audience.zip(file.map(PathBuf::from)));
    }
    files
}

fn issuers(root: &Section<'_>, mistakes: &mut Vec<Mistake>) -> Vec<IssuerConfig> {
    let mut issuers: Vec<IssuerConfig> = Vec::new();
    let mut names = BTreeSet::new();
    for section in root.list("issuers", mistakes) {
        let Some(issuer) = read_issuer(&section, mistakes) else { continue };
        for (key, value) in [("issuer", &issuer.issuer), ("file", &issuer.file)] {
            if !names.insert((key, value.clone())) {
                section.at(key).mistake("this stands in an entry above already", mistakes);
            }
        }
        issuers.push(issuer);
    }
    issuers
}

fn read_issuer(section: &Section<'_>, mistakes: &mut Vec<Mistake>) -> Option<IssuerConfig> {
    section.only_keys(&["issuer", "file", "jwksUri", "maxAgeHours", "caFile", "allowedNetworks"], mistakes);
    let issuer = section.required("issuer", mistakes);
    let jwks_uri = section.url("jwksUri", mistakes);
    // What is fetched from a fixed address may have any name; a name that is asked for keys is an address.
    if issuer.is_some() && !section.at("jwksUri").is_there() {
        let is_plain = section.url("issuer", mistakes).is_none_or(|url| url.query().is_none());
        if !is_plain {
            section.at("issuer").mistake("an issuer has no query (RFC 8414, section 2)", mistakes);
        }
    }
    let file = section.required("file", mistakes);
    if file.as_deref().is_some_and(|file| !is_key_set_file(file)) {
        section.at("file").mistake("a file below the trust directory such as jwks/idp.json was expected", mistakes);
    }
    let max_age = section.number("maxAgeHours", 1..=MOST_HOURS, mistakes).unwrap_or(DAY_HOURS);
    let allowed_networks = section.networks("allowedNetworks", mistakes);
    Some(IssuerConfig {
        issuer: issuer?,
        file: file?,
        jwks_uri,
        max_age: hours(max_age),
        ca_file: section.path("caFile", mistakes),
        allowed_networks,
    })
}

fn hours(hours: u64) -> Duration {
    Duration::from_secs(hours.saturating_mul(3600))
}

fn is_plain_name(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    (1..=128).contains(&text.len()) && !text.starts_with('.') && text.bytes().all(is_plain)
}

/// Plain names one below the other, and `.json`: none of the directory's other files is called like that.
pub(super) fn is_key_set_file(text: &str) -> bool {
    let is_plain =
        |part: Component<'_>| matches!(part, Component::Normal(name) if name.to_str().is_some_and(is_plain_name));
    // A path forgets doubled slashes and such; the gate compares names byte by byte.
    !text.contains("//")
        && !text.contains("/./")
        && Path::new(text).components().all(is_plain)
        && text.ends_with(".json")
}

#[cfg(test)]
mod tests;
