//! An alert as it is written to those who are told: Alertmanager's webhook, and CloudEvents.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use super::alerts::{Alert, Notice};
use super::settings::Settings;
use crate::clock::time_of;

const ALERT_NAME: &str = "WatchgateProbeFailed";

pub(super) const FAILED: &str = "dev.watchgate.probe.failed";
pub(super) const RECOVERED: &str = "dev.watchgate.probe.recovered";

/// Alertmanager's form, for receivers of it.
pub(super) struct Wire {
    external_url: String,
}

impl Wire {
    pub(super) fn of(settings: &Settings) -> Self {
        let external_url = settings
            .external_url
            .as_ref()
            .map_or_else(|| format!("http://{}/", settings.listen), |url| url.to_string());
        Self { external_url }
    }

    /// Version 4 of the format: one group with one alert.
    pub(super) fn alertmanager(&self, notice: &Notice, receiver: &str) -> Value {
        let Notice { alert, ended } = notice;
        let labels = labels_of(alert);
        let status = if ended.is_some() { "resolved" } else { "firing" };
        let annotations = json!({"summary": alert.check.summary(), "description": alert.reason});
        // Of one that fires Alertmanager writes Go's zero time.
        let ends_at = ended.map_or_else(|| "0001-01-01T00:00:00Z".to_owned(), written);
        let group = json!({"alertname": ALERT_NAME, "check": alert.check.name()});
        json!({
            "version": "4",
            "groupKey": format!("{{}}:{{alertname=\"{ALERT_NAME}\", check=\"{}\"}}", alert.check.name()),
            "truncatedAlerts": 0,
            "status": status,
            "receiver": receiver,
            "groupLabels": group,
            "commonLabels": labels,
            "commonAnnotations": annotations,
            "externalURL": self.external_url,
            "alerts": [{
                "status": status,
                "labels": labels,
                "annotations": annotations,
                "startsAt": written(alert.since),
                "endsAt": ends_at,
                "generatorURL": self.external_url,
                "fingerprint": fingerprint(&labels),
            }],
        })
    }
}

/// Its id is that of the alert and its state, so that whoever hears it twice knows it.
pub(super) fn cloud_event(notice: &Notice, source: &str) -> Value {
    let Notice { alert, ended } = notice;
    let (event_type, state) = if ended.is_some() { (RECOVERED, "recovered") } else { (FAILED, "failed") };
    json!({
        "specversion": "1.0",
        "id": format!("{}-{state}", alert.id),
        "source": source,
        "type": event_type,
        "subject": alert.check.name(),
        "time": written(ended.unwrap_or(alert.since)),
        "datacontenttype": "application/json",
        "data": {
            "alert": alert.id,
            "check": alert.check.name(),
            "gateway": alert.origin.gateway,
            "severity": alert.check.severity().name(),
            "summary": alert.check.summary(),
            "reason": alert.reason,
            "since": written(alert.since),
            "ended": ended.map(written),
            "labels": alert.origin.labels,
        },
    })
}

fn labels_of(alert: &Alert) -> BTreeMap<String, String> {
    let own = [
        ("alertname", ALERT_NAME),
        ("check", alert.check.name()),
        ("gateway", &alert.origin.gateway),
        ("severity", alert.check.severity().name()),
    ];
    let own = own.map(|(name, value)| (name.to_owned(), value.to_owned()));
    // Ours come last: a label of the file renames no alert.
    alert.origin.labels.clone().into_iter().chain(own).collect()
}

/// RFC 3339, of Unix milliseconds.
pub(super) fn written(millis: i64) -> String {
    time_of(millis).format(&Rfc3339).unwrap_or_default()
}

/// Prometheus' fingerprint of a set of labels: FNV-1a over each name and each value, with a byte that stands in no text behind it.
fn fingerprint(labels: &BTreeMap<String, String>) -> String {
    let bytes = labels.iter().flat_map(|(name, value)| name.bytes().chain([0xff]).chain(value.bytes()).chain([0xff]));
    let hash =
        bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::alerts::Origin;
    use crate::probe::check::Check;

    fn wire() -> Wire {
        Wire { external_url: "http://127.0.0.1:9465/".to_owned() }
    }

    fn alert() -> Alert {
        let labels = BTreeMap::from([("site".to_owned(), "bonn".to_owned()), ("check".to_owned(), "mine".to_owned())]);
        let origin = Origin { gateway: "https://gw.example.com".to_owned(), labels };
        let (id, reason) = (uuid::Uuid::from_u128(7), "it cites nothing".to_owned());
        Alert { id, check: Check::Ask, since: 1_800_000_000_123, reason, origin }
    }

    #[test]
    fn fingerprints_are_those_of_prometheus() {
        // From the tests of github.com/prometheus/common/model.
        let robot = [("first_name", "electro"), ("occupation", "robot"), ("manufacturer", "westinghouse")];
        for (labels, expected) in [(&[][..], 14_695_981_039_346_656_037_u64), (&robot, 5_911_716_720_268_894_962)] {
            let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            assert_eq!(fingerprint(&labels), format!("{expected:016x}"));
        }
    }

    #[test]
    fn a_webhook_has_the_members_of_version_4_and_its_end_is_of_the_same_alert() {
        let firing = wire().alertmanager(&Notice { alert: alert(), ended: None }, "ops");
        assert_eq!(
            (&firing["version"], &firing["status"], &firing["receiver"]),
            (&json!("4"), &json!("firing"), &json!("ops"))
        );
        let one = &firing["alerts"][0];
        assert_eq!(one["startsAt"], "2027-01-15T08:00:00.123Z");
        assert_eq!(one["endsAt"], "0001-01-01T00:00:00Z");
        let labels = json!({"alertname": ALERT_NAME, "check": "ask", "gateway": "https://gw.example.com", "severity": "warning", "site": "bonn"});
        assert_eq!((&one["labels"], &firing["commonLabels"]), (&labels, &labels));
        assert_eq!(one["annotations"]["description"], "it cites nothing");
        let resolved = wire().alertmanager(&Notice { alert: alert(), ended: Some(1_800_000_060_000) }, "ops");
        assert_eq!((&resolved["status"], &resolved["alerts"][0]["status"]), (&json!("resolved"), &json!("resolved")));
        assert_eq!(resolved["alerts"][0]["endsAt"], "2027-01-15T08:01:00Z");
        for same in ["fingerprint", "startsAt", "labels"] {
            assert_eq!(resolved["alerts"][0][same], one[same], "{same}");
        }
        assert_eq!(resolved["groupKey"], firing["groupKey"]);
    }

    #[test]
    fn the_same_notice_is_the_same_event_however_often_it_is_told() {
        let (begun, over) =
            (Notice { alert: alert(), ended: None }, Notice { alert: alert(), ended: Some(1_800_000_060_000) });
        let event = cloud_event(&begun, "https://idp#probe");
        assert_eq!(event, cloud_event(&begun, "https://idp#probe"));
        assert_eq!((&event["type"], &event["data"]["ended"]), (&json!(FAILED), &Value::Null));
        let recovered = cloud_event(&over, "https://idp#probe");
        assert_eq!(
            (&recovered["type"], &recovered["data"]["ended"]),
            (&json!(RECOVERED), &json!("2027-01-15T08:01:00Z"))
        );
        assert_ne!(event["id"], recovered["id"]);
    }
}
