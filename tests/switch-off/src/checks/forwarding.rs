//! What goes on to the back end.

use super::{Check, check};

const FORWARDING: &str = "gate/forwarding.rs";
const GATE: &str = "gate.rs";
const TAGS: &str = "tags.rs";
const REFUSAL: &str = "gate/refusal.rs";

pub(super) const CHECKS: &[Check] = &[
    check(
        "a client's own identity",
        FORWARDING,
        "self.is_stripped(spelled, folded) && !tags.keeps(spelled, folded) && !is_replaced() && !is_unread",
        "self.is_stripped(spelled, folded) && !tags.keeps(spelled, folded) && !is_replaced() && !is_unread && false",
    ),
    check("attributes of a client's own", GATE, "folded.starts_with(\"ce-\") || folded == HEADER", "folded == HEADER"),
    check("a transaction token of a client's own", GATE, "|| folded == HEADER ||", "||"),
    check("a trace of a client's own, dropped on the way", GATE, "|| folded == \"traceparent\" ||", "||"),
    check("certificates of a client's own", GATE, "|| client_certificate::is_header(folded)", ""),
    check(
        "claims in headers of a client's own",
        GATE,
        "|| self.forward_claims.iter().any(|forwarded| forwarded.folded_header == folded)",
        "",
    ),
    check("the caller's own token", FORWARDING, "is_spent || (self.is_ours(folded)", "(self.is_ours(folded)"),
    check(
        "certificates that go on",
        FORWARDING,
        "return self.client_certificates.are_forged_in(spelled, folded);",
        "return false;",
    ),
    check(
        "a client's event that stays a client's",
        TAGS,
        "self.is_clients_event && is_attribute &&",
        "is_attribute &&",
    ),
    check(
        "another spelling beside a client's event",
        TAGS,
        "&& spelled.eq_ignore_ascii_case(folded); self.is_clients_event",
        "; self.is_clients_event",
    ),
    check(
        "words on the caller beside a client's event",
        TAGS,
        "is_attribute && !folded.starts_with(OUR_ATTRIBUTES)",
        "is_attribute",
    ),
    check("a rule that takes events", TAGS, "takes_events && CLIENT_ATTRIBUTES", "CLIENT_ATTRIBUTES"),
    check(
        "a correlation of a client's own",
        TAGS,
        "if is_clients_event { clients_correlation(facts)? } else { None }",
        "clients_correlation(facts).ok().flatten()",
    ),
    check(
        "the length of a correlation",
        TAGS,
        "correlation.filter(|text| (1..=MAX_CORRELATION_BYTES).contains(&text.len()))",
        "correlation.filter(|text| !text.is_empty())",
    ),
    check(
        "a trace that is well-formed",
        TAGS,
        "let begins_trace = clients_trace(facts).is_none();",
        "let begins_trace = facts.header_values(\"traceparent\").next().is_none();",
    ),
    check("the state of a trace that has ended", FORWARDING, "tags.ends(folded) ||", ""),
    check("the version of a trace", TAGS, "(version == \"00\" &&", "("),
    check("a trace of zeros", TAGS, "&& !is_zero(trace_id) &&", "&&"),
    check("a trace below zeros", TAGS, "&& !is_zero(parent_id) &&", "&&"),
    check("the parts of a trace", TAGS, "&& parts.next().is_none())", ")"),
    check("the digits of a trace", TAGS, "(is_hex && part.len() == length)", "(part.len() == length)"),
    check("the length of a trace's parts", TAGS, "(is_hex && part.len() == length)", "is_hex"),
    check("the flags of a trace", TAGS, "part(2)?; let is_zero", "let is_zero"),
    check(
        "a denial that is carried out",
        REFUSAL,
        "Mode::Enforce => Outcome::Answer(answer),",
        "Mode::Enforce if answer.status == 0 => Outcome::Answer(answer), Mode::Enforce => Outcome::Pass(stripped),",
    ),
    check("an identity before a gate that observes", REFUSAL, "self.is_stripped(spelled, &folded) ||", ""),
    check(
        "an upgrade before a gate that observes",
        REFUSAL,
        "|| (is_upgrade && UPGRADE_HEADERS.contains(&folded.as_str()))",
        "|| (is_upgrade && folded.is_empty())",
    ),
];
