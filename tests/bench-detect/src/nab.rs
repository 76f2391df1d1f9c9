//! Files of the benchmark, in its folders.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use diagnosis::csv::{parse_timestamp, parse_value};

use crate::labelled::Labelled;

/// Reads every file that `combined_windows.json`, in the folder or its `labels`, names and that is there below `data`.
pub(crate) fn read(folder: &Path) -> Result<Vec<Labelled>> {
    let places = ["combined_windows.json", "labels/combined_windows.json"].map(|place| folder.join(place));
    let [beside, _] = &places;
    let windows = places.iter().find(|place| place.exists()).unwrap_or(beside);
    let windows = fs::read(windows).with_context(|| format!("{} cannot be read", windows.display()))?;
    let windows: BTreeMap<String, Vec<(String, String)>> = serde_json::from_slice(&windows)?;
    let mut all = Vec::new();
    for (name, windows) in windows {
        let path = folder.join("data").join(&name);
        if path.exists() {
            all.push(read_file(&path, name, &windows).with_context(|| path.display().to_string())?);
        }
    }
    ensure!(!all.is_empty(), "{} holds no file that the windows name", folder.join("data").display());
    Ok(all)
}

fn read_file(path: &Path, name: String, windows: &[(String, String)]) -> Result<Labelled> {
    let (mut times, mut values) = (Vec::new(), Vec::new());
    for row in csv::Reader::from_path(path)?.records() {
        let row = row?;
        let cell = |index| row.get(index).context("a row has fewer than two columns");
        times.push(time(cell(0)?)?);
        values.push(parse_value(cell(1)?).context("a value is no number")?);
    }
    let row = |at: &str| -> Result<usize> {
        let at_time = time(at)?;
        times.iter().position(|row| *row == at_time).with_context(|| format!("no row is of {at}"))
    };
    let windows = windows.iter().map(|(first, last)| Ok(row(first)?..=row(last)?)).collect::<Result<_>>()?;
    Ok(Labelled { name, times, values, windows })
}

fn time(text: &str) -> Result<i64> {
    parse_timestamp(text).with_context(|| format!("{text} is no time"))
}
