//! No room: for a file, on a disk, on the NATS server. What is refused is not there, what was acknowledged is, and it goes on as
//! soon as there is room.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use programs::nats::{NatsOptions, NatsServer};

use super::{server as start_server, settle, system};
use crate::crew::{Crew, Way};
use crate::report::Report;
use crate::stand::Log;

const PADDING: [&str; 2] = ["--padding", "4000"];
const DISK: &str = "20m";
/// Files that somebody removes one by one.
const BALLAST: [&str; 3] = ["ballast-1", "ballast-2", "ballast-3"];
const BALLAST_BYTES: usize = 4 * 1024 * 1024;

/// The kernel lets no file grow beyond 6 MiB.
pub(super) async fn file_size() -> Result<Report> {
    let mut crew = Crew::new(1, None)?;
    let limit = r#"trap "" XFSZ; ulimit -f 12288; exec "$@""#;
    crew.way = Way { before: ["sh", "-c", limit, "sh"].map(ToOwned::to_owned).into(), more: padding() };
    crew.start(0).await?;
    crew.until(0, "no more fits into a file", |witness| witness.refused_full > 20).await?;
    crew.end().await?;
    let (full, unknown) = (crew.witness.refused_full, crew.witness.unknown);
    ensure!(unknown == 0, "{unknown} answers said that the store failed, and not that it is full");
    crew.way = Way { before: Vec::new(), more: padding() };
    crew.start(0).await?;
    crew.acknowledge(50).await?;
    let notes = vec![format!("{full} answers said full, none that the store failed; then 50 more went in")];
    let verdict = settle(&mut crew).await?;
    Ok(Report { injected: "files of at most 6 MiB (RLIMIT_FSIZE)".to_owned(), verdict, notes })
}

pub(super) async fn disk() -> Result<Report> {
    let mut crew = Crew::new(1, None)?;
    crew.way.more = padding();
    let data = crew.worker(0)?.data.clone();
    let disk = Disk::mount(&data, DISK)?;
    for name in BALLAST {
        fs::write(data.join(name), vec![0; BALLAST_BYTES])?;
    }
    crew.start(0).await?;
    for name in BALLAST {
        let refused = crew.witness.refused_full + 20;
        crew.until(0, "the disk is full", |witness| witness.refused_full >= refused).await?;
        // Somebody makes room, and the process goes on by itself.
        fs::remove_file(data.join(name))?;
        crew.acknowledge(50).await?;
    }
    let (full, unknown) = (crew.witness.refused_full, crew.witness.unknown);
    let notes = vec![format!("{full} answers said full, {unknown} that the store failed")];
    crew.kill(0)?;
    let verdict = settle(&mut crew).await?;
    disk.unmount()?;
    Ok(Report { injected: format!("3 times a full disk (tmpfs of {DISK})"), verdict, notes })
}

/// The server's own bound. When it is raised, the replicas go on by themselves.
pub(super) async fn server() -> Result<Report> {
    let folder = tempfile::tempdir()?;
    let options = NatsOptions {
        max_file_store: Some(8 * 1024 * 1024),
        folder: Some(folder.path().to_owned()),
        ..NatsOptions::default()
    };
    let server = start_server(&options)?;
    let mut crew = Crew::new(2, Some(Log::of(&server)))?;
    crew.way.more = padding();
    crew.start(0).await?;
    crew.start(1).await?;
    crew.until(0, "the server is full", |witness| witness.refused_full > 40).await?;
    let (full, unknown) = (crew.witness.refused_full, crew.witness.unknown);
    raise(&server, folder.path())?;
    crew.acknowledge(50).await?;
    let notes = vec![format!("{full} answers said full, {unknown} that the log does not answer; then 50 more went in")];
    let verdict = settle(&mut crew).await?;
    Ok(Report { injected: "a NATS server with room for 8 MiB, later for more".to_owned(), verdict, notes })
}

fn raise(server: &NatsServer, folder: &Path) -> Result<()> {
    let path = folder.join("nats-server.conf");
    let text = fs::read_to_string(&path).context("no configuration of the server")?;
    let raised = text.replace("max_file_store: 8388608", "max_file_store: 1GB");
    ensure!(raised != text, "the server's bound does not stand in its configuration");
    fs::write(&path, raised)?;
    server.restart()
}

fn padding() -> Vec<String> {
    PADDING.map(ToOwned::to_owned).into()
}

/// A small disk of one's own, which goes with this.
pub(super) struct Disk(String);

impl Disk {
    pub(super) fn mount(folder: &Path, size: &str) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let folder = folder.display().to_string();
        system(&["mount", "-t", "tmpfs", "-o", &format!("size={size},mode=700"), "faults", &folder])?;
        Ok(Self(folder))
    }

    pub(super) fn remount(&self, option: &str) -> Result<()> {
        system(&["mount", "-o", &format!("remount,{option}"), &self.0])
    }

    pub(super) fn unmount(self) -> Result<()> {
        system(&["umount", &self.0])
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // After `unmount` there is nothing to do; after a failure a busy disk goes when its last process has ended.
        let _ = system(&["umount", "--lazy", &self.0]);
    }
}
