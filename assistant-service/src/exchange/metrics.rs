//! What an exchange counts, in the text form that Prometheus reads.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// The whole of a deadline and a little more lie in it.
const SECONDS: [f64; 8] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 2.0];

/// All counters, and the registry that writes them down.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<OutcomeLabels, Counter>,
    known_tokens: Family<OutcomeLabels, Counter>,
    introspections: Family<OutcomeLabels, Counter>,
    introspection_seconds: Family<ProviderLabel, Histogram, fn() -> Histogram>,
}

/// Both are of closed sets: no client can make a new one up.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    provider: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ProviderLabel {
    provider: String,
}

/// Where a request has found what it needed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Found {
    /// A phantom was there.
    Phantom,
    /// It was known that there is none.
    Refusal,
    /// Nothing: somebody had to ask.
    Nothing,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("watchgate_exchange");
        let requests = Family::default();
        registry.register("requests", "Requests answered, by what came of them", requests.clone());
        let known_tokens = Family::default();
        registry.register("known_tokens", "What was known of the tokens of requests", known_tokens.clone());
        let introspections = Family::default();
        registry.register("introspections", "Questions to providers, by their answers", introspections.clone());
        let introspection_seconds = Family::new_with_constructor((|| Histogram::new(SECONDS)) as fn() -> Histogram);
        let seconds = introspection_seconds.clone();
        registry.register("introspection_seconds", "How long providers took to answer", seconds);
        Self { registry, requests, known_tokens, introspections, introspection_seconds }
    }

    pub(crate) fn answered(&self, provider: &str, outcome: &'static str) {
        self.requests.get_or_create(&OutcomeLabels { provider: provider.to_owned(), outcome }).inc();
    }

    pub(crate) fn looked_up(&self, provider: &str, found: Found) {
        let outcome = match found {
            Found::Phantom => "hit",
            Found::Refusal => "hit_refused",
            Found::Nothing => "miss",
        };
        self.known_tokens.get_or_create(&OutcomeLabels { provider: provider.to_owned(), outcome }).inc();
    }

    pub(crate) fn asked(&self, provider: &str, outcome: &'static str, took: Duration) {
        self.introspections.get_or_create(&OutcomeLabels { provider: provider.to_owned(), outcome }).inc();
        let provider = ProviderLabel { provider: provider.to_owned() };
        self.introspection_seconds.get_or_create(&provider).observe(took.as_secs_f64());
    }

    /// OpenMetrics' text form.
    pub(crate) fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
