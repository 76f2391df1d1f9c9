//! Ends the stage's processes when the test program ends, however it ends: a shared stage is a static, which Rust
//! never drops, and a program killed with SIGKILL drops nothing at all.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};

/// Reads process ids until its input closes, which the kernel does when our end is gone; then kills them, with their
/// groups, and tidies up.
const SCRIPT: &str = r#"
pids=" "
while read -r verb pid; do
  case $verb in
    guard) pids="$pids$pid " ;;
    # Of one that is not there, both ends are the whole list, and it would double each time.
    forget) case $pids in *" $pid "*) pids="${pids%% $pid *} ${pids#* $pid }" ;; esac ;;
  esac
done
for pid in $pids; do kill -s KILL -- "-$pid" "$pid" 2>/dev/null; done
[ -z "$1" ] || rm -rf -- "$1"
"#;

/// A shell that outlives us for the moment it takes to kill what we started.
#[derive(Debug)]
pub struct Guardian {
    input: Mutex<Option<ChildStdin>>,
    shell: Mutex<Child>,
}

impl Guardian {
    /// Starts the guardian; `tidy` is a folder to remove at the end.
    pub fn start(tidy: Option<&Path>) -> Result<Guardian> {
        let mut shell = Command::new("sh")
            .args(["-c", SCRIPT, "guardian"])
            .arg(tidy.unwrap_or_else(|| Path::new("")))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C goes to our whole group, and the guardian must live longer than we do.
            .process_group(0)
            .spawn()
            .context("`sh` could not be started: it ends the stage's processes at the end")?;
        let input = shell.stdin.take();
        Ok(Guardian { input: Mutex::new(input), shell: Mutex::new(shell) })
    }

    /// Has this process killed when we are gone.
    pub fn guard(&self, pid: u32) {
        self.tell("guard", pid);
    }

    /// Leaves this process alone: it has ended.
    pub fn forget(&self, pid: u32) {
        self.tell("forget", pid);
    }

    fn tell(&self, verb: &str, pid: u32) {
        if let Some(input) = self.input.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            // A guardian that somebody killed cannot be told, and nothing else depends on it.
            let _ = writeln!(input, "{verb} {pid}");
        }
    }
}

impl Drop for Guardian {
    fn drop(&mut self) {
        drop(self.input.lock().unwrap_or_else(PoisonError::into_inner).take());
        let _ = self.shell.lock().unwrap_or_else(PoisonError::into_inner).wait();
    }
}
