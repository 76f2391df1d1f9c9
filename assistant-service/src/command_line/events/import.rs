//! `watchgate events import`: events from lines of JSON, kept as they are. Doing it again adds nothing: it may be cut off anywhere.

mod lines;

use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use tokio::runtime::Runtime;

use super::progress::Progress;
use crate::backbone::sqlite::SqliteBackbone;
use crate::backbone::{Backbone, Batch, NewEvent, StoreReader};
use crate::clock::SystemClock;
use crate::events::{LastLine, mistakes_of};
use crate::metrics::Metrics;
use crate::retention_file;
use crate::serve::outlive_full_files;
use lines::{Line, Lines};

/// One commit has so much at most: each syncs once, however many events it has.
const EVENTS_AT_ONCE: usize = 5_000;
const BYTES_AT_ONCE: usize = 4 * 1024 * 1024;

/// What is taken into which store.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The data folder of the service, which is stopped; made when it is not there.
    #[arg(long, env = "WATCHGATE_DATA_DIR")]
    data_dir: PathBuf,
    /// The file that the service is started with, so that the events come into its classes.
    #[arg(long, env = "WATCHGATE_RETENTION", value_name = "FILE")]
    retention: Option<PathBuf>,
    /// Stop at the first line that is no event; without it such lines go to FILE.rejected, and the rest is taken.
    #[arg(long)]
    strict: bool,
    /// A CloudEvent in each line, in JSON format.
    file: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let input = File::open(&arguments.file).with_context(|| format!("cannot read {}", arguments.file.display()))?;
    let mut import = Import::open(arguments)?;
    let mut progress = Progress::begin();
    let mut lines = Lines::of(BufReader::new(input));
    while let Some(line) = lines.next()? {
        let number = line.number;
        if let Err(reason) = import.take(line, &mut lines).with_context(|| format!("stopped at line {number}"))? {
            eprintln!("{}:{number}: {reason}", arguments.file.display());
            if arguments.strict {
                break;
            }
        }
        progress.tell(|| format!("line {number}: {}", import.tally));
    }
    progress.end();
    import.end()
}

/// Why a line is no event.
type Rejection = String;

#[derive(Debug, Default)]
struct Tally {
    added: u64,
    duplicates: u64,
    rejected: u64,
    /// Exports that say that they are not whole, or of which lines are missing.
    cut: u64,
    /// Since the last line that ends an export.
    lines: u64,
    exports: u64,
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { added, duplicates, rejected, .. } = self;
        write!(formatter, "{added} events added, {duplicates} that were there, {rejected} lines rejected")
    }
}

struct Import<'a> {
    arguments: &'a Arguments,
    runtime: Runtime,
    store: SqliteBackbone,
    known: StoreReader,
    rejected: Option<BufWriter<File>>,
    batch: Batch,
    bytes: usize,
    tally: Tally,
}

impl<'a> Import<'a> {
    fn open(arguments: &'a Arguments) -> anyhow::Result<Self> {
        let retention = arguments.retention.as_deref().map(retention_file::load).transpose()?.unwrap_or_default();
        let folder = &arguments.data_dir;
        let jobs_per_commit = Metrics::default().jobs_per_commit;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async { outlive_full_files() }).context("a signal cannot be caught")?;
        let store = SqliteBackbone::open(folder, retention, Arc::new(SystemClock), jobs_per_commit)
            .with_context(|| format!("cannot use the data folder {}", folder.display()))?;
        let known = StoreReader::open(folder)?;
        let (rejected, batch, tally) = (None, Batch::default(), Tally::default());
        Ok(Self { arguments, runtime, store, known, rejected, batch, bytes: 0, tally })
    }

    fn take(&mut self, line: Line, lines: &mut Lines<impl BufRead>) -> anyhow::Result<Result<(), Rejection>> {
        if let Some(last) = last_line(&line.bytes) {
            return Ok(self.end_of_export(&last));
        }
        self.tally.lines = self.tally.lines.saturating_add(1);
        match event(&line) {
            Ok(event) => self.add(event).map(Ok),
            Err(reason) => self.reject(&line, lines).map(|()| Err(reason)),
        }
    }

    fn add(&mut self, event: NewEvent) -> anyhow::Result<()> {
        // The store itself knows an identity for a day only.
        if self.known.has(&event.source, &event.id)? {
            self.tally.duplicates = self.tally.duplicates.saturating_add(1);
            return Ok(());
        }
        self.bytes = self.bytes.saturating_add(event.json.len());
        self.batch.events.push(event);
        let is_full = self.batch.events.len() >= EVENTS_AT_ONCE || self.bytes >= BYTES_AT_ONCE;
        if is_full { self.commit() } else { Ok(()) }
    }

    fn commit(&mut self) -> anyhow::Result<()> {
        self.bytes = 0;
        let committed = self.runtime.block_on(self.store.commit(std::mem::take(&mut self.batch)));
        for appended in committed.context("do it again later: what was added stays, and is not added twice")?.events {
            let count = if appended.is_duplicate { &mut self.tally.duplicates } else { &mut self.tally.added };
            *count = count.saturating_add(1);
        }
        Ok(())
    }

    /// Keeps the line where it can be corrected.
    fn reject(&mut self, line: &Line, lines: &mut Lines<impl BufRead>) -> anyhow::Result<()> {
        self.tally.rejected = self.tally.rejected.saturating_add(1);
        if self.arguments.strict {
            return Ok(());
        }
        let file = match &mut self.rejected {
            Some(file) => file,
            none => none.insert(BufWriter::new(File::create(rejected(&self.arguments.file))?)),
        };
        file.write_all(&line.bytes)?;
        if line.is_too_long {
            lines.copy_rest(file)?;
        } else {
            file.write_all(b"\n")?;
        }
        Ok(())
    }

    fn end_of_export(&mut self, last: &LastLine) -> Result<(), Rejection> {
        let lines = std::mem::take(&mut self.tally.lines);
        self.tally.exports = self.tally.exports.saturating_add(1);
        let problem = match last.next_after {
            Some(position) => format!("the export was cut off here; it goes on after position {position}"),
            None if last.count != lines => format!("the export had {} events, and here are {lines} lines", last.count),
            None => return Ok(()),
        };
        self.tally.cut = self.tally.cut.saturating_add(1);
        Err(problem)
    }

    fn end(mut self) -> anyhow::Result<bool> {
        self.commit()?;
        if let Some(file) = &mut self.rejected {
            file.flush()?;
            eprintln!("what was rejected is in {}", rejected(&self.arguments.file).display());
        }
        if self.tally.exports == 0 {
            eprintln!("the file does not say that it is whole, as exports of the service do in their last line");
        }
        println!("{}", self.tally);
        Ok(self.tally.rejected == 0 && self.tally.cut == 0)
    }
}

fn last_line(bytes: &[u8]) -> Option<LastLine> {
    bytes.starts_with(b"{\"watchgate\":").then(|| serde_json::from_slice(bytes).ok()).flatten()
}

fn event(line: &Line) -> Result<NewEvent, Rejection> {
    if line.is_too_long {
        return Err("is far too long for an event".to_owned());
    }
    let mistakes = mistakes_of(&line.bytes);
    if !mistakes.is_empty() {
        let mistakes: Vec<_> = mistakes.iter().map(|mistake| format!("{} {}", mistake.field, mistake.detail)).collect();
        return Err(mistakes.join("; "));
    }
    let json = String::from_utf8(line.bytes.clone()).map_err(|error| error.to_string())?;
    NewEvent::from_json(json).map_err(|error| error.to_string())
}

fn rejected(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".rejected");
    name.into()
}
