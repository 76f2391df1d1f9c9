//! The client's process, seen from here.

use std::env;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use crate::job::{Gateway, Job, Taken};
use crate::link::Link;

/// It ends when this is dropped.
pub(crate) struct Far {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Far {
    /// Starts it in a namespace of its own, and makes the link to it.
    pub(crate) fn start() -> Result<(Far, Link)> {
        let mut command = Command::new("unshare");
        command.args(["--net", "--"]).arg(env::current_exe()?).arg("client");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let input = child.stdin.take();
        let mut output = BufReader::new(child.stdout.take().context("the client has no output")?);
        let mut ready = String::new();
        output.read_line(&mut ready)?;
        ensure!(ready.trim() == "ready", "the client did not start");
        // `unshare` becomes the client: its namespace is that of this process.
        let link = Link::between_us_and(child.id())?;
        Ok((Far { child, input, output }, link))
    }

    pub(crate) fn introduce(&mut self, gateway: &Gateway) -> Result<()> {
        self.tell(&serde_json::to_string(gateway)?)
    }

    /// Has it do something; waits until it is done.
    pub(crate) fn carry_out(&mut self, job: &Job) -> Result<Taken> {
        self.tell(&serde_json::to_string(job)?)?;
        let mut line = String::new();
        ensure!(self.output.read_line(&mut line)? > 0, "the client ended in the middle of {job:?}");
        Ok(serde_json::from_str(&line)?)
    }

    fn tell(&mut self, line: &str) -> Result<()> {
        let input = self.input.as_mut().context("the client takes no more")?;
        writeln!(input, "{line}")?;
        Ok(input.flush()?)
    }
}

impl Drop for Far {
    fn drop(&mut self) {
        // It ends with its input.
        self.input.take();
        drop(self.child.wait());
    }
}
