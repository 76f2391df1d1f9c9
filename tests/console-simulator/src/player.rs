//! Plays a device's batches: at the moment at which each row was measured, the portal or the game tells it.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use diagnosis::Millis;
use diagnosis::batch::{Batch, Row};
use serde_json::{Map, Value};
use telemetry_traces::frames::FRAME;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::game::{Lines, Output};
use crate::portal::{Console, Gauges};
use crate::{Played, Setup};

/// Sensors: no portal tells of them, but whoever measures the game's frames does.
const SENSORS: [&str; 3] = ["GPUFrequency", "GPUTemperature", "CPUTemperature"];

/// After so much of the trace without a word the console is off.
const OFF_AFTER: Millis = 5_000;

/// Plays a trace.
pub(crate) struct Player {
    console: Arc<Console>,
    speed: f64,
    /// What the trace shows when the console is switched on.
    from: Millis,
    history: Millis,
    began: Instant,
    began_at: Millis,
    said: (String, String),
    played: Played,
}

impl Player {
    pub(crate) fn new(console: Arc<Console>, setup: &Setup, from: Millis, began_at: Millis) -> Self {
        Self {
            console,
            speed: setup.speed.max(1e-3),
            from,
            history: Millis::try_from(setup.history.as_millis()).unwrap_or(Millis::MAX),
            began: Instant::now(),
            began_at,
            said: Default::default(),
            played: Played::default(),
        }
    }

    /// Plays it to its end, or until it is over.
    pub(crate) async fn play(
        mut self,
        batches: impl Iterator<Item = Batch> + Send,
        game: Output,
        mut is_over: watch::Receiver<bool>,
    ) -> Result<Played> {
        let (mut lines, mut heard) = (Lines::new(game), None);
        let from = self.from.saturating_sub(self.history);
        for batch in batches.filter(|batch| batch.newest() >= from) {
            if heard.is_some_and(|heard| batch.start.saturating_sub(heard) > OFF_AFTER) {
                self.console.tell(None);
            }
            tokio::select! {
                biased;
                _ = is_over.wait_for(|is_over| *is_over) => break,
                () = self.wait(batch.newest()) => {}
            }
            heard = Some(batch.newest());
            if let Some(firmware) = batch.traits.get("firmware") {
                self.console.install(firmware);
            }
            if batch.ends {
                self.console.tell(None);
                continue;
            }
            let told = if batch.metrics.first().is_some_and(|it| it == FRAME[0]) {
                self.frames(&batch)
            } else {
                self.gauges(&batch)
            };
            lines.write(&told).await?;
        }
        self.console.tell(None);
        Ok(self.played)
    }

    /// How long after the beginning, by the clock on the wall, the trace shows `at`; less than nothing for what was before.
    fn passed(&self, at: Millis) -> f64 {
        at.saturating_sub(self.from) as f64 / self.speed
    }

    /// What the clock on the wall shows then, in milliseconds since 1970.
    pub(crate) fn shown_at(&self, at: Millis) -> Millis {
        self.began_at.saturating_add(self.passed(at) as Millis)
    }

    async fn wait(&self, at: Millis) {
        let passed = Duration::try_from_secs_f64(self.passed(at) / 1000.0).unwrap_or_default();
        if let Some(then) = self.began.checked_add(passed) {
            sleep_until(then).await;
        }
    }

    /// Each row of a game's batch as a line.
    fn frames(&mut self, batch: &Batch) -> Vec<u8> {
        let rows = batch.rows.iter().map(|row| self.line(batch, row, |_| true));
        rows.collect::<Vec<_>>().concat()
    }

    /// Tells the portal a batch's last row, unless it is of the past, and the game the sensors of all.
    fn gauges(&mut self, batch: &Batch) -> Vec<u8> {
        if let Some(Row(_, values)) = batch.rows.last().filter(|_| batch.newest() >= self.from) {
            let named = batch.metrics.iter().cloned().zip(values);
            let gauges: Gauges = named.filter_map(|(name, value)| value.map(|value| (name, value))).collect();
            self.console.tell(Some(gauges));
            self.played.gauges = self.played.gauges.saturating_add(1);
        }
        let rows = batch.rows.iter().map(|row| self.line(batch, row, |name| SENSORS.contains(&name)));
        rows.collect::<Vec<_>>().concat()
    }

    fn line(&mut self, batch: &Batch, Row(offset, values): &Row, is_told: impl Fn(&str) -> bool) -> Vec<u8> {
        let at = self.shown_at(batch.start.saturating_add(Millis::from(*offset)));
        let named = batch.metrics.iter().zip(values).filter(|(name, _)| is_told(name));
        let metrics: Map<String, Value> =
            named.filter_map(|(name, value)| value.map(|value| (name.clone(), value.into()))).collect();
        self.played.lines = self.played.lines.saturating_add(1);
        self.played.values = self.played.values.saturating_add(metrics.len() as u64);
        let mut line = Map::from_iter([("time".to_owned(), at.into())]);
        // The build and the scene only when they change.
        for (name, now, said) in [("build", &batch.build, &mut self.said.0), ("scene", &batch.scene, &mut self.said.1)]
        {
            if now != said {
                said.clone_from(now);
                line.insert(name.to_owned(), now.as_str().into());
            }
        }
        line.insert("metrics".to_owned(), metrics.into());
        let mut line = Value::from(line).to_string().into_bytes();
        line.push(b'\n');
        line
    }
}

/// The clock on the wall, in milliseconds since 1970.
pub(crate) fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis::try_from(since.as_millis()).unwrap_or(Millis::MAX)
}
