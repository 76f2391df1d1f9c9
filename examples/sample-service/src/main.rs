//! Run: `make example NAME=sample-service`. A small microservice that takes Watchgate's commands: it owns two worker
//! processes, and restarts one or tells their state when a command asks for it.
//!
//! It opens no port. Its agent leases commands through the gateway at `WATCHGATE_URL` with the token of
//! `WATCHGATE_TOKEN` (or of the file `WATCHGATE_TOKEN_FILE`), trusting the authority in `WATCHGATE_CA` if there is one.
//!
//! You should see: `sample-service: workers thumbnailer=<pid> mailer=<pid>`, and a new pid after each restart.

mod commands;
mod workers;

use std::env;
use std::sync::Arc;

use anyhow::{Context, Result};
use service_agent::{Agent, Gateway, TokenSource};
use tokio::sync::Mutex;

use workers::Workers;

const SERVICE: &str = "sample-service";

#[tokio::main]
async fn main() -> Result<()> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let gateway = gateway()?;
    let workers = Arc::new(Mutex::new(Workers::start(&["thumbnailer", "mailer"])?));
    println!("{SERVICE}: workers {}", workers.lock().await.summary());
    let agent = Agent::new(gateway, SERVICE);
    let carry_out = |command, progress| commands::carry_out(Arc::clone(&workers), command, progress);
    agent.run(carry_out, asked_to_end()?).await;
    Ok(())
}

fn gateway() -> Result<Gateway> {
    let url = env::var("WATCHGATE_URL").context("WATCHGATE_URL is not set; it names the gateway")?;
    let token = match (env::var("WATCHGATE_TOKEN"), env::var("WATCHGATE_TOKEN_FILE")) {
        (Ok(token), _) => TokenSource::Fixed(token),
        (Err(_), Ok(file)) => TokenSource::File(file.into()),
        (Err(_), Err(_)) => {
            anyhow::bail!("set WATCHGATE_TOKEN or WATCHGATE_TOKEN_FILE; `watchgate token mint` makes one")
        }
    };
    let authority = match env::var("WATCHGATE_CA") {
        Ok(path) => Some(std::fs::read(&path).with_context(|| format!("{path} cannot be read"))?),
        Err(_) => None,
    };
    Gateway::connect(&url, token, authority.as_deref()).context("no connection can be made")
}

fn asked_to_end() -> Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
