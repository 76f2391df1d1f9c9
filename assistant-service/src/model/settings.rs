//! What is said about models and budgets in the assistant's file: the sections `models`, in order of preference, and
//! `budgets`. Every mistake in them is found at once, with its line.

mod headers;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::Url;
use thiserror::Error;
use trust_core::Mistake;
use trust_core::network::Network;

use crate::chat;
use crate::config_file;
use crate::section::Section;
pub(super) use headers::{HeaderSetting, HeaderSource};

const KEYS: [&str; 13] = [
    "name",
    "baseUrl",
    "model",
    "apiKeyFile",
    "azure",
    "headers",
    "timeoutSeconds",
    "firstPieceSeconds",
    "idleSeconds",
    "maxOutputTokens",
    "temperature",
    "caFile",
    "allowedNetworks",
];

const MAX_NAME_CHARACTERS: usize = 64;

/// No answer of the service takes longer (`assistant::ask::bounds`).
const MOST_SECONDS: u64 = 120;

const DEFAULT_TIMEOUT_SECONDS: u64 = MOST_SECONDS;
const DEFAULT_FIRST_PIECE_SECONDS: u64 = 30;
const DEFAULT_IDLE_SECONDS: u64 = 20;
const DEFAULT_MAX_OUTPUT_TOKENS: u64 = 2048;

/// What is said about models and budgets.
#[derive(Clone, Debug, Default)]
pub struct ModelsSettings {
    pub(super) models: Vec<ModelSettings>,
    pub(super) budgets: BudgetSettings,
}

/// A model by our name for it, and the server that it is at.
pub(crate) struct Server<'s> {
    pub(crate) name: &'s str,
    pub(crate) url: &'s Url,
    pub(crate) is_azure: bool,
}

/// What is said about one model.
#[derive(Clone, Debug)]
pub(super) struct ModelSettings {
    /// Ours for it; it stands in answers, logs and metrics.
    pub(super) name: String,
    pub(super) base_url: Url,
    /// The server's for it; Azure knows it by its deployment.
    pub(super) model: String,
    pub(super) api_key_file: Option<PathBuf>,
    pub(super) azure: Option<AzureSettings>,
    pub(super) headers: Vec<HeaderSetting>,
    /// For a whole answer.
    pub(super) timeout: Duration,
    pub(super) first_piece: Duration,
    /// Between two pieces.
    pub(super) idle: Duration,
    pub(super) max_output_tokens: u32,
    pub(super) temperature: Option<f64>,
    pub(super) ca_file: Option<PathBuf>,
    pub(super) allowed_networks: Vec<Network>,
}

/// What Azure's addresses are made of.
#[derive(Clone, Debug)]
pub(super) struct AzureSettings {
    pub(super) deployment: String,
    pub(super) api_version: String,
}

/// What one account may use in a day; without a number, as much as it likes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct BudgetSettings {
    pub(super) requests_per_day: Option<u64>,
    pub(super) tokens_per_day: Option<u64>,
}

/// What is wrong with settings, each mistake in a line.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct InvalidSettings(String);

impl ModelsSettings {
    /// Reads a text that says nothing else.
    pub fn read(text: &str) -> Result<Self, InvalidSettings> {
        let read = config_file::read(text, |file, mistakes| {
            file.only_keys(&["models", "budgets"], mistakes);
            Some(Self::read_sections(file, mistakes))
        });
        read.map_err(|found| {
            let line = |line: Option<u64>| line.map_or(String::new(), |line| format!("line {line}: "));
            let lines: Vec<_> = found.iter().map(|found| format!("{}{}", line(found.line), found.mistake)).collect();
            InvalidSettings(lines.join("\n"))
        })
    }

    /// Where the models are, the first choice first.
    pub(crate) fn servers(&self) -> impl Iterator<Item = Server<'_>> {
        self.models.iter().map(|model| Server {
            name: &model.name,
            url: &model.base_url,
            is_azure: model.azure.is_some(),
        })
    }

    /// Reads both sections of the assistant's file.
    pub(crate) fn read_sections(file: &Section<'_>, mistakes: &mut Vec<Mistake>) -> Self {
        let mut names = BTreeSet::new();
        let mut models = Vec::new();
        for item in &file.list("models", mistakes) {
            let model = read_model(item, mistakes);
            if model.as_ref().is_some_and(|model| !names.insert(model.name.clone())) {
                item.at("name").mistake("another model has this name already", mistakes);
            }
            models.extend(model);
        }
        let budgets = file.at("budgets");
        Self { models, budgets: if budgets.is_there() { read_budgets(&budgets, mistakes) } else { Default::default() } }
    }
}

fn read_budgets(budgets: &Section<'_>, mistakes: &mut Vec<Mistake>) -> BudgetSettings {
    budgets.only_keys(&["requestsPerDay", "tokensPerDay"], mistakes);
    BudgetSettings {
        requests_per_day: budgets.number("requestsPerDay", 1..=1_000_000_000, mistakes),
        tokens_per_day: budgets.number("tokensPerDay", 1..=1_000_000_000_000, mistakes),
    }
}

fn read_model(item: &Section<'_>, mistakes: &mut Vec<Mistake>) -> Option<ModelSettings> {
    item.only_keys(&KEYS, mistakes);
    let name = item.required("name", mistakes);
    if name.as_ref().is_some_and(|name| !is_name(name)) {
        item.at("name").mistake("letters, digits and any of . _ : / - were expected, 64 at the most", mistakes);
    }
    if name.as_deref() == Some(chat::ASSISTANT) {
        item.at("name").mistake("this is the assistant's own name among the models; take another", mistakes);
    }
    let base_url = read_base_url(item, mistakes);
    let azure = item.at("azure");
    let azure = if azure.is_there() { Some(read_azure(&azure, mistakes)) } else { None };
    let model = match &azure {
        // The deployment says which model it is.
        Some(azure) => item.text("model", mistakes).or_else(|| azure.as_ref().map(|azure| azure.deployment.clone())),
        None => item.required("model", mistakes),
    };
    let api_key_file = item.path("apiKeyFile", mistakes);
    let headers = headers::read(item, mistakes);
    let mut seconds =
        |key, default| Duration::from_secs(item.number(key, 1..=MOST_SECONDS, mistakes).unwrap_or(default));
    let timeout = seconds("timeoutSeconds", DEFAULT_TIMEOUT_SECONDS);
    let first_piece = seconds("firstPieceSeconds", DEFAULT_FIRST_PIECE_SECONDS);
    let idle = seconds("idleSeconds", DEFAULT_IDLE_SECONDS);
    let max_output_tokens =
        item.number("maxOutputTokens", 1..=1_000_000, mistakes).unwrap_or(DEFAULT_MAX_OUTPUT_TOKENS);
    let temperature = item.decimal("temperature", 0.0..=2.0, mistakes);
    let ca_file = item.path("caFile", mistakes);
    let allowed_networks = item.networks("allowedNetworks", mistakes);
    Some(ModelSettings {
        name: name?,
        base_url: base_url?,
        model: model?,
        api_key_file,
        azure: match azure {
            Some(azure) => Some(azure?),
            None => None,
        },
        headers,
        timeout,
        first_piece,
        idle,
        max_output_tokens: u32::try_from(max_output_tokens).ok()?,
        temperature,
        ca_file,
        allowed_networks,
    })
}

fn read_base_url(item: &Section<'_>, mistakes: &mut Vec<Mistake>) -> Option<Url> {
    item.required("baseUrl", mistakes)?;
    let url = item.url("baseUrl", mistakes)?;
    if url.query().is_some() {
        item.at("baseUrl").mistake("paths are added to it, so there can be no `?` in it", mistakes);
    }
    Some(url)
}

fn read_azure(azure: &Section<'_>, mistakes: &mut Vec<Mistake>) -> Option<AzureSettings> {
    azure.only_keys(&["deployment", "apiVersion"], mistakes);
    let deployment = azure.required("deployment", mistakes);
    let is_fit = |character: char| character.is_ascii_alphanumeric() || "._-".contains(character);
    if deployment.as_ref().is_some_and(|deployment| !deployment.chars().all(is_fit)) {
        azure.at("deployment").mistake("it stands in a path: letters, digits and any of . _ - were expected", mistakes);
    }
    let api_version = azure.required("apiVersion", mistakes);
    Some(AzureSettings { deployment: deployment?, api_version: api_version? })
}

fn is_name(name: &str) -> bool {
    let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || b"._:/-".contains(&byte);
    name.len() <= MAX_NAME_CHARACTERS && name.bytes().all(is_fit)
}

#[cfg(test)]
mod tests;
