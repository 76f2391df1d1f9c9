//! Bytes of any length in entries of the store: what holds at the last checkpoint, and beside it what the next one will say.
//!
//! A checkpoint is written in many commits, and whoever comes in between must find the last one whole. So there are two slots, of which a
//! write takes the one that does not hold; each piece says for which checkpoint it was written. Of pieces the first is written last, and what
//! is too much goes from the end on: those that are there are always without a hole.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use time::OffsetDateTime;

use crate::backbone::{Backbone, BackboneError, Put, Revision};

/// An entry has no more: some of them fit into one commit, whichever form the store has.
const PIECE_BYTES: usize = 192 * 1024;

/// What stands before the bytes of a piece: the checkpoint, and how many pieces there are.
const HEAD_BYTES: usize = 12;

/// What is kept under one name.
#[derive(Clone, Debug)]
pub(super) struct KeptBytes {
    bucket: &'static str,
    name: String,
    slots: [Slot; 2],
}

#[derive(Clone, Debug, Default)]
struct Slot {
    /// For which checkpoint it was written; `None` where it is not whole.
    checkpoint: Option<u64>,
    pieces: BTreeMap<usize, Revision>,
}

/// One piece to be written.
#[derive(Debug)]
pub(super) struct PieceToWrite {
    pub(super) name: String,
    pub(super) put: Put,
    slot: usize,
    piece: usize,
}

impl KeptBytes {
    /// What was written last for one of the checkpoints `held`, of which the newest holds, and all that is there.
    pub(super) async fn read(
        backbone: &dyn Backbone,
        bucket: &'static str,
        name: &str,
        held: RangeInclusive<u64>,
    ) -> Result<(Self, Option<Vec<u8>>), BackboneError> {
        let (mut slots, mut holds) = (<[Slot; 2]>::default(), None);
        for (number, slot) in slots.iter_mut().enumerate() {
            let bytes = slot.read(backbone, bucket, name, number).await?;
            let Some(checkpoint) = slot.checkpoint.filter(|checkpoint| held.contains(checkpoint)) else { continue };
            if holds.as_ref().is_none_or(|(newest, _)| *newest < checkpoint) {
                holds = Some((checkpoint, bytes));
            }
        }
        Ok((Self { bucket, name: name.to_owned(), slots }, holds.map(|(_, bytes)| bytes)))
    }

    /// Says what must be written, in this order, for the bytes to be kept for `checkpoint`. What `held` needs stays.
    pub(super) fn pieces(
        &self,
        bytes: &[u8],
        held: u64,
        checkpoint: u64,
        expires_at: Option<OffsetDateTime>,
    ) -> Vec<PieceToWrite> {
        let written = |slot: &Slot| slot.checkpoint.filter(|checkpoint| *checkpoint <= held);
        let [one, other] = &self.slots;
        let (slot, there) = if written(one) >= written(other) { (1, &other.pieces) } else { (0, &one.pieces) };
        let chunks: Vec<&[u8]> = if bytes.is_empty() { vec![bytes] } else { bytes.chunks(PIECE_BYTES).collect() };
        let to_write = |piece: usize, value: Option<Vec<u8>>| {
            let key = key(slot, piece, &self.name);
            let put =
                Put { bucket: self.bucket, key, value, expected_revision: there.get(&piece).copied(), expires_at };
            PieceToWrite { name: self.name.clone(), put, slot, piece }
        };
        let count = u32::try_from(chunks.len()).unwrap_or(u32::MAX).to_be_bytes();
        let checkpoint = checkpoint.to_be_bytes();
        let mut writes: Vec<_> = chunks
            .iter()
            .enumerate()
            .map(|(piece, chunk)| {
                let head = [checkpoint.as_slice(), &count, chunk];
                to_write(piece, Some(head.concat()))
            })
            .collect();
        let first = writes.remove(0);
        writes.extend(there.range(chunks.len()..).rev().map(|(piece, _)| to_write(*piece, None)));
        writes.push(first);
        writes
    }

    /// What must be written for nothing to be kept, all of it at once.
    pub(super) fn removals(&self) -> Vec<Put> {
        let of_slots = self.slots.iter().enumerate();
        let pieces = of_slots.flat_map(|(slot, there)| there.pieces.iter().map(move |piece| (slot, piece)));
        let removed = pieces.map(|(slot, (piece, revision))| Put {
            bucket: self.bucket,
            key: key(slot, *piece, &self.name),
            value: None,
            expected_revision: Some(*revision),
            expires_at: None,
        });
        removed.collect()
    }

    /// Takes note of a piece that was written.
    pub(super) fn wrote(&mut self, piece: &PieceToWrite, checkpoint: u64, revision: Revision) {
        let [one, other] = &mut self.slots;
        let slot = if piece.slot == 0 { one } else { other };
        if piece.put.value.is_some() {
            slot.pieces.insert(piece.piece, revision);
        } else {
            slot.pieces.remove(&piece.piece);
        }
        slot.checkpoint = (piece.piece == 0).then_some(checkpoint);
    }
}

impl Slot {
    async fn read(
        &mut self,
        backbone: &dyn Backbone,
        bucket: &'static str,
        name: &str,
        number: usize,
    ) -> Result<Vec<u8>, BackboneError> {
        let (mut bytes, mut count, mut checkpoint) = (Vec::new(), 1, None);
        let mut is_whole = true;
        for piece in 0.. {
            let Some(entry) = backbone.get(bucket, key(number, piece, name)).await? else {
                // The first one is written last: without it there may be others, of a write that was cut off.
                if piece > 0 {
                    break;
                }
                is_whole = false;
                continue;
            };
            self.pieces.insert(piece, entry.revision);
            let Some((of_checkpoint, of, part)) = parts(&entry.value) else {
                is_whole = false;
                continue;
            };
            if piece == 0 {
                (checkpoint, count) = (Some(of_checkpoint), of);
            }
            if piece < count {
                is_whole &= Some(of_checkpoint) == checkpoint;
                bytes.extend_from_slice(part);
            }
        }
        if is_whole && self.pieces.len() >= count {
            self.checkpoint = checkpoint;
        }
        Ok(bytes)
    }
}

fn key(slot: usize, piece: usize, name: &str) -> String {
    format!("{slot}/{piece:05}/{name}")
}

fn parts(value: &[u8]) -> Option<(u64, usize, &[u8])> {
    let (head, bytes) = value.split_at_checked(HEAD_BYTES)?;
    let (checkpoint, count) = head.split_at_checked(8)?;
    let count = u32::from_be_bytes(count.try_into().ok()?);
    Some((u64::from_be_bytes(checkpoint.try_into().ok()?), usize::try_from(count).ok()?, bytes))
}
