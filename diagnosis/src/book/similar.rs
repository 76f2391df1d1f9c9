//! Earlier incidents that looked like one: the same metrics the same way, the same things shared.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::incident::{Incident, Similar};

/// How many earlier ones are remembered, and of each how many features.
pub(crate) const MOST_PAST: usize = 256;
const MOST_FEATURES: usize = 32;

/// At most so many are told, and none that is less alike.
const MOST_SIMILAR: usize = 5;
const ALIKE: f64 = 0.3;

/// What is remembered of an earlier incident.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Past {
    incident: String,
    title: String,
    features: BTreeMap<String, f64>,
}

/// What an incident looks like, as weights: what moved first counts twice. Names of devices do not count, nor numbers.
fn features(incident: &Incident) -> BTreeMap<String, f64> {
    let mut features = BTreeMap::new();
    for (place, movement) in incident.moved.iter().enumerate() {
        let feature = format!("moved {} {:?}", movement.series.metric, movement.direction);
        let weight = if place == 0 { 2.0 } else { 1.0 };
        features.entry(feature).or_insert(weight);
        if place == 0 {
            features.insert(format!("kind {:?}", movement.kind), 1.0);
        }
        if features.len() >= MOST_FEATURES {
            break;
        }
    }
    for shared in &incident.shared {
        features.insert(format!("shares {}", shared.what), 0.5);
        if shared.what != "device" {
            features.insert(format!("shared {} {}", shared.what, shared.value), 0.5);
        }
    }
    features
}

/// Adds one, and forgets the oldest when there are too many.
pub(super) fn remember(past: &mut VecDeque<Past>, incident: &Incident) {
    past.retain(|known| known.incident != incident.incident);
    while past.len() >= MOST_PAST {
        past.pop_front();
    }
    let features = features(incident);
    past.push_back(Past { incident: incident.incident.clone(), title: incident.title.clone(), features });
}

/// The most alike, most alike first; of those that are as alike, the newest.
pub(super) fn similar(past: &VecDeque<Past>, incident: &Incident) -> Vec<Similar> {
    let features = features(incident);
    let mut similar: Vec<Similar> = past
        .iter()
        .rev()
        .filter(|known| known.incident != incident.incident)
        .map(|known| Similar {
            incident: known.incident.clone(),
            resemblance: resemblance(&features, &known.features),
            title: known.title.clone(),
        })
        .filter(|similar| similar.resemblance >= ALIKE)
        .collect();
    similar.sort_by(|one, other| other.resemblance.total_cmp(&one.resemblance));
    similar.truncate(MOST_SIMILAR);
    similar
}

/// Weights in common over weights of both.
fn resemblance(one: &BTreeMap<String, f64>, other: &BTreeMap<String, f64>) -> f64 {
    let weight = |features: &BTreeMap<String, f64>, feature: &str| features.get(feature).copied().unwrap_or(0.0);
    let all = one.keys().chain(other.keys().filter(|feature| !one.contains_key(*feature)));
    let (common, both) = all.fold((0.0, 0.0), |(common, both), feature| {
        let (one, other) = (weight(one, feature), weight(other, feature));
        (common + one.min(other), both + one.max(other))
    });
    if both > 0.0 { common / both } else { 0.0 }
}
