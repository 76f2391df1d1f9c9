//! How many devices have come that nobody knew, at all replicas: in one entry, so that of two that come at once one looks again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Sessions;
use super::record::Record;
use crate::backbone::Put;
use crate::clock::{millis, time_of};
use crate::problem::Problem;

/// Devices whose codes have not ended.
const MOST_WAITING: u32 = 1000;

pub(super) const WAITING: &str = "sessions.codes.waiting";

/// In milliseconds.
const MINUTE: i64 = 60_000;

/// How many codes end in which minute. One that somebody types keeps its place, so that joining changes nothing here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Waiting(BTreeMap<i64, u32>);

impl Waiting {
    /// The same with one more, whose code ends at `until`; nothing when too many wait at `now`. Both in milliseconds.
    fn with_one_more(mut self, until: i64, now: i64) -> Option<Self> {
        self.0.retain(|minute, _| *minute >= now.div_euclid(MINUTE));
        if self.0.values().copied().fold(0, u32::saturating_add) >= MOST_WAITING {
            return None;
        }
        let count = self.0.entry(until.div_euclid(MINUTE)).or_default();
        *count = count.saturating_add(1);
        Some(self)
    }
}

impl Sessions {
    /// What counts a device with its code: a part of the commit that makes it wait.
    pub(super) async fn one_more_waits(&self, record: &Record) -> Result<Put, Problem> {
        let key = "all".to_owned();
        let kept = self.backbone.get(WAITING, key.clone()).await?;
        let waiting: Waiting = match &kept {
            Some(entry) => serde_json::from_slice(&entry.value).map_err(Problem::internal)?,
            None => Waiting::default(),
        };
        let waiting = waiting.with_one_more(record.until, millis(self.now())).ok_or(Problem::Busy)?;
        Ok(Put {
            bucket: WAITING,
            key,
            value: Some(serde_json::to_vec(&waiting).map_err(Problem::internal)?),
            expected_revision: kept.map(|entry| entry.revision),
            expires_at: Some(time_of(record.until.saturating_add(MINUTE))),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_free_again_in_the_minute_after_their_codes_end() {
        let mut waiting = Waiting::default();
        for number in 0..MOST_WAITING {
            let until = if number < 10 { 10 * MINUTE + 1 } else { 12 * MINUTE };
            waiting = waiting.with_one_more(until, 0).unwrap();
        }
        assert_eq!(waiting.clone().with_one_more(20 * MINUTE, 11 * MINUTE - 1), None);
        for _ in 0..10 {
            waiting = waiting.with_one_more(20 * MINUTE, 11 * MINUTE).unwrap();
        }
        assert_eq!(waiting.with_one_more(20 * MINUTE, 11 * MINUTE), None);
    }
}
