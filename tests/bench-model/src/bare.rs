//! The limit: an HTTP client that sends the same text and takes the first bytes for an answer.

use std::time::Instant;

use anyhow::{Context, Result};
use reqwest::Client;
use serde_json::json;

use crate::Asked;
use crate::models::{question, rules};
use crate::server::Server;

pub(crate) struct Bare {
    client: Client,
    url: String,
}

impl Bare {
    pub(crate) fn new(server: &Server) -> Result<Self> {
        let client = Client::builder().no_proxy().tls_certs_only([]).build()?;
        Ok(Self { client, url: format!("{}/chat/completions", server.url()) })
    }

    pub(crate) async fn ask(&self) -> Result<Asked> {
        let messages = json!([{"role": "system", "content": rules()}, {"role": "user", "content": question()}]);
        let body = json!({"model": "m", "messages": messages, "stream": true}).to_string();
        let at = Instant::now();
        let request = self.client.post(&self.url).header("content-type", "application/json").body(body);
        let mut response = request.send().await?;
        response.chunk().await?.context("no answer")?;
        let first_word = Instant::now();
        while response.chunk().await?.is_some() {}
        Ok(Asked { at, first_word })
    }
}
