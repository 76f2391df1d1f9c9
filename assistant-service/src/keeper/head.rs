//! `/trust/head`, once a second and after every change: the gate believes nothing of the trust directory without it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval};
use trust_core::trust_head::{TRUST_HEAD_FILE, TrustHead};

use super::complaint::Complaint;
use super::heard::Heard;
use super::key_sets::KeySets;
use super::metrics::Metrics;
use super::revoked::Revoked;
use super::trust_folder::{Durability, Readers, TrustFolder};
use super::wall::now;
use crate::clock::Clock;

const EVERY: Duration = Duration::from_secs(1);
/// So long nobody complains of a service that was not heard yet.
const BEATS_TO_BEGIN: u32 = 3;
const MAX_HEAD_BYTES: u64 = 1024 * 1024;
/// So often ages are written down, and with the first beat whose each file is.
const AGES_EVERY: u32 = 60;

/// The head that another keeper, or this one before it was ended, has left.
pub(super) fn left_behind(trust: &TrustFolder) -> TrustHead {
    let read = trust.read(TRUST_HEAD_FILE, MAX_HEAD_BYTES).ok().flatten();
    read.and_then(|bytes| TrustHead::from_json(&bytes).ok()).unwrap_or_default()
}

/// What a head is made of.
pub(super) struct HeadWriter {
    pub(super) trust: TrustFolder,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) host: Option<String>,
    pub(super) key_sets: Arc<KeySets>,
    /// Where there is a service, what it has revoked, and when it was last heard.
    pub(super) service: Option<(Arc<Revoked>, Arc<Heard>)>,
    pub(super) sequence: u64,
    pub(super) metrics: Arc<Metrics>,
}

impl HeadWriter {
    /// Writes heads for ever. A disk that takes none leaves the last one to grow old, and gates deny by themselves.
    pub(super) async fn run(mut self, changed: Arc<Notify>) {
        let mut beat = interval(EVERY);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut complaint = Complaint::new("the head cannot be written; gates deny until it can");
        let mut silence = Complaint::new("nothing is heard of the service; the head is not renewed, and gates deny");
        let mut ages = Complaint::new("ages of keys cannot be written down");
        let mut beats: u32 = 0;
        loop {
            tokio::select! {
                _ = beat.tick() => beats = beats.wrapping_add(1),
                () = changed.notified() => {}
            }
            // The disk may keep whoever asks it waiting.
            let written = tokio::task::spawn_blocking(move || {
                let written = self.write();
                let saved = if beats % AGES_EVERY == 1 { self.key_sets.save_ages() } else { Ok(()) };
                (self, written, saved)
            });
            let Ok((back, written, saved)) = written.await else { return };
            self = back;
            let is_withheld = matches!(written, Ok(Written::Withheld)) && beats > BEATS_TO_BEGIN;
            silence.about(if is_withheld { Err("too long silent") } else { Ok(()) });
            complaint.about(written);
            ages.about(saved);
        }
    }

    fn write(&mut self) -> io::Result<Written> {
        for issuer in self.key_sets.expire()? {
            tracing::error!(issuer, "nobody has confirmed this issuer's keys for too long; they are removed");
        }
        let mut revocations = None;
        if let Some((revoked, heard)) = &self.service {
            if !heard.is_recent() {
                return Ok(Written::Withheld);
            }
            revocations = revoked.number();
            revoked.remove_old_tables();
        }
        let time = now(&*self.clock);
        self.sequence = self.sequence.saturating_add(1).max(time);
        let head = TrustHead {
            sequence: self.sequence,
            time,
            host: self.host.clone(),
            revocations,
            key_sets: self.key_sets.began(),
        };
        self.trust.write(TRUST_HEAD_FILE, head.to_json().as_bytes(), Readers::Everyone, Durability::Fleeting)?;
        if let Some((revoked, _)) = &self.service {
            revoked.named_in_head(revocations);
        }
        self.metrics.said(&head);
        Ok(Written::Renewed)
    }
}

enum Written {
    Renewed,
    /// What the head would say may be wrong.
    Withheld,
}
