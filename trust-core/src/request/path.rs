//! A path that every reader of URLs reads in the same way.

use std::borrow::Cow;

use super::{MAX_TARGET_BYTES, MalformedRequest};
use crate::percent;

/// A path costs memory of its own only where it is not written as it reads.
#[derive(Clone)]
pub(super) enum Path {
    /// The first so many bytes of the target.
    AsWritten(usize),
    Decoded(String),
}

impl Path {
    /// The decoded path, if every reader of URLs would come to the same one.
    pub(super) fn plain(path: &str) -> Result<Self, MalformedRequest> {
        if !path.contains('%') {
            check_segments(path)?;
            return Ok(Self::AsWritten(path.len()));
        }
        let decoded = percent::decode(path).ok_or(MalformedRequest::AmbiguousPath)?;
        let slashes = |text: &str| text.bytes().filter(|byte| *byte == b'/').count();
        if slashes(&decoded) != slashes(path) {
            return Err(MalformedRequest::AmbiguousPath);
        }
        check_segments(&decoded)?;
        Ok(Self::Decoded(decoded))
    }

    /// The path, given the target that it is of.
    pub(super) fn within<'a>(&'a self, target: &'a str) -> &'a str {
        match self {
            Self::AsWritten(bytes) => target.get(..*bytes).unwrap_or_default(),
            Self::Decoded(path) => path,
        }
    }
}

/// Whether a path is written as requests are compared with it: decoded, and with one reading only.
pub(crate) fn is_plain_path(path: &str) -> bool {
    path.starts_with('/') && path.len() <= MAX_TARGET_BYTES && matches!(Path::plain(path), Ok(Path::AsWritten(_)))
}

/// The decoded path of an address that somebody names, if it has one reading only, as requests are compared with it.
pub(crate) fn plain_path(path: &str) -> Option<Cow<'_, str>> {
    if !path.starts_with('/') || path.len() > MAX_TARGET_BYTES {
        return None;
    }
    match Path::plain(path).ok()? {
        Path::AsWritten(_) => Some(path.into()),
        Path::Decoded(decoded) => Some(decoded.into()),
    }
}

fn check_segments(decoded: &str) -> Result<(), MalformedRequest> {
    let is_one_way = |byte: u8| !byte.is_ascii_control() && !matches!(byte, b'\\' | b';' | b'%' | b'?' | b'#');
    if !decoded.bytes().all(is_one_way) || (!decoded.is_ascii() && decoded.contains(char::is_control)) {
        return Err(MalformedRequest::AmbiguousPath);
    }
    let segments = decoded.strip_prefix('/').unwrap_or(decoded);
    // Only the last segment may be empty.
    let whole = segments.strip_suffix('/').unwrap_or(segments);
    let is_ambiguous = |segment: &[u8]| matches!(segment, b"" | b"." | b"..");
    if !segments.is_empty() && whole.as_bytes().split(|byte| *byte == b'/').any(is_ambiguous) {
        return Err(MalformedRequest::AmbiguousPath);
    }
    Ok(())
}
