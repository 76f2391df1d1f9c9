//! Starts a job, and whatever is cut on the way starts it once: files and jobs are known by digests of what they are made of,
//! and before anything is done again it is looked whether it was done.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::rules::{self, FEWEST_EXAMPLES, InvalidExamples};
use super::service::{CannotTrain, Service};
use super::wire::{Job, Standing, UploadedFile};

/// Under this name a job carries the digest of what it was asked for.
const METADATA: &str = "watchgate";

/// A file of examples that keeps the rules.
#[derive(Clone, Debug)]
pub(crate) struct Examples {
    pub(crate) count: usize,
    bytes: Bytes,
    digest: String,
}

/// Why files cannot be trained on.
#[derive(Debug, Error)]
pub(crate) enum CannotUse {
    #[error("{0} cannot be read ({1})")]
    Unreadable(PathBuf, std::io::Error),
    #[error("{0}: {1}")]
    Invalid(PathBuf, InvalidExamples),
    #[error("{0} questions stand in both files; what is tried on must not be what was learnt")]
    Shared(usize),
}

/// What is trained from what.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) base_model: String,
    pub(crate) train: Examples,
    pub(crate) validation: Option<Examples>,
    pub(crate) suffix: Option<String>,
    /// How often the model sees each example; the endpoint chooses where nothing is said.
    pub(crate) epochs: Option<u8>,
}

/// What happened on the way.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Uploading {
        bytes: usize,
    },
    Uploaded {
        id: String,
    },
    FileWasThere {
        id: String,
    },
    /// Something broke off, and it is looked whether it was done.
    LooksAgain {
        because: String,
    },
    Created,
    JobWasThere,
}

impl Examples {
    /// Reads a file and holds it against the rules.
    pub(crate) fn read(file: &Path, fewest: usize) -> Result<Self, CannotUse> {
        let bytes = std::fs::read(file).map_err(|error| CannotUse::Unreadable(file.to_owned(), error))?;
        let count = rules::count(&bytes, fewest).map_err(|error| CannotUse::Invalid(file.to_owned(), error))?;
        let digest = hex(&bytes);
        Ok(Self { count, bytes: bytes.into(), digest })
    }

    /// Both files, of which no question stands in both.
    pub(crate) fn read_both(train: &Path, validation: Option<&Path>) -> Result<(Self, Option<Self>), CannotUse> {
        let train = Self::read(train, FEWEST_EXAMPLES)?;
        let Some(validation) = validation else { return Ok((train, None)) };
        let validation = Self::read(validation, 1)?;
        match rules::shared_questions(&train.bytes, &validation.bytes) {
            0 => Ok((train, Some(validation))),
            shared => Err(CannotUse::Shared(shared)),
        }
    }

    /// Its size.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Files have no metadata, so the name says what is in them.
    fn filename(&self) -> String {
        format!("watchgate-{}.jsonl", self.digest)
    }
}

impl Order {
    fn digest(&self) -> String {
        let validation = self.validation.as_ref().map(|validation| &validation.digest);
        hex(json!([self.base_model, self.train.digest, validation, self.suffix, self.epochs]).to_string().as_bytes())
    }

    fn request(&self, training_file: &str, validation_file: Option<&str>) -> Value {
        let mut request = json!({
            "model": self.base_model,
            "training_file": training_file,
            "metadata": {METADATA: self.digest()},
        });
        let hyperparameters = self.epochs.map(|epochs| json!({"n_epochs": epochs}));
        for (name, value) in [
            ("validation_file", validation_file.map(Value::from)),
            ("suffix", self.suffix.clone().map(Value::from)),
            ("method", hyperparameters.map(|of| json!({"type": "supervised", "supervised": {"hyperparameters": of}}))),
        ] {
            if let (Some(value), Some(members)) = (value, request.as_object_mut()) {
                members.insert(name.to_owned(), value);
            }
        }
        request
    }
}

/// Uploads what is not there yet, and creates the job unless it is there. A job that failed or was cancelled does not count.
pub(crate) async fn start(service: &Service, order: &Order, tell: &mut dyn FnMut(Step)) -> Result<Job, CannotTrain> {
    let training_file = upload(service, &order.train, tell).await?;
    let validation_file = match &order.validation {
        Some(validation) => Some(upload(service, validation, tell).await?),
        None => None,
    };
    let request = order.request(&training_file, validation_file.as_deref());
    let digest = order.digest();
    let mut tries = 0_u32;
    loop {
        let is_it = |job: &Job| {
            job.standing() != Standing::Ended && job.metadata.as_ref().and_then(|of| of.get(METADATA)) == Some(&digest)
        };
        if let Some(job) = service.jobs().await?.into_iter().find(is_it) {
            tell(Step::JobWasThere);
            return Ok(job);
        }
        match service.create(&request).await {
            Ok(job) => {
                tell(Step::Created);
                return Ok(job);
            }
            Err(error) => look_again(service, error, &mut tries, tell).await?,
        }
    }
}

async fn upload(service: &Service, file: &Examples, tell: &mut dyn FnMut(Step)) -> Result<String, CannotTrain> {
    let name = file.filename();
    let size = u64::try_from(file.bytes()).unwrap_or(u64::MAX);
    let mut tries = 0_u32;
    loop {
        let is_it = |there: &UploadedFile| {
            there.filename.as_deref() == Some(&name)
                && there.bytes.is_none_or(|bytes| bytes == size)
                && there.status.as_deref() != Some("error")
        };
        if let Some(there) = service.files().await?.into_iter().find(is_it) {
            tell(Step::FileWasThere { id: there.id.clone() });
            return Ok(there.id);
        }
        tell(Step::Uploading { bytes: file.bytes() });
        match service.upload(name.clone(), file.bytes.clone()).await {
            Ok(uploaded) => {
                tell(Step::Uploaded { id: uploaded.id.clone() });
                return Ok(uploaded.id);
            }
            Err(error) => look_again(service, error, &mut tries, tell).await?,
        }
    }
}

/// Waits until what may have been done can be seen; an error where there is nothing to see or it was tried often enough.
async fn look_again(
    service: &Service,
    error: CannotTrain,
    tries: &mut u32,
    tell: &mut dyn FnMut(Step),
) -> Result<(), CannotTrain> {
    *tries = tries.saturating_add(1);
    if !error.is_uncertain() || *tries >= service.patience.tries {
        return Err(error);
    }
    tell(Step::LooksAgain { because: error.to_string() });
    tokio::time::sleep(service.patience.wait_after(*tries)).await;
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
