//! What time does to commands: approvals and schedules expire, leases are lost, silent and slow executions end.

use std::collections::HashSet;
use std::time::Duration;

use super::book::Commands;
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
    /// store's as a whole: it could not be read, had no room or did not answer.
    pub async fn sweep(&self) -> Result<(), BackboneError> {
        let mut counts = State::ALL.map(|state| (state, 0_i64));
        let looked_at = self.clock.elapsed();
        let places = self.places().await?;
        let newest = self.newest_revision();
        let open = self.open().await?;
        self.take_back(&places, &open, looked_at).await;
        let ids: HashSet<&str> = open.iter().map(|kept| kept.record.command.id.as_str()).collect();
        self.known.keep(newest, |id| ids.contains(id));
        self.time_seen.keep(looked_at, ids);
        let mut failed = None;
        for kept in open {
            let id = kept.record.command.id.clone();
            let mut state = kept.record.command.state;
            if let Some(step) = self.due(&kept).map(|step| kept.record.or_again(step, self.now())) {
                match self.advance(kept, vec![step], None).await {
                    Ok(kept) => state = kept.record.command.state,
                    // Somebody gave a sign of life at the last moment; the next sweep looks again.
                    Err(Problem::Store(BackboneError::Conflict { .. })) => {}
                    Err(Problem::Store(error)) => {
                        tracing::error!(%error, id, "a step that was due could not be kept");
                        if matches!(error, BackboneError::Unavailable(_) | BackboneError::Full) {
                            failed = Some(error);
                        }
                    }
                    Err(problem) => tracing::error!(?problem, id, "a step that was due could not be taken"),
                }
            }
            for (counted, count) in &mut counts {
                *count = count.saturating_add(i64::from(*counted == state));
            }
        }
        for (state, count) in counts.into_iter().filter(|(state, _)| !state.is_final()) {
            self.metrics.open_commands.get_or_create(&StateLabel { state: state.name() }).set(count);
        }
        failed.map_or(Ok(()), Err)
    }
}
