//! The files that gates share, in memory, where anybody may write to them.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use attack_table::{Revoked, Spoiling};
use trust_core::revocations::{self, Revocation, token_digest};
use trust_core::shared_files::{Claim, SharedFile, SharedFiles};
use trust_core::time::UnixSeconds;

/// As large as the table's gates ask for.
const CLAIMS_BYTES: usize = 1024 * 1024;
const BAD_TOKENS_BYTES: usize = 64 * 1024;

/// Of the file of claims: slots, and as many of them as are read at once.
const SLOT_BYTES: usize = 512;
const SET_BYTES: usize = 16 * SLOT_BYTES;

#[derive(Default)]
pub(crate) struct Memory {
    /// Empty until the first byte is written.
    claims: RefCell<Vec<u8>>,
    bad_tokens: RefCell<Vec<u8>>,
    /// The keeper's, which gates only read.
    table: RefCell<Vec<u8>>,
    /// Proofs by their minute and name.
    spent: RefCell<BTreeSet<(u64, String)>>,
    are_proofs_lost: Cell<bool>,
}

impl Memory {
    fn file(&self, file: SharedFile) -> (&RefCell<Vec<u8>>, usize) {
        match file {
            SharedFile::Revocations => (&self.table, 0),
            SharedFile::Claims => (&self.claims, CLAIMS_BYTES),
            SharedFile::BadTokens => (&self.bad_tokens, BAD_TOKENS_BYTES),
        }
    }

    /// Puts a table of revocations in place.
    pub(crate) fn revoke(&self, revoked: &[Revoked]) {
        let revocations: Vec<_> = revoked.iter().map(revocation).collect();
        *self.table.borrow_mut() = revocations::table(&revocations, [3; 16]);
    }

    /// Leaves so many bytes of the table.
    pub(crate) fn cut_table(&self, bytes: usize) {
        self.table.borrow_mut().truncate(bytes);
    }

    pub(crate) fn spoil(&self, how: &Spoiling) {
        let mut claims = self.claims.borrow_mut();
        match how {
            Spoiling::LoseProofs => self.are_proofs_lost.set(true),
            Spoiling::Replace(from, to) => {
                let places: Vec<_> = claims
                    .windows(from.len())
                    .enumerate()
                    .filter(|(_, text)| *text == from.as_bytes())
                    .map(|(place, _)| place)
                    .collect();
                for place in places {
                    claims.iter_mut().skip(place).zip(to.bytes()).for_each(|(byte, other)| *byte = other);
                }
            }
            Spoiling::CopyEverywhere => {
                let written = claims.chunks(SLOT_BYTES).find(|slot| slot.iter().any(|byte| *byte != 0));
                let Some(slot) = written.map(<[u8]>::to_vec) else { return };
                for set in claims.chunks_mut(SET_BYTES) {
                    set.iter_mut().zip(&slot).for_each(|(byte, copied)| *byte = *copied);
                }
            }
        }
    }
}

fn revocation(revoked: &Revoked) -> Revocation {
    match revoked {
        Revoked::Token(token) => Revocation::Token { digest: token_digest(token.as_bytes()) },
        Revoked::Id(issuer, jti) => Revocation::Id { issuer: (*issuer).to_owned(), jti: (*jti).to_owned() },
        Revoked::Session(issuer, sid) => Revocation::Session { issuer: (*issuer).to_owned(), sid: (*sid).to_owned() },
        Revoked::Subject(issuer, subject, before) => Revocation::Subject {
            issuer: (*issuer).to_owned(),
            subject: (*subject).to_owned(),
            issued_before: UnixSeconds(*before),
        },
    }
}

impl SharedFiles for Memory {
    fn read_at(&self, file: SharedFile, offset: u64, buffer: &mut [u8]) -> bool {
        let (bytes, _) = self.file(file);
        let bytes = bytes.borrow();
        if file == SharedFile::Revocations {
            let found = usize::try_from(offset).ok().and_then(|offset| bytes.get(offset..)?.get(..buffer.len()));
            return found.inspect(|found| buffer.copy_from_slice(found)).is_some();
        }
        buffer.fill(0);
        let held = usize::try_from(offset).ok().and_then(|offset| bytes.get(offset..)).unwrap_or_default();
        buffer.iter_mut().zip(held).for_each(|(byte, held)| *byte = *held);
        true
    }

    fn write_at(&self, file: SharedFile, offset: u64, written: &[u8]) -> bool {
        let (bytes, length) = self.file(file);
        let mut bytes = bytes.borrow_mut();
        bytes.resize(length, 0);
        let Some(place) = usize::try_from(offset).ok().and_then(|offset| bytes.get_mut(offset..)) else { return false };
        place.iter_mut().zip(written).for_each(|(byte, written)| *byte = *written);
        true
    }

    fn claim(&self, minute: u64, name: &str) -> Claim {
        if self.are_proofs_lost.get() {
            return Claim::Unknown;
        }
        if self.spent.borrow_mut().insert((minute, name.to_owned())) { Claim::First } else { Claim::Before }
    }

    fn append_denial(&self, _line: &str) {}
}
