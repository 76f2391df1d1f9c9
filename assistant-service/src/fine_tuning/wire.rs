//! What an endpoint says of files and jobs, as far as it is read. An id must be there; everything else may be absent or of
//! another form than was promised, and is as good as absent then.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// An uploaded file.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct UploadedFile {
    pub(crate) id: String,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) filename: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) bytes: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) status: Option<String>,
}

/// A job, as far as it is told.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Job {
    pub(crate) id: String,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) status: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) model: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) fine_tuned_model: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) trained_tokens: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) error: Option<JobError>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) metadata: Option<BTreeMap<String, String>>,
}

/// Why a job failed. A job that did not may have one without anything in it.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct JobError {
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) code: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) message: Option<String>,
}

/// Something that happened to a job.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct JobEvent {
    pub(crate) id: String,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) message: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Page<T> {
    #[serde(default = "Vec::new")]
    pub(super) data: Vec<T>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) has_more: Option<bool>,
}

/// Where a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Running,
    Succeeded,
    /// Failed or cancelled.
    Ended,
}

impl Job {
    /// A status that nobody knows is that of a job under way: a failure is said, never guessed.
    pub(crate) fn standing(&self) -> Standing {
        match self.status.as_deref() {
            Some("succeeded") => Standing::Succeeded,
            Some("failed" | "cancelled") => Standing::Ended,
            Some(_) | None => Standing::Running,
        }
    }
}

fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Option<T>, D::Error> {
    Ok(serde_json::from_value(Value::deserialize(deserializer)?).ok())
}
