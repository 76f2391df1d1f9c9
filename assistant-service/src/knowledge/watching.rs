//! Follows the folders of documents: what changes there is in answers within two seconds.
//!
//! It looks at every file's times once a second, which works on every file system, and costs ten thousand files some
//! 35 ms of one processor.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;

use super::library::Library;
use super::{CannotLoad, Knowledge, Skipped};

/// Between two looks. Reading what has changed and indexing it comes on top, and so it is less than the two seconds.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Knowledge that a newer one may take the place of at any time.
pub type CurrentKnowledge = watch::Receiver<Arc<Knowledge>>;

/// Whether somebody still looks at the folders. When a mistake of ours has ended that, a document may by now be for fewer
/// readers than what was known last says.
pub(crate) fn is_followed(documents: &CurrentKnowledge) -> bool {
    documents.has_changed().is_ok()
}

impl Library {
    /// Lists the folders now, which must succeed, and reads them on a thread of its own; from then on it looks through them once a
    /// second, until nobody holds the knowledge any more. Before the first look [`Knowledge::is_read`] says no. While a folder
    /// cannot be read, what was known last stays.
    pub fn follow(self) -> Result<CurrentKnowledge, CannotFollow> {
        self.follow_every(LOOK_EVERY)
    }

    pub(super) fn follow_every(mut self, pause: Duration) -> Result<CurrentKnowledge, CannotFollow> {
        self.list()?;
        let mut log = Log::default();
        let (sender, receiver) = watch::channel(Arc::<Knowledge>::default());
        thread::Builder::new().name("documents".to_owned()).spawn(move || {
            while !sender.is_closed() {
                match self.look(SystemTime::now()) {
                    Ok(newer) => {
                        log.works();
                        if let Some(newer) = newer {
                            log.knows(&newer);
                            sender.send_replace(Arc::new(newer));
                        }
                    }
                    Err(error) => log.fails(&error),
                }
                thread::sleep(pause);
            }
        })?;
        Ok(receiver)
    }
}

/// Why documents cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum CannotFollow {
    /// They cannot be loaded in the first place.
    #[error(transparent)]
    Load(#[from] CannotLoad),
    /// There is no thread to be had.
    #[error("no thread can be started that follows the documents: {0}")]
    Thread(#[from] io::Error),
}

/// Says each thing once, not once a second.
#[derive(Default)]
struct Log {
    skipped: BTreeSet<String>,
    is_failing: bool,
}

impl Log {
    fn knows(&mut self, knowledge: &Knowledge) {
        let name = |skipped: &Skipped| format!("{}: {}", skipped.file, skipped.reason);
        for skipped in knowledge.skipped().iter().filter(|skipped| !self.skipped.contains(&name(skipped))) {
            tracing::warn!(file = skipped.file, reason = %skipped.reason, "a document was left out");
        }
        self.skipped = knowledge.skipped().iter().map(name).collect();
        if knowledge.document_count() == 0 {
            tracing::warn!("there is no document: no question will be answered");
        }
        let (documents, sections) = (knowledge.document_count(), knowledge.section_count());
        tracing::info!(documents, sections, "documents are read");
    }

    fn fails(&mut self, error: &CannotLoad) {
        if !std::mem::replace(&mut self.is_failing, true) {
            tracing::error!(%error, "the documents cannot be looked at; answers are from what was read before");
        }
    }

    fn works(&mut self) {
        if std::mem::take(&mut self.is_failing) {
            tracing::info!("the documents can be looked at again");
        }
    }
}
