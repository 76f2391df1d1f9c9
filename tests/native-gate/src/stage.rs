//! Gates on one set of files and one clock, and what becomes of a request before one of them.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, anyhow, ensure};
use attack_table::{Expected, Forge, GateName, Request, Row, Step, gates};
use trust_core::denial::Denial;
use trust_core::gate::{Forwarding, GATE_KEY_FILE, Gate, Outcome, Refusal};
use trust_core::request::{MAX_HEADERS, RawRequest};
use trust_core::tags::Moment;
use trust_core::time::WallTime;

use crate::go;
use crate::memory::Memory;

/// Where clients reach the main gate.
pub(crate) const AUTHORITY: &str = "localhost:4443";

/// The time that the table begins at.
pub(crate) const NOW: u64 = 1_800_000_000;

/// Where requests come from unless a row says otherwise.
const PEER: &str = "127.0.0.1:50000";

const GATE_KEYS: &str = r#"{"keys":[{"kid":"g","secret":"CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk"}]}"#;

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Became {
    RefusedByServer,
    AnsweredByGate(u16),
    Denied(u16, &'static str),
    /// The headers that arrive, by their names in lower case.
    Passed(Vec<(String, String)>),
}

impl Became {
    pub(crate) fn status(&self) -> u16 {
        match self {
            Became::RefusedByServer => go::REFUSED,
            Became::AnsweredByGate(status) | Became::Denied(status, _) => *status,
            Became::Passed(_) => 200,
        }
    }

    fn text(&self) -> String {
        match self {
            Became::RefusedByServer => "refused by the server".to_owned(),
            Became::AnsweredByGate(status) => format!("answered by the gate with {status}"),
            Became::Denied(status, reason) => format!("denied with {status} {reason}"),
            Became::Passed(_) => "passed".to_owned(),
        }
    }

    /// What is wrong with it, if anything is.
    pub(crate) fn held_against(&self, expected: &Expected) -> Option<String> {
        let is_right = match (self, expected) {
            (Became::Denied(status, reason), Expected::Denied { status: wanted_status, reason: wanted }) => {
                status == wanted_status && reason == wanted
            }
            (Became::AnsweredByGate(200), Expected::AnsweredByGate) => true,
            (Became::Passed(arrived), Expected::Passes(seen)) => {
                let missed: Vec<_> = seen.iter().filter(|seen| !seen.holds(arrived)).collect();
                return (!missed.is_empty()).then(|| format!("passed, but not with {missed:?}"));
            }
            _ => false,
        };
        (!is_right).then(|| self.text())
    }
}

/// Gates that are made when the first request comes to them.
pub(crate) struct Stage<'a> {
    forge: &'a Forge,
    files: BTreeMap<String, String>,
    memory: Memory,
    gates: BTreeMap<GateName, Option<Gate>>,
    now: u64,
    sequence: u64,
}

impl<'a> Stage<'a> {
    pub(crate) fn new(forge: &'a Forge, files: &BTreeMap<String, String>) -> Stage<'a> {
        let mut files = files.clone();
        files.insert(GATE_KEY_FILE.to_owned(), GATE_KEYS.to_owned());
        Stage { forge, files, memory: Memory::default(), gates: BTreeMap::new(), now: NOW, sequence: 0 }
    }

    /// Plays all that stands before a row's request, and then the request.
    pub(crate) fn play(&mut self, row: &Row) -> Result<Became> {
        for step in &row.before {
            self.step(step)?;
        }
        Ok(self.send(row.gate, &row.request, row.peer.unwrap_or(PEER)))
    }

    fn step(&mut self, step: &Step) -> Result<()> {
        match step {
            Step::Send { gate, request, status } => {
                let became = self.send(*gate, request, PEER);
                ensure!(became.status() == *status, "a request before it was {}, not {status}", became.text());
            }
            Step::Clock(seconds) => self.now = NOW.saturating_add_signed(*seconds),
            Step::File(name, content) => {
                match content {
                    Some(content) => self.files.insert((*name).to_owned(), content.clone()),
                    None => self.files.remove(*name),
                };
                for gate in
                    self.gates.values_mut().flatten().filter(|gate| gate.wanted_files().iter().any(|file| file == name))
                {
                    // A file that is of no use is what the row is about.
                    let _ = gate.take_file(name, content.as_deref().map(str::as_bytes));
                }
            }
            Step::NewInstances => self.gates.clear(),
            Step::Spoil(how) => self.memory.spoil(how),
            Step::Revoked(revoked) => self.memory.revoke(revoked),
            Step::CutTable(bytes) => self.memory.cut_table(*bytes),
        }
        Ok(())
    }

    fn send(&mut self, name: GateName, request: &Request, peer: &str) -> Became {
        let Some(whole) = go::read(request, &name.authority(AUTHORITY), peer) else { return Became::RefusedByServer };
        self.sequence = self.sequence.wrapping_add(1);
        let moment = Moment { now: WallTime::from_epoch(Duration::from_secs(self.now)), sequence: self.sequence };
        let (forge, files) = (self.forge, &self.files);
        let Some(gate) = self.gates.entry(name).or_insert_with(|| instance(name, forge, files).ok()) else {
            let refusal = Refusal::without_gate(&Denial::NotConfigured, &whole);
            return refused(&Denial::NotConfigured, refusal, &whole);
        };
        // As `middleware-wasm/src/host.rs` reads it.
        let mut raw = whole.clone();
        raw.headers.truncate(MAX_HEADERS.saturating_add(1));
        if let Some(answer) = gate.own_answer(&read_by(gate, &raw)) {
            return Became::AnsweredByGate(answer.status);
        }
        match gate.decide(&read_by(gate, &raw), moment, &self.memory) {
            Ok(forwarding) => Became::Passed(arriving(&whole, &forwarding)),
            Err(denial) => {
                let refusal = gate.refuse(&denial, &read_by(gate, &whole), moment, &self.memory);
                refused(&denial, refusal, &whole)
            }
        }
    }
}

fn instance(name: GateName, forge: &Forge, files: &BTreeMap<String, String>) -> Result<Gate> {
    let config = gates::config(name, forge, AUTHORITY).to_string();
    let mut gate = Gate::from_config(config.as_bytes()).map_err(|mistakes| anyhow!("{mistakes:?}"))?;
    for file in gate.wanted_files() {
        // A file that is of no use is what some rows are about.
        let _ = gate.take_file(&file, files.get(&file).map(|content| content.as_bytes()));
    }
    Ok(gate)
}

/// The values of headers that the gate does not read are not handed over.
fn read_by(gate: &Gate, whole: &RawRequest) -> RawRequest {
    let mut raw = whole.clone();
    raw.headers.iter_mut().filter(|(name, _)| !gate.reads_header(name)).for_each(|(_, values)| values.clear());
    raw
}

fn refused(denial: &Denial, refusal: Refusal, whole: &RawRequest) -> Became {
    match refusal.outcome {
        Outcome::Answer(answer) => Became::Denied(answer.status, denial.code()),
        Outcome::Pass(forwarding) => Became::Passed(arriving(whole, &forwarding)),
    }
}

/// The headers behind the gate. Go removes and sets by the canonical name.
fn arriving(whole: &RawRequest, forwarding: &Forwarding) -> Vec<(String, String)> {
    let removed: Vec<_> = forwarding.remove.iter().map(|name| go::canonical(name)).collect();
    let set: Vec<_> = forwarding.set.iter().map(|(name, value)| (go::canonical(name), value.clone())).collect();
    let kept = whole
        .headers
        .iter()
        .filter(|(name, _)| !removed.contains(name) && !set.iter().any(|(other, _)| other == name))
        .flat_map(|(name, values)| {
            values.iter().map(move |value| (name.clone(), String::from_utf8_lossy(value).into_owned()))
        });
    kept.chain(set.iter().cloned()).map(|(name, value)| (name.to_lowercase(), value)).collect()
}
