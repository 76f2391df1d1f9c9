//! Requests that a thief may have sent a second time: TLS 1.3 early data can be replayed, whoever recorded it.

use crate::denial::Denial;
use crate::request::RequestFacts;

const HEADER: &str = "early-data";

/// Refuses what an intermediary passed on before its TLS handshake was complete (RFC 8470, section 5.2). The client sends it
/// again after the handshake; a thief cannot. Several values, or another than `1`, count as one `1` (section 5.1), so what
/// the header says does not matter. Whatever the rule: also a public route may do something that must not happen twice.
pub(crate) fn check(facts: &RequestFacts) -> Result<(), Denial> {
    if facts.has_folded(HEADER) { Err(Denial::TooEarly) } else { Ok(()) }
}
