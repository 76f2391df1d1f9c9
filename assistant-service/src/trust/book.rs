//! The book itself: what is committed, in memory. Everything that changes it takes its turn, so that whoever has seen a
//! revision has seen all before it.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use tokio::sync::{Mutex, watch};
use trust_core::gate_key::GateKeys;
use zeroize::Zeroizing;

use super::hearing::Hearing;
use super::key_sets::KeySet;
use crate::backbone::{Backbone, BackboneError, Batch, Committed, NewEvent, Put, Revision};
use crate::clock::Clock;
use crate::gate::Caller;
use crate::metrics::Metrics;
use crate::problem::Problem;
use crate::revocations::{Index, Names};

/// Revocations, by the digest of what they name.
pub(super) const REVOCATIONS: &str = "revocations";

/// Everything else of this book.
pub(super) const TRUST: &str = "trust";

/// How long streams and long polls go on that nobody could end by a revocation, because it would not be heard of here.
const STREAMS_GO_ON: Duration = Duration::from_secs(10);

/// All that is trusted, and all that is not any more.
pub struct TrustBook {
    pub(super) backbone: Arc<dyn Backbone>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) keep_seconds: u64,
    /// Which store the revisions are of: those of another one mean nothing here.
    pub(super) store: String,
    content: RwLock<Content>,
    /// One change at a time, from the look at the book to the commit and back into the book.
    pub(super) turn: Mutex<Followed>,
    newest: watch::Sender<Revision>,
    pub(super) hearing: Hearing,
}

/// How far the store's changes have been taken over.
pub(super) struct Followed {
    pub(super) up_to: Revision,
}

/// Why somebody who was let in must not stay.
pub(crate) enum Distrust {
    /// His own token is revoked.
    Revoked,
    /// It may be, for all that is known here.
    CutOff,
}

/// What the book holds.
#[derive(Default)]
pub(super) struct Content {
    pub(super) revocations: Index,
    pub(super) key_sets: BTreeMap<String, Revised<KeySet>>,
    pub(super) gate_keys: Option<Revised<StoredGateKeys>>,
}

/// Something and its version in the store.
#[derive(Clone)]
pub(super) struct Revised<T> {
    pub(super) value: T,
    pub(super) revision: Revision,
}

/// The gates' keys, as `gate.key` holds them.
#[derive(Clone)]
pub(super) struct StoredGateKeys {
    pub(super) json: Zeroizing<String>,
    pub(super) current_kid: String,
}

impl From<&GateKeys> for StoredGateKeys {
    fn from(keys: &GateKeys) -> Self {
        Self { json: keys.to_json(), current_kid: keys.current_kid().to_owned() }
    }
}

impl TrustBook {
    pub(super) fn new(
        (backbone, clock, metrics): (Arc<dyn Backbone>, Arc<dyn Clock>, Arc<Metrics>),
        keep_seconds: u64,
        store: String,
        (content, newest, up_to): (Content, Revision, Revision),
    ) -> Self {
        let (content, turn, newest) =
            (RwLock::new(content), Mutex::new(Followed { up_to }), watch::Sender::new(newest));
        Self { backbone, clock, metrics, keep_seconds, store, content, turn, newest, hearing: Hearing::default() }
    }

    /// How long a revocation is kept whose tokens do not say when they end.
    pub(crate) fn keep_seconds(&self) -> u64 {
        self.keep_seconds
    }

    /// Whether a token of these names is revoked.
    pub(crate) fn revokes(&self, names: &Names) -> bool {
        self.read().revocations.revokes(names)
    }

    /// Returns when the caller must not stay any longer.
    pub(crate) async fn until_distrusted(&self, caller: &Caller) -> Distrust {
        tokio::select! {
            () = self.until_revoked(caller) => Distrust::Revoked,
            () = self.hearing.until_cut_off(STREAMS_GO_ON) => Distrust::CutOff,
        }
    }

    async fn until_revoked(&self, caller: &Caller) {
        let mut newest = self.newest.subscribe();
        loop {
            // Marked as seen before the look, so that what comes between the two is looked at again.
            newest.mark_unchanged();
            if self.revokes(caller.names()) {
                return;
            }
            // The sender is a part of `self`, so it is there.
            let _ = newest.changed().await;
        }
    }

    /// The newest revision, as it grows.
    pub(super) fn subscribe(&self) -> watch::Receiver<Revision> {
        self.newest.subscribe()
    }

    pub(super) fn read(&self) -> RwLockReadGuard<'_, Content> {
        self.content.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Content> {
        self.content.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes one entry durable, together with its event. To be called by whoever has the turn.
    pub(super) async fn commit(&self, put: Put, event: Option<NewEvent>) -> Result<Revision, BackboneError> {
        self.commit_all(Batch { events: event.into_iter().collect(), puts: vec![put] }).await
    }

    /// Makes all of it durable, and says the revision of its first entry. To be called by whoever has the turn.
    pub(super) async fn commit_all(&self, batch: Batch) -> Result<Revision, BackboneError> {
        let Committed { revisions, .. } = self.backbone.commit(batch).await?;
        let nothing = || BackboneError::Unavailable("the store did not say what an entry's revision is".to_owned());
        revisions.first().copied().ok_or_else(nothing)
    }

    /// Takes over what is in the store, and tells those who wait for a revocation.
    pub(super) fn take_over<T>(&self, change: impl FnOnce(&mut Content) -> T) -> T {
        let mut content = self.write();
        let changed = change(&mut content);
        self.metrics.revocations_kept.set(i64::try_from(content.revocations.len()).unwrap_or(i64::MAX));
        drop(content);
        self.newest.send_modify(|_| {});
        changed
    }

    /// Takes over what this replica has just committed, and then all that others have committed before it. The change holds in
    /// any case; keepers hear of it when nothing before it is missing.
    pub(super) async fn take_over_own(&self, turn: &mut Followed, change: impl FnOnce(&mut Content)) {
        self.take_over(change);
        if let Err(error) = self.catch_up(turn).await {
            tracing::warn!(%error, "keepers hear of a change later, when the store answers again");
        }
    }

    /// Tells those who follow the book how far it has come.
    pub(super) fn tell(&self, revision: Revision) {
        self.newest.send_if_modified(|newest| std::mem::replace(newest, revision.max(*newest)) < revision);
    }
}

/// Does what changes the book to its end, also when whoever asked for it goes away: the store and the book must not differ.
pub(crate) async fn to_its_end<T: Send + 'static>(
    change: impl Future<Output = Result<T, Problem>> + Send + 'static,
) -> Result<T, Problem> {
    tokio::spawn(change).await.map_err(Problem::internal)?
}
