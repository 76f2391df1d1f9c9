//! Files and jobs of an endpoint, through `async-openai` with types of our own: servers leave members out that the protocol
//! promises, and add others.

use std::time::Duration;

use async_openai::Client;
use async_openai::config::OpenAIConfig;
use async_openai::error::OpenAIError;
use async_openai::traits::RequestOptionsBuilder as _;
use async_openai::types::InputSource;
use async_openai::types::files::{CreateFileRequest, FileInput, FilePurpose};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::Value;
use thiserror::Error;

use super::endpoint::{Endpoint, NoEndpoint};
use super::transport::{Patience, Transport};
use super::wire::{Job, JobEvent, Page, UploadedFile};
use crate::outbound::{Outbound, OutboundError, OutboundSettings};

/// A slow line still carries so much in a second.
const UPLOAD_BYTES_PER_SECOND: u64 = 128 * 1024;
const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;
const ITEMS_PER_PAGE: &str = "100";
/// Nobody has more files or jobs than these hold; a server whose list has no end is not followed.
const MOST_PAGES: usize = 200;
const MOST_SAID_CHARACTERS: usize = 500;

/// Why something about files and jobs could not be done.
#[derive(Debug, Error)]
pub(crate) enum CannotTrain {
    #[error(transparent)]
    Endpoint(#[from] NoEndpoint),
    #[error("the endpoint cannot be asked: {0}")]
    Outbound(#[from] OutboundError),
    #[error("the endpoint refuses ({status}): {said}")]
    Refused { status: u16, said: String },
    #[error("the endpoint failed ({status}): {said}")]
    Failed { status: u16, said: String },
    #[error("no whole answer of the endpoint: {0}")]
    NoAnswer(String),
    #[error("the endpoint's answer is not understood: {0}")]
    NotUnderstood(String),
    #[error("{0:?} is no id of a job")]
    NoJobId(String),
    #[error("the list of {0} has no end")]
    NoEnd(&'static str),
}

impl CannotTrain {
    /// Whether nobody knows if it was done.
    pub(super) fn is_uncertain(&self) -> bool {
        match self {
            Self::Failed { .. } | Self::NoAnswer(_) | Self::NotUnderstood(_) => true,
            Self::Endpoint(_) | Self::Outbound(_) | Self::Refused { .. } | Self::NoJobId(_) | Self::NoEnd(_) => false,
        }
    }
}

/// An endpoint that trains.
pub(crate) struct Service {
    client: Client<OpenAIConfig>,
    pub(super) patience: Patience,
}

impl Service {
    /// Opens an endpoint for files of so many bytes at most.
    pub(crate) fn open(endpoint: &Endpoint, upload_bytes: u64, patience: Patience) -> Result<Self, CannotTrain> {
        let seconds = upload_bytes.checked_div(UPLOAD_BYTES_PER_SECOND).unwrap_or_default();
        let within = |timeout| OutboundSettings {
            timeout,
            max_bytes: MAX_ANSWER_BYTES,
            allowed_networks: endpoint.allowed_networks.clone(),
            ca_file: endpoint.ca_file.clone(),
            client_identity: None,
        };
        let transport = Transport {
            calls: Outbound::new(&within(patience.answer))?,
            uploads: Outbound::new(&within(patience.answer.saturating_add(Duration::from_secs(seconds))))?,
            patience,
        };
        // Nothing of it is taken from the environment, where another program's key may stand.
        let key = endpoint.key()?;
        let config = OpenAIConfig::default()
            .with_org_id("")
            .with_project_id("")
            .with_api_base(endpoint.base_url.as_str().trim_end_matches('/'))
            .with_api_key(key.as_ref().map(|key| key.as_str()).unwrap_or_default());
        Ok(Self { client: Client::with_config(config).with_http_service(transport), patience })
    }

    /// All files for training.
    pub(super) async fn files(&self) -> Result<Vec<UploadedFile>, CannotTrain> {
        let page = async |after: Option<String>| {
            let query = [vec![("purpose", "fine-tune".to_owned())], page(after)].concat();
            self.client.files().query(&query)?.list_byot::<Value>().await
        };
        pages("files", page, |file: &UploadedFile| file.id.clone()).await
    }

    /// Uploads a file for training.
    pub(super) async fn upload(&self, filename: String, bytes: Bytes) -> Result<UploadedFile, CannotTrain> {
        let file = FileInput { source: InputSource::Bytes { filename, bytes } };
        let request = CreateFileRequest { file, purpose: FilePurpose::FineTune, expires_after: None };
        read(self.client.files().create_byot::<_, Value>(request).await)
    }

    /// All jobs, new ones first.
    pub(crate) async fn jobs(&self) -> Result<Vec<Job>, CannotTrain> {
        let page = async |after: Option<String>| {
            self.client.fine_tuning().query(&page(after))?.list_paginated_byot::<Value>().await
        };
        pages("jobs", page, |job: &Job| job.id.clone()).await
    }

    /// Creates a job. It is asked for once.
    pub(super) async fn create(&self, request: &Value) -> Result<Job, CannotTrain> {
        read(self.client.fine_tuning().create_byot::<_, Value>(request).await)
    }

    /// One job.
    pub(crate) async fn job(&self, id: &str) -> Result<Job, CannotTrain> {
        read(self.client.fine_tuning().retrieve_byot::<_, Value>(job_id(id)?).await)
    }

    /// All that happened to a job, new things first.
    pub(crate) async fn events(&self, id: &str) -> Result<Vec<JobEvent>, CannotTrain> {
        let id = job_id(id)?;
        let page = async |after: Option<String>| {
            self.client.fine_tuning().query(&page(after))?.list_events_byot::<_, Value>(id).await
        };
        pages("events", page, |event: &JobEvent| event.id.clone()).await
    }
}

/// An id becomes a part of a path, and must stay one.
fn job_id(id: &str) -> Result<&str, CannotTrain> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b':' | b'.');
    let is_id = (1..=128).contains(&id.len()) && id.bytes().all(is_plain) && id.bytes().any(|byte| byte != b'.');
    if is_id { Ok(id) } else { Err(CannotTrain::NoJobId(id.to_owned())) }
}

/// The parameters of a page.
fn page(after: Option<String>) -> Vec<(&'static str, String)> {
    let after = after.map(|after| ("after", after));
    [("limit", ITEMS_PER_PAGE.to_owned())].into_iter().chain(after).collect()
}

async fn pages<T: DeserializeOwned>(
    of: &'static str,
    page: impl AsyncFn(Option<String>) -> Result<Value, OpenAIError>,
    id: impl Fn(&T) -> String,
) -> Result<Vec<T>, CannotTrain> {
    let (mut all, mut after) = (Vec::new(), None);
    for _ in 0..MOST_PAGES {
        let Page { data, has_more } = read::<Page<T>>(page(after.clone()).await)?;
        let last = data.last().map(&id);
        all.extend(data);
        if has_more != Some(true) || last.is_none() || last == after {
            return Ok(all);
        }
        after = last;
    }
    Err(CannotTrain::NoEnd(of))
}

fn read<T: DeserializeOwned>(answer: Result<Value, OpenAIError>) -> Result<T, CannotTrain> {
    let value = answer.map_err(told)?;
    serde_json::from_value(value).map_err(|error| CannotTrain::NotUnderstood(said(&error.to_string())))
}

fn told(error: OpenAIError) -> CannotTrain {
    match error {
        OpenAIError::ApiError(refusal) => {
            let (status, said) = (refusal.status_code.as_u16(), said(&refusal.api_error.to_string()));
            if refusal.status_code.is_server_error() {
                CannotTrain::Failed { status, said }
            } else {
                CannotTrain::Refused { status, said }
            }
        }
        OpenAIError::Boxed(cause) => match cause.downcast::<OutboundError>() {
            Ok(cause) => match *cause {
                OutboundError::Unreachable(_) | OutboundError::TimedOut | OutboundError::TooLarge => {
                    CannotTrain::NoAnswer(cause.to_string())
                }
                other => CannotTrain::Outbound(other),
            },
            Err(cause) => CannotTrain::NoAnswer(said(&cause.to_string())),
        },
        OpenAIError::JSONDeserialize(error, _) => CannotTrain::NotUnderstood(said(&error.to_string())),
        other => CannotTrain::NoAnswer(said(&other.to_string())),
    }
}

/// What a server says goes to a terminal.
fn said(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(MOST_SAID_CHARACTERS).collect()
}
