//! Where a request comes from, and who brings too many bad tokens.

use super::{Check, check};

const ADDRESS: &str = "client_address.rs";
const THROTTLE: &str = "throttle.rs";

pub(super) const CHECKS: &[Check] = &[
    check("a proxy that is trusted", ADDRESS, "if !self.is_trusted(peer) { return ClientAddress::Known(peer); }", ""),
    check("addresses from the right", ADDRESS, "line.rsplit(|byte| *byte == b',')", "line.split(|byte| *byte == b',')"),
    check("lines from the end", ADDRESS, "lines.iter().rev().flat_map(", "lines.iter().flat_map("),
    check(
        "a proxy that names nobody",
        ADDRESS,
        "named.map_or(ClientAddress::Behind(peer), ClientAddress::Known)",
        "named.map_or(ClientAddress::Known(peer), ClientAddress::Known)",
    ),
    check("bits of a network", "network.rs", "same(host_bits)", "same(host_bits) || address != network"),
    check(
        "too many bad tokens",
        THROTTLE,
        "retry_after_seconds => Err(Denial::Throttled { retry_after_seconds }),",
        "_ => Ok(()),",
    ),
    check("the throttle before a token is looked at", "gate/vouching.rs", "may_try()?;", "let _ = may_try;"),
    check(
        "a bad token that counts",
        "gate/refusal.rs",
        "self.throttle.count(facts.client(), &self.client_addresses, moment.now.seconds(), shared);",
        "",
    ),
    check(
        "bad tokens that only came too late",
        THROTTLE,
        "!matches!(invalid, InvalidToken::Expired | InvalidToken::NotYetValid | InvalidToken::Revoked)",
        "!matches!(invalid, InvalidToken::NotYetValid)",
    ),
    check(
        "bad tokens that are long ago",
        "throttle/counts.rs",
        "_ => Self { minute, ..Self::default() },",
        "_ => self,",
    ),
    check(
        "a known token that is not throttled",
        "gate/vouching.rs",
        "Ok(claims) => return Ok(claims),",
        "Ok(claims) => { may_try()?; return Ok(claims); }",
    ),
];
