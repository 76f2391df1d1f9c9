//! Vectors of what documents say, from any server that speaks OpenAI's `/v1/embeddings`: they find what is said in other
//! words than the question's.
//!
//! They come beside the words and are never waited for: passages are embedded in the background, and where a question gets no
//! vector in time, it is answered by its words alone.

mod cache;
mod client;
mod filling;
mod nearby;
mod settings;
mod vectors;

#[cfg(test)]
mod tests;

use std::sync::Mutex;
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};
use thiserror::Error;

use cache::{Cache, Digest};
use client::Client;
pub use settings::EmbeddingSettings;
pub(crate) use settings::read_embeddings;
pub(super) use vectors::{DocumentVectors, nearest};
pub use vectors::{QuestionVector, Similarities};

use crate::outbound::OutboundError;

/// After a failure nobody waits for the server for so long.
const REST: Duration = Duration::from_secs(2);

/// What makes vectors, and what it made.
pub struct Embeddings {
    settings: EmbeddingSettings,
    client: Client,
    cache: Mutex<Cache>,
    /// When a question may be embedded again.
    rests_until: Mutex<Option<Instant>>,
}

/// Why there is no vector.
#[derive(Debug, Error)]
pub enum CannotEmbed {
    /// The server was not asked, or did not answer.
    #[error("the embedding server gives no answer: {0}")]
    Outbound(#[from] OutboundError),
    /// It answered that it does not.
    #[error("the embedding server answered with status {0}")]
    Refused(reqwest::StatusCode),
    /// What it answered is no vectors, or not as many as texts.
    #[error("the embedding server's answer is not understood")]
    Malformed,
    /// The key's file cannot be read.
    #[error("the embedding server's key file cannot be read")]
    KeyFile(#[source] std::io::Error),
    /// The cache's file cannot be read or written.
    #[error("the file of vectors cannot be used")]
    CacheFile(#[source] std::io::Error),
    /// A mistake in the service.
    #[error("vectors cannot be worked on")]
    Internal(#[from] tokio::task::JoinError),
}

impl Embeddings {
    /// Reads the key and the vectors that are there already.
    pub fn open(settings: EmbeddingSettings) -> Result<Self, CannotEmbed> {
        let client = Client::new(&settings)?;
        let cache = Cache::open(settings.cache_file.as_deref()).map_err(CannotEmbed::CacheFile)?;
        Ok(Self { settings, client, cache: Mutex::new(cache), rests_until: Mutex::new(None) })
    }

    /// The vectors of a question and of its parts; none where they do not come in time.
    pub async fn of_question(&self, texts: &[String]) -> Vec<QuestionVector> {
        if self.is_resting() {
            return Vec::new();
        }
        let prefixed = texts.iter().map(|text| format!("{}{text}", self.settings.query_prefix)).collect();
        let asked = tokio::time::timeout(self.settings.question_timeout, self.client.embed(prefixed));
        let problem = match asked.await {
            Ok(Ok(vectors)) => return vectors.iter().map(|vector| QuestionVector::of(vector)).collect(),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer in time".to_owned(),
        };
        tracing::warn!(problem, "a question is answered by its words alone");
        if let Ok(mut rests_until) = self.rests_until.lock() {
            *rests_until = Instant::now().checked_add(REST);
        }
        Vec::new()
    }

    fn is_resting(&self) -> bool {
        self.rests_until.lock().is_ok_and(|until| until.is_some_and(|until| Instant::now() < until))
    }

    /// What a passage's vector is kept by: it is another one for another model.
    fn digest(&self, text: &str) -> Digest {
        let EmbeddingSettings { base_url, model, passage_prefix, .. } = &self.settings;
        let mut hasher = Sha256::new();
        for part in [base_url.as_str(), model, passage_prefix, text] {
            hasher.update(part.len().to_le_bytes());
            hasher.update(part);
        }
        let mut digest = Digest::default();
        digest.iter_mut().zip(hasher.finalize()).for_each(|(to, from)| *to = from);
        digest
    }
}
