//! Switches off one check of the core after the other, and asks whether the attack table notices: a check that no row is
//! about could go without anybody's knowing.
//!
//! The edits are made in a copy below `target/switch-off`, which is built incrementally and plays the table by itself. With
//! an argument, only checks in whose name it stands; with `--unless-known`, none when nothing has changed since all were caught.

mod checks;
mod completeness;
mod copy;
mod judgement;
mod text;
#[path = "../../../scripts/tree_digest.rs"]
mod tree_digest;
mod verdict;

use std::io::{Error, Result};
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use checks::Check;
use copy::Workspace;
use judgement::Judge;
use verdict::Inputs;

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("switch-off: {error}");
            ExitCode::FAILURE
        }
    }
}

const UNLESS_KNOWN: &str = "--unless-known";

/// Copies that are edited at the same time: a build of so little keeps no more than one core busy.
const COPIES: [&str; 2] = ["one", "two"];

fn run() -> Result<bool> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    let wanted = std::env::args().nth(1).unwrap_or_default();
    let inputs = Inputs::of(&root)?;
    if wanted == UNLESS_KNOWN
        && let Some(said) = inputs.known()
    {
        println!("nothing has changed since: {said}");
        return Ok(true);
    }
    let wanted = if wanted == UNLESS_KNOWN { String::new() } else { wanted };
    let began = Instant::now();
    let [first, second] = COPIES.map(|name| Workspace::of(&root, &root.join("target/switch-off").join(name)));
    let (first, second) = (first?, second?);
    let sources = first.sources()?;
    let checks = checks::all();

    let complaints = completeness::complaints(&sources, &checks);
    complaints.iter().for_each(|complaint| eprintln!("switch-off: {complaint}"));
    let checks: Vec<_> = checks.into_iter().filter(|check| check.name.contains(&wanted)).collect();

    let judge = Judge::of(&first, &sources)?;
    println!("with every check on: {} ({} s)", judge.all_on(), began.elapsed().as_secs());
    second.take_over(&first)?;
    let judges = [judge, Judge::of(&second, &sources)?];
    let missed = judge_all(&checks, judges)?;
    for workspace in [&first, &second] {
        workspace.write(&sources, &[])?;
    }
    let caught = checks.len().saturating_sub(missed);
    let said = format!("{} checks, {caught} caught, {missed} missed ({} s)", checks.len(), began.elapsed().as_secs());
    println!("{said}");
    if !complaints.is_empty() {
        println!("the list of checks is out of step with the sources: {} complaints", complaints.len());
    }
    let is_good = missed == 0 && complaints.is_empty();
    if is_good && wanted.is_empty() {
        inputs.keep(&said)?;
    }
    Ok(is_good)
}

/// Judges all checks, each judge the next that is left. Says how many are missed.
fn judge_all(checks: &[Check], judges: [Judge<'_>; 2]) -> Result<usize> {
    let (next, finished) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let (next, finished) = (&next, &finished);
    std::thread::scope(|scope| {
        let judging: Vec<_> = judges
            .map(|mut judge| {
                scope.spawn(move || {
                    let mut missed = 0_usize;
                    while let Some(check) = checks.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let (word, verdict) = match judge.judge(check)? {
                            Ok(how) => ("caught", how),
                            Err(why) => {
                                missed = missed.saturating_add(1);
                                ("MISSED", why)
                            }
                        };
                        let number = finished.fetch_add(1, Ordering::Relaxed).saturating_add(1);
                        println!("{number:3}/{} {word} {}: {verdict}", checks.len(), check.name);
                    }
                    Ok::<usize, Error>(missed)
                })
            })
            .into();
        let joined = judging.into_iter().map(|judging| judging.join().map_err(|_| Error::other("a judge panicked"))?);
        joined.sum()
    })
}
