//! What a probe is told in its file. Every mistake in it is found at once, with its line.

mod receivers;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::Url;
use serde_json::{Value, json};
use tokio::time::Instant;
use trust_core::Mistake;

use super::check::Check;
use super::credential::CredentialSettings;
use crate::config_file::{self, LocatedMistake};
use crate::outbound::OutboundSettings;
use crate::section::Section;
pub(super) use receivers::{Form, GATEWAY, ReceiverSettings};

const DEFAULT_LISTEN: &str = "127.0.0.1:9465";
const DEFAULT_INTERVAL: u64 = 60;
const DEFAULT_TIMEOUT: u64 = 20;

/// Reads nothing and changes nothing, so that an attack that gets through does no harm.
const DEFAULT_PATH: &str = "/v1/events?limit=1";

/// Of ten attacks some five count as bad tokens, of which a source has sixty in a minute: no more than half of them.
const ATTACKS_AT_MOST_EVERY: u64 = 10;

/// One person opens thirty sessions in an hour at most; a session and a revocation take one each.
const SESSIONS_EVERY: u64 = 300;

/// An answer of the service is smaller; a page of events is the largest.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// Everything that a probe is told.
#[derive(Debug)]
pub(super) struct Settings {
    /// Where it shows how things are: an address of this host alone.
    pub(super) listen: SocketAddr,
    pub(super) state_file: PathBuf,
    pub(super) interval: Duration,
    /// Where people find the status page.
    pub(super) external_url: Option<Url>,
    /// Labels of every alert.
    pub(super) labels: BTreeMap<String, String>,
    pub(super) gateway: Url,
    pub(super) reach: OutboundSettings,
    pub(super) token: CredentialSettings,
    /// The principal, where the token does not say it.
    pub(super) source: Option<String>,
    pub(super) base: Pace,
    pub(super) gate: GateSettings,
    pub(super) event: EventSettings,
    pub(super) ask: Option<AskSettings>,
    pub(super) command: Option<CommandSettings>,
    pub(super) session: Option<SessionSettings>,
    pub(super) revocation: Option<RevocationSettings>,
    pub(super) receivers: Vec<ReceiverSettings>,
}

/// How often a check is made, and how long it may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pace {
    pub(super) every: Duration,
    pub(super) timeout: Duration,
}

impl Pace {
    /// When a check that begins now gives up: the rest of its time is for putting in order what it has begun.
    pub(super) fn deadline(self) -> Instant {
        let now = Instant::now();
        now.checked_add(self.timeout.mul_f64(0.75)).unwrap_or(now)
    }
}

#[derive(Debug)]
pub(super) struct GateSettings {
    pub(super) pace: Pace,
    /// What attacks ask for with GET: it needs a token, and does no harm if they get it.
    pub(super) path: String,
    /// What the probe's token lacks a scope for; found by itself where this is missing.
    pub(super) missing_scope: Option<String>,
}

#[derive(Debug)]
pub(super) struct EventSettings {
    pub(super) pace: Pace,
    /// How soon it must be found.
    pub(super) within: Duration,
}

#[derive(Debug)]
pub(super) struct AskSettings {
    pub(super) pace: Pace,
    pub(super) question: String,
    /// What the answer must cite; any document where this is missing.
    pub(super) document: Option<String>,
}

#[derive(Debug)]
pub(super) struct CommandSettings {
    pub(super) pace: Pace,
    pub(super) runbook: String,
    pub(super) parameters: Value,
    /// The probe carries it out itself; somebody else where this is missing.
    pub(super) canary: Option<CanarySettings>,
}

/// The service as which the probe takes its own command.
#[derive(Debug)]
pub(super) struct CanarySettings {
    pub(super) service: String,
    pub(super) token: CredentialSettings,
}

#[derive(Debug)]
pub(super) struct SessionSettings {
    pub(super) pace: Pace,
    /// Of a person, with the scope `sessions:write`; the probe's own where this is missing.
    pub(super) token: Option<CredentialSettings>,
    /// What a session asks for with its token.
    pub(super) path: String,
}

#[derive(Debug)]
pub(super) struct RevocationSettings {
    pub(super) pace: Pace,
    /// With the scope `revocations:write`.
    pub(super) token: CredentialSettings,
    /// What the revoked token asks for.
    pub(super) path: String,
}

impl Settings {
    /// Reads the text of a file.
    pub(super) fn read(text: &str) -> Result<Self, Vec<LocatedMistake>> {
        config_file::read(text, read_all)
    }

    /// Whether this check asks an identity provider for a token of its own, besides the one that all share.
    pub(super) fn asks_provider(&self, check: Check) -> bool {
        let asks = |credential: Option<&CredentialSettings>| credential.is_some_and(CredentialSettings::gives_new_ones);
        let session = || asks(self.session.as_ref().and_then(|session| session.token.as_ref()));
        match check {
            Check::Command => {
                asks(self.command.as_ref().and_then(|command| command.canary.as_ref()).map(|canary| &canary.token))
            }
            Check::Session => session(),
            Check::Revocation => {
                let operator = self.revocation.as_ref().map(|revocation| &revocation.token);
                asks(Some(&self.token)) || asks(operator) || session()
            }
            Check::Gateway | Check::Service | Check::Token | Check::Gate | Check::Event | Check::Ask => false,
        }
    }
}

const KEYS: [&str; 16] = [
    "listen",
    "stateFile",
    "intervalSeconds",
    "timeoutSeconds",
    "externalUrl",
    "labels",
    "gateway",
    "token",
    "source",
    "gate",
    "event",
    "ask",
    "command",
    "session",
    "revocation",
    "receivers",
];

/// Nothing where the mistakes leave nothing to build; what is built beside mistakes is not used.
fn read_all(file: &Section<'_>, mistakes: &mut Vec<Mistake>) -> Option<Settings> {
    file.only_keys(&KEYS, mistakes);
    let listen: Option<SocketAddr> =
        file.text("listen", mistakes).unwrap_or_else(|| DEFAULT_LISTEN.to_owned()).parse().ok();
    let listen = listen.filter(|listen| listen.ip().is_loopback());
    if listen.is_none() {
        file.at("listen")
            .mistake("an address of this host alone and a port, such as 127.0.0.1:9465, were expected", mistakes);
    }
    let state_file = file.required("stateFile", mistakes).map(PathBuf::from);
    let interval = file.number("intervalSeconds", 1..=3600, mistakes).unwrap_or(DEFAULT_INTERVAL);
    let timeout = file.number("timeoutSeconds", 1..=600, mistakes).unwrap_or(DEFAULT_TIMEOUT);
    let default = Reading { interval, timeout };
    let base = Pace { every: Duration::from_secs(interval), timeout: Duration::from_secs(timeout) };
    let gateway = file.at("gateway");
    gateway.only_keys(&["url", "caFile", "allowedNetworks"], mistakes);
    gateway.required("url", mistakes);
    let url = gateway.url("url", mistakes);
    let token = read_token(&file.at("token"), mistakes);
    let session = section(file, "session", mistakes, |item, mistakes| default.session(item, mistakes));
    let revocation = section(file, "revocation", mistakes, |item, mistakes| default.revocation(item, mistakes));
    let is_file = matches!(token, Some(CredentialSettings::File(_)));
    if revocation.is_some() && is_file && session.is_none() {
        let what = "the token in a file is the probe's only one: say `session` too, whose token is then revoked, or let `token` be obtained";
        file.at("revocation").mistake(what, mistakes);
    }
    let external_url = file.url("externalUrl", mistakes);
    // One answer that does not come does not use up all of a check's time.
    let reach = reach(&gateway, base.timeout.mul_f64(0.5), mistakes);
    let (labels, source) = (labels(file, mistakes), file.text("source", mistakes));
    let gate = default.gate(&file.at("gate"), mistakes);
    let event = default.event(&file.at("event"), mistakes);
    let ask = section(file, "ask", mistakes, |item, mistakes| default.ask(item, mistakes));
    let command = section(file, "command", mistakes, |item, mistakes| default.command(item, mistakes));
    let receivers = receivers::read(file, mistakes);
    // Only now: every mistake is to be found.
    Some(Settings {
        listen: listen?,
        state_file: state_file?,
        interval: base.every,
        external_url,
        labels,
        gateway: url?,
        reach,
        token: token?,
        source,
        base,
        gate,
        event,
        ask,
        command,
        session,
        revocation,
        receivers,
    })
}

/// Where a caller may go: for the gateway, an identity provider, a receiver.
pub(super) fn reach(item: &Section<'_>, timeout: Duration, mistakes: &mut Vec<Mistake>) -> OutboundSettings {
    OutboundSettings {
        timeout,
        max_bytes: MAX_ANSWER_BYTES,
        allowed_networks: item.networks("allowedNetworks", mistakes),
        ca_file: item.path("caFile", mistakes),
        client_identity: None,
    }
}

fn read_token(item: &Section<'_>, mistakes: &mut Vec<Mistake>) -> Option<CredentialSettings> {
    if item.is_there() {
        return CredentialSettings::read(item, mistakes);
    }
    item.mistake("this is required", mistakes);
    None
}

/// A section that need not be there; nothing where it is not.
fn section<T>(
    file: &Section<'_>,
    key: &str,
    mistakes: &mut Vec<Mistake>,
    read: impl FnOnce(&Section<'_>, &mut Vec<Mistake>) -> Option<T>,
) -> Option<T> {
    let item = file.at(key);
    if item.is_there() { read(&item, mistakes) } else { None }
}

fn labels(file: &Section<'_>, mistakes: &mut Vec<Mistake>) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    for (name, item) in file.entries("labels", mistakes) {
        let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        match item.as_text() {
            Some(text) if is_name => drop(labels.insert(name, text.to_owned())),
            _ => item.mistake("a name of letters, digits and `_`, and a text, were expected", mistakes),
        }
    }
    labels
}

/// What holds for a check that says nothing else.
#[derive(Clone, Copy)]
struct Reading {
    interval: u64,
    timeout: u64,
}

impl Reading {
    fn pace(self, item: &Section<'_>, least: u64, mistakes: &mut Vec<Mistake>) -> Pace {
        let every = item.number("everySeconds", 1..=86_400, mistakes).unwrap_or_else(|| self.interval.max(least));
        let timeout = item.number("timeoutSeconds", 1..=600, mistakes).unwrap_or(self.timeout);
        Pace { every: Duration::from_secs(every), timeout: Duration::from_secs(timeout) }
    }

    fn gate(self, item: &Section<'_>, mistakes: &mut Vec<Mistake>) -> GateSettings {
        known(item, &["path", "missingScopePath"], mistakes);
        GateSettings {
            pace: self.pace(item, ATTACKS_AT_MOST_EVERY, mistakes),
            path: path(item, "path", mistakes).unwrap_or_else(|| DEFAULT_PATH.to_owned()),
            missing_scope: path(item, "missingScopePath", mistakes),
        }
    }

    fn event(self, item: &Section<'_>, mistakes: &mut Vec<Mistake>) -> EventSettings {
        known(item, &["withinSeconds"], mistakes);
        let within = item.number("withinSeconds", 1..=300, mistakes).unwrap_or(5);
        EventSettings { pace: self.pace(item, 0, mistakes), within: Duration::from_secs(within) }
    }

    fn ask(self, item: &Section<'_>, mistakes: &mut Vec<Mistake>) -> Option<AskSettings> {
        known(item, &["question", "document"], mistakes);
        let (pace, document) = (self.pace(item, 0, mistakes), item.text("document", mistakes));
        Some(AskSettings { pace, question: item.required("question", mistakes)?, document })
    }

    fn command(self, item: &Section<'_>, mistakes: &mut Vec<Mistake>) -> Option<CommandSettings> {
        known(item, &["runbook", "parameters", "canary"], mistakes);
        let parameters = item.at("parameters").value().cloned().unwrap_or_else(|| json!({}));
        if !parameters.is_object() {
            item.at("parameters").mistake("a map was expected", mistakes);
        }
        let canary = section(item, "canary", mistakes, |canary, mistakes| {
            canary.only_keys(&["service", "token"], mistakes);
            let (service, token) = (canary.required("service", mistakes), read_token(&canary.at("token"), mistakes));
            Some(CanarySettings { service: service?, token: token? })
        });
        let pace = self.pace(item, 0, mistakes);
        Some(CommandSettings { pace, runbook: item.required("runbook", mistakes)?, parameters, canary })
    }

    fn session(self, item: &Section<'_>, mistakes: &mut Vec<Mistake>) -> Option<SessionSettings> {
        known(item, &["token", "path"], mistakes);
        let token = section(item, "token", mistakes, CredentialSettings::read);
        let path = path(item, "path", mistakes).unwrap_or_else(|| DEFAULT_PATH.to_owned());
        Some(SessionSettings { pace: self.pace(item, SESSIONS_EVERY, mistakes), token, path })
    }

    fn revocation(self, item: &Section<'_>, mistakes: &mut Vec<Mistake>) -> Option<RevocationSettings> {
        known(item, &["token", "path"], mistakes);
        let path = path(item, "path", mistakes).unwrap_or_else(|| DEFAULT_PATH.to_owned());
        let pace = self.pace(item, SESSIONS_EVERY, mistakes);
        Some(RevocationSettings { pace, token: read_token(&item.at("token"), mistakes)?, path })
    }
}

/// A check's own keys, and those that all have.
fn known(item: &Section<'_>, own: &[&str], mistakes: &mut Vec<Mistake>) {
    if item.is_there() {
        item.only_keys(&[own, &["everySeconds", "timeoutSeconds"]].concat(), mistakes);
    }
}

fn path(item: &Section<'_>, key: &str, mistakes: &mut Vec<Mistake>) -> Option<String> {
    let path = item.text(key, mistakes)?;
    if !path.starts_with('/') || path.starts_with("//") {
        item.at(key).mistake("a path such as /v1/events?limit=1 was expected", mistakes);
    }
    Some(path)
}

#[cfg(test)]
mod tests;
