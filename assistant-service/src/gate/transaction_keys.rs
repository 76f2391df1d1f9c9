//! The keys by which the service knows the gate: a file that is read again when it changes, so that rotation needs no
//! restart.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use thiserror::Error;
use trust_core::gate_key::InvalidGateKeys;
use trust_core::transaction_token::TransactionKeys;

/// How long what was read last is believed without a look at the file.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Gives the keys that transaction tokens are verified with.
pub trait TransactionKeySource: Send + Sync {
    /// The keys of now; nothing while there are none that can be believed.
    fn keys(&self) -> Option<Arc<TransactionKeys>>;
}

/// Why a key file gives no keys.
#[derive(Debug, Error)]
pub enum CannotReadKeys {
    /// The file cannot be read.
    #[error(transparent)]
    Unreadable(#[from] std::io::Error),
    /// Its content is not what `watchgate keys transaction` writes.
    #[error(transparent)]
    Invalid(#[from] InvalidGateKeys),
    /// Its keys are for another audience.
    #[error("its keys are for the audience {found}, not for {wanted}")]
    OtherAudience {
        /// Whom the file is for.
        found: String,
        /// Whom this service is.
        wanted: String,
    },
}

/// Keys from a file. A file that has become unreadable or wrong leaves no keys: what was good before may have been
/// replaced for a reason.
pub struct FileTransactionKeys {
    path: PathBuf,
    audience: String,
    last: Mutex<Looked>,
}

struct Looked {
    at: Instant,
    keys: Option<Arc<TransactionKeys>>,
}

impl FileTransactionKeys {
    /// Reads `path`, which must hold keys for `audience`.
    pub fn open(path: PathBuf, audience: String) -> Result<Self, CannotReadKeys> {
        let keys = Some(Arc::new(read(&path, &audience)?));
        Ok(Self { path, audience, last: Mutex::new(Looked { at: Instant::now(), keys }) })
    }
}

impl TransactionKeySource for FileTransactionKeys {
    fn keys(&self) -> Option<Arc<TransactionKeys>> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.at.elapsed() >= LOOK_EVERY {
            let read = read(&self.path, &self.audience);
            if let Err(error) = &read {
                tracing::error!(%error, path = %self.path.display(), "no transaction keys: every request is refused");
            }
            *last = Looked { at: Instant::now(), keys: read.ok().map(Arc::new) };
        }
        last.keys.clone()
    }
}

/// A file of a few hundred bytes, read once a second: simpler, and surer, than asking whether it has changed.
fn read(path: &Path, audience: &str) -> Result<TransactionKeys, CannotReadKeys> {
    let keys = TransactionKeys::from_json(&zeroize::Zeroizing::new(std::fs::read(path)?))?;
    if keys.audience() == audience {
        Ok(keys)
    } else {
        Err(CannotReadKeys::OtherAudience { found: keys.audience().to_owned(), wanted: audience.to_owned() })
    }
}
