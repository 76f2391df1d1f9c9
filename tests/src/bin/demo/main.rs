//! `make demo`: the whole idea, step by step, through the real Traefik. Prints what each step showed; the last line and
//! the exit code say whether all of it held. `demo --gateway …` shows the same at an installation that stands already.

#![expect(clippy::indexing_slicing, reason = "a JSON value answers null for a member that it has not")]

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use watchgate_tests::installation::{Routes, Service, Site};
use watchgate_tests::{Folder, Installation, Stage, StageOptions, artifacts};

mod attacks;
mod checks;
mod commands;
mod consoles;
mod dynamic;
mod events;
mod http3;
mod questions;

use checks::Checks;

/// Shows the whole idea: on a stage of its own, or with --gateway at an installation whose issuers are as in the shipped gate.yml.
#[derive(Parser)]
#[command(name = "demo")]
struct Arguments {
    /// The origin of an installation's gateway.
    #[arg(long, value_name = "URL", requires_all = ["ca", "keys"])]
    gateway: Option<String>,
    /// Who signed its certificate, as PEM.
    #[arg(long, value_name = "FILE", requires = "gateway")]
    ca: Option<PathBuf>,
    /// Keys of its issuer, as `watchgate keys dev --dir` writes them.
    #[arg(long, value_name = "FOLDER", requires = "gateway")]
    keys: Option<PathBuf>,
    /// Where it answers QUIC; without it HTTP/3 is left out.
    #[arg(long, value_name = "ADDRESS:PORT", requires = "gateway")]
    http3: Option<SocketAddr>,
    /// Its service's own address, past the gate; without it, whether that answers is left out.
    #[arg(long, value_name = "URL", requires = "gateway")]
    service: Option<String>,
    /// Who signed the service's certificate, where it wants mutual TLS.
    #[arg(long, value_name = "FILE", requires = "service")]
    service_ca: Option<PathBuf>,
    /// Puts a service behind the gate: called with its name, the prefix of its paths, the scope that it asks for and its URL. Without it, that is left out.
    #[arg(long, value_name = "PROGRAM", requires = "gateway")]
    add_route: Option<PathBuf>,
    /// An address of this machine that the gateway reaches, for that service.
    #[arg(long, value_name = "ADDRESS", requires = "gateway", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    listen: IpAddr,
    /// The folder that holds the documents by the names under which they are cited.
    #[arg(long, value_name = "FOLDER", requires = "gateway")]
    documents: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let mut checks = Checks::default();
    if let Err(error) = run(&mut checks, Arguments::parse()).await {
        eprintln!("demo: {error:#}");
        checks.give_up();
    }
    checks.close()
}

async fn run(checks: &mut Checks, arguments: Arguments) -> Result<()> {
    if let Some(site) = site(arguments) {
        let folder = tempfile::tempdir()?;
        println!("gateway {}\n", site.base_url);
        return play(checks, &Installation::of(site, folder.path())?).await;
    }
    let more_documents = vec![artifacts::root().join("examples/company/lab")];
    let options = StageOptions { folder: Folder::Fresh("demo"), more_documents, ..StageOptions::default() };
    let stage = Stage::start(options).await?;
    println!("gateway {}, files in {}\n", stage.base_url(), stage.folder().display());
    play(checks, stage.installation()).await?;
    if checks.have_failed() {
        eprintln!("\n{}", stage.log_tails());
    }
    Ok(())
}

fn site(arguments: Arguments) -> Option<Site> {
    Some(Site {
        base_url: arguments.gateway?,
        ca: arguments.ca?,
        keys: arguments.keys?,
        http3: arguments.http3,
        service: arguments.service.map(|url| Service { url, ca: arguments.service_ca }),
        routes: arguments.add_route.map(Routes::Program),
        listen: arguments.listen,
        documents: arguments.documents.unwrap_or_else(|| artifacts::root().join("examples/company")),
    })
}

async fn play(checks: &mut Checks, installation: &Installation) -> Result<()> {
    events::play(checks, installation).await?;
    attacks::play(checks, installation).await?;
    let proposal = questions::play(checks, installation).await?;
    commands::play(checks, installation, proposal).await?;
    dynamic::play(checks, installation).await?;
    http3::play(checks, installation).await?;
    consoles::play(checks, installation).await
}
