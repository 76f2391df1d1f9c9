//! What answers questions, put together from the assistant's file: models where there are some, the documents alone where not.

use std::sync::Arc;

use tokio::runtime::Handle;

use super::Arguments;
use crate::assistant::redaction::Redactor;
use crate::assistant::settings::Settings;
use crate::assistant::{Assistant, AwaitingDocuments, ExtractiveAssistant, ModelledAssistant, Parts};
use crate::backbone::Backbone;
use crate::chat::{Defended, PassedOn};
use crate::clock::SystemClock;
use crate::knowledge::{CurrentKnowledge, Embeddings, Library};
use crate::mediation::Mediator;
use crate::metrics::Metrics;
use crate::model::{Model, ModelsSettings, OpenAiModels, Server};
use crate::runbooks::RunbookCatalogue;
use crate::telemetry::{Named, Rhythm, Telemetry, Traced, TracedAssistant};

/// All that the service answers with.
pub(super) struct Answering {
    pub(super) assistant: Arc<dyn Assistant>,
    pub(super) knowledge: CurrentKnowledge,
    /// Models that clients may talk to themselves.
    pub(super) passed_on: Option<PassedOn>,
    pub(super) telemetry: Option<Telemetry>,
    /// What of events no model may see.
    pub(super) redaction: Redactor,
    pub(super) mediator: Mediator,
}

impl Answering {
    /// Reads the assistant's file, where one is named, and begins to read the documents.
    pub(super) fn open(
        arguments: &Arguments,
        runbooks: &Arc<dyn RunbookCatalogue>,
        backbone: &Arc<dyn Backbone>,
        metrics: &Metrics,
    ) -> anyhow::Result<Self> {
        let settings = arguments.assistant.as_deref().map(Settings::load).transpose()?.unwrap_or_default();
        let open = |settings| Telemetry::open(settings, Handle::current(), Rhythm::default());
        let telemetry = settings.telemetry.as_ref().map(open).transpose()?;
        let models = OpenAiModels::open(settings.models.clone(), Arc::clone(backbone), Arc::new(SystemClock), metrics)?;
        tracing::info!(models = ?models.names(), "models are configured");
        let models: Option<Arc<dyn Model>> = (!models.names().is_empty()).then(|| Arc::new(models) as Arc<dyn Model>);
        // Without spans: a collector may be told what conversations say, and those of mediations are nobody else's.
        let mediator =
            models.clone().map_or_else(Mediator::default, |model| Mediator::new(model, settings.redaction().clone()));
        let model = models.map(|models| traced(models, &settings.models, telemetry.as_ref()));
        let passed_on = model.clone().map(|model| PassedOn::new(model, Arc::new(Defended::by(&settings))));
        let knowledge = Library::of(&arguments.documents)?.follow()?;
        let extractive = ExtractiveAssistant::following(knowledge.clone(), Arc::clone(runbooks));
        let extractive = extractive.linking_to(settings.links().clone());
        let embeddings = settings.embeddings.clone().map(Embeddings::open).transpose()?.map(Arc::new);
        if let Some(embeddings) = &embeddings {
            tokio::spawn(Arc::clone(embeddings).follow(knowledge.clone()));
        }
        let extractive = extractive.with_embeddings(embeddings);
        let assistant: Arc<dyn Assistant> = match model {
            None => Arc::new(extractive),
            Some(model) => {
                let (knowledge, runbooks, backbone) = (knowledge.clone(), Arc::clone(runbooks), Arc::clone(backbone));
                Arc::new(ModelledAssistant::new(Parts { knowledge, runbooks, backbone, model, extractive }, &settings))
            }
        };
        let assistant = match &telemetry {
            Some(telemetry) => Arc::new(TracedAssistant::new(assistant, telemetry.clone())),
            None => assistant,
        };
        let assistant = Arc::new(AwaitingDocuments::new(knowledge.clone(), assistant));
        Ok(Self { assistant, knowledge, passed_on, telemetry, redaction: settings.redaction().clone(), mediator })
    }
}

/// The models with a span around each of their answers, where somebody collects those.
fn traced(model: Arc<dyn Model>, settings: &ModelsSettings, telemetry: Option<&Telemetry>) -> Arc<dyn Model> {
    match telemetry {
        Some(telemetry) => Arc::new(Traced::new(model, telemetry.clone(), named(settings))),
        None => model,
    }
}

/// What spans call the models, in the order of the settings.
fn named(settings: &ModelsSettings) -> Vec<Named> {
    let named = |server: Server<'_>| Named {
        provider: if server.is_azure { "azure.ai.openai" } else { "openai" }.to_owned(),
        model: server.name.to_owned(),
        server: server.url.host_str().map(str::to_owned).zip(server.url.port_or_known_default()),
    };
    settings.servers().map(named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_tell_each_model_with_its_own_server() {
        let settings = ModelsSettings::read(
            "models:
  - {name: house, baseUrl: 'https://models.example.com/v1', model: large}
  - {name: cloud, baseUrl: 'https://ours.openai.azure.com:8443', azure: {deployment: d, apiVersion: '1'}}",
        );
        let named = named(&settings.unwrap());
        let told = named.iter().map(|one| (one.provider.as_str(), one.model.as_str(), one.server.clone().unwrap()));
        assert_eq!(
            told.collect::<Vec<_>>(),
            [
                ("openai", "house", ("models.example.com".to_owned(), 443)),
                ("azure.ai.openai", "cloud", ("ours.openai.azure.com".to_owned(), 8443)),
            ]
        );
    }
}
