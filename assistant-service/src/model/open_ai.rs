//! The configured models, at servers that speak OpenAI's protocol.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, BoxStream, StreamExt};
use thiserror::Error;

use super::budget::Budgets;
use super::completion::Completion;
use super::endpoint::Endpoint;
use super::metrics::ModelMetrics;
use super::rest::Rest;
use super::settings::ModelsSettings;
use super::{Model, ModelError, Piece, Prompt};
use crate::backbone::Backbone;
use crate::clock::Clock;
use crate::metrics::Metrics;
use crate::outbound::OutboundError;

/// The configured models, and what each account may use of them.
#[derive(Clone)]
pub struct OpenAiModels(Arc<Shared>);

/// What all answers share.
pub(super) struct Shared {
    models: Vec<(Arc<Endpoint>, Rest)>,
    pub(super) budgets: Option<Arc<Budgets>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) metrics: ModelMetrics,
}

/// A model that nobody could ever ask.
#[derive(Debug, Error)]
#[error("the model {name} cannot be asked")]
pub struct CannotOpen {
    name: String,
    #[source]
    cause: OutboundError,
}

impl OpenAiModels {
    /// Reads the files of authorities that the settings name; keys are read with each request.
    pub fn open(
        settings: ModelsSettings,
        backbone: Arc<dyn Backbone>,
        clock: Arc<dyn Clock>,
        metrics: &Metrics,
    ) -> Result<Self, CannotOpen> {
        let mut models = Vec::new();
        for model in settings.models {
            let name = model.name.clone();
            let endpoint = Endpoint::open(model).map_err(|cause| CannotOpen { name, cause })?;
            models.push((Arc::new(endpoint), Rest::default()));
        }
        let budgets = Budgets::open(settings.budgets, backbone, Arc::clone(&clock));
        Ok(Self(Arc::new(Shared { models, budgets: budgets.map(Arc::new), clock, metrics: metrics.models.clone() })))
    }
}

impl Model for OpenAiModels {
    fn complete(&self, prompt: Prompt) -> BoxStream<'static, Result<Piece, ModelError>> {
        let completion = Completion::new(Arc::clone(&self.0), prompt);
        let pieces = stream::unfold(completion, |mut completion| async move {
            completion.next().await.map(|piece| (piece, completion))
        });
        pieces.boxed()
    }

    fn names(&self) -> Vec<String> {
        self.0.models.iter().map(|(endpoint, _)| endpoint.settings.name.clone()).collect()
    }
}

impl Shared {
    /// The places of the models that may answer, the first choice last. Whoever names one wants no other.
    pub(super) fn candidates(&self, wanted: Option<&str>) -> Vec<usize> {
        let is_wanted = |name: &str| wanted.is_none_or(|wanted| wanted == name);
        let models = self.models.iter().enumerate();
        models.filter(|(_, (endpoint, _))| is_wanted(&endpoint.settings.name)).map(|(place, _)| place).rev().collect()
    }

    pub(super) fn endpoint(&self, place: usize) -> Option<Arc<Endpoint>> {
        self.models.get(place).map(|(endpoint, _)| Arc::clone(endpoint))
    }

    pub(super) fn name(&self, place: usize) -> String {
        self.models.get(place).map(|(endpoint, _)| endpoint.settings.name.clone()).unwrap_or_default()
    }

    pub(super) fn is_awake(&self, place: usize) -> bool {
        self.models.get(place).is_some_and(|(_, rest)| rest.is_over(self.clock.elapsed()))
    }

    pub(super) fn answered(&self, place: usize) {
        if let Some((_, rest)) = self.models.get(place) {
            rest.end();
        }
    }

    pub(super) fn failed(&self, place: usize, wanted: Option<Duration>) {
        if let Some((_, rest)) = self.models.get(place) {
            rest.begin(self.clock.elapsed(), wanted);
        }
    }
}
