//! `watchgate eval`: asks a set of questions whose answers are known, and says how well they are answered.

mod figures;
mod questions;
mod thresholds;

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Args;
use serde::Serialize;

use crate::assistant::settings::Settings;
use crate::assistant::{Asked, Asker, Assistant, ExtractiveAssistant, Progress};
use crate::knowledge::{Embeddings, Library};
use crate::runbooks::FolderCatalogue;
use figures::{Asking, Figures};
use questions::{KnownQuestion, read_questions};
use thresholds::Threshold;

pub(super) const AFTER_HELP: &str = "\
FILE holds one JSON object a line: id, part, kind, question, expected (places: file with heading, or with the first and last of
lines), holds (texts of which a right citation may hold one), and scopes where the asker has any. Where nothing is expected the
question has no answer.

Figures, for each kind of question and in all:
  recall@5          share of the expected places that are among the first five sections found, averaged over the questions
  precision         share of the citations, in answers to questions that have one, that lie in an expected place or hold one of
                    the texts
  abstention        share of the questions without an answer that are answered with known: false
  false abstention  share of the questions with an answer that are answered with known: false
  p50, p99          time from question to answer, in this process

Exits with 0, with 1 when a figure is worse than --at-least wants it, with 2 when nothing could be measured.

Examples:
  watchgate eval examples/company/questions.jsonl --documents examples/company/documents --documents examples/company/code
  watchgate eval questions.jsonl --documents wiki --part report --at-least recall5=0.9,precision=0.95 --json eval.json";

/// A step in the progress that is told.
const QUESTIONS_PER_REPORT: usize = 20;
const SECTIONS: usize = 5;

/// The arguments of `watchgate eval`.
#[derive(Debug, Args)]
pub struct EvalArguments {
    /// The questions, as JSON Lines.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Folder of documents, as for `watchgate serve`; may be given several times.
    #[arg(long, value_name = "FOLDER", required = true)]
    documents: Vec<PathBuf>,
    /// Folder of runbook files.
    #[arg(long, value_name = "FOLDER")]
    runbooks: Option<PathBuf>,
    /// File of what the assistant is told; its embeddings are used.
    #[arg(long, value_name = "FILE")]
    assistant: Option<PathBuf>,
    /// Ask only the questions whose `part` is this.
    #[arg(long, value_name = "NAME")]
    part: Option<String>,
    /// Write the figures and what came of each question here, as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Exit with 1 where a figure in all is worse: recall5, precision and abstention at least, false-abstention and p99 (in
    /// milliseconds) at most.
    #[arg(long, value_name = "FIGURE=VALUE", value_delimiter = ',')]
    at_least: Vec<Threshold>,
}

#[derive(Serialize)]
struct Report<'a> {
    figures: &'a [Figures],
    questions: &'a [Asking],
}

/// Prints the figures; says whether they are good enough.
pub(super) fn run(arguments: &EvalArguments) -> anyhow::Result<bool> {
    let questions = read_questions(&arguments.file, arguments.part.as_deref())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let askings = runtime.block_on(ask_all(arguments, &questions))?;
    let figures = Figures::by_kind(&askings);
    print!("{}", figures::table(&figures));
    if let Some(file) = &arguments.json {
        let report = serde_json::to_vec_pretty(&Report { figures: &figures, questions: &askings })?;
        fs::write(file, report).with_context(|| format!("cannot write {}", file.display()))?;
    }
    let all = figures.last().context("there is no question")?;
    let missed: Vec<_> = arguments.at_least.iter().filter_map(|threshold| threshold.missed_by(all)).collect();
    missed.iter().for_each(|missed| eprintln!("watchgate: {missed}"));
    Ok(missed.is_empty())
}

async fn ask_all(arguments: &EvalArguments, questions: &[KnownQuestion]) -> anyhow::Result<Vec<Asking>> {
    let assistant = open(arguments).await?;
    let mut askings = Vec::new();
    for (number, question) in (1_usize..).zip(questions) {
        askings.push(ask(&assistant, question).await?);
        if number.is_multiple_of(QUESTIONS_PER_REPORT) {
            eprintln!("asked {number} of {}", questions.len());
        }
    }
    Ok(askings)
}

async fn open(arguments: &EvalArguments) -> anyhow::Result<ExtractiveAssistant> {
    let settings = arguments.assistant.as_deref().map(Settings::load).transpose()?.unwrap_or_default();
    let runbooks = arguments.runbooks.as_deref().map(FolderCatalogue::load).transpose()?.unwrap_or_default();
    let mut knowledge = Library::of(&arguments.documents)?.follow()?;
    let current = Arc::clone(&*knowledge.wait_for(|knowledge| knowledge.is_read()).await?);
    eprintln!("{} documents, {} sections", current.document_count(), current.section_count());
    let embeddings = settings.embeddings.map(Embeddings::open).transpose()?.map(Arc::new);
    if let Some(embeddings) = &embeddings {
        let started = Instant::now();
        embeddings.fill(&current, || false).await.context("the documents cannot be embedded")?;
        eprintln!("embedded in {} s", started.elapsed().as_secs());
    }
    Ok(ExtractiveAssistant::following(knowledge, Arc::new(runbooks)).with_embeddings(embeddings))
}

async fn ask(assistant: &ExtractiveAssistant, question: &KnownQuestion) -> anyhow::Result<Asking> {
    let scopes = question.scopes.iter().cloned().collect();
    let asker = Asker { principal: String::new(), scopes };
    let asked = Asked { question: question.question.clone(), earlier: Vec::new(), asker: asker.clone() };
    let started = Instant::now();
    let answer = assistant.answer(asked, Progress::default()).await?;
    let took: Duration = started.elapsed();
    let vectors = assistant.vectors(&question.question).await;
    let mut places = assistant.places(&question.question, &asker.scopes, &vectors);
    places.truncate(SECTIONS);
    Ok(Asking::of(question, answer, places, took))
}
