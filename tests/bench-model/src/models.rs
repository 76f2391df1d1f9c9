//! Ours: the configured models, with budgets in an embedded store or without any.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use assistant_service::backbone::retention::Retention;
use assistant_service::backbone::sqlite::SqliteBackbone;
use assistant_service::clock::SystemClock;
use assistant_service::metrics::Metrics;
use assistant_service::model::{Message, Model, ModelsSettings, OpenAiModels, Piece, Prompt};
use futures_util::StreamExt;

use crate::Asked;
use crate::server::Server;

pub(crate) struct Models {
    models: OpenAiModels,
    _folder: tempfile::TempDir,
}

/// As much as a question with some sections of documents.
pub(crate) fn question() -> String {
    "What do I do when receipts are late? ".repeat(400)
}

pub(crate) fn rules() -> String {
    "Answer from the sections alone. ".repeat(40)
}

impl Models {
    pub(crate) fn open(server: &Server, has_budgets: bool) -> Result<Self> {
        let (folder, metrics) = (tempfile::tempdir()?, Metrics::default());
        let key = folder.path().join("key");
        std::fs::write(&key, "sk-bench")?;
        let budgets = if has_budgets { "{requestsPerDay: 1000000, tokensPerDay: 1000000000000}" } else { "{}" };
        let settings = format!(
            "models: [{{name: m, baseUrl: '{}', model: m, apiKeyFile: '{}', allowedNetworks: [127.0.0.0/8]}}]
budgets: {budgets}",
            server.url(),
            key.display()
        );
        let jobs = metrics.jobs_per_commit.clone();
        let backbone = SqliteBackbone::open(folder.path(), Retention::default(), Arc::new(SystemClock), jobs)?;
        let settings = ModelsSettings::read(&settings)?;
        let models = OpenAiModels::open(settings, Arc::new(backbone), Arc::new(SystemClock), &metrics)?;
        Ok(Self { models, _folder: folder })
    }

    pub(crate) async fn ask(&self) -> Result<Asked> {
        let messages = vec![Message::System(rules()), Message::User(question())];
        let prompt = Prompt { account: "https://issuer.example.com#anna".to_owned(), messages, ..Prompt::default() };
        let at = Instant::now();
        let mut pieces = self.models.complete(prompt);
        let first = pieces.next().await.context("no answer")??;
        let first_word = Instant::now();
        ensure!(matches!(first, Piece::Text(_)), "{first:?}");
        while let Some(piece) = pieces.next().await {
            piece?;
        }
        Ok(Asked { at, first_word })
    }
}
