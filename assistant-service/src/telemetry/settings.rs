//! The section `telemetry` of the assistant's settings.

use std::path::PathBuf;

use reqwest::Url;
use trust_core::Mistake;
use trust_core::network::Network;

use crate::section::Section;

const KEYS: [&str; 4] = ["otlpEndpoint", "content", "caFile", "allowedNetworks"];

/// Where spans and metrics go, and whether what is said goes with them.
#[derive(Clone, Debug)]
pub struct TelemetrySettings {
    /// The collector, such as `https://otel.example.com:4318`; `/v1/traces` and `/v1/metrics` are below it.
    pub endpoint: Url,
    /// Whether prompts and answers leave too.
    pub content: bool,
    /// Authorities that are trusted in the place of the system's.
    pub ca_file: Option<PathBuf>,
    /// Addresses that may be asked although they are not public; loopback addresses in them without TLS too.
    pub allowed_networks: Vec<Network>,
}

impl TelemetrySettings {
    /// Nothing where the section is not there: nothing is exported then.
    pub(crate) fn read(section: &Section<'_>, mistakes: &mut Vec<Mistake>) -> Option<Self> {
        if !section.is_there() {
            return None;
        }
        section.only_keys(&KEYS, mistakes);
        if !section.at("otlpEndpoint").is_there() {
            section.at("otlpEndpoint").mistake("this is required", mistakes);
        }
        let endpoint = section.url("otlpEndpoint", mistakes);
        let content = section.boolean("content", mistakes).unwrap_or_default();
        let ca_file = section.path("caFile", mistakes);
        let allowed_networks = section.networks("allowedNetworks", mistakes);
        Some(Self { endpoint: endpoint?, content, ca_file, allowed_networks })
    }
}
