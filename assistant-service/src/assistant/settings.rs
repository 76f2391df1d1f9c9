//! What an assistant is told in its file, besides documents and runbooks. Every part is read where it is used; without a
//! file the assistant answers from the documents alone.

use std::path::Path;

use anyhow::bail;
use trust_core::Mistake;

use crate::config_file::{self, LocatedMistake};
use crate::section::Section;
use crate::telemetry::TelemetrySettings;

const KEYS: [&str; 1] = ["telemetry"];

/// Everything that an assistant is told.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    pub(crate) telemetry: Option<TelemetrySettings>,
}

impl Settings {
    /// Reads a file; its mistakes are printed, and there is nothing to go on with then.
    pub(crate) fn load(file: &Path) -> anyhow::Result<Self> {
        match config_file::load(file, Self::read)? {
            Some(settings) => Ok(settings),
            None => bail!("{} has mistakes", file.display()),
        }
    }

    /// Reads the text of a file.
    pub(crate) fn read(text: &str) -> Result<Self, Vec<LocatedMistake>> {
        config_file::read(text, |file, mistakes| Some(read_all(file, mistakes)))
    }
}

fn read_all(file: &Section<'_>, mistakes: &mut Vec<Mistake>) -> Settings {
    file.only_keys(&KEYS, mistakes);
    Settings { telemetry: TelemetrySettings::read(&file.at("telemetry"), mistakes) }
}
