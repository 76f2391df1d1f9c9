//! One request to `/embeddings`. Servers differ in what else they say, and it is not read.

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Url};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{CannotEmbed, EmbeddingSettings};
use crate::outbound::{Outbound, OutboundError, OutboundSettings};

/// The largest vectors there are have 4,096 numbers; each takes some 22 letters at most.
const BYTES_PER_VECTOR: usize = 4096 * 24;

pub(super) struct Client {
    outbound: Outbound,
    url: Url,
    model: String,
    authorization: Option<HeaderValue>,
}

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    input: Vec<String>,
    encoding_format: &'static str,
}

#[derive(Deserialize)]
struct Answer {
    data: Vec<Embedded>,
}

#[derive(Deserialize)]
struct Embedded {
    /// Which text it is of; some servers leave it out and keep the order.
    index: Option<usize>,
    embedding: Vec<f32>,
}

impl Client {
    pub(super) fn new(settings: &EmbeddingSettings) -> Result<Self, CannotEmbed> {
        let outbound = Outbound::new(&OutboundSettings {
            timeout: settings.timeout,
            max_bytes: settings.batch_size.saturating_mul(BYTES_PER_VECTOR),
            allowed_networks: settings.allowed_networks.clone(),
            ca_file: settings.ca_file.clone(),
            client_identity: None,
        })?;
        let mut url = settings.base_url.clone();
        url.set_path(&format!("{}/embeddings", settings.base_url.path().trim_end_matches('/')));
        let authorization = match &settings.api_key_file {
            None => None,
            Some(file) => {
                let key = Zeroizing::new(std::fs::read_to_string(file).map_err(CannotEmbed::KeyFile)?);
                let bearer = Zeroizing::new(format!("Bearer {}", key.trim()));
                let mut value = HeaderValue::from_str(&bearer).map_err(|_| OutboundError::Credentials)?;
                value.set_sensitive(true);
                Some(value)
            }
        };
        Ok(Self { outbound, url, model: settings.model.clone(), authorization })
    }

    /// A vector for each text, in their order.
    pub(super) async fn embed(&self, input: Vec<String>) -> Result<Vec<Vec<f32>>, CannotEmbed> {
        let count = input.len();
        let request = Request { model: &self.model, input, encoding_format: "float" };
        let body = serde_json::to_vec(&request).map_err(|_| CannotEmbed::Malformed)?;
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(authorization) = &self.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        let answer = self.outbound.call(Method::POST, &self.url, headers, body).await?;
        if !answer.status.is_success() {
            return Err(CannotEmbed::Refused(answer.status));
        }
        in_order(&answer.body, count).ok_or(CannotEmbed::Malformed)
    }
}

/// The vectors in the order of the texts; nothing unless there is one usable vector for each, all of one length.
fn in_order(body: &[u8], count: usize) -> Option<Vec<Vec<f32>>> {
    let Answer { mut data } = serde_json::from_slice(body).ok()?;
    if data.iter().all(|embedded| embedded.index.is_some()) {
        data.sort_by_key(|embedded| embedded.index);
        let is_complete = data.iter().enumerate().all(|(at, embedded)| embedded.index == Some(at));
        is_complete.then_some(())?;
    }
    let length = data.first()?.embedding.len();
    let is_usable = |embedded: &Embedded| {
        let vector = &embedded.embedding;
        vector.len() == length
            && vector.iter().all(|number| number.is_finite())
            && vector.iter().any(|number| *number != 0.0)
    };
    (data.len() == count && length > 0 && data.iter().all(is_usable))
        .then(|| data.into_iter().map(|embedded| embedded.embedding).collect())
}
