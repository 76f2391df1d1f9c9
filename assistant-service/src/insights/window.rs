//! What is counted of one matter: the last events until there are enough of them, and then an insight that goes on counting.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::grouping::Key;
use super::sighting::{Evidence, MOST_SUGGESTED, Sighting};
use super::watch::Watch;

/// Of all that an insight counts, the first ones and the newest ones are named.
const FIRST_EVIDENCE: usize = 10;
const MOST_EVIDENCE: usize = 20;

/// One matter of a watch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Window {
    pub(super) key: BTreeMap<String, Option<String>>,
    /// When an event was last counted: by the clock of whoever counted it, so that late events do not end what has just begun.
    pub(super) counted_at: i64,
    pub(super) phase: Phase,
}

/// How far it has come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Phase {
    /// There are not enough events yet.
    Counting {
        /// The last ones, in the order of the log; never more than must come together.
        recent: VecDeque<Counted>,
    },
    /// There is an insight, and nobody has been told of it.
    Waiting {
        tally: Tally,
        /// What the assistant is asked.
        question: String,
    },
    /// There is an insight, and it is an event.
    Told { tally: Tally, told_at: i64, told_count: u64 },
}

/// An event that may become evidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Counted {
    evidence: Evidence,
    millis: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    correlation_id: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    suggested: Vec<String>,
}

/// An insight's numbers and evidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Tally {
    /// The same wherever and however often it is made of the same events.
    pub(super) id: String,
    pub(super) count: u64,
    pub(super) first_seen: i64,
    pub(super) last_seen: i64,
    pub(super) evidence: Vec<Evidence>,
    /// What all events of the insight belong to, where that is one thing; those that come after it was told do not change it.
    pub(super) correlation_id: Option<String>,
    /// The runbooks that its events suggest, as far as they came before it was there.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) suggested: BTreeSet<String>,
}

impl Window {
    pub(super) fn new(key: &Key) -> Self {
        Self { key: key.shown.clone(), counted_at: 0, phase: Phase::Counting { recent: VecDeque::new() } }
    }

    /// Counts an event. Says whether it was the one that makes an insight.
    pub(super) fn count(&mut self, event: &Sighting, watch: &Watch, key: &Key, now: i64) -> bool {
        self.counted_at = now;
        let recent = match &mut self.phase {
            Phase::Counting { recent } => recent,
            Phase::Waiting { tally, .. } => {
                if tally.correlation_id != event.short_correlation_id() {
                    tally.correlation_id = None;
                }
                tally.add(event);
                return false;
            }
            Phase::Told { tally, .. } => {
                tally.add(event);
                return false;
            }
        };
        recent.push_back(Counted::of(event));
        if recent.len() > watch.at_least {
            recent.pop_front();
        }
        if recent.len() < watch.at_least || spread(recent) > watch.window {
            return false;
        }
        let Some(tally) = Tally::of(watch, key, recent) else { return false };
        self.phase = Phase::Waiting { tally, question: watch.question.fill(event, &watch.redactor) };
        true
    }

    /// The insight, if there is one.
    pub(super) fn tally(&self) -> Option<&Tally> {
        match &self.phase {
            Phase::Counting { .. } => None,
            Phase::Waiting { tally, .. } | Phase::Told { tally, .. } => Some(tally),
        }
    }

    pub(super) fn is_counting(&self) -> bool {
        matches!(self.phase, Phase::Counting { .. })
    }

    pub(super) fn is_waiting(&self) -> bool {
        matches!(self.phase, Phase::Waiting { .. })
    }

    /// Notes that its insight, as it is now, has been told.
    pub(super) fn is_told(&mut self, now: i64) {
        if let Some(tally) = self.tally().cloned() {
            let told_count = tally.count;
            self.phase = Phase::Told { tally, told_at: now, told_count };
        }
    }
}

impl Counted {
    fn of(event: &Sighting) -> Self {
        Self {
            evidence: event.evidence(),
            millis: event.millis,
            correlation_id: event.short_correlation_id(),
            suggested: event.suggested.clone(),
        }
    }
}

/// The time in which the events happened. They need not have come in their order.
fn spread(recent: &VecDeque<Counted>) -> Duration {
    let times = || recent.iter().map(|counted| counted.millis);
    let (first, last) = (times().min().unwrap_or_default(), times().max().unwrap_or_default());
    Duration::from_millis(u64::try_from(last.saturating_sub(first)).unwrap_or_default())
}

impl Tally {
    fn of(watch: &Watch, key: &Key, recent: &VecDeque<Counted>) -> Option<Self> {
        let first = recent.front()?;
        let is_shared = recent.iter().all(|counted| counted.correlation_id == first.correlation_id);
        let mut tally = Self {
            id: insight_id(&watch.name, &key.digest, &first.evidence),
            count: 0,
            first_seen: first.millis,
            last_seen: first.millis,
            evidence: Vec::new(),
            correlation_id: first.correlation_id.clone().filter(|_| is_shared),
            suggested: recent
                .iter()
                .flat_map(|counted| counted.suggested.clone())
                .collect::<BTreeSet<_>>()
                .into_iter()
                .take(MOST_SUGGESTED)
                .collect(),
        };
        for counted in recent {
            tally.take(counted.evidence.clone(), counted.millis);
        }
        Some(tally)
    }

    fn add(&mut self, event: &Sighting) {
        self.take(event.evidence(), event.millis);
    }

    fn take(&mut self, evidence: Evidence, millis: i64) {
        self.count = self.count.saturating_add(1);
        self.first_seen = self.first_seen.min(millis);
        self.last_seen = self.last_seen.max(millis);
        if self.evidence.len() >= MOST_EVIDENCE {
            self.evidence.remove(FIRST_EVIDENCE);
        }
        self.evidence.push(evidence);
    }
}

fn insight_id(watch: &str, key_digest: &str, first: &Evidence) -> String {
    // Neither a name nor a digest holds a space.
    let digest = Sha256::digest(format!("{watch} {key_digest} {}", first.position));
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
