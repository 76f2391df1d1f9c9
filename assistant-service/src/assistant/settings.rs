//! What an assistant is told in its file, besides documents and runbooks. Every part is read where it is used; without a
//! file the assistant answers from the documents alone.

use std::path::Path;

use anyhow::bail;
use trust_core::Mistake;

use super::links::AllowedHosts;
use super::redaction::Redactor;
use super::tools::ToolScopes;
use crate::config_file::{self, LocatedMistake};
use crate::knowledge::{EmbeddingSettings, read_embeddings};
use crate::model::ModelsSettings;
use crate::section::Section;
use crate::telemetry::TelemetrySettings;

const KEYS: [&str; 7] = ["models", "budgets", "embeddings", "links", "redaction", "tools", "telemetry"];

/// Everything that an assistant is told.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    /// The models, and what each account may use of them.
    pub(crate) models: ModelsSettings,
    /// Where answers may link to.
    links: AllowedHosts,
    /// What leaves for no model.
    redaction: Redactor,
    /// Who may use which tool.
    pub(super) tools: ToolScopes,
    /// Where spans and measures of models go.
    pub(crate) telemetry: Option<TelemetrySettings>,
    /// Where vectors come from; without it, documents are found by their words alone.
    pub(crate) embeddings: Option<EmbeddingSettings>,
}

impl Settings {
    /// Reads a file; its mistakes are printed, and there is nothing to go on with then.
    pub(crate) fn load(file: &Path) -> anyhow::Result<Self> {
        match config_file::load(file, Self::read)? {
            Some(settings) => Ok(settings),
            None => bail!("{} has mistakes", file.display()),
        }
    }

    /// Where answers may link to.
    pub(crate) fn links(&self) -> &AllowedHosts {
        &self.links
    }

    /// What leaves for no model.
    pub(crate) fn redaction(&self) -> &Redactor {
        &self.redaction
    }

    /// Reads the text of a file.
    pub(crate) fn read(text: &str) -> Result<Self, Vec<LocatedMistake>> {
        config_file::read(text, |file, mistakes| Some(read_all(file, mistakes)))
    }
}

fn read_all(file: &Section<'_>, mistakes: &mut Vec<Mistake>) -> Settings {
    file.only_keys(&KEYS, mistakes);
    Settings {
        models: ModelsSettings::read_sections(file, mistakes),
        embeddings: read_embeddings(&file.at("embeddings"), mistakes),
        links: AllowedHosts::read(&file.at("links"), mistakes),
        redaction: Redactor::read(&file.at("redaction"), mistakes),
        tools: ToolScopes::read(&file.at("tools"), mistakes),
        telemetry: TelemetrySettings::read(&file.at("telemetry"), mistakes),
    }
}
