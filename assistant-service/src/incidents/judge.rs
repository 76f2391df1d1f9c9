//! The engine, on a thread of its own: samples are judged by the thousand, and whoever waits for an answer must not wait for that.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc;

use diagnosis::engine::{Engine, InvalidParked};
use diagnosis::incident::{Incident, IncidentState};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::interrupted::Interrupted;
use super::silence::Silenced;

/// What one look at a checkpoint copies: the engine judges nothing meanwhile.
const BYTES_PER_LOOK: usize = 1024 * 1024;

/// What the thread knows.
#[derive(Default)]
pub(super) struct Judged {
    pub(super) engine: Engine,
    silences: BTreeMap<String, Silenced>,
    /// Devices of the checkpoint under way that are not copied yet. Each is copied before it hears more.
    uncopied: BTreeSet<String>,
    copied: Vec<(String, Vec<u8>)>,
}

/// All but the series, as it is kept.
#[derive(Serialize, Deserialize)]
struct Written {
    /// As JSON: their form leaves out what is not there.
    silences: String,
    book: Vec<u8>,
}

impl Judged {
    fn with_silences(silences: Vec<Silenced>) -> Self {
        let mut judged = Self::default();
        silences.into_iter().for_each(|silenced| judged.silence(silenced));
        judged
    }

    /// Without a checkpoint; with earlier incidents, oldest first.
    pub(super) fn anew(silences: Vec<Silenced>, earlier: &[Incident]) -> Self {
        let mut judged = Self::with_silences(silences);
        judged.engine.remember(earlier.iter().filter(|incident| incident.state == IncidentState::Resolved));
        judged
    }

    /// What a checkpoint said.
    pub(super) fn restored(bytes: &[u8]) -> Result<Self, Interrupted> {
        let Written { silences, book } = postcard::from_bytes(bytes).map_err(InvalidParked::from)?;
        let mut judged = Self::with_silences(serde_json::from_str(&silences)?);
        judged.engine.restore(&book)?;
        Ok(judged)
    }

    pub(super) fn silence(&mut self, silenced: Silenced) {
        self.silences.retain(|_, other| other.silence.until > silenced.created_at);
        self.silences.insert(silenced.id.clone(), silenced);
        self.tell_silences();
    }

    pub(super) fn unsilence(&mut self, id: &str) {
        self.silences.remove(id);
        self.tell_silences();
    }

    fn tell_silences(&mut self) {
        self.engine.silence(self.silences.values().map(|silenced| silenced.silence.clone()).collect());
    }

    /// Begins a checkpoint: of all that is known now. Gives all but the series.
    pub(super) fn begin_checkpoint(&mut self) -> Result<Vec<u8>, Interrupted> {
        self.uncopied = self.engine.changed_devices().into_iter().collect();
        self.copied.clear();
        let silences = serde_json::to_string(&self.silences.values().collect::<Vec<_>>())?;
        let written = Written { silences, book: self.engine.save_book()? };
        Ok(postcard::to_allocvec(&written).map_err(InvalidParked::from)?)
    }

    /// A device is about to hear more than its checkpoint says.
    pub(super) fn copy_before(&mut self, device: &str) -> Result<(), InvalidParked> {
        if self.uncopied.remove(device)
            && let Some(bytes) = self.engine.copy(device)?
        {
            self.copied.push((device.to_owned(), bytes));
        }
        Ok(())
    }

    /// Some of the devices of the checkpoint under way; none when that is all.
    pub(super) fn copies(&mut self) -> Result<Vec<(String, Vec<u8>)>, InvalidParked> {
        let mut bytes: usize = self.copied.iter().map(|(_, bytes)| bytes.len()).sum();
        while bytes < BYTES_PER_LOOK
            && let Some(device) = self.uncopied.first().cloned()
        {
            self.copy_before(&device)?;
            bytes = bytes.saturating_add(self.copied.last().map_or(0, |(_, bytes)| bytes.len()));
        }
        Ok(std::mem::take(&mut self.copied))
    }

    /// Takes those out of memory that have not been heard for long and of which all is kept. Gives their names.
    pub(super) fn park_idle(&mut self, now: diagnosis::Millis) -> Result<Vec<String>, InvalidParked> {
        let changed: BTreeSet<String> = self.engine.changed_devices().into_iter().collect();
        let idle: Vec<String> =
            self.engine.idle_devices(now).into_iter().filter(|name| !changed.contains(name)).collect();
        for device in &idle {
            self.engine.park(device)?;
        }
        Ok(idle)
    }
}

type Work = Box<dyn FnOnce(&mut Judged) + Send>;

/// Has work done by the thread, which ends with this.
pub(super) struct Judge(mpsc::SyncSender<Work>);

impl Judge {
    pub(super) fn start(mut judged: Judged) -> Result<Self, Interrupted> {
        // Whoever gives work waits for what comes of it, so there is never more than one.
        let (works, waiting) = mpsc::sync_channel::<Work>(1);
        let judging = move || waiting.into_iter().for_each(|work| work(&mut judged));
        std::thread::Builder::new().name("diagnosis".to_owned()).spawn(judging)?;
        Ok(Self(works))
    }

    /// Does one piece of work, after those before it.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Judged) -> T + Send + 'static,
    ) -> Result<T, Interrupted> {
        let (answer, answered) = oneshot::channel();
        let work = Box::new(move |judged: &mut Judged| {
            // Nobody may wait for it any more.
            let _ = answer.send(work(judged));
        });
        self.0.try_send(work).map_err(|_| Interrupted::Ended)?;
        answered.await.map_err(|_| Interrupted::Ended)
    }
}
