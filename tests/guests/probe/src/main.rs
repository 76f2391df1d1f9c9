//! Times the gate's whole decision inside Traefik's sandbox, for tokens that nobody has seen before.
//!
//! `/trust` holds `config.json` (the gate's configuration), `request.json` (host and target), the gate's files and, for
//! each path `/probe/<name>` that is asked for, `tokens/<name>`: a token a line. The answer is a line for each token:
//! nanoseconds of the first decision on it and of one right after that. For `/probe/start` a gate is made several times
//! from `start.json`: nanoseconds for its configuration, and for its files. Every other request passes.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http_wasm_guest::Guest;
use http_wasm_guest::host::{Request, Response};
use serde_json::Value;
use trust_core::gate::Gate;
use trust_core::request::RawRequest;
use trust_core::shared_files::NoSharedFiles;
use trust_core::tags::Moment;
use trust_core::time::WallTime;

const TRUST: &str = "/trust";

const STARTS: usize = 50;

struct Probe;

fn main() {
    http_wasm_guest::register(Probe);
}

impl Guest for Probe {
    fn handle_request(&self, request: &Request, response: &Response) -> (bool, i32) {
        let target = String::from_utf8_lossy(&request.uri()).into_owned();
        let Some(name) = target.strip_prefix("/probe/") else { return (true, 0) };
        let timed = if name == "start" { time_starts() } else { time_decisions(name) };
        let (status, text) = match timed {
            Ok(times) => (200, times.iter().map(|[first, second]| format!("{first} {second}\n")).collect()),
            Err(error) => (500, error),
        };
        response.set_status(status);
        response.body.write(text.as_bytes());
        (false, 0)
    }
}

fn time_starts() -> Result<Vec<[u128; 2]>, String> {
    let config = read("start.json")?;
    let one = |_| {
        let began = now();
        let mut gate = configured(&config)?;
        let made = now();
        take_files(&mut gate)?;
        Ok([made.saturating_sub(began).as_nanos(), now().saturating_sub(made).as_nanos()])
    };
    (0..STARTS).map(one).collect()
}

fn time_decisions(name: &str) -> Result<Vec<[u128; 2]>, String> {
    let mut gate = configured(&read("config.json")?)?;
    take_files(&mut gate)?;
    let settings: Value = serde_json::from_str(&read("request.json")?).map_err(|error| error.to_string())?;
    let setting = |name: &str| settings.get(name).and_then(Value::as_str).unwrap_or_default().as_bytes().to_vec();
    let (target, host) = (setting("target"), setting("host"));
    let tokens = read(&format!("tokens/{name}"))?;
    let times = tokens.lines().map(|token| {
        let raw = RawRequest {
            method: b"GET".to_vec(),
            target: target.clone(),
            host: host.clone(),
            source_address: b"127.0.0.1:1".to_vec(),
            headers: vec![("authorization".to_owned(), vec![format!("Bearer {token}").into_bytes()])],
        };
        Ok([time(&mut gate, &raw)?, time(&mut gate, &raw)?])
    });
    times.collect()
}

fn configured(config: &str) -> Result<Gate, String> {
    Gate::from_config(config.as_bytes()).map_err(|mistakes| format!("{mistakes:?}"))
}

fn take_files(gate: &mut Gate) -> Result<(), String> {
    for file in gate.wanted_files() {
        gate.take_file(&file, Some(read(&file)?.as_bytes())).map_err(|invalid| invalid.to_string())?;
    }
    Ok(())
}

fn time(gate: &mut Gate, raw: &RawRequest) -> Result<u128, String> {
    let began = now();
    let moment = Moment { now: WallTime::from_epoch(began), sequence: 1 };
    gate.decide(raw, moment, &NoSharedFiles).map_err(|denial| denial.reason())?;
    Ok(now().saturating_sub(began).as_nanos())
}

/// The sandbox's monotonic clock is fake; the wall clock is the only one.
fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn read(name: &str) -> Result<String, String> {
    fs::read_to_string(Path::new(TRUST).join(name)).map_err(|error| format!("{name}: {error}"))
}
