//! One child process of the stage, with its output in a file.

use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::guardian::Guardian;

/// A running child; killed when dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    log: PathBuf,
    guardian: Arc<Guardian>,
}

impl Process {
    /// Starts `command`, appending what it writes to `log`.
    pub fn start(command: &mut Command, log: &Path, guardian: &Arc<Guardian>) -> Result<Process> {
        let open = || File::options().create(true).append(true).open(log);
        let out = open().with_context(|| format!("{} cannot be written", log.display()))?;
        let program = command.get_program().to_owned();
        let child = command
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out)
            // Ctrl-C is ours to handle: children end in the order we choose.
            .process_group(0)
            .spawn()
            .with_context(|| format!("{} could not be started", program.display()))?;
        guardian.guard(child.id());
        Ok(Process { child, log: log.to_path_buf(), guardian: Arc::clone(guardian) })
    }

    /// Its number, under which the kernel keeps account of it.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// All that it has written.
    pub fn log(&self) -> String {
        fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// Sends it a signal by its name without `SIG`, if it still runs.
    pub fn signal(&self, name: &str) -> bool {
        signal(name, &self.child.id().to_string())
    }

    /// Ends it with SIGTERM, and with SIGKILL when `patience` is over.
    pub fn terminate(&mut self, patience: Duration) {
        let sent = self.signal("TERM");
        let began = Instant::now();
        while sent && began.elapsed() < patience {
            if self.ended().is_some() {
                break;
            }
            thread::sleep(Duration::from_millis(10));
        }
        self.kill();
    }

    /// Ends it, and whatever it has started, with SIGKILL, which none of them can see or delay.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        // A killed program cannot end its own children; they are in its group.
        signal("KILL", &format!("-{}", self.child.id()));
        // Before the wait: until then the number cannot belong to anybody else.
        self.guardian.forget(self.child.id());
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Sends a signal with the shell's own `kill`, because not every machine has the program.
fn signal(name: &str, target: &str) -> bool {
    let sent = Command::new("sh")
        .args(["-c", "kill -s \"$1\" -- \"$2\"", "signal", name, target])
        .stderr(Stdio::null())
        .status();
    sent.is_ok_and(|status| status.success())
}

/// The last lines of a log, for a failure's report; Traefik's access log is left out, it would be all there is.
pub fn tail(log: &str) -> String {
    const LINES: usize = 25;
    let lines: Vec<&str> = log.lines().filter(|line| !line.contains("\"RequestCount\"")).collect();
    lines.get(lines.len().saturating_sub(LINES)..).unwrap_or_default().join("\n")
}
