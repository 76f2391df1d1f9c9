//! Steps that a playbook of the runner's own working copy carries out.
//!
//! Nothing that a caller wrote stands on the command line, in the environment or in a template: values are in a file of
//! their own, marked as one in which Ansible must evaluate nothing.

mod child;
mod events;
mod names;
mod vars;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, bail};
use serde_json::Value;

use super::call::Call;
use super::journal::Handle;
use super::step::{StepContext, StepFailure, StepResult};
use crate::runbooks::Ansible;
use child::{Child, Order};

const PLUGIN: &str = include_str!("ansible/watchgate_events.py");
const MAX_VARS_BYTES: usize = 4 * 1024 * 1024;

/// Runs playbooks.
pub(super) struct Playbooks {
    /// The working copy, without links in its path.
    folder: PathBuf,
    program: PathBuf,
    /// Where values and events lie while a playbook runs; nobody else reads there.
    state: PathBuf,
    /// The plugin, and settings for a working copy that has none.
    plugins: PathBuf,
}

impl Playbooks {
    /// Puts the plugin that tells events into the runner's folder.
    pub(super) fn open(folder: &Path, program: &Path, state: &Path) -> anyhow::Result<Self> {
        let folder = folder.canonicalize().with_context(|| format!("{} is no folder", folder.display()))?;
        let program = program.canonicalize().with_context(|| format!("{} is no program", program.display()))?;
        if !folder.is_dir() {
            bail!("{} is no folder; give --ansible-folder the working copy of the playbooks", folder.display());
        }
        let state = state.canonicalize()?;
        let plugins = state.join("plugins");
        DirBuilder::new().recursive(true).mode(0o700).create(&plugins)?;
        fs::write(plugins.join("watchgate_events.py"), PLUGIN)?;
        fs::write(plugins.join("ansible.cfg"), "[defaults]\n")?;
        Ok(Self { folder, program, state, plugins })
    }

    pub(super) async fn carry_out(&self, call: &Call, asked: &Ansible, context: &StepContext<'_>) -> StepResult {
        let refused = |error: io::Error| StepFailure::Refused(format!("nothing was begun: {error}"));
        let playbook = below(&self.folder, &asked.playbook)?;
        let inventory = below(&self.folder, &asked.inventory)?;
        let mut values = BTreeMap::new();
        for (name, argument) in &asked.vars {
            values.insert(name.clone(), call.value(argument)?);
        }
        let vars = VarsFile::write(vars_file(&self.state, &context.trail.mark), &values)?;
        let handle = Handle::Playbook { playbook: asked.playbook.clone() };
        context.trail.handle(handle).await.map_err(refused)?;
        let events = events_file(&self.state, &context.trail.mark);
        let order = Order {
            program: &self.program,
            folder: &self.folder,
            plugins: &self.plugins,
            inventory: &inventory,
            vars: &vars.0,
            playbook: &playbook,
            events: &events,
            mark: &context.trail.mark,
            dry_run: context.dry_run,
        };
        let child = Child::start(&order)?;
        child.follow(&events, context).await
    }
}

/// Where the plugin writes what a step does.
pub(super) fn events_file(state: &Path, mark: &str) -> PathBuf {
    state.join(format!("{mark}.events"))
}

/// How far a playbook came of which nobody has heard the end, from its own events. Never more than it wrote itself.
pub(super) fn found(state: &Path, mark: &str) -> String {
    events::told_by(&events_file(state, mark))
}

/// What a step left in the runner's folder when nobody could clear it away.
pub(super) fn clear(state: &Path, mark: &str) {
    // Most steps leave nothing.
    let _ = fs::remove_file(events_file(state, mark));
    clear_values(state, mark);
}

/// The values alone, as early as they are of no use any more.
pub(super) fn clear_values(state: &Path, mark: &str) {
    let _ = fs::remove_file(vars_file(state, mark));
}

fn vars_file(state: &Path, mark: &str) -> PathBuf {
    state.join(format!("{mark}.vars.yml"))
}

/// A file of the working copy. A link that leads out of it is followed nowhere.
fn below(folder: &Path, written: &str) -> Result<PathBuf, StepFailure> {
    let refused = |what: &str| StepFailure::Refused(format!("{written:?} {what}"));
    let path = Path::new(written);
    if written.is_empty() || !path.components().all(|part| matches!(part, Component::Normal(_))) {
        return Err(refused("is no path below the working copy"));
    }
    let found = folder.join(path).canonicalize().map_err(|_| refused("is not in the working copy"))?;
    if found.starts_with(folder) { Ok(found) } else { Err(refused("leads out of the working copy")) }
}

/// The values of a step; the file is gone when the step is.
struct VarsFile(PathBuf);

impl VarsFile {
    fn write(path: PathBuf, values: &BTreeMap<String, Value>) -> Result<Self, StepFailure> {
        let text = vars::yaml(values).map_err(StepFailure::Refused)?;
        if text.len() > MAX_VARS_BYTES {
            return Err(StepFailure::Refused(format!("the values have more than {MAX_VARS_BYTES} bytes")));
        }
        let unwritten = |error| StepFailure::Refused(format!("the values cannot be written: {error}"));
        let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&path).map_err(unwritten)?;
        // From here on it is this step's, and is removed even when it is not whole.
        let this = Self(path);
        file.write_all(text.as_bytes()).map_err(unwritten)?;
        Ok(this)
    }
}

impl Drop for VarsFile {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.0) {
            tracing::error!(file = %self.0.display(), %error, "the values of a step cannot be removed");
        }
    }
}
