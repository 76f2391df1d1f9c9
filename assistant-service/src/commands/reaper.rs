//! What time does to commands: approvals and schedules expire, leases are lost, silent and slow executions end.

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use super::book::{Commands, OPEN, readable};
use super::state::State;
use crate::backbone::BackboneError;
use crate::metrics::StateLabel;
use crate::problem::Problem;

const SWEEP_EVERY: Duration = Duration::from_secs(1);

impl Commands {
    /// Sweeps every second, for ever.
    pub async fn sweep_for_ever(&self) {
        loop {
            if let Err(error) = self.sweep().await {
                tracing::error!(%error, "commands could not be looked through");
                // While the store did not answer nobody could give a sign of life.
                self.time_seen.begin_anew();
            }
            tokio::time::sleep(SWEEP_EVERY).await;
        }
    }

    /// Takes every step that is due by now. What cannot be taken for one command keeps no other from its own; an error is the
    /// store's as a whole: it could not be read, had no room or did not answer. Read are those that are due, and a page of the
    /// round; of the others it is known what they are.
    pub async fn sweep(&self) -> Result<(), BackboneError> {
        let looked_at = self.clock.elapsed();
        let places = self.places().await?;
        self.look_on().await?;
        self.catch_up().await?;
        let (mut open, mut held, mut due) = (HashSet::new(), HashSet::new(), BTreeSet::new());
        self.known.each(|id, revision, brief| {
            open.insert(id.to_owned());
            if brief.command.state.is_held() {
                held.insert(id.to_owned());
            }
            if self.due_of(id, revision, brief).is_some() {
                due.insert(id.to_owned());
            }
        });
        self.take_back(&places, &held, looked_at).await;
        self.time_seen.keep(looked_at, |id| open.contains(id));
        let mut failed = None;
        for id in due {
            match self.take_due(&id).await {
                // Somebody gave a sign of life at the last moment; the next sweep looks again.
                Ok(()) | Err(Problem::Store(BackboneError::Conflict { .. })) => {}
                Err(Problem::Store(error)) => {
                    tracing::error!(%error, id, "a step that was due could not be kept");
                    if matches!(error, BackboneError::Unavailable(_) | BackboneError::Full) {
                        failed = Some(error);
                    }
                }
                Err(problem) => tracing::error!(?problem, id, "a step that was due could not be taken"),
            }
        }
        self.count_open();
        failed.map_or(Ok(()), Err)
    }

    /// Takes the step that is due for a command as it stands in the store, if one is.
    async fn take_due(&self, id: &str) -> Result<(), Problem> {
        // It has ended meanwhile, or cannot be read, which must not look as if the store did not answer.
        let Some(kept) = self.backbone.get(OPEN, id.to_owned()).await?.and_then(|entry| readable(&entry)) else {
            return Ok(());
        };
        self.sees_kept(&kept);
        if let Some(step) = self.due(&kept).map(|step| kept.record.or_again(step, self.now())) {
            self.advance(kept, vec![step], None).await?;
        }
        Ok(())
    }

    fn count_open(&self) {
        let mut counts = State::ALL.map(|state| (state, 0_i64));
        self.known.each(|_, _, brief| {
            for (counted, count) in &mut counts {
                *count = count.saturating_add(i64::from(*counted == brief.command.state));
            }
        });
        for (state, count) in counts.into_iter().filter(|(state, _)| !state.is_final()) {
            self.metrics.open_commands.get_or_create(&StateLabel { state: state.name() }).set(count);
        }
    }
}
