//! What struck devices have in common and others do not.

use std::collections::{BTreeMap, BTreeSet};

use super::belonging::is_new;
use crate::Millis;
use crate::incident::Shared;
use crate::roster::Roster;
use crate::series::SeriesKey;

/// What at least this part of the struck devices has, and is this much rarer among the others, is told.
const COMMON: f64 = 0.75;
const CONTRAST: f64 = 0.5;

/// At most so many are told.
const MOST_SHARED: usize = 5;

/// The struck devices: for each one the series that moved on it, and when the first did.
pub(super) type Struck<'a> = BTreeMap<&'a str, (Vec<&'a SeriesKey>, Millis)>;

type Value<'a> = (&'a str, &'a str);

/// What is shared, most telling first.
pub(super) fn shared(struck: &Struck<'_>, roster: &Roster) -> Vec<Shared> {
    let (struck_values, new_builds) = values_of_struck(struck, roster);
    let mut others_values: BTreeMap<Value<'_>, usize> = BTreeMap::new();
    let mut others_in_all = 0_usize;
    for (_, other) in roster.heard().filter(|(name, _)| !struck.contains_key(name)) {
        others_in_all = others_in_all.saturating_add(1);
        let traits = other.traits.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        for value in traits.chain([("build", other.build.as_str()), ("scene", other.scene.as_str())]) {
            count(&mut others_values, value);
        }
    }
    let is_new = |(what, value): Value<'_>| what == "build" && new_builds.contains(value);
    let mut told: Vec<(bool, f64, Shared)> = struck_values
        .into_iter()
        .map(|(value, count)| {
            let others = others_values.get(&value).copied().unwrap_or(0);
            let shared = Shared {
                what: value.0.to_owned(),
                value: value.1.to_owned(),
                struck: count,
                struck_in_all: struck.len(),
                others,
                others_in_all,
            };
            (is_new(value), share(count, struck.len()) - share(others, others_in_all), shared)
        })
        .filter(|(is_new, contrast, shared)| {
            let is_common = share(shared.struck, struck.len()) >= COMMON;
            // Of one device everything is common, and where there are no others nothing is a contrast: only a change tells then.
            is_common && *contrast >= CONTRAST && (*is_new || (struck.len() > 1 && others_in_all > 0))
        })
        .collect();
    told.sort_by(|one, other| {
        other.1.total_cmp(&one.1).then(other.0.cmp(&one.0)).then_with(|| rank(&one.2).cmp(&rank(&other.2)))
    });
    let mut told: Vec<Shared> = told.into_iter().map(|(_, _, shared)| shared).collect();
    told.extend(the_one_device(struck, others_in_all));
    told.truncate(MOST_SHARED);
    told
}

fn values_of_struck<'a>(struck: &Struck<'a>, roster: &'a Roster) -> (BTreeMap<Value<'a>, usize>, BTreeSet<&'a str>) {
    let (mut values, mut new_builds) = (BTreeMap::new(), BTreeSet::new());
    for (name, (series, began_at)) in struck {
        // A device that was struck in several scenes, or builds, has none of them in common with anybody.
        let only = |part: fn(&SeriesKey) -> &str| {
            let parts: BTreeSet<&str> = series.iter().map(|key| part(key)).collect();
            parts.first().copied().filter(|part| parts.len() == 1 && !part.is_empty())
        };
        if let Some(build) = only(|key| &key.build) {
            count(&mut values, ("build", build));
            if roster.get(name).is_some_and(|device| device.build == build && is_new(device, *began_at)) {
                new_builds.insert(build);
            }
        }
        if let Some(scene) = only(|key| &key.scene) {
            count(&mut values, ("scene", scene));
        }
        for (name, value) in roster.get(name).into_iter().flat_map(|device| &device.traits) {
            count(&mut values, (name.as_str(), value.as_str()));
        }
    }
    (values, new_builds)
}

/// Only one of many is struck: it is the device itself.
fn the_one_device(struck: &Struck<'_>, others_in_all: usize) -> Option<Shared> {
    let (name, _) = struck.first_key_value().filter(|_| struck.len() == 1 && others_in_all > 0)?;
    Some(Shared {
        what: "device".to_owned(),
        value: (*name).to_owned(),
        struck: 1,
        struck_in_all: 1,
        others: 0,
        others_in_all,
    })
}

/// Of what tells as much: the build before traits, those before the scene.
fn rank(shared: &Shared) -> (u8, &str) {
    match shared.what.as_str() {
        "build" => (0, ""),
        "scene" => (2, ""),
        name => (1, name),
    }
}

fn count<'a>(values: &mut BTreeMap<Value<'a>, usize>, value: Value<'a>) {
    let count = values.entry(value).or_default();
    *count = count.saturating_add(1);
}

#[expect(clippy::cast_precision_loss, reason = "devices are some thousands")]
fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
