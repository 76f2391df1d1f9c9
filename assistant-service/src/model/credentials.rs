//! What a model's server is shown of us. Files are read for each request and forgotten after it: a changed one counts at once.

use std::path::Path;

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use tokio::io::AsyncReadExt;
use zeroize::Zeroizing;

use super::failure::Failure;
use super::settings::{HeaderSource, ModelSettings};

/// No key is longer, and a wrong file may be.
const LONGEST_SECRET: u64 = 16 * 1024;

const AZURE_KEY: HeaderName = HeaderName::from_static("api-key");

/// The headers of one request, and what of them must not stand in a log.
#[derive(Clone)]
pub(super) struct Credentials {
    pub(super) headers: HeaderMap,
    pub(super) secrets: Vec<Zeroizing<String>>,
}

impl Credentials {
    pub(super) async fn read(settings: &ModelSettings) -> Result<Self, Failure> {
        let mut credentials = Self { headers: HeaderMap::new(), secrets: Vec::new() };
        if let Some(file) = &settings.api_key_file {
            let key = secret(file).await?;
            let (name, text) = match settings.azure {
                Some(_) => (AZURE_KEY, key.clone()),
                None => (AUTHORIZATION, Zeroizing::new(format!("Bearer {}", key.as_str()))),
            };
            credentials.add(name, &text, key, file)?;
        }
        for header in &settings.headers {
            match &header.value {
                HeaderSource::Text(value) => drop(credentials.headers.insert(&header.name, value.clone())),
                HeaderSource::File(file) => {
                    let text = secret(file).await?;
                    credentials.add(header.name.clone(), &text.clone(), text, file)?;
                }
            }
        }
        Ok(credentials)
    }

    fn add(&mut self, name: HeaderName, text: &str, secret: Zeroizing<String>, file: &Path) -> Result<(), Failure> {
        let unfit = |_| Failure::Credentials(format!("no header can carry what {} holds", file.display()));
        let mut value = HeaderValue::try_from(text).map_err(unfit)?;
        value.set_sensitive(true);
        self.headers.insert(name, value);
        self.secrets.push(secret);
        Ok(())
    }
}

async fn secret(file: &Path) -> Result<Zeroizing<String>, Failure> {
    let unreadable = |error| Failure::Credentials(format!("cannot read {}: {error}", file.display()));
    let mut text = Zeroizing::new(String::new());
    let opened = tokio::fs::File::open(file).await.map_err(unreadable)?;
    opened.take(LONGEST_SECRET).read_to_string(&mut text).await.map_err(unreadable)?;
    match text.trim() {
        "" => Err(Failure::Credentials(format!("{} holds nothing", file.display()))),
        secret => Ok(Zeroizing::new(secret.to_owned())),
    }
}
