//! Records between whoever reads the log and whoever applies it: few enough, and of few enough bytes, for a replica that makes its store
//! anew from large records, or whose disk takes nothing for a while.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::follower::Arrived;

/// Records that may wait to be applied.
const RECORDS: usize = 32;

/// Bytes of the records that wait and of those that are being applied. What is read out of the latter takes about as much again.
const BYTES: u32 = 32 * 1024 * 1024;

/// The side that hands over.
pub(super) struct Handing {
    records: mpsc::Sender<Arrived>,
    room: Arc<Semaphore>,
}

/// What a record takes of the room; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Room {
    _permit: OwnedSemaphorePermit,
}

/// Nobody applies records any more.
#[derive(Debug)]
pub(super) struct Gone;

/// Both sides.
pub(super) fn channel() -> (Handing, mpsc::Receiver<Arrived>) {
    let (records, waiting) = mpsc::channel(RECORDS);
    (Handing { records, room: Arc::new(Semaphore::new(usize::try_from(BYTES).unwrap_or(usize::MAX))) }, waiting)
}

impl Handing {
    /// Waits until there is room for so many bytes. A record that is larger than all of it gets all of it.
    pub(super) async fn room_for(&self, bytes: usize) -> Result<Room, Gone> {
        let bytes = u32::try_from(bytes).unwrap_or(BYTES).min(BYTES);
        let room = Arc::clone(&self.room).acquire_many_owned(bytes);
        tokio::select! {
            biased;
            () = self.records.closed() => Err(Gone),
            permit = room => permit.map(|permit| Room { _permit: permit }).map_err(|_| Gone),
        }
    }

    /// Hands a record over.
    pub(super) async fn hand_over(&self, record: Arrived) -> Result<(), Gone> {
        self.records.send(record).await.map_err(|_| Gone)
    }
}
