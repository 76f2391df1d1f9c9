//! What the runner has begun, on disk before it is begun: a file for each command, a line for each fact, synced. A runner
//! that was killed reads there what it must ask about.
//!
//! Parameters stand in none of it: they may be secret.

mod entry;
mod folder;

use std::fs::File;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use super::work::{Ending, Work};

pub(super) use entry::{Fact, Handle, Phase, Replacement, Said};
pub(super) use folder::{Journal, Kept};

/// The file of one command while this process works on it.
pub(super) struct Trail {
    name: String,
    file: Arc<Mutex<File>>,
    journal: Journal,
}

impl Trail {
    /// Opens the file of a command that has just been leased, and says there what it is.
    pub(super) async fn begin(journal: &Journal, work: &Work) -> io::Result<Self> {
        let (name, file) = journal.create(&work.id, work.fence)?;
        let trail = Self { name, file: Arc::new(Mutex::new(file)), journal: journal.clone() };
        let taken = Fact::Taken {
            command: work.id.clone(),
            fence: work.fence,
            attempt: work.attempt,
            runbook: work.runbook.clone(),
            runbook_digest: work.runbook_digest.clone(),
            dry_run: work.dry_run,
        };
        trail.write(taken).await?;
        Ok(trail)
    }

    /// How the whole command ended; told by a later process if this one does not come to it.
    pub(super) async fn ended(&self, ending: &Ending) -> io::Result<()> {
        self.write(Fact::Ended { ending: ending.clone() }).await
    }

    /// Begins a step. When this returns, it is on disk that the step may have been begun.
    pub(super) async fn step(&self, phase: Phase, number: usize, kind: &str, name: &str) -> io::Result<StepTrail<'_>> {
        let mark = uuid::Uuid::now_v7().simple().to_string();
        let begun = Fact::Begun { phase, number, kind: kind.to_owned(), name: name.to_owned(), mark: mark.clone() };
        self.write(begun).await?;
        Ok(StepTrail { trail: self, mark })
    }

    /// A line, whole or not at all once it is read again: what has no end of line does not count.
    async fn write(&self, fact: Fact) -> io::Result<()> {
        let mut line = serde_json::to_vec(&fact).map_err(io::Error::other)?;
        line.push(b'\n');
        let file = Arc::clone(&self.file);
        let written = tokio::task::spawn_blocking(move || {
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            file.write_all(&line)?;
            file.sync_data()
        });
        written.await.map_err(io::Error::other)?
    }
}

impl Drop for Trail {
    /// The work has ended or was dropped with its lease: from now on the file is for whoever tells late results.
    fn drop(&mut self) {
        self.journal.let_go(&self.name);
    }
}

/// The part of a step.
pub(super) struct StepTrail<'a> {
    trail: &'a Trail,
    /// A word that nobody else uses: it stands in the environment of everything that the step starts.
    pub(super) mark: String,
}

impl StepTrail<'_> {
    /// How to ask about what the step works on.
    pub(super) async fn handle(&self, handle: Handle) -> io::Result<()> {
        self.trail.write(Fact::Handle { mark: self.mark.clone(), handle }).await
    }

    /// What became of the step.
    pub(super) async fn done(&self, said: Said) -> io::Result<()> {
        self.trail.write(Fact::Done { mark: self.mark.clone(), said }).await
    }
}
