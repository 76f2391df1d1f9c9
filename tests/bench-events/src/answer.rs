//! Answers of the service, read as far as a bench must: whole, and with the status that counts. Anything else ends the bench: a
//! refused request is cheap, and would look like speed.

use anyhow::{Context, Result, bail, ensure};

use crate::event::Kind;

/// The body, when all of it has come.
pub(crate) fn whole(received: &[u8], status: u16) -> Result<Option<&[u8]>> {
    let Some(end) = received.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(&received[..end]).context("an answer's head is not text")?;
    if !head.starts_with(&format!("HTTP/1.1 {status} ")) {
        bail!("an answer other than {status}: {}", String::from_utf8_lossy(received));
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length.context("an answer without a length")?.parse()?;
    Ok(received.get(end + 4..end + 4 + length))
}

/// That every event was kept, and was new.
pub(crate) fn check_receipts(body: &[u8], kind: Kind) -> Result<()> {
    let body = std::str::from_utf8(body)?;
    let kept = body.matches(r#""duplicate":false"#).count() as u64;
    ensure!(kept == kind.events(), "{kept} of {} events are kept: {body}", kind.events());
    Ok(())
}
