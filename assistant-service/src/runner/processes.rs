//! Processes of a step, found by the word that stands in their environment: whoever forked, changed its group or lost its
//! parent still has it. A process number alone says nothing after a restart.
//!
//! What a step starts as another user (`become` on the runner's own host) cannot be seen so.

use std::fs::{self, File};
use std::io::Read;
use std::time::{Duration, Instant};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// The variable that holds the word.
pub(super) const MARK: &str = "WATCHGATE_STEP";

/// The kernel gives no more than 2 MiB on the start of a program.
const MAX_ENVIRONMENT_BYTES: u64 = 2 * 1024 * 1024;
/// How long it is looked for processes that were forked while others were ended.
const PATIENCE: Duration = Duration::from_secs(2);

/// Ends every process with this mark, and gives how many there were. When it returns with `true`, none is left.
pub(super) fn end_marked(mark: &str) -> (usize, bool) {
    let begun = Instant::now();
    let mut ended = 0_usize;
    loop {
        let found = marked(mark);
        if found.is_empty() {
            return (ended, true);
        }
        if begun.elapsed() > PATIENCE {
            return (ended, false);
        }
        for pid in found {
            if send(pid, mark, Signal::KILL) {
                ended = ended.saturating_add(1);
            }
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Sends a signal to every process with this mark.
pub(super) fn signal_marked(mark: &str, signal: Signal) {
    for pid in marked(mark) {
        send(pid, mark, signal);
    }
}

fn marked(mark: &str) -> Vec<Pid> {
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    let numbers = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    numbers.filter_map(Pid::from_raw).filter(|pid| has_mark(*pid, mark)).collect()
}

/// A process that has ended, even if nobody has taken note of it yet, has no environment any more.
fn has_mark(pid: Pid, mark: &str) -> bool {
    let mut environment = Vec::new();
    let Ok(file) = File::open(format!("/proc/{}/environ", pid.as_raw_nonzero())) else { return false };
    if file.take(MAX_ENVIRONMENT_BYTES).read_to_end(&mut environment).is_err() {
        return false;
    }
    let wanted = format!("{MARK}={mark}");
    environment.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes())
}

/// The handle is taken before the second look, so that the signal cannot reach whoever has got the number since.
fn send(pid: Pid, mark: &str, signal: Signal) -> bool {
    let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) else { return false };
    has_mark(pid, mark) && pidfd_send_signal(&handle, signal).is_ok()
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn what_bears_the_mark_is_ended_with_what_it_forked_and_nothing_else() {
        let mark = uuid::Uuid::now_v7().simple().to_string();
        // A child of its own session, whose parent is gone.
        let script = "setsid sleep 300 & sleep 300";
        let mut marked_child =
            Command::new("/bin/sh").args(["-c", script]).env(MARK, &mark).stdout(Stdio::null()).spawn().unwrap();
        let mut other = Command::new("sleep").arg("300").env(MARK, format!("{mark}x")).spawn().unwrap();
        while marked(&mark).len() < 3 {
            std::thread::yield_now();
        }
        let (ended, none_left) = end_marked(&mark);
        assert!(ended >= 3 && none_left, "{ended}");
        assert!(!marked_child.wait().unwrap().success());
        assert!(other.try_wait().unwrap().is_none());
        other.kill().unwrap();
        other.wait().unwrap();
    }
}
