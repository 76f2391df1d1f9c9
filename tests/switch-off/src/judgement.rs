//! Whether the table notices that a check is off.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Error, Result};

use crate::checks::{Check, Edit};
use crate::copy::Workspace;

/// Exit status of the table's player when rows have failed, and not something else.
const ROWS_FAILED: i32 = 2;

/// Rows that failed, with what became of them.
type Failed = BTreeSet<String>;

pub(crate) struct Judge<'a> {
    workspace: &'a Workspace,
    sources: &'a BTreeMap<String, String>,
    all_on: String,
    /// Checks behind others are played once, however many checks they stand behind.
    known: Vec<(Vec<Edit>, Failed)>,
}

impl<'a> Judge<'a> {
    /// Plays the table with every check on; every row must hold.
    pub(crate) fn of(workspace: &'a Workspace, sources: &'a BTreeMap<String, String>) -> Result<Judge<'a>> {
        let mut judge = Judge { workspace, sources, all_on: String::new(), known: Vec::new() };
        let (failed, summary) = match judge.play(&[])? {
            Ok(played) => played,
            Err(why) => return Err(Error::other(why)),
        };
        if !failed.is_empty() {
            return Err(Error::other(format!("rows fail with every check on: {failed:#?}")));
        }
        judge.all_on = summary;
        Ok(judge)
    }

    pub(crate) fn all_on(&self) -> &str {
        &self.all_on
    }

    /// How a check is missed when it is off, or why nobody misses it.
    pub(crate) fn judge(&mut self, check: &Check) -> Result<std::result::Result<String, String>> {
        let alone = match self.play(&[check.edit])? {
            Ok((failed, _)) => failed,
            Err(why) => return Ok(Err(why)),
        };
        if check.behind.is_empty() {
            return Ok(match alone.first() {
                Some(first) => Ok(format!("{} rows, such as `{first}`", alone.len())),
                None => Err("no row fails".to_owned()),
            });
        }
        if let Some(first) = alone.first() {
            return Ok(Err(format!("nothing else stands behind it any more, list it alone: `{first}`")));
        }
        let behind = match self.behind(check.behind)? {
            Ok(failed) => failed,
            Err(why) => return Ok(Err(why)),
        };
        let both = [&[check.edit], check.behind].concat();
        Ok(self.play(&both)?.and_then(|(failed, _)| match failed.difference(&behind).next() {
            Some(first) => Ok(format!("what stands behind it catches `{first}`")),
            None => Err("no row fails, even without what stands behind it".to_owned()),
        }))
    }

    fn behind(&mut self, edits: &[Edit]) -> Result<std::result::Result<Failed, String>> {
        if let Some((_, failed)) = self.known.iter().find(|(known, _)| known == edits) {
            return Ok(Ok(failed.clone()));
        }
        Ok(self.play(edits)?.map(|(failed, _)| {
            self.known.push((edits.to_vec(), failed.clone()));
            failed
        }))
    }

    /// The rows that fail, and the last line of the player; or why it could not play.
    fn play(&self, edits: &[Edit]) -> Result<std::result::Result<(Failed, String), String>> {
        if let Err(error) = self.workspace.write(self.sources, edits) {
            return Ok(Err(error.to_string()));
        }
        let built = self.workspace.build()?;
        if !built.status.success() {
            return Ok(Err(format!("does not compile\n{}", errors(&String::from_utf8_lossy(&built.stderr)))));
        }
        let played = self.workspace.play()?;
        let said = String::from_utf8_lossy(&played.stdout);
        let mut lines: Vec<_> = said.lines().map(str::to_owned).collect();
        let summary = lines.pop().unwrap_or_default();
        match played.status.code() {
            Some(0 | ROWS_FAILED) => Ok(Ok((lines.into_iter().collect(), summary))),
            // A core that panics or does not end is not one that lets anybody pass, but nobody can tell why.
            _ => Ok(Err(format!("the table could not be played: {}", String::from_utf8_lossy(&played.stderr).trim()))),
        }
    }
}

/// The first error and what follows it, without the warnings that an edit brings about.
fn errors(said: &str) -> String {
    let at = said.find("error").unwrap_or(0);
    said.get(at..).unwrap_or_default().lines().take(12).collect::<Vec<_>>().join("\n")
}
