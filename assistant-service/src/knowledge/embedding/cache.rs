//! Vectors by the digest of their text, in memory and, where one is named, in a file that is only ever appended to.
//!
//! The file holds nothing but vectors and digests of texts. A record that was cut off at its end is cut off for good; a file
//! that is not one of ours is refused, not overwritten.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;

const HEAD: &[u8; 16] = b"wg-embeddings-1\n";
/// More are not kept over a restart: two gigabytes at the usual size.
const MOST_RECORDS: usize = 5_000_000;

/// The first half of a SHA-256.
pub(super) type Digest = [u8; 16];

#[derive(Default)]
pub(super) struct Cache {
    vectors: HashMap<Digest, Arc<[i8]>>,
    file: Option<File>,
}

impl Cache {
    pub(super) fn open(path: Option<&Path>) -> io::Result<Self> {
        let mut cache = Self::default();
        let Some(path) = path else { return Ok(cache) };
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        let mut whole = cache.read(&file)?;
        if whole == 0 {
            file.set_len(0)?;
            file.write_all(HEAD)?;
            whole = u64::try_from(HEAD.len()).unwrap_or_default();
        }
        file.set_len(whole)?;
        file.seek(SeekFrom::End(0))?;
        cache.file = Some(file);
        Ok(cache)
    }

    pub(super) fn get(&self, digest: &Digest) -> Option<Arc<[i8]>> {
        self.vectors.get(digest).cloned()
    }

    /// Keeps vectors; those of one batch are written at once.
    pub(super) fn put(&mut self, new: Vec<(Digest, Vec<i8>)>) -> io::Result<()> {
        let mut records = Vec::new();
        for (digest, vector) in new {
            let Ok(length) = u16::try_from(vector.len()) else { continue };
            records.extend_from_slice(&digest);
            records.extend_from_slice(&length.to_le_bytes());
            records.extend(vector.iter().map(|number| number.to_le_bytes()).map(|[byte]| byte));
            self.vectors.insert(digest, vector.into());
        }
        match &mut self.file {
            Some(file) if self.vectors.len() <= MOST_RECORDS => file.write_all(&records),
            _ => Ok(()),
        }
    }

    /// Reads all whole records; says where they end.
    fn read(&mut self, file: &File) -> io::Result<u64> {
        let mut reader = BufReader::new(file);
        let mut head = [0; HEAD.len()];
        match reader.read_exact(&mut head) {
            Ok(()) if head == *HEAD => {}
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(0),
            Ok(()) => return Err(io::Error::new(ErrorKind::InvalidData, "the file holds something else")),
            Err(error) => return Err(error),
        }
        let mut end = u64::try_from(HEAD.len()).unwrap_or_default();
        loop {
            let (mut digest, mut length) = (Digest::default(), [0; 2]);
            let record = reader.read_exact(&mut digest).and_then(|()| reader.read_exact(&mut length)).and_then(|()| {
                let mut bytes = vec![0; usize::from(u16::from_le_bytes(length))];
                reader.read_exact(&mut bytes).map(|()| bytes)
            });
            match record {
                Ok(bytes) => {
                    let size = bytes.len().saturating_add(digest.len()).saturating_add(length.len());
                    end = end.saturating_add(u64::try_from(size).unwrap_or_default());
                    self.vectors.insert(digest, bytes.into_iter().map(|byte| i8::from_le_bytes([byte])).collect());
                }
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(end),
                Err(error) => return Err(error),
            }
        }
    }
}
