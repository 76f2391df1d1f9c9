//! What a keeper counts, in the text form that Prometheus reads: how fresh its word and the keys are, and what gates have denied.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use serde::Deserialize;
use trust_core::trust_head::TrustHead;

/// Gates have fewer reasons. Whoever has taken one over can write down what he likes, and makes no more series with it.
const REASONS: usize = 64;
const LONGEST_REASON: usize = 40;

/// All counters, and the registry that writes them down.
#[derive(Debug)]
pub(super) struct Metrics {
    registry: Registry,
    head: Gauge,
    keys: Family<FileLabel, Gauge>,
    denials: Family<DenialLabels, Counter>,
    reasons: Mutex<HashSet<String>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FileLabel {
    file: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DenialLabels {
    mode: &'static str,
    reason: String,
    status: u16,
}

/// Part of a record of a denial.
#[derive(Deserialize)]
struct Denied {
    mode: String,
    status: u16,
    reason: String,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("watchgate_keeper");
        let head = Gauge::default();
        let help =
            "When the keeper last gave its word, in seconds since 1970; gates deny when it is older than ten seconds";
        registry.register("head_written_timestamp_seconds", help, head.clone());
        let keys = Family::default();
        let help = "When the last successful fetch of a file of keys began, in seconds since 1970; 0 means never";
        registry.register("keys_fetched_timestamp_seconds", help, keys.clone());
        let denials = Family::default();
        registry.register("gate_denials", "What the gates of this host denied, by reason", denials.clone());
        Self { registry, head, keys, denials, reasons: Mutex::default() }
    }
}

impl Metrics {
    /// The word that was just given.
    pub(super) fn said(&self, head: &TrustHead) {
        let seconds = |milliseconds: u64| i64::try_from(milliseconds / 1000).unwrap_or(i64::MAX);
        self.head.set(seconds(head.time));
        for (file, began) in &head.key_sets {
            self.keys.get_or_create(&FileLabel { file: file.clone() }).set(seconds(*began));
        }
    }

    /// What gates have written down.
    pub(super) fn denied(&self, lines: &[u8]) {
        for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let Ok(denied) = serde_json::from_slice::<Denied>(line) else { continue };
            let mode = if denied.mode == "observe" { "observe" } else { "enforce" };
            let status = if (400..600).contains(&denied.status) { denied.status } else { 0 };
            let reason = self.reason(denied.reason);
            self.denials.get_or_create(&DenialLabels { mode, reason, status }).inc();
        }
    }

    fn reason(&self, reason: String) -> String {
        let is_word =
            reason.len() <= LONGEST_REASON && reason.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        let mut known = self.reasons.lock().unwrap_or_else(PoisonError::into_inner);
        if is_word && (known.len() < REASONS || known.contains(&reason)) {
            known.insert(reason.clone());
            reason
        } else {
            "other".to_owned()
        }
    }

    /// OpenMetrics' text form.
    pub(super) fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::super::gate_folder::GateFolder;
    use super::*;

    fn line(status: u16, reason: &str) -> String {
        format!(
            "\n{{\"time\":\"2027-01-15T08:00:00.000Z\",\"mode\":\"enforce\",\"status\":{status},\"reason\":\"{reason}\"}}"
        )
    }

    #[test]
    fn each_denial_is_counted_once_also_across_a_file_that_was_moved_away() {
        let folder = tempfile::tempdir().unwrap();
        let (gate, metrics, path) = (GateFolder::new(folder.path()), Metrics::default(), folder.path().join("denials"));
        let write = |text: String| {
            let mut file = std::fs::OpenOptions::new().create(true).append(true).open(&path).unwrap();
            file.write_all(text.as_bytes()).unwrap();
        };
        let mut from = 0;
        let mut count = || metrics.denied(&gate.new_denials(&mut from).unwrap());
        count();
        write(line(401, "expired") + &line(401, "expired"));
        count();
        count();
        write(line(403, "no_rule"));
        count();
        std::fs::rename(&path, folder.path().join("denials.1")).unwrap();
        write(line(401, "expired"));
        count();
        let text = metrics.text().unwrap();
        for wanted in [
            r#"watchgate_keeper_gate_denials_total{mode="enforce",reason="expired",status="401"} 3"#,
            r#"watchgate_keeper_gate_denials_total{mode="enforce",reason="no_rule",status="403"} 1"#,
        ] {
            assert!(text.lines().any(|line| line == wanted), "{text}");
        }
    }

    #[test]
    fn a_gate_that_was_taken_over_makes_no_series_without_end() {
        let metrics = Metrics::default();
        metrics.denied(br#"{"mode":"enforce","status":401,"reason":"No Word"}"#);
        for number in 0..1000_u32 {
            let word: String = number.to_string().bytes().map(|digit| char::from(digit - b'0' + b'a')).collect();
            metrics.denied(line(401, &word).as_bytes());
        }
        metrics.denied(b"\nnothing\n{}\n");
        let text = metrics.text().unwrap();
        let series = text.lines().filter(|line| line.starts_with("watchgate_keeper_gate_denials_total")).count();
        assert_eq!(series, REASONS + 1);
    }
}
