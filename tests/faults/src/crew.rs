//! The workers of one scenario, and what their journals say.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use programs::guardian::Guardian;
use programs::process::{Process, tail};
use tempfile::TempDir;
use tokio::time::sleep;

use crate::stand::Log;
use crate::witness::Witness;

/// Writers of each worker: two of each kind.
const WRITERS: u32 = 8;

const PATIENCE: Duration = Duration::from_secs(60);

/// One worker, running or not.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) data: PathBuf,
    journal: PathBuf,
    log: PathBuf,
    first_writer: u32,
    process: Option<Process>,
}

/// How workers are started.
#[derive(Clone, Debug, Default)]
pub(crate) struct Way {
    /// What stands before the worker's own command line.
    pub(crate) before: Vec<String>,
    /// What stands after it.
    pub(crate) more: Vec<String>,
}

/// The workers of one scenario.
#[derive(Debug)]
pub(crate) struct Crew {
    pub(crate) workers: Vec<Worker>,
    pub(crate) witness: Witness,
    pub(crate) log: Option<Log>,
    pub(crate) way: Way,
    guardian: Arc<Guardian>,
    // Last, so that the workers go first.
    folder: TempDir,
}

impl Crew {
    /// So many workers, with stores of their own; none is started yet.
    pub(crate) fn new(count: u32, log: Option<Log>) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("watchgate-faults-").tempdir()?;
        let mut witness = Witness::default();
        let workers = (0..count).map(|number| {
            let own = folder.path().join(number.to_string());
            fs::create_dir_all(&own)?;
            let worker = Worker {
                data: own.join("data"),
                journal: own.join("journal"),
                log: own.join("log"),
                first_writer: number * 100,
                process: None,
            };
            witness.hear(&worker.journal);
            Ok(worker)
        });
        let workers = workers.collect::<Result<_>>()?;
        let guardian = Arc::new(Guardian::start(None)?);
        Ok(Self { workers, witness, log, way: Way::default(), guardian, folder })
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts a worker where its writers stopped, and waits until its store is open.
    pub(crate) async fn start(&mut self, number: usize) -> Result<()> {
        self.launch(number)?;
        let ready = self.witness.ready + 1;
        self.until(number, "the worker is ready", |witness| witness.ready >= ready).await
    }

    pub(crate) fn launch(&mut self, number: usize) -> Result<()> {
        self.witness.read()?;
        let worker = self.workers.get_mut(number).context("no such worker")?;
        let writers = (worker.first_writer..worker.first_writer + WRITERS)
            .map(|writer| format!("{writer}:{}", self.witness.next_of(writer)));
        let mut words = self.way.before.clone();
        words.push(env::current_exe()?.display().to_string());
        words.push("worker".to_owned());
        words.extend(["--data".to_owned(), worker.data.display().to_string()]);
        words.extend(["--journal".to_owned(), worker.journal.display().to_string()]);
        words.extend(["--writers".to_owned(), writers.collect::<Vec<_>>().join(",")]);
        words.extend(self.log.iter().flat_map(Log::arguments));
        words.extend(self.way.more.iter().cloned());
        let mut words = words.into_iter();
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words);
        worker.process = Some(Process::start(&mut command, &worker.log, &self.guardian)?);
        Ok(())
    }

    pub(crate) fn worker(&self, number: usize) -> Result<&Worker> {
        self.workers.get(number).context("no such worker")
    }

    pub(crate) fn process(&mut self, number: usize) -> Result<&mut Process> {
        let worker = self.workers.get_mut(number).context("no such worker")?;
        worker.process.as_mut().context("the worker does not run")
    }

    pub(crate) fn kill(&mut self, number: usize) -> Result<()> {
        self.process(number)?.kill();
        self.workers.get_mut(number).context("no such worker")?.process = None;
        self.witness.read()
    }

    /// Lets all that run end what they are at, and end.
    pub(crate) async fn end(&mut self) -> Result<()> {
        for worker in &mut self.workers {
            let Some(mut process) = worker.process.take() else { continue };
            process.signal("TERM");
            let begun = Instant::now();
            while process.ended().is_none() {
                if begun.elapsed() > PATIENCE {
                    bail!("a worker does not end: {}", tail(&process.log()));
                }
                sleep(Duration::from_millis(10)).await;
            }
        }
        self.witness.read()
    }

    /// Waits until so many more operations are acknowledged.
    pub(crate) async fn acknowledge(&mut self, more: u64) -> Result<()> {
        self.witness.read()?;
        let wanted = self.witness.acknowledged() + more;
        self.until(usize::MAX, "more is acknowledged", |witness| witness.acknowledged() >= wanted).await
    }

    /// Waits until so many more operations of this worker are acknowledged.
    pub(crate) async fn acknowledge_by(&mut self, number: usize, more: u64) -> Result<()> {
        self.witness.read()?;
        let first = self.worker(number)?.first_writer;
        let count = move |witness: &Witness| witness.acknowledged_by(first..first + WRITERS);
        let wanted = count(&self.witness) + more;
        self.until(number, "this worker acknowledges more", |witness| count(witness) >= wanted).await
    }

    /// Waits until the journals say so. The named worker must not end before.
    pub(crate) async fn until(&mut self, number: usize, what: &str, is_so: impl Fn(&Witness) -> bool) -> Result<()> {
        let begun = Instant::now();
        loop {
            self.witness.read()?;
            if is_so(&self.witness) {
                return Ok(());
            }
            if let Some(worker) = self.workers.get_mut(number)
                && let Some(process) = &mut worker.process
                && let Some(status) = process.ended()
            {
                bail!("a worker ended ({status}) before {what}: {}", tail(&process.log()));
            }
            if begun.elapsed() > PATIENCE {
                let logs = self.workers.iter().filter_map(|worker| worker.process.as_ref());
                let logs: Vec<_> = logs.map(|process| tail(&process.log())).collect();
                bail!("it was waited in vain until {what}: {}", logs.join("\n--\n"));
            }
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Returns when a worker has ended by itself.
    pub(crate) async fn until_ended(&mut self, number: usize) -> Result<()> {
        let begun = Instant::now();
        while self.process(number)?.ended().is_none() {
            if begun.elapsed() > PATIENCE {
                bail!("a worker that should end does not: {}", tail(&self.process(number)?.log()));
            }
            sleep(Duration::from_millis(20)).await;
        }
        self.kill(number)
    }
}
