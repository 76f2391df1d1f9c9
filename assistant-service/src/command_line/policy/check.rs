//! `watchgate policy check`: every mistake of a file at once.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use policy::configuration::{FoundMistake, Middleware, middlewares};
use serde::Serialize;

use super::configuration::{said, text_of};
use super::trust_directory;

pub(super) const AFTER_HELP: &str = "\
Exits with 0 when there is no mistake, with 1 when there is one, with 2 when the file cannot be read.

Examples:
  watchgate policy check /etc/traefik/dynamic/gate.yml --trust /var/lib/watchgate/trust
  curl -s http://127.0.0.1:8080/api/http/middlewares/gate@file | jq .plugin.watchgate | watchgate policy check -";

/// The arguments of `watchgate policy check`.
#[derive(Debug, Args)]
pub struct CheckArguments {
    /// A dynamic configuration file of Traefik (every middleware in it that uses the plugin is checked), or the plugin's
    /// configuration alone; YAML or JSON. `-` reads the standard input.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Look at the key files too: the folder that Traefik mounts at /trust.
    #[arg(long, value_name = "DIR")]
    pub trust: Option<PathBuf>,
    /// The name that Traefik's static configuration gives the plugin.
    #[arg(long, value_name = "NAME", default_value = "watchgate")]
    pub plugin: String,
    /// Print one JSON object instead of lines.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    file: String,
    valid: bool,
    /// What is wrong with the file as a whole.
    mistakes: Vec<FoundMistake>,
    middlewares: Vec<MiddlewareReport>,
}

#[derive(Debug, Serialize)]
struct MiddlewareReport {
    /// Absent for a configuration that stands alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    mistakes: Vec<FoundMistake>,
    /// Key files that were looked at.
    files: Vec<FileReport>,
    /// Key files that the gate will want and nobody looked at.
    unseen_files: Vec<String>,
}

#[derive(Debug, Serialize)]
struct FileReport {
    file: String,
    /// A file that is not there and not needed is no mistake.
    is_there: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    mistake: Option<String>,
    /// Keys that verify no token, with the reasons. A set may hold keys for other purposes, so that is no mistake.
    passed_over: Vec<String>,
}

impl MiddlewareReport {
    fn is_valid(&self) -> bool {
        self.mistakes.is_empty() && self.files.iter().all(|file| file.mistake.is_none())
    }
}

/// Prints the report; says whether there was no mistake.
pub(super) fn run(arguments: &CheckArguments) -> anyhow::Result<bool> {
    let report = check(arguments, &text_of(&arguments.file)?);
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{}", lines(&report));
    }
    Ok(report.valid)
}

fn check(arguments: &CheckArguments, text: &str) -> Report {
    let file = arguments.file.display().to_string();
    match middlewares(text, &arguments.plugin) {
        Ok(found) => {
            let middlewares: Vec<_> = found.iter().map(|middleware| look_at(arguments, middleware)).collect();
            Report {
                file,
                valid: middlewares.iter().all(MiddlewareReport::is_valid),
                mistakes: Vec::new(),
                middlewares,
            }
        }
        Err(none) => Report { file, valid: false, mistakes: vec![said(&none)], middlewares: Vec::new() },
    }
}

fn look_at(arguments: &CheckArguments, middleware: &Middleware) -> MiddlewareReport {
    let name = middleware.name.clone();
    let mut report = MiddlewareReport { name, mistakes: Vec::new(), files: Vec::new(), unseen_files: Vec::new() };
    match (middleware.gate(), &arguments.trust) {
        (Ok(mut gate), Some(trust)) => {
            let looked_at = trust_directory::give(&mut gate, trust).into_iter().map(|given| FileReport {
                file: given.path.display().to_string(),
                is_there: given.is_there,
                mistake: given.taken.err().map(|invalid| invalid.to_string()),
                passed_over: given.unfit.iter().map(ToString::to_string).collect(),
            });
            report.files = looked_at.collect();
        }
        (Ok(gate), None) => report.unseen_files = gate.wanted_files(),
        (Err(mistakes), _) => report.mistakes = mistakes,
    }
    report
}

/// The report for people: a line for each mistake, and one for each gate.
fn lines(report: &Report) -> String {
    let mut out = String::new();
    let mut put = |line: Option<u64>, gate: &str, what: &str| {
        let line = line.map_or(String::new(), |line| format!(":{line}"));
        // Writing to a text cannot fail.
        let _ = writeln!(out, "{}{line}: {gate}{what}", report.file);
    };
    for mistake in &report.mistakes {
        put(mistake.line, "", &mistake.what);
    }
    for middleware in &report.middlewares {
        let gate = middleware.name.as_ref().map_or(String::new(), |name| format!("middleware {name}: "));
        for mistake in &middleware.mistakes {
            let place = if mistake.place.is_empty() { "the configuration" } else { &mistake.place };
            put(mistake.line, &gate, &format!("{place}: {}", mistake.what));
        }
        for file in &middleware.files {
            let good = if file.is_there {
                "good"
            } else {
                "not there: each instance of the gate remembers 16 tokens, and no more"
            };
            put(None, &gate, &format!("{}: {}", file.file, file.mistake.as_deref().unwrap_or(good)));
            for key in &file.passed_over {
                put(None, &gate, &format!("{}: passed over {key}", file.file));
            }
        }
        let unseen = middleware.unseen_files.join(", ");
        put(
            None,
            &gate,
            &match middleware.mistakes.len() {
                0 if !middleware.is_valid() => "what needs these files will be answered with 503".to_owned(),
                0 if unseen.is_empty() => "no mistakes".to_owned(),
                0 => format!("no mistakes; not looked at without --trust: {unseen}"),
                1 => "1 mistake: the gate will answer every request with 503".to_owned(),
                count => format!("{count} mistakes: the gate will answer every request with 503"),
            },
        );
    }
    out
}
