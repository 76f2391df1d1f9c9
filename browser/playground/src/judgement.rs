//! The verdict with all that a page shows of it.

use std::fmt::Display;

use policy::configuration::{FoundMistake, chosen, middlewares};
use policy::explain;
use policy::report::Report;
use policy::request::{AskedRequest, parse_header};
use serde::Serialize;
use serde_json::{Map, Value};
use trust_core::gate::Gate;
use trust_core::gate::explanation::SignatureCheck;
use trust_core::gate_key::SECRET_BYTES;
use trust_core::request::RawRequest;
use trust_core::tags::Moment;

use crate::claims::unverified_claims;
use crate::question::Question;

/// The name of the plugin in the files that the product ships.
const PLUGIN: &str = "watchgate";

/// A port for a peer that was written without one: no rule sees it.
const PEER_PORT: u16 = 49_152;

#[derive(Debug, Default, Serialize)]
pub(crate) struct Judgement {
    /// The gates of the configuration, by name; none where it stands alone.
    pub(crate) gates: Vec<String>,
    /// What is wrong with the configuration. With any mistake the gate answers every request with 503.
    pub(crate) mistakes: Vec<FoundMistake>,
    /// What is wrong with the request, so that there is nothing to judge.
    pub(crate) errors: Vec<WrongField>,
    /// What keeps this verdict from being the one that a gateway would give.
    pub(crate) notes: Vec<String>,
    /// Whether the signature was taken for good, because no key is at hand.
    pub(crate) is_signature_assumed: bool,
    /// All claims of the token, unverified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) claims: Option<Map<String, Value>>,
    /// The verdict, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) report: Option<Report>,
}

/// What a person has to write differently.
#[derive(Debug, Serialize)]
pub(crate) struct WrongField {
    pub(crate) field: &'static str,
    pub(crate) what: String,
}

impl Judgement {
    pub(crate) fn wrong(field: &'static str, what: &impl Display) -> Self {
        Self { errors: vec![WrongField { field, what: what.to_string() }], ..Self::default() }
    }
}

pub(crate) fn of(configuration: &str, question: &Question, moment: Moment, secret: [u8; SECRET_BYTES]) -> Judgement {
    let mut judgement =
        Judgement { claims: question.token.as_deref().and_then(unverified_claims), ..Judgement::default() };
    let raw = raw(question).map_err(|mut wrong| judgement.errors.append(&mut wrong)).ok();
    let gate = gate(configuration, question.middleware.as_deref(), &mut judgement);
    if let (Some(raw), Some(mut gate)) = (raw, gate) {
        judge(&mut gate, &raw, question, moment, secret, &mut judgement);
    }
    judgement
}

fn gate(configuration: &str, name: Option<&str>, judgement: &mut Judgement) -> Option<Gate> {
    let found = match middlewares(configuration, PLUGIN) {
        Ok(found) => found,
        Err(none) => {
            judgement.mistakes.push(none.as_mistake());
            return None;
        }
    };
    judgement.gates = found.iter().filter_map(|middleware| middleware.name.clone()).collect();
    // A gate that was chosen and is gone must not keep others from being looked at.
    let name = name.filter(|name| judgement.gates.iter().any(|other| other == name)).map(str::to_owned);
    let name = name.or_else(|| judgement.gates.first().cloned());
    match chosen(found, name.as_deref()) {
        Ok(middleware) => middleware.gate().map_err(|mistakes| judgement.mistakes = mistakes).ok(),
        Err(not_chosen) => {
            judgement.mistakes.push(FoundMistake { line: None, place: String::new(), what: not_chosen.to_string() });
            None
        }
    }
}

fn judge(
    gate: &mut Gate,
    raw: &RawRequest,
    question: &Question,
    moment: Moment,
    secret: [u8; SECRET_BYTES],
    judgement: &mut Judgement,
) {
    let mut wrong = |field: &'static str, what: &dyn Display| {
        judgement.errors.push(WrongField { field, what: what.to_string() });
    };
    if let Err(invalid) = explain::stand_in_for_gate_key(gate, secret) {
        wrong("secret", &invalid);
    }
    let files = explain::key_files(gate);
    let are_at_hand = files.is_empty() || !question.keys.trim().is_empty();
    if !files.is_empty()
        && are_at_hand
        && let Err(invalid) = explain::stand_in_for_key_files(gate, question.keys.as_bytes())
    {
        return wrong("keys", &invalid);
    }
    let signature = if are_at_hand { SignatureCheck::Done } else { SignatureCheck::Assumed };
    let report = explain::explain(gate, raw, moment, signature);
    let has_token_notes = report.explanation.as_ref().is_some_and(|explanation| explanation.token.is_some());
    judgement.is_signature_assumed = has_token_notes && !are_at_hand;
    if judgement.is_signature_assumed {
        let files = files.join(", ");
        judgement.notes.push(format!(
            "the signature was not checked and is taken for good: the keys of {files} are not here; everything else is checked"
        ));
    }
    judgement.report = Some(report);
}

fn raw(question: &Question) -> Result<RawRequest, Vec<WrongField>> {
    let mut wrong = Vec::new();
    let mut headers = Vec::new();
    for (index, line) in question.headers.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        match parse_header(line) {
            Ok(header) => headers.push(header),
            Err(no_header) => {
                let what = format!("line {}: {no_header}", index.saturating_add(1));
                wrong.push(WrongField { field: "headers", what });
            }
        }
    }
    let asked = AskedRequest {
        method: question.method.trim(),
        url: question.url.trim(),
        source: &peer(question.source.trim()),
        headers,
        token: question.token.as_deref(),
    };
    match asked.raw() {
        Ok(raw) if wrong.is_empty() => return Ok(raw),
        Ok(_) => {}
        Err(no_url) => wrong.push(WrongField { field: "url", what: no_url.to_string() }),
    }
    Err(wrong)
}

/// A peer has a port; who asks what a rule makes of an address need not think of one.
fn peer(source: &str) -> String {
    match source.parse::<std::net::IpAddr>() {
        Ok(address) => std::net::SocketAddr::new(address, PEER_PORT).to_string(),
        Err(_) => source.to_owned(),
    }
}
