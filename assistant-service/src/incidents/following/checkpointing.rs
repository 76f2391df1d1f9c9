//! Writes down what the engine knows, a little at a time: the devices that have heard anything since the last checkpoint, the book, and at
//! last the place, which says that it holds. What the engine hears meanwhile is not a part of it.

use std::collections::VecDeque;

use super::{BOOK, CHECKPOINT_EVERY, Follower, MOST_SAID, SERIES};
use crate::backbone::Put;
use crate::clock::millis;
use crate::incidents::interrupted::Interrupted;
use crate::incidents::kept_bytes::{KeptBytes, PieceToWrite};
use crate::incidents::place::Head;

/// Pieces of one commit.
const BYTES_PER_COMMIT: usize = 512 * 1024;
const PIECES_PER_COMMIT: usize = 512;

/// How long it is remembered what was usual for a device that is heard no more.
const SERIES_KEPT_FOR: time::Duration = time::Duration::days(30);

/// A checkpoint that is being written.
pub(super) struct Writing {
    head: Head,
    /// How much the clock had said: the rest belongs to the next checkpoint.
    said: usize,
    /// `None` as soon as it is among the pieces.
    book: Option<Vec<u8>>,
    pieces: VecDeque<PieceToWrite>,
    /// Devices that it has forgotten.
    forgotten: Vec<String>,
}

impl Follower {
    pub(in crate::incidents) async fn checkpoint_if_due(&mut self) -> Result<(), Interrupted> {
        let elapsed = self.state.clock.elapsed();
        let is_news = self.looked > self.place.place.checkpoint.position || !self.place.place.said.is_empty();
        if is_news && self.writing.is_none() && elapsed >= self.checkpoint_due_at {
            self.checkpoint_due_at = elapsed.saturating_add(CHECKPOINT_EVERY);
            self.begin_checkpoint().await?;
        }
        Ok(())
    }

    /// Begins one of all that was heard so far.
    pub(in crate::incidents) async fn begin_checkpoint(&mut self) -> Result<(), Interrupted> {
        let number = self.place.place.checkpoint.number.saturating_add(1);
        let Head { since, .. } = self.place.place.checkpoint;
        let head = Head { number, position: self.looked, heard: self.place.place.heard, since };
        let book = self.judge.run(crate::incidents::judge::Judged::begin_checkpoint).await??;
        let (said, pieces) = (self.place.place.said.len(), VecDeque::new());
        let forgotten = std::mem::take(&mut self.forgotten).into_iter().collect();
        let forgotten = self.not_in_memory(forgotten).await?;
        // One that is back by now is a part of it; what is left to delete expires.
        self.unneeded.clear();
        self.writing = Some(Writing { head, said, book: Some(book), pieces, forgotten });
        Ok(())
    }

    /// Begins the first one after all was begun anew. One number is left out: whoever was cut off may have written series under it.
    pub(super) async fn begin_checkpoint_anew(&mut self) -> Result<(), Interrupted> {
        self.begin_checkpoint().await?;
        if let Some(Writing { head, .. }) = &mut self.writing {
            head.number = head.number.saturating_add(1);
            head.since = head.number;
        }
        Ok(())
    }

    /// Writes one from its beginning to its end.
    pub(super) async fn write_checkpoint(&mut self) -> Result<(), Interrupted> {
        self.begin_checkpoint().await?;
        while self.write_some().await? {}
        Ok(())
    }

    /// Makes room for what the clock says: what it has said so far becomes a part of a checkpoint.
    pub(super) async fn make_room_for_said(&mut self) -> Result<(), Interrupted> {
        while self.write_some().await? {}
        if self.place.place.said.len() >= MOST_SAID { self.write_checkpoint().await } else { Ok(()) }
    }

    /// Writes as much as goes into one commit. Says whether there is more to be written.
    pub(in crate::incidents) async fn write_some(&mut self) -> Result<bool, Interrupted> {
        let Some(mut writing) = self.writing.take() else { return self.delete_some().await };
        if writing.pieces.is_empty() {
            self.add_copies(&mut writing).await?;
        }
        if writing.pieces.is_empty() {
            self.finish(writing).await?;
            return Ok(!self.unneeded.is_empty());
        }
        let (mut bytes, mut pieces) = (0_usize, Vec::new());
        while bytes < BYTES_PER_COMMIT
            && pieces.len() < PIECES_PER_COMMIT
            && let Some(piece) = writing.pieces.pop_front()
        {
            bytes = bytes.saturating_add(piece.put.value.as_ref().map_or(0, Vec::len));
            pieces.push(piece);
        }
        let puts: Vec<Put> = pieces.iter().map(|piece| piece.put.clone()).collect();
        let revisions = self.write(Vec::new(), puts).await?;
        for (piece, revision) in pieces.iter().zip(revisions) {
            let kept =
                if piece.put.bucket == BOOK { Some(&mut self.kept_book) } else { self.kept.get_mut(&piece.name) };
            if let Some(kept) = kept {
                kept.wrote(piece, writing.head.number, revision);
            }
        }
        self.writing = Some(writing);
        Ok(true)
    }

    /// The pieces of further devices, and after all of them those of the book.
    async fn add_copies(&mut self, writing: &mut Writing) -> Result<(), Interrupted> {
        let (written, number) = (self.place.place.checkpoint.written(), writing.head.number);
        let held = *written.end();
        let expires_at = Some(self.state.clock.now().saturating_add(SERIES_KEPT_FOR));
        let copies = self.judge.run(crate::incidents::judge::Judged::copies).await??;
        for (device, bytes) in &copies {
            if !self.kept.contains_key(device) {
                let (kept, _) = KeptBytes::read(&*self.state.backbone, SERIES, device, written.clone()).await?;
                self.kept.insert(device.clone(), kept);
            }
            let pieces = self.kept.get(device).map(|kept| kept.pieces(bytes, held, number, expires_at));
            writing.pieces.extend(pieces.into_iter().flatten());
        }
        if copies.is_empty()
            && let Some(book) = writing.book.take()
        {
            writing.pieces.extend(self.kept_book.pieces(&book, held, number, None));
        }
        Ok(())
    }

    /// From here on the new checkpoint holds. What has not been heard for long is in it, and need not be in memory.
    async fn finish(&mut self, writing: Writing) -> Result<(), Interrupted> {
        self.place.place.checkpoint = writing.head;
        self.place.place.said.drain(..writing.said.min(self.place.place.said.len()));
        self.write(Vec::new(), Vec::new()).await?;
        let now = millis(self.state.clock.now());
        let parked = self.judge.run(move |judged| judged.park_idle(now)).await??;
        // Some were copied just before they were forgotten.
        for device in self.not_in_memory(self.kept.keys().cloned().collect()).await? {
            self.kept.remove(&device);
        }
        self.unneeded = writing.forgotten;
        self.state.metrics.incidents.parked(parked.len());
        Ok(())
    }
}
