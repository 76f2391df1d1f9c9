//! What the gate's decision on a token takes that it has never seen, inside Traefik's sandbox.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use measuring::calm;
use measuring::statistics::{Sample, rounded};
use serde_json::{Value, json};

use crate::gate::GateSetting;
use crate::gateway::{Gateway, Surroundings};
use crate::issuer::Algorithm;
use crate::requests::{HOST, TARGET};
use crate::route::Route;

const TOKENS: usize = 200;

/// What the probe is asked for, to time the making of a gate.
const START: &str = "start";

/// Each time anew, with a gate that has seen nothing; the algorithms take turns.
const TURNS: usize = 3;

/// Medians in µs.
pub(crate) struct InSandbox {
    /// The first decision on a token, for each algorithm.
    pub(crate) first: Value,
    /// The decision right after it on the same token.
    pub(crate) again: Value,
    /// Of an instance's start, the part that the gate itself takes.
    pub(crate) start: Value,
}

/// Times the gate's own code inside the sandbox.
pub(crate) fn measure(surroundings: &Surroundings<'_>, patience: usize) -> Result<InSandbox> {
    let gateway = Gateway::start(surroundings, &[Route::Probe])?;
    let trust = gateway.trust(Route::Probe);
    fs::write(trust.join("config.json"), GateSetting::CheckOnly.config()?.to_string())?;
    fs::write(trust.join("start.json"), GateSetting::Shipped.config()?.to_string())?;
    fs::write(trust.join("request.json"), json!({"host": HOST, "target": TARGET}).to_string())?;
    fs::create_dir_all(trust.join("tokens"))?;
    for algorithm in Algorithm::ALL {
        let tokens = (0..TOKENS).map(|index| surroundings.issuer.token(algorithm, index));
        fs::write(trust.join("tokens").join(algorithm.name()), tokens.collect::<Result<Vec<_>>>()?.join("\n"))?;
    }
    let (mut first, mut again) = (vec![Vec::new(); Algorithm::ALL.len()], vec![Vec::new(); Algorithm::ALL.len()]);
    for _ in 0..TURNS {
        for (place, algorithm) in Algorithm::ALL.into_iter().enumerate() {
            let ask = || calm::measured(&[gateway.process.id()], || ask(gateway.port(Route::Probe)?, algorithm.name()));
            for (one, other) in calm::undisturbed(patience, ask)?.0 {
                first[place].push(one);
                again[place].push(other);
            }
        }
    }
    let medians = |times: Vec<Vec<f64>>| {
        let each = Algorithm::ALL.into_iter().zip(times);
        let each =
            each.map(|(algorithm, times)| (algorithm.name().to_owned(), json!(rounded(Sample::of(times).median(), 1))));
        Value::Object(each.collect())
    };
    let (first, again) = (medians(first), medians(again));
    println!("decisions in the sandbox, µs: first sight {first}, at once again {again}");
    let (config, files): (Vec<_>, Vec<_>) = ask(gateway.port(Route::Probe)?, START)?.into_iter().unzip();
    let median = |times| rounded(Sample::of(times).median(), 0);
    let start = json!({"configuration": median(config), "keys": median(files)});
    println!("of an instance's start, µs: {start}");
    Ok(InSandbox { first, again, start })
}

/// Pairs of times in µs.
fn ask(port: u16, what: &str) -> Result<Vec<(f64, f64)>> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).context("Traefik does not listen")?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    // HTTP/1.0, so that the body is what comes until the end.
    write!(stream, "GET /probe/{what} HTTP/1.0\r\nHost: {HOST}\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("the probe's answer has no body")?;
    ensure!(head.starts_with("HTTP/1.0 200"), "the probe failed: {answer}");
    let microseconds = |nanoseconds: &str| anyhow::Ok(nanoseconds.parse::<f64>()? / 1_000.0);
    let pair = |line: &str| {
        let (one, other) = line.split_once(' ').context("the probe answered something else than times")?;
        anyhow::Ok((microseconds(one)?, microseconds(other)?))
    };
    body.lines().map(pair).collect()
}
