//! What the assistant's file says of embeddings.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::Url;
use trust_core::Mistake;
use trust_core::network::Network;

use crate::section::Section;

const KEYS: [&str; 11] = [
    "baseUrl",
    "model",
    "apiKeyFile",
    "queryPrefix",
    "passagePrefix",
    "batchSize",
    "timeoutSeconds",
    "questionTimeoutMilliseconds",
    "cacheFile",
    "allowedNetworks",
    "caFile",
];

const DEFAULT_BATCH_SIZE: u64 = 32;
const DEFAULT_TIMEOUT_SECONDS: u64 = 60;
/// An answer by words is there in a few milliseconds; this is what waiting for a better one may cost.
const DEFAULT_QUESTION_TIMEOUT_MILLISECONDS: u64 = 300;

/// Where vectors come from.
#[derive(Clone, Debug)]
pub struct EmbeddingSettings {
    /// The address that `/embeddings` is appended to, such as `https://api.openai.com/v1`.
    pub base_url: Url,
    /// The model's name there.
    pub model: String,
    /// A file with the key that is sent as bearer token.
    pub api_key_file: Option<PathBuf>,
    /// What the model wants before a question, such as `query: `.
    pub query_prefix: String,
    /// What it wants before a passage.
    pub passage_prefix: String,
    /// Passages in one request.
    pub batch_size: usize,
    /// For a batch of passages.
    pub timeout: Duration,
    /// For a question.
    pub question_timeout: Duration,
    /// Where vectors are kept over restarts.
    pub cache_file: Option<PathBuf>,
    /// Addresses that may be asked although they are no global unicast ones.
    pub allowed_networks: Vec<Network>,
    /// Authorities in PEM that are trusted instead of the system's.
    pub ca_file: Option<PathBuf>,
}

/// Reads the section `embeddings`; nothing where it is not there, or has mistakes.
pub(crate) fn read_embeddings(section: &Section<'_>, mistakes: &mut Vec<Mistake>) -> Option<EmbeddingSettings> {
    if !section.is_there() {
        return None;
    }
    section.only_keys(&KEYS, mistakes);
    if !section.at("baseUrl").is_there() {
        section.at("baseUrl").mistake("this is required", mistakes);
    }
    let base_url = section.url("baseUrl", mistakes);
    let model = section.required("model", mistakes);
    let prefix = |key, mistakes: &mut Vec<Mistake>| section.text(key, mistakes).unwrap_or_default();
    let batch_size = section.number("batchSize", 1..=256, mistakes).unwrap_or(DEFAULT_BATCH_SIZE);
    let timeout = section.number("timeoutSeconds", 1..=600, mistakes).unwrap_or(DEFAULT_TIMEOUT_SECONDS);
    let question_timeout = section.number("questionTimeoutMilliseconds", 10..=5000, mistakes);
    Some(EmbeddingSettings {
        api_key_file: section.path("apiKeyFile", mistakes),
        query_prefix: prefix("queryPrefix", mistakes),
        passage_prefix: prefix("passagePrefix", mistakes),
        batch_size: usize::try_from(batch_size).ok()?,
        timeout: Duration::from_secs(timeout),
        question_timeout: Duration::from_millis(question_timeout.unwrap_or(DEFAULT_QUESTION_TIMEOUT_MILLISECONDS)),
        cache_file: section.path("cacheFile", mistakes),
        allowed_networks: section.networks("allowedNetworks", mistakes),
        ca_file: section.path("caFile", mistakes),
        base_url: base_url?,
        model: model?,
    })
}
