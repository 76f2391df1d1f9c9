//! What a handler says while it works, and what it is told.

use std::future::pending;
use std::sync::Arc;

use tokio::sync::watch;

use crate::output::Output;
use crate::wire::{Phase, ProgressReport, Said};

/// Says how far a command has come, and hears whether it is to stop. Clones speak of the same command.
#[derive(Clone, Debug)]
pub struct Progress {
    said: watch::Sender<Said>,
    output: Arc<Output>,
    stop: watch::Receiver<bool>,
}

impl Progress {
    pub(crate) fn new(said: watch::Sender<Said>, output: Arc<Output>, stop: watch::Receiver<bool>) -> Self {
        Self { said, output, stop }
    }

    /// `percent` from 0 to 100, and a line for whoever watches, of which the first 1,000 bytes are kept. The newest goes
    /// out with the next heartbeat, or at once when none has gone out for a second.
    pub fn report(&self, percent: u8, line: impl Into<String>) {
        let report = ProgressReport::new(percent, line.into());
        self.said.send_modify(|said| said.progress = Some(report));
    }

    /// More of what the command writes, as it comes; whoever watches gets it within a second. The first MiB of a command
    /// is kept, and a last line says that there was more.
    pub fn output(&self, text: &str) {
        self.output.push(text);
    }

    /// The runbook's steps are done; from now on it is looked whether they worked. The time that the command may take
    /// begins anew.
    pub fn verifying(&self) {
        self.enter(Phase::Verifying);
    }

    /// From now on what was done is undone. The time that the command may take begins anew.
    pub fn rolling_back(&self) {
        self.enter(Phase::RollingBack);
    }

    /// Waits until somebody asks that the command be stopped: for ever when nobody does. Whoever hears it stops, undoes
    /// what can be undone, and ends as [`Outcome::Canceled`](crate::Outcome::Canceled).
    pub async fn stop_asked(&self) {
        if self.stop.clone().wait_for(|is_asked| *is_asked).await.is_err() {
            // The command is over: nobody can ask any more.
            pending::<()>().await;
        }
    }

    fn enter(&self, phase: Phase) {
        self.said.send_if_modified(|said| {
            let is_later = said.phase < Some(phase);
            if is_later {
                said.phase = Some(phase);
            }
            is_later
        });
    }
}
