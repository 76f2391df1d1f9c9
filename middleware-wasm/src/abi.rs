//! The host functions that every request needs for being read, called directly.
//!
//! `http-wasm-guest` hands out each name and each value in an allocation of its own, and looks for their ends byte by byte:
//! measured in Traefik, that was a third of what the gate itself costs. Here they go into buffers that an instance keeps
//! from request to request.

#![expect(unsafe_code, reason = "a host function is foreign code, and writes into memory that it is given")]

/// The ABI's name for the headers of a request.
const REQUEST_HEADERS: u32 = 0;

/// A buffer that a request has made longer than this is given back before the next one.
pub(crate) const KEPT_BYTES: usize = 16 * 1024;

/// A buffer grows by this much at least, so that it soon fits.
const LEAST_BYTES: usize = 64;

// As the http-wasm HTTP handler ABI has them (version 1). Each writes as many bytes as it says, or none when there are
// more than `limit`; those that write several texts end each with a NUL, and put their count into the upper half.
#[link(wasm_import_module = "http_handler")]
unsafe extern "C" {
    fn get_method(buffer: *mut u8, limit: u32) -> u32;
    fn get_uri(buffer: *mut u8, limit: u32) -> u32;
    fn get_source_addr(buffer: *mut u8, limit: u32) -> u32;
    fn get_header_names(kind: u32, buffer: *mut u8, limit: u32) -> u64;
    fn get_header_values(kind: u32, name: *const u8, name_bytes: u32, buffer: *mut u8, limit: u32) -> u64;
}

/// Reads the method into `buffer`, in place of what it held.
pub(crate) fn read_method(buffer: &mut Vec<u8>) {
    // SAFETY: `fill` hands over a buffer with room for the limit.
    fill(buffer, |at, limit| unsafe { get_method(at, limit) });
}

/// Reads path and query.
pub(crate) fn read_target(buffer: &mut Vec<u8>) {
    // SAFETY: as above.
    fill(buffer, |at, limit| unsafe { get_uri(at, limit) });
}

/// Reads address and port of the peer.
pub(crate) fn read_source_address(buffer: &mut Vec<u8>) {
    // SAFETY: as above.
    fill(buffer, |at, limit| unsafe { get_source_addr(at, limit) });
}

/// Reads the names of all headers, each ended by a NUL, and says how many there are.
pub(crate) fn read_header_names(buffer: &mut Vec<u8>) -> usize {
    // SAFETY: as above.
    fill_counted(buffer, |at, limit| unsafe { get_header_names(REQUEST_HEADERS, at, limit) })
}

/// Reads all values of a header, each ended by a NUL, and says how many there are.
pub(crate) fn read_header_values(name: &[u8], buffer: &mut Vec<u8>) -> usize {
    let name_bytes = u32::try_from(name.len()).unwrap_or(u32::MAX);
    fill_counted(buffer, |at, limit| {
        // SAFETY: as above, and the name is as long as is said.
        unsafe { get_header_values(REQUEST_HEADERS, name.as_ptr(), name_bytes, at, limit) }
    })
}

fn fill_counted(buffer: &mut Vec<u8>, write: impl Fn(*mut u8, u32) -> u64) -> usize {
    let mut count = 0;
    fill(buffer, |at, limit| {
        let count_and_length = write(at, limit);
        count = count_and_length >> 32;
        u32::try_from(count_and_length & u64::from(u32::MAX)).unwrap_or(u32::MAX)
    });
    usize::try_from(count).unwrap_or(usize::MAX)
}

/// Has the host write, a second time when the buffer was too small for the first. Whatever the host could not write is a
/// trap, and so refused: a request that is half read could pass for another one.
fn fill(buffer: &mut Vec<u8>, mut write: impl FnMut(*mut u8, u32) -> u32) {
    if buffer.capacity() > KEPT_BYTES {
        *buffer = Vec::new();
    }
    buffer.clear();
    let mut write_once = |buffer: &mut Vec<u8>| {
        let limit = u32::try_from(buffer.capacity()).unwrap_or(u32::MAX);
        usize::try_from(write(buffer.as_mut_ptr(), limit)).unwrap_or(usize::MAX)
    };
    let mut written = write_once(buffer);
    if written > buffer.capacity() {
        buffer.reserve(written.max(LEAST_BYTES));
        written = write_once(buffer);
    }
    if written > buffer.capacity() {
        std::process::abort();
    }
    // SAFETY: the host has written so many bytes from the beginning.
    unsafe { buffer.set_len(written) };
}
