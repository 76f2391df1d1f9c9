//! The key that phantom tokens are signed with: a file that is looked at again, so that rotation needs no restart.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jsonwebtoken::{Algorithm, EncodingKey};

use crate::command_line::keys::{public_jwk, read_signing_key};

/// How long what was read last is used without a look at the file.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A key and the name by which gates know it.
pub(crate) struct SigningKey {
    pub(crate) kid: String,
    pub(crate) key: EncodingKey,
}

/// The key in a file, as `watchgate keys exchange` writes it. A file that has become unreadable leaves no key: whoever took it
/// away had a reason.
pub(crate) struct SigningKeyFile {
    path: PathBuf,
    last: Mutex<(Instant, Option<Arc<SigningKey>>)>,
}

impl SigningKeyFile {
    /// Reads the file, which must hold a key.
    pub(crate) fn open(path: PathBuf) -> anyhow::Result<Self> {
        let key = Some(Arc::new(read(&path)?));
        Ok(Self { path, last: Mutex::new((Instant::now(), key)) })
    }

    /// The key of now, while there is one.
    pub(crate) fn key(&self) -> Option<Arc<SigningKey>> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.0.elapsed() >= LOOK_EVERY {
            let read = read(&self.path);
            if let Err(error) = &read {
                tracing::error!(error = format!("{error:#}"), "no signing key: no token is exchanged");
            }
            *last = (Instant::now(), read.ok().map(Arc::new));
        }
        last.1.clone()
    }
}

fn read(path: &std::path::Path) -> anyhow::Result<SigningKey> {
    let key = read_signing_key(path, Algorithm::EdDSA)?;
    let kid = public_jwk(&key, Algorithm::EdDSA)?.common.key_id.unwrap_or_default();
    Ok(SigningKey { kid, key })
}
