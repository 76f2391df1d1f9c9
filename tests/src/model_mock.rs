//! A third party's mock of models beside the tests: `@copilotkit/aimock` of `tests/model-mock/` as a child process. It speaks the
//! dialects of OpenAI, OpenRouter, Azure and BytePlus, and is slow, cut and failing where its fixtures say so: a question
//! that holds a fixture's `userMessage` is answered by that fixture.

use std::net::Ipv4Addr;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use tokio::net::TcpStream;

use crate::guardian::Guardian;
use crate::process::{Process, tail};
use crate::wait::until;
use crate::{artifacts, ports};

const READY_WITHIN: Duration = Duration::from_secs(30);

/// A running mock; killed when dropped.
#[derive(Debug)]
pub struct ModelMock {
    _process: Process,
    port: u16,
    // Last, so that it outlives what it guards.
    _guardian: Arc<Guardian>,
}

impl ModelMock {
    /// Starts it on a free port, with the fixtures of `tests/model-mock/`, and waits until it answers.
    pub async fn start() -> Result<ModelMock> {
        let folder = tempfile::Builder::new().prefix("watchgate-model-mock-").tempdir()?.keep();
        let guardian = Arc::new(Guardian::start(Some(&folder))?);
        let port = ports::free()?;
        let place = artifacts::root().join("tests/model-mock");
        let mut command = Command::new(artifacts::node()?);
        command.arg(place.join("node_modules/@copilotkit/aimock/dist/cli.js"));
        command.args(["--strict", "--validate-on-load", "--log-level", "warn", "--port", &port.to_string()]);
        command.arg("--fixtures").arg(place.join("fixtures.json"));
        let mut process = Process::start(&mut command, &folder.join("mock.log"), &guardian)?;
        until("the mock of models is ready", READY_WITHIN, async || {
            if let Some(status) = process.ended() {
                bail!("the mock of models ended ({status}), is `make setup-tests` done? {}", tail(&process.log()));
            }
            // It listens when it has read its fixtures.
            Ok(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_ok().then_some(()))
        })
        .await?;
        Ok(ModelMock { _process: process, port, _guardian: guardian })
    }

    /// The base address of one of its dialects: `v1` is OpenAI's, `api/v1` OpenRouter's, `api/v3` BytePlus', and Azure's has no
    /// path.
    pub fn url(&self, dialect: &str) -> String {
        format!("http://127.0.0.1:{}/{dialect}", self.port)
    }
}
