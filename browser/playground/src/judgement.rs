//! The verdict with all that a page shows of it.

use std::fmt::Display;

use policy::configuration::{
    FoundMistake, Middleware, NoGate, TEMPLATES_NOT_FILLED, chosen, has_templates, middlewares,
};
use policy::explain;
use policy::report::Report;
use policy::request::{AskedRequest, parse_header};
use serde::Serialize;
use serde_json::{Map, Value};
use trust_core::gate::Gate;
use trust_core::gate::explanation::{CheckOutcome, SignatureCheck};
use trust_core::gate_key::SECRET_BYTES;
use trust_core::request::RawRequest;
use trust_core::tags::Moment;

use crate::claims::unverified_claims;
use crate::question::Question;

/// The name of the plugin in the files that the product ships.
const PLUGIN: &str = "watchgate";

/// The field of the configuration.
const RULES: &str = "rules";

/// A port for a peer that was written without one: no rule sees it.
const PEER_PORT: u16 = 49_152;

#[derive(Debug, Default, Serialize)]
pub(crate) struct Judgement {
    /// The gates of the configuration, by name; none where it stands alone.
    pub(crate) gates: Vec<String>,
    /// What is wrong with the configuration. With any mistake the gate answers every request with 503.
    pub(crate) mistakes: Vec<FoundMistake>,
    /// Why there is nothing to judge: what is wrong with the request, or that there is no gate in the configuration.
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

/// The gate that is asked. Where the text has none, no gateway would answer by it: Traefik keeps the configuration before.
fn gate(configuration: &str, name: Option<&str>, judgement: &mut Judgement) -> Option<Gate> {
    let middleware = found(configuration, judgement)
        .and_then(|found| pick(found, name, judgement))
        .map_err(|error| judgement.errors.push(error))
        .ok()?;
    let has_templates = has_templates(configuration);
    let gate = middleware.gate().map_err(|mistakes| sort(mistakes, has_templates, judgement)).ok()?;
    if has_templates {
        judgement.notes.push(TEMPLATES_NOT_FILLED.to_owned());
    }
    Some(gate)
}

/// The gates of the text; those of the only plugin that is used where that has another name.
fn found(configuration: &str, judgement: &mut Judgement) -> Result<Vec<Middleware>, WrongField> {
    let none = match middlewares(configuration, PLUGIN) {
        Ok(found) => return Ok(found),
        Err(none) => none,
    };
    let Some(other) = none.only_other_plugin() else { return Err(no_gate(&none)) };
    let found = middlewares(configuration, other).map_err(|none| no_gate(&none))?;
    judgement.notes.push(format!(
        "no middleware uses a plugin called {PLUGIN}; {other}, the only one that is used, was taken for the gate"
    ));
    Ok(found)
}

fn pick(found: Vec<Middleware>, name: Option<&str>, judgement: &mut Judgement) -> Result<Middleware, WrongField> {
    judgement.gates = found.iter().filter_map(|middleware| middleware.name.clone()).collect();
    // A gate that was chosen and is gone must not keep others from being looked at.
    let name = name.filter(|name| judgement.gates.iter().any(|other| other == name)).map(str::to_owned);
    let name = name.or_else(|| judgement.gates.first().cloned());
    chosen(found, name.as_deref()).map_err(|not_chosen| WrongField { field: RULES, what: not_chosen.to_string() })
}

/// With templates in the text nobody knows here what the gate would read, so what is wrong may be wrong here alone.
fn sort(mistakes: Vec<FoundMistake>, has_templates: bool, judgement: &mut Judgement) {
    if !has_templates {
        judgement.mistakes = mistakes;
        return;
    }
    judgement.errors.extend(mistakes.into_iter().map(|FoundMistake { line, place, what }| {
        let place = if place.is_empty() { place } else { format!("{place}: ") };
        WrongField { field: RULES, what: at_line(line, &format!("{place}{what}; {TEMPLATES_NOT_FILLED}")) }
    }));
}

fn no_gate(none: &NoGate) -> WrongField {
    let FoundMistake { line, what, .. } = none.as_mistake();
    WrongField { field: RULES, what: at_line(line, &what) }
}

fn at_line(line: Option<u64>, what: &str) -> String {
    line.map_or_else(|| what.to_owned(), |line| format!("line {line}: {what}"))
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
    judgement.is_signature_assumed = is_signature_assumed(&report);
    if judgement.is_signature_assumed {
        let files = files.join(", ");
        judgement.notes.push(format!(
            "the signature was not checked and is taken for good: the keys of {files} are not here; everything else is checked"
        ));
    }
    judgement.report = Some(report);
}

/// A token that was refused before its signature had its turn was judged without it.
fn is_signature_assumed(report: &Report) -> bool {
    let token = report.explanation.as_ref().and_then(|explanation| explanation.token.as_ref());
    token.is_some_and(|notes| notes.checks.iter().any(|check| check.outcome == CheckOutcome::Assumed))
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
