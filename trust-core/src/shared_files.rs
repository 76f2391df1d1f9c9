//! The files that all gates of a host share: what one instance has found out, the others need not find out again.
//!
//! Losing any of it costs speed, never correctness: whoever reads holds what is read against a seal or treats it as a
//! hint, and a file that cannot be read or written is one that holds nothing. With one exception: proofs that are spent
//! ([`SharedFiles::claim`]). Where they cannot be written down, none is taken.

/// A file that is read, and where it lies in `/gate` also written, at positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SharedFile {
    /// Verified claims.
    Claims,
    /// How many bad tokens each source has brought.
    BadTokens,
    /// The table of revocations that [`crate::gate::Gate::revocations_file`] names, below `/trust`; it is never written.
    Revocations,
}

/// What became of a claim to be the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Nobody came before.
    First,
    /// Somebody did.
    Before,
    /// It cannot be told.
    Unknown,
}

/// What a gate may do with the shared files. Many instances and processes do so at the same time, without locks.
pub trait SharedFiles {
    /// Fills the buffer from `offset` on. False when it could not be filled whole; what is in it then means nothing.
    fn read_at(&self, file: SharedFile, offset: u64, buffer: &mut [u8]) -> bool;

    /// Writes at `offset`. False when not all of it was taken.
    fn write_at(&self, file: SharedFile, offset: u64, bytes: &[u8]) -> bool;

    /// Spends what has this name, for good, in this minute since 1970. Of all that ever try, in whatever process, one is the
    /// first. Names are lower-case hexadecimal digits. Where nobody can tell, nobody may go on: this one is for correctness.
    fn claim(&self, _minute: u64, _name: &str) -> Claim {
        Claim::Unknown
    }

    /// Asks the keeper for an issuer's keys by making an empty file of this name; one that is there already is enough.
    /// Nobody is asked where nothing is shared.
    fn want_keys(&self, _file: &str) {}

    /// Appends a line to the denials, whole or not at all; it begins with a newline. What cannot be kept is lost.
    fn append_denial(&self, line: &str);
}

/// For a gate that shares nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSharedFiles;

impl SharedFiles for NoSharedFiles {
    fn read_at(&self, _file: SharedFile, _offset: u64, _buffer: &mut [u8]) -> bool {
        false
    }

    fn write_at(&self, _file: SharedFile, _offset: u64, _bytes: &[u8]) -> bool {
        false
    }

    fn append_denial(&self, _line: &str) {}
}
