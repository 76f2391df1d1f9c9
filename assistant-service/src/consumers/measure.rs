//! What is counted of consumers. Their names are chosen by callers, so only some of them become labels, and owners none.

use std::collections::BTreeMap;
use std::time::Duration;

use super::book::{CONSUMERS, Consumers};
use super::fetch::Delivered;
use super::giving_up::Reason;
use super::record::Record;
use crate::backbone::{BackboneError, Freshness};
use crate::metrics::{ConsumerLabel, ReasonLabel};

/// Counting looks at the log once for each consumer.
const EVERY: Duration = Duration::from_secs(30);

const PAGE: u32 = 100;

/// Counted no further: it is for whoever wants to know whether a consumer keeps up.
pub(super) const LAG_EVENTS: usize = 1000;

/// As many names become labels; the others are one.
const LABELS: usize = 50;

const OTHER: &str = "other";

impl Consumers {
    /// Measures how far behind consumers are, for ever.
    pub async fn measure_for_ever(&self) {
        loop {
            if let Err(error) = self.measure().await {
                tracing::warn!(%error, "how far behind consumers are could not be measured");
            }
            tokio::time::sleep(EVERY).await;
        }
    }

    pub(super) async fn measure(&self) -> Result<(), BackboneError> {
        let mut lags = BTreeMap::new();
        let mut before = None;
        loop {
            let entries = self.backbone.list(CONSUMERS, before, PAGE).await?;
            let Some(last) = entries.last() else { break };
            before = Some(last.key.clone());
            for entry in entries {
                let Ok(record) = serde_json::from_slice::<Record>(&entry.value) else { continue };
                let (lag, _) = self.lag(&record).await?;
                let is_new = !lags.contains_key(&record.name);
                let label = if is_new && lags.len() >= LABELS { OTHER.to_owned() } else { record.name };
                let most: &mut usize = lags.entry(label).or_default();
                *most = lag.max(*most);
            }
        }
        // Those that are gone are told no more.
        self.metrics.consumer_lag.clear();
        for (consumer, lag) in lags {
            let lag = i64::try_from(lag).unwrap_or(i64::MAX);
            self.metrics.consumer_lag.get_or_create(&ConsumerLabel { consumer }).set(lag);
        }
        Ok(())
    }

    /// Events beyond the cursor, and whether there are more of them.
    pub(super) async fn lag(&self, record: &Record) -> Result<(usize, bool), BackboneError> {
        let filter = record.settings.event_filter(record.cursor, LAG_EVENTS, Freshness::Known);
        let page = self.backbone.query(filter).await?;
        Ok((page.events.len(), page.next_after.is_some()))
    }

    pub(super) fn count_handed_out(&self, events: &[Delivered]) {
        for event in events {
            let is_first = event.attempt == 1;
            let counter =
                if is_first { &self.metrics.consumer_deliveries } else { &self.metrics.consumer_redeliveries };
            counter.inc();
        }
    }

    pub(super) fn count_given_up(&self, reason: Reason, count: usize) {
        let label = ReasonLabel { reason: reason.name() };
        self.metrics.consumer_give_ups.get_or_create(&label).inc_by(u64::try_from(count).unwrap_or(u64::MAX));
    }
}
