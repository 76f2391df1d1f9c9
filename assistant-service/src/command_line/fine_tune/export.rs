//! `watchgate fine-tune export`: documents and ratings become examples.

use std::fs::File;
use std::io::{BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, bail};
use clap::Args;
use reqwest::Method;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::command_line::events::progress::Progress;
use crate::command_line::gateway::{GatewayArguments, OptionalGatewayArguments, answer, block_on};
use crate::fine_tuning::rated::Ratings;
use crate::fine_tuning::report::Report;
use crate::fine_tuning::selection::{Bounds, select};
use crate::fine_tuning::split::{Split, split};
use crate::fine_tuning::{documents, folder};
use crate::knowledge::{Knowledge, Library, Scopes};

/// Ratings, and the events of the answers that they are about.
const WANTED: &str = "dev.watchgate.assistant.*";
const EVENTS_AT_ONCE: &str = "500";
/// A rating with all its texts, each letter escaped, is shorter.
const LONGEST_LINE_BYTES: u64 = 1024 * 1024;

/// What a model is told before each question, in training as later.
const SYSTEM: &str = "You answer questions of this company's people from its own documents, briefly and exactly. \
    Where you do not know, you say so.";

pub(super) const AFTER_HELP: &str = "\
Exits with 0 when the examples are written, and with 2 when they are not; an earlier export then stays as it was.

Examples:
  watchgate fine-tune export --documents wiki --out export
  watchgate fine-tune export --documents wiki --out export --rated --gateway https://gw.example.com --token-file token";

/// What is trained on.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Folder of documents; may be given several times.
    #[arg(long, env = "WATCHGATE_DOCUMENTS", value_name = "FOLDER", required = true)]
    documents: Vec<PathBuf>,
    /// The folder that the examples and the report are written to, in the place of an earlier export.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Take ratings from a file of events: lines of JSON, as `watchgate events export --type 'dev.watchgate.assistant.*'` writes
    /// them. The events of the answers must be among them.
    #[arg(long, value_name = "FILE", conflicts_with = "rated")]
    ratings: Option<PathBuf>,
    /// Take ratings from the service, through its gateway: `--gateway` and `--token-file`, a token with the scope `events:read`.
    #[arg(long)]
    rated: bool,
    #[command(flatten)]
    gateway: OptionalGatewayArguments,
    /// Take documents too that are only for holders of this scope. Whoever may use the tuned model can have it tell what they hold.
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// The share of examples that the model is tried on and does not learn.
    #[arg(long, value_name = "SHARE", default_value_t = 0.1, value_parser = share)]
    validation: f64,
    /// What the model is told before each question, in the place of a sentence of ours.
    #[arg(long, value_name = "FILE")]
    system: Option<PathBuf>,
    /// The longest example, in tokens as they are estimated.
    #[arg(long, value_name = "TOKENS", default_value_t = 4096)]
    max_tokens: usize,
    /// The shortest answer, in characters.
    #[arg(long, value_name = "CHARACTERS", default_value_t = 20)]
    min_answer: usize,
}

pub(super) fn run(arguments: Arguments) -> anyhow::Result<bool> {
    let system = match &arguments.system {
        Some(file) => std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?,
        None => SYSTEM.to_owned(),
    };
    let scopes: Scopes = arguments.scopes.iter().cloned().collect();
    let mut progress = Progress::begin();
    progress.tell(|| "reading documents".to_owned());
    let knowledge = Library::of(&arguments.documents)?.look(SystemTime::now())?.unwrap_or_default();
    let ratings = ratings(&arguments, &mut progress)?;
    let (split, mut report) = make(&arguments, &knowledge, &scopes, ratings, system.trim());
    progress.end();
    report.opened_scopes = arguments.scopes;
    if let Err(error) = folder::write(&arguments.out, &split, &report, system.trim()) {
        eprint!("{report}");
        return Err(error.into());
    }
    warn(&report);
    print!("{report}");
    println!("written to {}", arguments.out.display());
    Ok(true)
}

fn make(
    arguments: &Arguments,
    knowledge: &Knowledge,
    scopes: &Scopes,
    ratings: Ratings,
    system: &str,
) -> (Split, Report) {
    let (mut pairs, mut left_out) = documents::pairs(knowledge, scopes);
    let (read, not_understood) = (ratings.read(), ratings.not_understood());
    let (rated, unrated) = ratings.pairs(&knowledge.closed_passages(scopes));
    pairs.extend(rated);
    left_out.extend(unrated);
    let bounds = Bounds { shortest_answer: arguments.min_answer, most_tokens: arguments.max_tokens };
    let (kept, refused) = select(pairs, system, bounds);
    left_out.extend(refused);
    let split = split(kept, arguments.validation);
    let mut report = Report::of(&split, left_out, system);
    report.documents = knowledge.document_count();
    report.ratings = read;
    report.ratings_not_understood = not_understood;
    (split, report)
}

fn warn(report: &Report) {
    if !report.opened_scopes.is_empty() {
        eprintln!(
            "WARNING: documents that are only for holders of {} are among the examples. A tuned model keeps no secrets: \
             whoever may use it can have it tell what they hold.",
            report.opened_scopes.join(", ")
        );
    }
    if report.validation.examples == 0 {
        eprintln!("no examples for validation: there are too few for the share that was asked for");
    }
}

fn ratings(arguments: &Arguments, progress: &mut Progress) -> anyhow::Result<Ratings> {
    if let Some(file) = &arguments.ratings {
        return from_file(file);
    }
    if !arguments.rated {
        return Ok(Ratings::default());
    }
    let gateway = arguments.gateway.given().context("--rated needs --gateway and --token-file")?;
    block_on(from_service(&gateway, progress))
}

fn from_file(file: &Path) -> anyhow::Result<Ratings> {
    let cannot = || format!("cannot read {}", file.display());
    let mut lines = BufReader::new(File::open(file).with_context(cannot)?);
    let mut ratings = Ratings::default();
    loop {
        let mut line = Vec::new();
        let read = lines.by_ref().take(LONGEST_LINE_BYTES).read_until(b'\n', &mut line).with_context(cannot)?;
        if read == 0 {
            return Ok(ratings);
        }
        if !line.ends_with(b"\n") && u64::try_from(read).unwrap_or(u64::MAX) == LONGEST_LINE_BYTES {
            bail!("{} has a line of more than 1 MiB, which is no rating", file.display());
        }
        let line = String::from_utf8_lossy(&line);
        // The last line of an export says that it is whole.
        if !line.trim().is_empty() && !line.starts_with("{\"watchgate\":") {
            ratings.take(line.trim());
        }
    }
}

/// A page of events, each as it was written.
#[derive(Deserialize)]
struct Page {
    events: Vec<Positioned>,
    next_after: Option<u64>,
}

#[derive(Deserialize)]
struct Positioned {
    event: Box<RawValue>,
}

async fn from_service(gateway: &GatewayArguments, progress: &mut Progress) -> anyhow::Result<Ratings> {
    let gateway = gateway.connect()?;
    let (mut ratings, mut after) = (Ratings::default(), None);
    loop {
        let query = [("type", Some(WANTED.to_owned())), ("limit", Some(EVENTS_AT_ONCE.to_owned())), ("after", after)];
        let query: Vec<_> = query.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        let page: Page = answer(gateway.call(Method::GET, &["v1", "events"])?.query(&query)).await?;
        for one in page.events {
            ratings.take(one.event.get());
        }
        progress.tell(|| format!("{} ratings", ratings.read()));
        match page.next_after {
            Some(next) => after = Some(next.to_string()),
            None => return Ok(ratings),
        }
    }
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse::<f64>().ok().filter(|share| (0.0..=0.5).contains(share));
    share.ok_or_else(|| "a share from 0 to 0.5 was expected".to_owned())
}
