//! What everything costs, as it was measured, or as it is taken for where nothing was.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use serde::Deserialize;

/// The table, which says of each figure where it comes from.
const TABLE: &str = include_str!("../costs.json");

/// How a figure came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Known {
    /// By a bench of this repository.
    Measured,
    /// From measured figures, by what the source says.
    Derived,
    /// By nobody here.
    Assumed,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cost {
    pub(crate) value: f64,
    pub(crate) unit: String,
    pub(crate) known: Known,
    pub(crate) source: String,
}

/// In seconds where they are times.
#[derive(Clone, Debug)]
pub(crate) struct Costs {
    pub(crate) table: BTreeMap<String, Cost>,
    /// Traefik with the gate, for a request.
    pub(crate) gate: f64,
    pub(crate) gate_variation: f64,
    /// Traefik, for an event that it passes on to somebody's tail.
    pub(crate) gate_tail: f64,
    /// The service, for a request but what is special to it.
    pub(crate) front: f64,
    pub(crate) front_variation: f64,
    pub(crate) query: f64,
    pub(crate) ask: f64,
    /// The service, for one of the calls of a command's life.
    pub(crate) command_call: f64,
    /// The service, for an event that it passes on to somebody's tail.
    pub(crate) tail: f64,
    /// The service, for each tail that is open and each commit: whether anything in it is for that tail.
    pub(crate) tail_look: f64,
    /// Publishing a record and applying it: for itself, and for each job in it.
    pub(crate) publish_record: f64,
    pub(crate) apply_record: f64,
    pub(crate) apply_job: f64,
    /// A NATS server, for a record and for a job in it, beside the sync.
    pub(crate) nats_record: f64,
    pub(crate) nats_job: f64,
    pub(crate) sync: f64,
    /// The same on the machine of the benches.
    pub(crate) sync_here: f64,
    pub(crate) sync_variation: f64,
    /// From one host to another and back.
    pub(crate) round_trip: f64,
    /// Bytes of a Traefik for each request that is open.
    pub(crate) open_request_kib: f64,
}

impl Costs {
    pub(crate) fn read() -> Result<Self> {
        let table: BTreeMap<String, Cost> = serde_json::from_str(TABLE).context("costs.json")?;
        let cost = |name: &str| table.get(name).with_context(|| format!("costs.json has no {name}"));
        let micros = |name: &str| {
            let cost = cost(name)?;
            anyhow::ensure!(cost.unit == "µs", "{name} is in {}", cost.unit);
            Ok(cost.value / 1e6)
        };
        let plain = |name: &str| cost(name).map(|cost| cost.value);
        Ok(Self {
            gate: micros("gate")?,
            gate_variation: plain("gate_variation")?,
            gate_tail: micros("gate_tail")?,
            front: micros("front")?,
            front_variation: plain("front_variation")?,
            query: micros("query")?,
            ask: micros("ask")?,
            command_call: micros("command_call")?,
            tail: micros("tail")?,
            tail_look: micros("tail_look")?,
            publish_record: micros("publish_record")?,
            apply_record: micros("apply_record")?,
            apply_job: micros("apply_job")?,
            nats_record: micros("nats_record")?,
            nats_job: micros("nats_job")?,
            sync: micros("sync")?,
            sync_here: micros("sync_here")?,
            sync_variation: plain("sync_variation")?,
            round_trip: micros("round_trip")?,
            open_request_kib: plain("open_request_kib")?,
            table,
        })
    }
}
