//! Readings of one device become batches: columns of one build and scene, the game's and the console's each for themselves,
//! so that neither is full of the other's gaps.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use diagnosis::Millis;
use diagnosis::batch::{Batch, MOST_METRICS, MOST_ROWS, MOST_TRAITS, Row};

use crate::reading::{Context, Input, Place, Reading};

/// Of all values of a batch, gaps included. As JSON a value takes 25 bytes at most, and a request has room for 1 MiB.
pub(crate) const MOST_CELLS: usize = 16_000;

/// A batch that nothing is added to any more.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Finished {
    pub(crate) batch: Batch,
    /// How far the game's file has been read when all of this batch is kept.
    pub(crate) place: Option<Place>,
}

/// Batches in the making.
#[derive(Debug)]
pub(crate) struct Batching {
    device: String,
    traits: BTreeMap<String, String>,
    own_traits: BTreeMap<String, String>,
    context: Context,
    game: Open,
    portal: Open,
    /// The time of the newest reading.
    newest: Option<Millis>,
}

impl Batching {
    /// Of this device; `own_traits` hold whatever the console says of itself.
    pub(crate) fn new(device: String, own_traits: BTreeMap<String, String>, context: Context) -> Self {
        let (game, portal) = (Open::default(), Open::default());
        Self { device, traits: own_traits.clone(), own_traits, context, game, portal, newest: None }
    }

    /// Takes what a source says; gives what is finished by that, in order.
    pub(crate) fn take(&mut self, input: Input) -> Vec<Finished> {
        let mut finished = Vec::new();
        match input {
            Input::Traits(traits) => {
                let mut all = self.own_traits.clone();
                for (name, value) in traits {
                    if all.len() < MOST_TRAITS || all.contains_key(&name) {
                        all.entry(name).or_insert(value);
                    }
                }
                if all != self.traits {
                    finished = self.finish();
                    self.traits = all;
                }
            }
            Input::Game { reading, context, place } => {
                if context != self.context {
                    finished = self.finish();
                    self.context = context;
                }
                for reading in bounded(reading) {
                    finished.extend(self.add(Source::Game, &reading));
                }
                if place.is_some() {
                    self.game.place = place;
                }
            }
            Input::Portal(reading) => {
                for reading in bounded(reading) {
                    finished.extend(self.add(Source::Portal, &reading));
                }
            }
        }
        finished
    }

    /// Ends all batches in the making.
    pub(crate) fn finish(&mut self) -> Vec<Finished> {
        [Source::Game, Source::Portal].into_iter().filter_map(|source| self.end(source)).collect()
    }

    /// Ends all batches in the making, and says with one of no rows that the session ends, so that nobody misses what comes no more.
    /// It has the newest time of both sources: the last batch of either may be older than what the other has said.
    pub(crate) fn end_session(&mut self) -> Vec<Finished> {
        let mut finished = self.finish();
        finished.extend(self.newest.map(|start| {
            let batch = Batch { ends: true, ..self.batch(start, Vec::new(), Vec::new()) };
            Finished { batch, place: None }
        }));
        finished
    }

    /// Whether nothing is in the making.
    pub(crate) fn is_empty(&self) -> bool {
        self.game.rows.is_empty() && self.portal.rows.is_empty()
    }

    fn open(&mut self, source: Source) -> &mut Open {
        match source {
            Source::Game => &mut self.game,
            Source::Portal => &mut self.portal,
        }
    }

    fn add(&mut self, source: Source, reading: &Reading) -> Option<Finished> {
        if reading.values.is_empty() {
            return None;
        }
        self.newest = self.newest.max(Some(reading.time));
        let finished = if self.open(source).has_room_for(reading) { None } else { self.end(source) };
        self.open(source).add(reading);
        finished
    }

    fn end(&mut self, source: Source) -> Option<Finished> {
        let open = self.open(source);
        if open.rows.is_empty() {
            return None;
        }
        let Open { metrics, rows, place, .. } = std::mem::take(open);
        let start = rows.iter().map(|(time, _)| *time).min().unwrap_or_default();
        let columns = metrics.len();
        let rows = rows.into_iter().map(|(time, values)| {
            let mut row = vec![None; columns];
            for (column, value) in values {
                if let Some(cell) = row.get_mut(column) {
                    *cell = Some(value);
                }
            }
            Row(u32::try_from(time.saturating_sub(start)).unwrap_or(u32::MAX), row)
        });
        let metrics = metrics.iter().map(|name| name.to_string()).collect();
        let batch = self.batch(start, metrics, rows.collect());
        Some(Finished { batch, place })
    }

    fn batch(&self, start: Millis, metrics: Vec<String>, rows: Vec<Row>) -> Batch {
        Batch {
            device: self.device.clone(),
            build: self.context.build.to_string(),
            scene: self.context.scene.to_string(),
            traits: self.traits.clone(),
            start,
            metrics,
            rows,
            ends: false,
        }
    }
}

#[derive(Clone, Copy)]
enum Source {
    Game,
    Portal,
}

#[derive(Debug, Default)]
struct Open {
    metrics: Vec<Arc<str>>,
    columns: HashMap<Arc<str>, usize>,
    /// In the order in which they came; of each the values that it has.
    rows: Vec<(Millis, Vec<(usize, f64)>)>,
    place: Option<Place>,
    earliest: Millis,
    latest: Millis,
}

impl Open {
    fn has_room_for(&self, reading: &Reading) -> bool {
        let fresh = reading.values.iter().filter(|(name, _)| !self.columns.contains_key(name)).count();
        let columns = self.metrics.len().saturating_add(fresh);
        let rows = self.rows.len().saturating_add(1);
        let span = self.latest.max(reading.time).saturating_sub(self.earliest.min(reading.time));
        self.rows.is_empty()
            || (columns <= MOST_METRICS
                && rows <= MOST_ROWS
                && rows.saturating_mul(columns) <= MOST_CELLS
                && u32::try_from(span).is_ok())
    }

    fn add(&mut self, reading: &Reading) {
        (self.earliest, self.latest) = match self.rows.is_empty() {
            true => (reading.time, reading.time),
            false => (self.earliest.min(reading.time), self.latest.max(reading.time)),
        };
        let values = reading.values.iter().map(|(name, value)| (self.column(name), *value)).collect();
        self.rows.push((reading.time, values));
    }

    fn column(&mut self, name: &Arc<str>) -> usize {
        if let Some(column) = self.columns.get(name) {
            return *column;
        }
        let column = self.metrics.len();
        self.metrics.push(Arc::clone(name));
        self.columns.insert(Arc::clone(name), column);
        column
    }
}

/// Readings of no more metrics than a batch may have, one with too many as several of the same time.
fn bounded(reading: Reading) -> Vec<Reading> {
    if reading.values.len() <= MOST_METRICS {
        return vec![reading];
    }
    let time = reading.time;
    reading.values.chunks(MOST_METRICS).map(|values| Reading { time, values: values.to_vec() }).collect()
}

#[cfg(test)]
mod tests;
