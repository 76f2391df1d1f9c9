//! `watchgate discovery`: what Traefik's `docker` provider sees of a Podman. Podman's own socket lets whoever has it start
//! containers, and whoever starts one with labels makes routes in Traefik, also such as the gate does not stand on. This one answers the five
//! questions that Traefik asks, and shows of each container where it serves, and nothing else (`shown`).

mod answers;
mod shown;

use std::fs::{self, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use tokio::net::UnixListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::serve::{LogFormat, start_log};
use answers::Podman;

pub(crate) const AFTER_HELP: &str = "\
Run it as the user to whom the containers belong. Traefik gets a right to --listen and none to Podman's own socket.

Example:
  watchgate discovery --podman-socket /run/user/1001/podman/podman.sock --listen /var/lib/watchgate-discovery/containers.sock

and in Traefik's static file, with traefik-config/containers.yml:
  providers: {docker: {endpoint: unix:///var/lib/watchgate-discovery/containers.sock, …}}";

/// Whom to ask, and where to answer.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Podman's socket.
    #[arg(long, env = "WATCHGATE_PODMAN_SOCKET", value_name = "FILE")]
    podman_socket: PathBuf,
    /// The socket that Traefik asks; its group may connect.
    #[arg(long, env = "WATCHGATE_DISCOVERY_LISTEN", value_name = "FILE")]
    listen: PathBuf,
    /// How the log is written, to standard error.
    #[arg(long, env = "WATCHGATE_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
}

/// Answers until SIGTERM or SIGINT.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    start_log(arguments.log_format);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        let mut terminated = signal(SignalKind::terminate())?;
        let mut interrupted = signal(SignalKind::interrupt())?;
        let podman = Podman::at(&arguments.podman_socket)?;
        let listener = listen(&arguments.listen)?;
        writeln!(std::io::stdout(), "watchgate: containers on unix://{}", arguments.listen.display())?;
        tokio::select! {
            ended = axum::serve(listener, answers::routes(podman)).into_future() => ended?,
            // Streams of events never end by themselves, and nothing is lost with them: Traefik asks again.
            _ = terminated.recv() => {}
            _ = interrupted.recv() => {}
        }
        fs::remove_file(&arguments.listen).context("the socket could not be removed")
    })
}

/// In the place of a socket that nobody answers on any more, and of nothing else.
fn listen(path: &Path) -> anyhow::Result<UnixListener> {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|there| there.file_type().is_socket());
    if is_socket {
        match UnixStream::connect(path) {
            Ok(_) => bail!("somebody answers on {} already", path.display()),
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path)?,
            Err(error) => return Err(error).with_context(|| format!("cannot look who answers on {}", path.display())),
        }
    }
    let listener = UnixListener::bind(path).with_context(|| format!("cannot listen on {}", path.display()))?;
    fs::set_permissions(path, Permissions::from_mode(0o660))?;
    Ok(listener)
}

#[cfg(test)]
mod tests;
