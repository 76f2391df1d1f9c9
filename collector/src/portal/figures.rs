//! The numbers in an answer of `systemperf`, each named by where it stands: `CpuLoad`, `NetworkingData.NetworkInBytes`,
//! `GPUData.AvailableAdapters[0].EnginesUtilization[0]`.

use std::sync::Arc;

use diagnosis::batch::{MOST_METRICS, MOST_NAME_BYTES};
use serde_json::Value;

/// What a console has is no figure of how it does: these never change.
const CONSTANTS: [&str; 6] =
    ["PageSize", "TotalPages", "TotalInstalledInKb", "CommitLimit", "DedicatedMemory", "SystemMemory"];

/// The numbers; nothing where the answer is not JSON, or none of what is documented.
pub(super) fn of(json: &[u8]) -> Option<Vec<(Arc<str>, f64)>> {
    let answer: Value = serde_json::from_slice(json).ok()?;
    let mut figures = Vec::new();
    add("", &answer, &mut figures);
    figures.truncate(MOST_METRICS);
    (!figures.is_empty()).then_some(figures)
}

// serde_json reads no more than 128 levels.
fn add(name: &str, value: &Value, figures: &mut Vec<(Arc<str>, f64)>) {
    match value {
        Value::Number(number) => {
            let number = number.as_f64().filter(|number| number.is_finite() && name.len() <= MOST_NAME_BYTES);
            figures.extend(number.map(|number| (name.into(), number)));
        }
        Value::Object(members) => {
            for (member, value) in members.iter().filter(|(member, _)| !CONSTANTS.contains(&member.as_str())) {
                let is_plain = !member.is_empty() && !member.chars().any(char::is_control);
                if is_plain && figures.len() < MOST_METRICS {
                    let path = if name.is_empty() { member.clone() } else { format!("{name}.{member}") };
                    add(&path, value, figures);
                }
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                if figures.len() < MOST_METRICS {
                    add(&format!("{name}[{index}]"), value, figures);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of the form that a console of 2016 has sent.
    const ANSWER: &str = r#"{"AvailablePages" : 369054, "CommitLimit" : 784851, "CommittedPages" : 322627, "CpuLoad" : 1,
        "IOOtherSpeed" : 3692, "IOReadSpeed" : 36, "IOWriteSpeed" : 6480, "NonPagedPoolPages" : 42504, "PageSize" : 4096,
        "PagedPoolPages" : 30697, "TotalInstalledInKb" : 1048592, "TotalPages" : 655360, "GPUData" : {"AvailableAdapters" : [
        {"DedicatedMemory" : 268435456, "DedicatedMemoryUsed" : 79282176, "Description" : "ROOT\\SraKmd\\0000",
        "SystemMemory" : 1342177280, "SystemMemoryUsed" : 10203136, "EnginesUtilization" : [0.001146,0.25]}]},
        "NetworkingData" : {"NetworkInBytes" : 15000, "NetworkOutBytes" : 0}}"#;

    #[test]
    fn every_figure_has_the_name_of_its_place() {
        let figures = of(ANSWER.as_bytes()).unwrap();
        let figures: Vec<_> = figures.iter().map(|(name, value)| (&**name, *value)).collect();
        let expected = [
            ("AvailablePages", 369_054.0),
            ("CommittedPages", 322_627.0),
            ("CpuLoad", 1.0),
            ("GPUData.AvailableAdapters[0].DedicatedMemoryUsed", 79_282_176.0),
            ("GPUData.AvailableAdapters[0].EnginesUtilization[0]", 0.001_146),
            ("GPUData.AvailableAdapters[0].EnginesUtilization[1]", 0.25),
            ("GPUData.AvailableAdapters[0].SystemMemoryUsed", 10_203_136.0),
            ("IOOtherSpeed", 3_692.0),
            ("IOReadSpeed", 36.0),
            ("IOWriteSpeed", 6_480.0),
            ("NetworkingData.NetworkInBytes", 15_000.0),
            ("NetworkingData.NetworkOutBytes", 0.0),
            ("NonPagedPoolPages", 42_504.0),
            ("PagedPoolPages", 30_697.0),
        ];
        let mut sorted = figures.clone();
        sorted.sort_by_key(|(name, _)| *name);
        assert_eq!(sorted, expected);
    }

    #[test]
    fn an_answer_with_more_than_a_batch_takes_is_cut() {
        let many: Vec<u32> = (0..1000).collect();
        let answer = serde_json::json!({"GPUData": {"AvailableAdapters": [{"EnginesUtilization": many}]}}).to_string();
        assert_eq!(of(answer.as_bytes()).unwrap().len(), MOST_METRICS);
        let long = serde_json::json!({"x".repeat(65): 1, "CpuLoad": 1}).to_string();
        assert_eq!(of(long.as_bytes()).unwrap(), [(Arc::from("CpuLoad"), 1.0)]);
    }

    #[test]
    fn what_has_no_figures_is_no_answer() {
        for answer in ["", "{}", "[]", "null", r#"{"Reason": "not now"}"#, "<html>"] {
            assert_eq!(of(answer.as_bytes()), None, "{answer}");
        }
    }
}
