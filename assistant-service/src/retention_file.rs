//! `serve --retention FILE`: how long and how much of each class of events is kept, with every mistake at its line.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use anyhow::bail;
use trust_core::Mistake;

use crate::backbone::retention::{Class, DEFAULT_CLASS, Limits, Retention};
use crate::config_file::{self, LocatedMistake};
use crate::section::Section;

/// A class is let go by parts of ten minutes or 8 MiB: what is much smaller than a few of them would not be kept to.
const LEAST_AGE: Duration = Duration::from_secs(10 * 60);
const LEAST_BYTES: u64 = 64 * 1024 * 1024;

const DURATIONS: [(&str, u64); 5] = [("w", 7 * 24 * 60 * 60), ("d", 24 * 60 * 60), ("h", 60 * 60), ("m", 60), ("s", 1)];
const SIZES: [(&str, u64); 3] = [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20)];

/// What the file says; its mistakes are printed.
pub(crate) fn load(file: &Path) -> anyhow::Result<Retention> {
    match config_file::load(file, read)? {
        Some(retention) => Ok(retention),
        None => bail!("{} says what is kept of the events, and has mistakes", file.display()),
    }
}

fn read(text: &str) -> Result<Retention, Vec<LocatedMistake>> {
    config_file::read(text, |root, mistakes| {
        root.only_keys(&["classes", "rest"], mistakes);
        let classes = classes(root, mistakes);
        let rest = root.at("rest");
        if rest.is_there() {
            rest.only_keys(&["maxAge", "maxBytes"], mistakes);
        }
        Some(Retention { classes, rest: limits(&rest, mistakes) })
    })
}

fn classes(root: &Section<'_>, mistakes: &mut Vec<Mistake>) -> Vec<Class> {
    let (mut classes, mut names, mut above) = (Vec::new(), BTreeSet::new(), Vec::new());
    for section in root.list("classes", mistakes) {
        section.only_keys(&["name", "types", "maxAge", "maxBytes"], mistakes);
        let name = section.required("name", mistakes).unwrap_or_default();
        if name == DEFAULT_CLASS {
            section.at("name").mistake("this is the name of all that no class takes; say `rest` for it", mistakes);
        } else if !name.is_empty() && !names.insert(name.clone()) {
            section.at("name").mistake("this stands in a class above already", mistakes);
        }
        let types = section.texts("types", mistakes);
        if section.list("types", &mut Vec::new()).is_empty() {
            section.at("types").mistake("this is required: types such as com.example.frame or com.example.*", mistakes);
        }
        for here in section.list("types", &mut Vec::new()) {
            let Some(pattern) = here.as_text() else { continue };
            if let Some(what) = wrong_pattern(pattern, &above) {
                here.mistake(what, mistakes);
            }
            above.push(pattern.to_owned());
        }
        classes.push(Class { name, types, limits: limits(&section, mistakes) });
    }
    classes
}

/// What is wrong with a pattern; one that a pattern above takes whole would never be asked.
fn wrong_pattern(pattern: &str, above: &[String]) -> Option<String> {
    let named = pattern.strip_suffix(".*").unwrap_or(pattern);
    let is_name = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_graphic() && c != '*');
    if !named.split('.').all(is_name) {
        return Some("a type such as com.example.frame was expected, or com.example.* for all below one".to_owned());
    }
    let takes_it = |other: &&String| {
        let prefix = other.strip_suffix('*').filter(|prefix| prefix.ends_with('.'));
        *other == pattern || prefix.is_some_and(|prefix| pattern.starts_with(prefix))
    };
    above.iter().find(takes_it).map(|other| format!("{other} above takes it already"))
}

fn limits(section: &Section<'_>, mistakes: &mut Vec<Mistake>) -> Limits {
    let mut read = |key: &str, units: &[(&str, u64)], least: u64, wrong: &str| {
        let text = section.at(key).is_there().then(|| section.text(key, mistakes)).flatten()?;
        let amount = amount(&text, units).filter(|amount| *amount >= least);
        if amount.is_none() {
            section.at(key).mistake(wrong, mistakes);
        }
        amount
    };
    let age = "a time such as 30d was expected, in w, d, h, m or s, of at least 10m";
    let bytes = "a size such as 10GiB was expected, in MiB, GiB or TiB, of at least 64MiB";
    Limits {
        max_age: read("maxAge", &DURATIONS, LEAST_AGE.as_secs(), age).map(Duration::from_secs),
        max_bytes: read("maxBytes", &SIZES, LEAST_BYTES, bytes),
    }
}

/// A whole number and its unit.
fn amount(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let (number, unit) = units.iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, factor)))?;
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    number.parse::<u64>().ok().filter(|_| is_number)?.checked_mul(*unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_read() {
        let retention = read(include_str!("../../examples/company/retention.yml")).unwrap();
        assert_eq!(retention.class_of("dev.watchgate.telemetry"), "telemetry");
        assert_eq!(retention.class_of("dev.watchgate.command.requested"), "records");
        assert_eq!(retention.class_of("com.example.frame"), DEFAULT_CLASS);
        let month = Some(Duration::from_secs(30 * 24 * 60 * 60));
        assert_eq!(retention.rest, Limits { max_age: month, max_bytes: Some(20 << 30) });
    }

    #[test]
    fn without_a_word_everything_is_kept() {
        assert_eq!(read("{}").unwrap(), Retention::default());
    }

    #[test]
    fn every_mistake_is_told_with_its_line() {
        let text = "classes:
  - name: default
    types: [a]
  - name: twice
    types: [b.*, '*', b.c, 'c d', a]
    maxAge: 30
  - name: twice
    types: []
    maxAge: 9m
    maxBytes: 1GB
  - types: [b.d.*, .x]
    maxBytes: 63MiB
    maxbytes: 64MiB
rest:
  maxAge: 1.5d
  maxBytes: 99999999999TiB
  types: [x]
more: 1
";
        let found: Vec<_> =
            read(text).unwrap_err().into_iter().map(|found| (found.line.unwrap(), found.mistake.place)).collect();
        let expected = [
            (18, "more"),
            (2, "classes[0].name"),
            (5, "classes[1].types[1]"),
            (5, "classes[1].types[2]"),
            (5, "classes[1].types[3]"),
            (5, "classes[1].types[4]"),
            (6, "classes[1].maxAge"),
            (7, "classes[2].name"),
            (8, "classes[2].types"),
            (9, "classes[2].maxAge"),
            (10, "classes[2].maxBytes"),
            (13, "classes[3].maxbytes"),
            (11, "classes[3].name"),
            (11, "classes[3].types[0]"),
            (11, "classes[3].types[1]"),
            (12, "classes[3].maxBytes"),
            (17, "rest.types"),
            (15, "rest.maxAge"),
            (16, "rest.maxBytes"),
        ];
        assert_eq!(found, expected.map(|(line, place)| (line, place.to_owned())));
    }
}
