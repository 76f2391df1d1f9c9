//! One device: what it is, what it runs, how often it tells, and whether it is missed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::believed;
use crate::Millis;
use crate::batch::Batch;
use crate::rhythm::Rhythm;
use crate::series::LATEST_MS;

/// A device that was heard within this time counts among the others.
const HEARD_MS: Millis = 10 * 60_000;

/// So many batches that contradict what is known, and are older than samples may be late, are a clock that was set back.
const SET_BACK: u8 = 20;

/// Who was heard for this long, in so many batches, is missed when nothing more comes.
const STEADY_MS: Millis = 60_000;
const STEADY_BATCHES: u32 = 20;

/// Missed after this long, or after what its own rhythm says: samples count that are a minute late, so a silence must be longer.
const SILENT_AFTER_MS: Millis = 60_000;

/// What is known of a device.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Device {
    pub(crate) traits: BTreeMap<String, String>,
    pub(crate) build: String,
    pub(crate) scene: String,
    /// Since when it runs this build; `None` as long as it has not run another.
    pub(crate) build_since: Option<Millis>,
    /// When its newest sample was taken, by its own clock as far as that is believed.
    pub(crate) newest: Millis,
    /// When what it says of itself was said first: what contradicts it and is older says nothing of the present.
    described_at: Millis,
    contradicted: u8,
    /// When it was heard last, by the clock of those who listen.
    pub(crate) heard_at: Millis,
    /// Since when it is heard without a silence.
    steady_since: Millis,
    batches: u32,
    rhythm: Rhythm,
    has_ended: bool,
    pub(crate) is_silent: bool,
    /// Which of all batches was its newest.
    pub(super) number: u64,
    /// How many series it has, while it is heard: those of devices that are not may be kept elsewhere.
    pub(super) series: usize,
    /// There was no room for its series: what is kept of them elsewhere is of no use any more.
    pub(super) is_forgotten: bool,
}

impl Device {
    /// Hears a batch: when its newest sample was taken as far as that is believed, and when it came. Whether the device is back after a silence.
    pub(super) fn hear(&mut self, batch: &Batch, newest: Millis, heard_at: Millis) -> bool {
        let (has_ended, is_late) = (self.has_ended, newest < self.newest);
        self.describe(batch, newest);
        self.pass(newest, batch.ends);
        let is_back = std::mem::take(&mut self.is_silent);
        let wait = heard_at.saturating_sub(self.heard_at);
        if is_back || self.batches == 0 || has_ended {
            self.begin(heard_at, Rhythm::default());
        } else if wait > SILENT_AFTER_MS && !self.is_steady() && self.rhythm.is_accident(wait) {
            // A silence, of a device that was not yet known well enough to be missed.
            self.begin(heard_at, Rhythm::begun_after(wait));
        } else if !is_late {
            // One that its way has held back says how late it is, not how often the device tells.
            self.rhythm.take(wait);
        }
        self.batches = self.batches.saturating_add(1);
        self.heard_at = heard_at;
        is_back
    }

    /// Whether it falls silent now, and when it was missed.
    pub(super) fn miss(&mut self, now: Millis) -> Option<Millis> {
        let missed_at = self.heard_at.saturating_add(self.patience(SILENT_AFTER_MS));
        let is_missed = now >= missed_at && self.is_steady() && !self.has_ended && !self.is_silent;
        self.is_silent |= is_missed;
        is_missed.then_some(missed_at)
    }

    /// Nobody listened until `now`, which may be earlier than when it was heard.
    pub(super) fn resume(&mut self, now: Millis) {
        let heard_for = self.heard_at.saturating_sub(self.steady_since);
        (self.steady_since, self.heard_at) = (now.saturating_sub(heard_for), now);
        self.newest = believed(self.newest, now);
        self.described_at = believed(self.described_at, now);
        self.build_since = self.build_since.map(|since| believed(since, now));
    }

    /// Takes what a batch says of the device itself; `newest` is when it did. What a batch leaves out it says nothing of: beside one source
    /// that knows the build there may be another that does not.
    fn describe(&mut self, batch: &Batch, newest: Millis) {
        let is_other = |said: &str, known: &str| !said.is_empty() && said != known;
        let has_other_build = is_other(&batch.build, &self.build);
        let has_other_traits = !batch.traits.is_empty() && batch.traits != self.traits;
        if !has_other_build && !is_other(&batch.scene, &self.scene) && !has_other_traits {
            if !batch.build.is_empty() || !batch.scene.is_empty() {
                self.contradicted = 0;
            }
            return;
        }
        if self.batches > 0 && newest < self.described_at {
            if self.described_at.saturating_sub(newest) > LATEST_MS {
                self.contradicted = self.contradicted.saturating_add(1);
            }
            if self.contradicted < SET_BACK {
                return;
            }
        }
        (self.described_at, self.contradicted) = (newest, 0);
        if has_other_build {
            self.build_since = (self.batches > 0).then_some(batch.start.min(newest));
            self.build.clone_from(&batch.build);
        }
        if !batch.scene.is_empty() {
            self.scene.clone_from(&batch.scene);
        }
        if has_other_traits {
            self.traits.clone_from(&batch.traits);
        }
    }

    /// Takes when its newest sample was taken, and whether its session ends. What is older by more than samples may be late comes by another
    /// clock, or by one that was set back, and is of the present like any other.
    fn pass(&mut self, newest: Millis, ends: bool) {
        let behind = self.newest.saturating_sub(newest);
        if self.batches == 0 || behind <= 0 || behind > LATEST_MS {
            (self.newest, self.has_ended) = (newest, ends);
        }
    }

    /// How long it may be unheard and still be there: devices that tell every five minutes are waited for longer.
    pub(super) fn patience(&self, usual: Millis) -> Millis {
        usual.max(self.rhythm.patience())
    }

    /// It is heard from here on as if for the first time.
    fn begin(&mut self, heard_at: Millis, rhythm: Rhythm) {
        (self.steady_since, self.batches, self.rhythm) = (heard_at, 0, rhythm);
    }

    /// Whether it has been heard for long enough to be missed.
    fn is_steady(&self) -> bool {
        self.batches >= STEADY_BATCHES && self.heard_at.saturating_sub(self.steady_since) >= STEADY_MS
    }

    /// Whether it was heard in the last ten minutes, or for as long as it is waited for.
    pub(crate) fn is_heard(&self, now: Millis) -> bool {
        now.saturating_sub(self.heard_at) < self.patience(HEARD_MS)
    }

    /// How long one of its series may be without samples while others go on.
    pub(crate) fn leaves_after(&self, usual: Millis) -> Millis {
        self.patience(usual)
    }

    /// Whether its session ended in order.
    pub(crate) fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// How many batches a second it has told of late.
    pub(crate) fn rate(&self) -> f64 {
        let seconds = self.heard_at.saturating_sub(self.steady_since).max(1) as f64 / 1000.0;
        f64::from(self.batches) / seconds
    }
}
