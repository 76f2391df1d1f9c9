//! What is counted of models. Names are those of the settings: no caller can make a new one up.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::Usage;
use std::time::Duration;

const SECONDS: [f64; 10] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 60.0];

/// Counters of models.
#[derive(Clone, Debug)]
pub struct ModelMetrics {
    requests: Family<OutcomeLabels, Counter>,
    tokens: Family<DirectionLabels, Counter>,
    first_piece_seconds: Family<ModelLabel, Histogram, fn() -> Histogram>,
    over_budget: Counter,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    model: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DirectionLabels {
    model: String,
    direction: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ModelLabel {
    model: String,
}

impl ModelMetrics {
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let requests = Family::default();
        registry.register("model_requests", "Requests to models, by what came of them", requests.clone());
        let tokens = Family::default();
        registry.register("model_tokens", "Tokens of models, counted or estimated", tokens.clone());
        let first_piece_seconds = Family::new_with_constructor((|| Histogram::new(SECONDS)) as fn() -> Histogram);
        let help = "How long models took until they said something";
        registry.register("model_first_piece_seconds", help, first_piece_seconds.clone());
        let over_budget = Counter::default();
        let help = "Requests that were made to no model because their account had no budget left";
        registry.register("model_requests_over_budget", help, over_budget.clone());
        Self { requests, tokens, first_piece_seconds, over_budget }
    }

    pub(super) fn came_of(&self, model: &str, outcome: &'static str) {
        self.requests.get_or_create(&OutcomeLabels { model: model.to_owned(), outcome }).inc();
    }

    pub(super) fn took(&self, model: &str, usage: Usage, first_piece_after: Option<Duration>) {
        for (direction, tokens) in [("input", usage.input_tokens), ("output", usage.output_tokens)] {
            self.tokens.get_or_create(&DirectionLabels { model: model.to_owned(), direction }).inc_by(tokens);
        }
        if let Some(seconds) = first_piece_after {
            let model = ModelLabel { model: model.to_owned() };
            self.first_piece_seconds.get_or_create(&model).observe(seconds.as_secs_f64());
        }
    }

    pub(super) fn was_over_budget(&self) {
        self.over_budget.inc();
    }
}
