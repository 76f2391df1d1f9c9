//! What the gate's decision on a token takes that it has never seen, inside Traefik's sandbox.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::gate::GateSetting;
use crate::gateway::{Gateway, Surroundings};
use crate::issuer::Algorithm;
use crate::requests::{HOST, TARGET};
use crate::route::Route;
use crate::statistics::{Sample, rounded};

const TOKENS: usize = 200;

/// Each time anew, with a gate that has seen nothing; the algorithms take turns.
const TURNS: usize = 3;

/// For each algorithm the first decision on a token and the one right after it, in µs.
pub(crate) fn measure(surroundings: &Surroundings<'_>) -> Result<(Value, Value)> {
    let gateway = Gateway::start(surroundings, &[Route::Probe])?;
    let trust = gateway.trust(Route::Probe);
    fs::write(trust.join("config.json"), GateSetting::CheckOnly.config()?.to_string())?;
    fs::write(trust.join("request.json"), json!({"host": HOST, "target": TARGET}).to_string())?;
    fs::create_dir_all(trust.join("tokens"))?;
    for algorithm in Algorithm::ALL {
        let tokens = (0..TOKENS).map(|index| surroundings.issuer.token(algorithm, index));
        fs::write(trust.join("tokens").join(algorithm.name()), tokens.collect::<Result<Vec<_>>>()?.join("\n"))?;
    }
    let (mut first, mut again) = (vec![Vec::new(); Algorithm::ALL.len()], vec![Vec::new(); Algorithm::ALL.len()]);
    for _ in 0..TURNS {
        for (place, algorithm) in Algorithm::ALL.into_iter().enumerate() {
            for line in ask(gateway.port(Route::Probe)?, algorithm)?.lines() {
                let times = line.split_once(' ').context("the probe answered something else than times")?;
                first[place].push(times.0.parse::<f64>()? / 1_000.0);
                again[place].push(times.1.parse::<f64>()? / 1_000.0);
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
    Ok((first, again))
}

fn ask(port: u16, algorithm: Algorithm) -> Result<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).context("Traefik does not listen")?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    // HTTP/1.0, so that the body is what comes until the end.
    write!(stream, "GET /probe/{} HTTP/1.0\r\nHost: {HOST}\r\n\r\n", algorithm.name())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("the probe's answer has no body")?;
    ensure!(head.starts_with("HTTP/1.0 200"), "the probe failed: {answer}");
    Ok(body.to_owned())
}
