//! Last step of the walk: a permitted request becomes an event (CloudEvents 1.0, binary mode), for a principal or for
//! somebody unknown.

use std::borrow::Cow;

use crate::claims::VerifiedClaims;
use crate::digits::{push_hexadecimal, text};
use crate::event_policy::{EventPolicy, EventRefusal};
use crate::keyed_hash::{HASH_BYTES, KeyedHash};
use crate::percent::{decode_header_value, encode_header_value};
use crate::permit::Permit;
use crate::request::{MalformedRequest, RequestFacts};
use crate::time::WallTime;

/// When a request is judged, and as which one of its gate instance.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// The wall clock.
    pub now: WallTime,
    /// Requests that this instance has judged before.
    pub sequence: u64,
}

/// The attributes by which a client says that the event is its own.
const CLIENT_ATTRIBUTES: [&str; 5] = ["ce-specversion", "ce-id", "ce-type", "ce-source", "ce-time"];

/// Attributes that begin so speak for the caller: always the gate's word, never the client's.
const OUR_ATTRIBUTES: &str = "ce-auth";

/// Longest correlation identifier that is taken over from a client.
const MAX_CORRELATION_BYTES: usize = 128;

/// Why a request cannot be tagged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Untaggable {
    /// The client's event attributes are malformed.
    Malformed(MalformedRequest),
    /// The event is not the client's to send.
    Refused(EventRefusal),
}

impl From<MalformedRequest> for Untaggable {
    fn from(malformed: MalformedRequest) -> Self {
        Self::Malformed(malformed)
    }
}

impl From<EventRefusal> for Untaggable {
    fn from(refusal: EventRefusal) -> Self {
        Self::Refused(refusal)
    }
}

/// The tags of a permitted request.
#[derive(Debug)]
pub(crate) struct EventTags {
    event_id: String,
    is_clients_event: bool,
    begins_trace: bool,
    headers: Vec<(Cow<'static, str>, String)>,
}

impl EventTags {
    /// Tags a request; `source` is the gate's own name as an event source, `secret` keeps identifiers from being guessed.
    pub(crate) fn of(
        facts: &RequestFacts<'_>,
        permit: &Permit<'_>,
        moment: Moment,
        source: &str,
        secret: &KeyedHash,
    ) -> Result<Self, Untaggable> {
        let rule = permit.rule();
        let takes_events = !rule.event.client_types.is_empty();
        let is_clients_event =
            takes_events && CLIENT_ATTRIBUTES.iter().any(|name| facts.header_values(name).next().is_some());
        let entropy = entropy(facts, moment, secret);
        let event_id = event_id(moment, &entropy);
        let mut headers = Vec::with_capacity(16);
        let mut set = |name: &'static str, value: String| headers.push((Cow::Borrowed(name), value));
        if is_clients_event {
            check_clients_event(facts, permit)?;
        } else {
            set("Ce-Specversion", "1.0".to_owned());
            set("Ce-Id", event_id.clone());
            set("Ce-Type", rule.event.event_type.clone());
            set("Ce-Source", source.to_owned());
            set("Ce-Time", moment.now.rfc3339());
            set("Ce-Subject", encode_header_value(facts.path()));
        }
        let (auth_type, auth_id) = match permit.claims() {
            Some(claims) => (auth_type(claims), Some(claims.principal_uri())),
            None => ("unauthenticated", None),
        };
        set("Ce-Authtype", auth_type.to_owned());
        if let Some(auth_id) = auth_id {
            set("Ce-Authid", encode_header_value(&auth_id));
        }
        // Where the event is the gate's, a client's own correlation is dropped like every other attribute of it.
        let correlation = if is_clients_event { clients_correlation(facts)? } else { None };
        set("Ce-Correlationid", correlation.unwrap_or_else(|| event_id.clone()));
        let begins_trace = clients_trace(facts).is_none();
        if begins_trace {
            set("Traceparent", new_trace(&entropy));
        }
        Ok(Self { event_id, is_clients_event, begins_trace, headers })
    }

    /// No header, for a gate that does not tag; an identifier only where something else names it.
    pub(crate) fn none(facts: &RequestFacts<'_>, moment: Moment, secret: &KeyedHash, is_named: bool) -> Self {
        let event_id = if is_named { event_id(moment, &entropy(facts, moment, secret)) } else { String::new() };
        Self { event_id, is_clients_event: false, begins_trace: false, headers: Vec::new() }
    }

    /// The identifier of the request as an event, also when the client's own event is the one that is forwarded.
    #[must_use]
    pub(crate) fn event_id(&self) -> &str {
        &self.event_id
    }

    /// Headers to set; they can be taken once.
    pub(crate) fn take_headers(&mut self) -> Vec<(Cow<'static, str>, String)> {
        std::mem::take(&mut self.headers)
    }

    /// Whether a client's header of this folded name belongs to a trace that goes no further (W3C Trace Context, section 3.3).
    pub(crate) fn ends(&self, folded: &str) -> bool {
        self.begins_trace && folded == "tracestate"
    }

    /// Whether a client's header of this folded name may stay beside these tags.
    pub(crate) fn keeps(&self, spelled: &str, folded: &str) -> bool {
        // In another spelling it could become a twin of the one that was checked.
        let is_attribute = folded.starts_with("ce-") && spelled.eq_ignore_ascii_case(folded);
        self.is_clients_event && is_attribute && !folded.starts_with(OUR_ATTRIBUTES)
    }
}

/// Every attribute stands once, the type is one that the rule takes, and the source is the caller's own. What is left
/// out stays out: the service names the missing attribute.
fn check_clients_event(facts: &RequestFacts<'_>, permit: &Permit<'_>) -> Result<(), Untaggable> {
    let attributes: Vec<_> =
        facts.header_names(|folded| folded.starts_with("ce-")).map(str::to_ascii_lowercase).collect();
    for name in &attributes {
        facts.only_header_value(name)?;
    }
    let principal = permit.claims().map(VerifiedClaims::principal);
    let policy = EventPolicy::new(permit.rule().event.client_types.clone(), principal.as_ref());
    if let Some(event_type) = facts.only_header_value("ce-type")? {
        policy.check_type(&decoded(event_type)?)?;
    }
    if let Some(source) = facts.only_header_value("ce-source")? {
        policy.check_source(&decoded(source)?)?;
    }
    Ok(())
}

/// As every reader of the event will see it.
fn decoded(value: &str) -> Result<String, MalformedRequest> {
    decode_header_value(value).ok_or(MalformedRequest::HeaderValue)
}

/// The kind of caller, in the words of the CloudEvents auth context extension.
fn auth_type(claims: &VerifiedClaims) -> &'static str {
    if claims.is_of_client() { "service_account" } else { "app_user" }
}

fn clients_correlation(facts: &RequestFacts<'_>) -> Result<Option<String>, MalformedRequest> {
    let correlation = facts.only_header_value("ce-correlationid")?;
    Ok(correlation.filter(|text| (1..=MAX_CORRELATION_BYTES).contains(&text.len())).map(str::to_owned))
}

/// The client's trace context, if it is well-formed (W3C Trace Context, section 3.2).
fn clients_trace<'r>(facts: &RequestFacts<'r>) -> Option<&'r str> {
    let trace = facts.only_header_value("traceparent").ok().flatten()?;
    let mut parts = trace.split('-');
    let mut part = |length: usize| {
        let part = parts.next()?;
        let is_hex = part.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        (is_hex && part.len() == length).then_some(part)
    };
    let (version, trace_id, parent_id) = (part(2)?, part(32)?, part(16)?);
    part(2)?;
    let is_zero = |part: &str| part.bytes().all(|byte| byte == b'0');
    (version == "00" && !is_zero(trace_id) && !is_zero(parent_id) && parts.next().is_none()).then_some(trace)
}

/// Bytes that no other request shares. The sandbox's randomness is the same in every instance, so they come from what
/// tells requests apart: two that share them would have to come from one peer port (one HTTP/2 or HTTP/3 connection) for
/// one target, be judged in the same nanosecond, and be the same count in the life of two instances.
fn entropy(facts: &RequestFacts<'_>, moment: Moment, secret: &KeyedHash) -> [u8; 32] {
    let parts = [facts.source_address(), facts.method(), facts.host(), facts.target()].map(str::as_bytes);
    let mut all = Vec::with_capacity(parts.iter().map(|part| part.len()).sum::<usize>().saturating_add(64));
    all.extend_from_slice(&moment.now.nanoseconds().to_be_bytes());
    all.extend_from_slice(&moment.sequence.to_be_bytes());
    for part in parts {
        all.extend_from_slice(&(part.len() as u64).to_be_bytes());
        all.extend_from_slice(part);
    }
    let first = secret.of([all.as_slice()]);
    // As good as a hash of everything once more: it tells apart whatever the first one does.
    let second = secret.of([&first[..], b"second"]);
    let mut entropy = [0; 2 * HASH_BYTES];
    let (halves, _) = entropy.as_chunks_mut::<HASH_BYTES>();
    for (half, hash) in halves.iter_mut().zip([first, second]) {
        *half = hash;
    }
    entropy
}

/// In the form of a UUID version 7 (RFC 9562, section 5.7): ordered by time, so that stores append.
fn event_id(moment: Moment, entropy: &[u8; 32]) -> String {
    let milliseconds = moment.now.milliseconds().to_be_bytes();
    let [_, _, time @ ..] = milliseconds;
    let [a, b, c, d, rest @ ..] = entropy.first_chunk::<10>().copied().unwrap_or_default();
    let mut id = Vec::with_capacity(36);
    let (version, variant) = ([a & 0x0f | 0x70, b], [c & 0x3f | 0x80, d]);
    let (high, low) = time.split_at(4);
    for (index, part) in [high, low, &version, &variant, &rest].into_iter().enumerate() {
        if index > 0 {
            id.push(b'-');
        }
        push_hexadecimal(part, &mut id);
    }
    text(id)
}

/// A new trace (W3C Trace Context, section 3.2), not sampled: whoever wants a trace asks for one.
fn new_trace(entropy: &[u8; 32]) -> String {
    // The last bit keeps both parts from being all zeros, which would make the trace invalid.
    let (mut trace_id, mut parent_id) = ([0; 16], [0; 8]);
    trace_id.copy_from_slice(entropy.first_chunk::<16>().unwrap_or(&[1; 16]));
    parent_id.copy_from_slice(entropy.last_chunk::<8>().unwrap_or(&[1; 8]));
    if let (Some(trace_end), Some(parent_end)) = (trace_id.last_mut(), parent_id.last_mut()) {
        *trace_end |= 1;
        *parent_end |= 1;
    }
    let mut trace = Vec::with_capacity(55);
    trace.extend_from_slice(b"00-");
    push_hexadecimal(&trace_id, &mut trace);
    trace.push(b'-');
    push_hexadecimal(&parent_id, &mut trace);
    trace.extend_from_slice(b"-00");
    text(trace)
}
