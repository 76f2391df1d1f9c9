//! A NATS server that does not sync what it acknowledges, and loses the end of its log in a power cut. What is lost is lost, and the
//! service says so at its start; but no replica may go on with a past that the others do not have.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use programs::nats::{NatsOptions, NatsServer, Sync};
use tokio::time::sleep;

use super::{server, settle};
use crate::crew::Crew;
use crate::report::Report;
use crate::stand::Log;
use crate::witness::Witness;

/// Operations that the server forgets.
const LOST: u64 = 200;

/// The writers of the two replicas.
const REPLICAS: Range<u32> = 0..200;

/// A server with a past, and two replicas that know more than that.
struct Past {
    server: Arc<NatsServer>,
    crew: Crew,
    kept: PathBuf,
    known: Witness,
}

impl Past {
    async fn make(replicas: u32) -> Result<Self> {
        let server = server(&NatsOptions { sync: Sync::Default, ..NatsOptions::default() })?;
        let mut crew = Crew::new(replicas, Some(Log::of(&server)))?;
        // Slowly, so that a third one is soon ahead of them.
        crew.way.more = vec!["--pause-millis".to_owned(), "20".to_owned()];
        crew.start(0).await?;
        crew.start(1).await?;
        crew.acknowledge(LOST).await?;
        server.stop();
        let kept = crew.folder().join("past");
        copy(server.data(), &kept)?;
        crew.witness.read()?;
        let known = crew.witness.clone();
        server.restart()?;
        // Both must know more than the past.
        crew.acknowledge_by(0, LOST / 2).await?;
        crew.acknowledge_by(1, LOST / 2).await?;
        Ok(Self { server, crew, kept, known })
    }

    /// Has both replicas know everything and ask for nothing: whoever writes misses the server at once.
    async fn rest(&mut self) -> Result<()> {
        self.crew.end().await?;
        self.crew.way.more = vec!["--pause-millis".to_owned(), "3600000".to_owned()];
        for number in [0, 1] {
            self.crew.launch(number)?;
            // Half of its writers' first operations; all but the counting ones are acknowledged for certain.
            self.crew.acknowledge_by(number, 4).await?;
        }
        self.crew.way.more.clear();
        sleep(Duration::from_secs(1)).await;
        Ok(())
    }

    /// The power fails, and the server begins with what had been synced.
    fn lose(&self) -> Result<()> {
        self.server.kill();
        fs::remove_dir_all(self.server.data())?;
        copy(&self.kept, self.server.data())
    }

    /// Both replicas must end by themselves; started again they make their stores anew.
    async fn end(mut self, injected: &str) -> Result<Report> {
        self.crew.until_ended(0).await?;
        self.crew.until_ended(1).await?;
        let ended = self.crew.witness.ended.clone();
        self.crew.way.more.clear();
        // What was acknowledged to them after the past that came back may be lost; all else must be there.
        let lost = self.crew.witness.forgive(&self.known, REPLICAS);
        self.crew.start(0).await?;
        self.crew.start(1).await?;
        self.crew.acknowledge(LOST).await?;
        let verdict = settle(&mut self.crew).await?;
        let notes = vec![
            format!("both replicas ended by themselves and began anew: {ended:?}"),
            format!("{lost} operations could be lost"),
        ];
        Ok(Report { injected: injected.to_owned(), verdict, notes })
    }
}

pub(super) async fn noticed() -> Result<Report> {
    let past = Past::make(2).await?;
    past.lose()?;
    sleep(Duration::from_secs(4)).await;
    past.server.restart()?;
    past.end("a server that is away for 4 s and has lost the end of its log").await
}

pub(super) async fn too_fast_to_notice() -> Result<Report> {
    let mut past = Past::make(2).await?;
    past.rest().await?;
    past.lose()?;
    past.server.restart()?;
    past.end("a server that has lost the end of its log and is back at once, to two replicas at rest").await
}

/// While both replicas stand still, a third one fills the lost places with something else, and more.
pub(super) async fn overtaken() -> Result<Report> {
    let mut past = Past::make(3).await?;
    past.rest().await?;
    for number in [0, 1] {
        past.crew.process(number)?.signal("STOP");
    }
    past.crew.witness.read()?;
    let reached = past.crew.witness.farthest(REPLICAS);
    past.lose()?;
    past.server.restart()?;
    past.crew.start(2).await?;
    past.crew.until(2, "the lost places are taken", |witness| witness.farthest(200..300) > reached).await?;
    for number in [0, 1] {
        past.crew.process(number)?.signal("CONT");
    }
    past.end("a server that has lost the end of its log, to two replicas that stood still while a third filled the lost places").await
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    let status = Command::new("cp").arg("-a").arg(from).arg(to).status().context("no cp")?;
    ensure!(status.success(), "{} cannot be copied", from.display());
    Ok(())
}
