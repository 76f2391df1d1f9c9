//! One `ansible-playbook`, from its start to its end, which it does not put off and does not outlive the runner.

use std::path::Path;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;
use tokio::time::{sleep, timeout};

use super::events::Events;
use crate::runner::processes::{MARK, end_marked, signal_marked};
use crate::runner::step::{StepContext, StepFailure, StepResult};

/// How long a playbook may take to end in order.
const KILL_AFTER: Duration = Duration::from_secs(2);
/// How often its events are looked for.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Of what it says beside its events, what is kept.
const MAX_SAID_BYTES: usize = 64 * 1024;
/// What is handed down of the runner's own environment: where things are, never what is to be done.
const ENVIRONMENT: [&str; 5] = ["PATH", "HOME", "USER", "TMPDIR", "SSH_AUTH_SOCK"];

/// What is to be run. Every path is absolute, so that none can be taken for an option.
pub(super) struct Order<'a> {
    pub(super) program: &'a Path,
    pub(super) folder: &'a Path,
    pub(super) plugins: &'a Path,
    pub(super) inventory: &'a Path,
    pub(super) vars: &'a Path,
    pub(super) playbook: &'a Path,
    pub(super) events: &'a Path,
    pub(super) mark: &'a str,
    pub(super) dry_run: bool,
}

/// A playbook that is being run. Dropped, it is ended with everything that it has started.
pub(super) struct Child {
    process: tokio::process::Child,
    mark: String,
    has_ended: bool,
}

impl Child {
    pub(super) fn start(order: &Order<'_>) -> Result<Self, StepFailure> {
        let settings = order.folder.join("ansible.cfg");
        // Named in any case, lest one is found in the home folder or the system's.
        let settings = if settings.is_file() { settings } else { order.plugins.join("ansible.cfg") };
        let mut command = Command::new(order.program);
        command.arg(option("--inventory=", order.inventory)).arg(option("--extra-vars=@", order.vars));
        if order.dry_run {
            command.args(["--check", "--diff"]);
        }
        command.arg("--").arg(order.playbook).current_dir(order.folder).env_clear();
        command.envs(ENVIRONMENT.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        command
            .env("LC_ALL", "C.UTF-8")
            .env("ANSIBLE_CONFIG", settings)
            .env("ANSIBLE_CALLBACK_PLUGINS", order.plugins)
            .env("ANSIBLE_STDOUT_CALLBACK", "watchgate_events")
            .env("ANSIBLE_NOCOLOR", "1")
            .env("ANSIBLE_RETRY_FILES_ENABLED", "0")
            .env("WATCHGATE_EVENTS", order.events)
            .env("WATCHGATE_RUNNER", std::process::id().to_string())
            .env(MARK, order.mark);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).kill_on_drop(true);
        let process = command
            .spawn()
            .map_err(|error| StepFailure::Refused(format!("ansible-playbook cannot be started: {error}")))?;
        Ok(Self { process, mark: order.mark.to_owned(), has_ended: false })
    }

    /// Waits for its end and tells what it does meanwhile.
    pub(super) async fn follow(mut self, file: &Path, context: &StepContext<'_>) -> StepResult {
        let mut events = Events::new(file);
        let (said, complaints) = (self.process.stdout.take(), self.process.stderr.take());
        let mut heard = pin!(async { tokio::join!(pass_on(said, context), pass_on(complaints, context)) });
        let mut has_heard = false;
        let mut ended = pin!(context.ended());
        let outcome = loop {
            tokio::select! {
                status = self.process.wait() => break Ok(status),
                why = &mut ended => break Err(why),
                _ = &mut heard, if !has_heard => has_heard = true,
                () = sleep(LOOK_EVERY) => events.look(context.telling),
            }
        };
        if !has_heard {
            // Who holds the pipe now is not the playbook.
            let _ = timeout(LOOK_EVERY, &mut heard).await;
        }
        match outcome {
            Ok(status) => {
                self.has_ended = true;
                events.look(context.telling);
                judged(status, &events)
            }
            Err(why) => {
                let none_left = self.end().await;
                events.look(context.telling);
                if none_left {
                    Err(StepFailure::Ended(why))
                } else {
                    Err(StepFailure::Unknown("the playbook was told to end, and something of it still runs".to_owned()))
                }
            }
        }
    }

    /// Asks everything to end, and ends what does not.
    async fn end(&mut self) -> bool {
        signal_marked(&self.mark, Signal::TERM);
        // It has ended or it is ended now.
        let _ = timeout(KILL_AFTER, self.process.wait()).await;
        let mark = self.mark.clone();
        let none_left = tokio::task::spawn_blocking(move || end_marked(&mark).1).await.unwrap_or(false);
        self.has_ended = none_left;
        none_left
    }
}

impl Drop for Child {
    /// The lease is lost, or the phase's last grace is over.
    fn drop(&mut self) {
        if !self.has_ended {
            let (ended, none_left) = end_marked(&self.mark);
            tracing::warn!(ended, none_left, "a playbook was ended with everything that it had started");
        }
    }
}

fn option(name: &str, path: &Path) -> std::ffi::OsString {
    let mut option = std::ffi::OsString::from(name);
    option.push(path);
    option
}

/// What is said beside the events, up to a bound; the rest is read and thrown away, so that nobody waits for it.
async fn pass_on(pipe: Option<impl AsyncRead + Unpin>, context: &StepContext<'_>) {
    let Some(mut pipe) = pipe else { return };
    let mut left = MAX_SAID_BYTES;
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = pipe.read(&mut buffer).await {
        let kept = buffer.get(..count.min(left)).unwrap_or_default();
        left = left.saturating_sub(kept.len());
        if !kept.is_empty() {
            context.telling.output(&String::from_utf8_lossy(kept));
        }
    }
}

/// The exit code and the events must both say that it was done.
fn judged(status: std::io::Result<ExitStatus>, events: &Events) -> StepResult {
    let status = status.map_err(|error| StepFailure::Unknown(format!("the playbook's end was missed: {error}")))?;
    match (status.success(), events.end()) {
        (true, Some(end)) if end.hosts == 0 => {
            Err(StepFailure::Failed("the playbook found no host to do anything on".to_owned()))
        }
        (true, Some(end)) if end.failed == 0 => Ok(end.to_string()),
        (_, Some(end)) => Err(StepFailure::Failed(format!("{end}{}", events.trouble()))),
        (false, None) => Err(StepFailure::Failed(format!("ansible-playbook ended with {status}{}", events.trouble()))),
        (true, None) => Err(StepFailure::Unknown("the playbook ended without saying what it did".to_owned())),
    }
}
