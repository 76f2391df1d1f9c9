//! Where a model is trained: one of the settings' `models`, of which only its place and its key count here.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use reqwest::Url;
use thiserror::Error;
use trust_core::Mistake;
use trust_core::network::Network;
use zeroize::Zeroizing;

use crate::config_file;
use crate::section::Section;

const MAX_KEY_BYTES: u64 = 16 * 1024;

/// An OpenAI-compatible endpoint.
#[derive(Clone, Debug)]
pub(crate) struct Endpoint {
    /// The model's name in the settings.
    pub(crate) name: String,
    /// Such as `https://api.openai.com/v1`.
    pub(crate) base_url: Url,
    /// What the model is called there.
    pub(crate) model: Option<String>,
    pub(crate) api_key_file: Option<PathBuf>,
    /// Authorities that are trusted in the place of the system's.
    pub(crate) ca_file: Option<PathBuf>,
    /// Addresses that may be asked although they are not public.
    pub(crate) allowed_networks: Vec<Network>,
}

/// Why no endpoint can be asked.
#[derive(Debug, Error)]
pub(crate) enum NoEndpoint {
    #[error("{0}")]
    File(anyhow::Error),
    #[error("{0} has mistakes")]
    Mistakes(PathBuf),
    #[error("{file} names no model {name:?}; it names {names}")]
    NotNamed { file: PathBuf, name: String, names: String },
    #[error("the key file {0} cannot be read ({1})")]
    Unreadable(PathBuf, std::io::Error),
    #[error("the key file {0} holds no key: one line of visible characters is expected")]
    NoKey(PathBuf),
}

impl Endpoint {
    /// The model of this name in a file of settings.
    pub(crate) fn load(file: &Path, name: &str) -> Result<Self, NoEndpoint> {
        let read = config_file::load(file, |text| config_file::read(text, |root, mistakes| Some(all(root, mistakes))));
        let endpoints = read.map_err(NoEndpoint::File)?.ok_or_else(|| NoEndpoint::Mistakes(file.to_owned()))?;
        let names: Vec<_> = endpoints.iter().map(|endpoint| endpoint.name.clone()).collect();
        endpoints.into_iter().find(|endpoint| endpoint.name == name).ok_or_else(|| NoEndpoint::NotNamed {
            file: file.to_owned(),
            name: name.to_owned(),
            names: if names.is_empty() { "none".to_owned() } else { names.join(", ") },
        })
    }

    /// The key, read anew; nothing where the endpoint asks for none.
    pub(super) fn key(&self) -> Result<Option<Zeroizing<String>>, NoEndpoint> {
        let Some(file) = &self.api_key_file else { return Ok(None) };
        let mut text = Zeroizing::new(String::new());
        let read = File::open(file).and_then(|opened| opened.take(MAX_KEY_BYTES).read_to_string(&mut text));
        read.map_err(|error| NoEndpoint::Unreadable(file.clone(), error))?;
        let key = Zeroizing::new(text.trim().to_owned());
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(NoEndpoint::NoKey(file.clone()));
        }
        Ok(Some(key))
    }
}

/// What else stands at a model is for whoever asks it questions.
fn all(root: &Section<'_>, mistakes: &mut Vec<Mistake>) -> Vec<Endpoint> {
    let models = root.list("models", mistakes);
    models.iter().filter_map(|model| one(model, mistakes)).collect()
}

fn one(model: &Section<'_>, mistakes: &mut Vec<Mistake>) -> Option<Endpoint> {
    let name = model.required("name", mistakes);
    if !model.at("baseUrl").is_there() {
        model.at("baseUrl").mistake("this is required", mistakes);
    }
    let base_url = model.url("baseUrl", mistakes);
    Some(Endpoint {
        model: model.text("model", mistakes),
        api_key_file: model.path("apiKeyFile", mistakes),
        ca_file: model.path("caFile", mistakes),
        allowed_networks: model.networks("allowedNetworks", mistakes),
        name: name?,
        base_url: base_url?,
    })
}
