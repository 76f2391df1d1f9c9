//! The one answer that counts. Anything else ends the bench: a refused request is cheap, and would look like speed.

use anyhow::{Result, bail};

/// What the back end says, in one line.
pub(crate) const BODY: &str = "ok\n";

const STATUS: &[u8] = b"HTTP/1.1 200 ";
const END: &[u8] = b"\r\n\r\nok\n";

/// The back end's whole answer.
pub(crate) fn whole() -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{BODY}", BODY.len()).into_bytes()
}

/// Whether what has come is the whole answer; an error when it cannot become it.
pub(crate) fn is_whole(received: &[u8]) -> Result<bool> {
    let compared = received.len().min(STATUS.len());
    if received[..compared] != STATUS[..compared] {
        bail!("an answer other than 200: {}", String::from_utf8_lossy(received));
    }
    Ok(received.ends_with(END))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_back_ends_own_answer_is_whole() {
        assert!(is_whole(&whole()).unwrap());
        assert!(!is_whole(b"HTTP/1.1 2").unwrap());
        assert!(!is_whole(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n").unwrap());
        assert!(is_whole(b"HTTP/1.1 401 Unauthorized\r\n").is_err());
    }
}
