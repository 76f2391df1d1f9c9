//! The rootless Podman of `scripts/with-podman.sh`, beside which a test runs.

use std::env;
use std::fs;
use std::os::unix::fs::lchown;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::runner::User;

const BELOW: &str = "run this below scripts/with-podman.sh";

/// Its socket.
pub fn socket() -> Result<PathBuf> {
    env::var_os("WATCHGATE_TEST_PODMAN").map(PathBuf::from).context(BELOW)
}

/// The user to whom it belongs, who is not root.
pub fn user() -> Result<User> {
    let user = env::var("WATCHGATE_TEST_PODMAN_USER").context(BELOW)?;
    let (id, group) = user.split_once(':').context("that is no user and group")?;
    let user = User { id: id.parse()?, group: group.parse()? };
    ensure!(user.id != 0, "Podman would be root's");
    Ok(user)
}

/// This host's number of a container's user, who is not the container's root.
pub fn user_of_containers(id: u32) -> Result<u32> {
    let first: u32 = env::var("WATCHGATE_TEST_PODMAN_RANGE").context(BELOW)?.parse()?;
    id.checked_sub(1).and_then(|beyond| first.checked_add(beyond)).context("no user of a container")
}

/// What it shows of itself.
pub async fn look(path: &str) -> Result<Value> {
    let client =
        reqwest::Client::builder().unix_socket(socket()?).no_proxy().timeout(Duration::from_secs(30)).build()?;
    let answer = client.get(format!("http://podman/v4.0.0/libpod/{path}")).send().await?.error_for_status()?;
    Ok(serde_json::from_str(&answer.text().await?)?)
}

/// Its program as whoever works on this host calls it, with the words before an own command.
pub fn program() -> Result<Vec<String>> {
    Ok(vec!["podman".to_owned(), "--remote".to_owned(), "--url".to_owned(), format!("unix://{}", socket()?.display())])
}

/// Has the program do something, and gives what it says.
pub fn run(command: &[&str]) -> Result<String> {
    let words = program()?;
    let (program, first) = words.split_first().context("no program")?;
    said(Command::new(program).args(first).args(command))
}

/// Runs a command to its end, and gives what it says.
pub fn said(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("{command:?} could not be started"))?;
    let (said, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "{command:?} failed: {said}{error}");
    Ok(said.trim().to_owned())
}

/// A folder that the containers may be given, and that this user of theirs may read: a copy of others' files by their new names.
pub fn folder_for(container_user: u32, name: &str, files: &[(&str, &Path)]) -> Result<PathBuf> {
    let own =
        socket()?.parent().and_then(Path::parent).context("the socket lies in no folder of its user's")?.join(name);
    if own.exists() {
        fs::remove_dir_all(&own)?;
    }
    fs::create_dir(&own)?;
    for (to, from) in files {
        said(Command::new("cp").arg("-r").arg(from).arg(own.join(to)))?;
    }
    give(&own, user_of_containers(container_user)?)?;
    Ok(own)
}

/// To this user, with all that is in it.
pub fn give(path: &Path, user: u32) -> Result<()> {
    lchown(path, Some(user), Some(user)).with_context(|| format!("{} cannot be given away", path.display()))?;
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            give(&entry?.path(), user)?;
        }
    }
    Ok(())
}
