//! `watchgate runbook`: what a service would make of its runbooks and of the rights to them.

use std::path::{Path, PathBuf};

use anyhow::ensure;
use clap::{Args, Subcommand};
use serde::Serialize;

use crate::runbooks::{FolderCatalogue, InvalidRunbooks, Mistake, Rights, RunbookCatalogue};

const CHECK_AFTER_HELP: &str = "\
Exits with 0 when there is no mistake, with 1 when there is one, with 2 when there is no such folder.

Example:
  watchgate runbook check /etc/watchgate/runbooks";

/// What `watchgate runbook` can do.
#[derive(Debug, Subcommand)]
pub enum RunbookCommand {
    /// Find every mistake of every runbook, and of the rights to them, with its place.
    #[command(after_help = CHECK_AFTER_HELP)]
    Check(CheckArguments),
}

/// The arguments of `watchgate runbook check`.
#[derive(Debug, Args)]
pub struct CheckArguments {
    /// The folder that `watchgate serve --runbooks` reads.
    folder: PathBuf,
    /// Print one JSON object instead of lines.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    valid: bool,
    /// How many there are, where there is no mistake.
    #[serde(skip_serializing_if = "Option::is_none")]
    runbooks: Option<usize>,
    /// How many rules `rights.yaml` has; null where there is no such file, and nobody may do anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    rules: Option<Option<usize>>,
    mistakes: Vec<Mistake>,
}

/// Carries out one `watchgate runbook` command. Says whether the verdict is good; fails where there can be none.
pub fn run(command: &RunbookCommand) -> anyhow::Result<bool> {
    let RunbookCommand::Check(CheckArguments { folder, json }) = command;
    ensure!(folder.is_dir(), "{} is no folder; name the one that holds the runbooks", folder.display());
    let report = check(folder);
    if *json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        println!("{}", lines(folder, &report));
    }
    Ok(report.valid)
}

fn check(folder: &Path) -> Report {
    match FolderCatalogue::load(folder) {
        Ok(catalogue) => Report {
            valid: true,
            runbooks: Some(catalogue.list().len()),
            rules: Some(catalogue.rights().map(Rights::count)),
            mistakes: Vec::new(),
        },
        Err(InvalidRunbooks(mistakes)) => Report { valid: false, runbooks: None, rules: None, mistakes },
    }
}

/// The report for people: a line for each mistake, with a path that an editor opens.
fn lines(folder: &Path, report: &Report) -> String {
    if report.valid {
        let runbooks = report.runbooks.unwrap_or_default();
        return match report.rules.flatten() {
            Some(rules) => format!("{runbooks} runbooks, {rules} rules of rights: no mistake"),
            None => format!("{runbooks} runbooks, no rights.yaml, so nobody may run them: no mistake"),
        };
    }
    let line = |mistake: &Mistake| {
        let file = folder.join(&mistake.file);
        Mistake { file: file.display().to_string(), ..mistake.clone() }.to_string()
    };
    report.mistakes.iter().map(line).collect::<Vec<_>>().join("\n")
}
