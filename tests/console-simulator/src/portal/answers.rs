//! What the portal answers, in the documented forms.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// One row of what the portal tells, by the name of the metric.
pub type Gauges = BTreeMap<String, f64>;

/// Bytes of a page.
const PAGE: f64 = 4096.0;

/// Pages that a title can have on the larger model.
const PAGES: f64 = 3.4e6;

/// `/api/resourcemanager/systemperf`. Sizes and speeds are whole numbers, how busy an engine is a percentage.
pub fn systemperf(gauges: &Gauges, memory: f64) -> Value {
    let whole = |name: &str| gauges.get(name).copied().unwrap_or_default().max(0.0) as u64;
    let busy = gauges.get("GPUData.AvailableAdapters[0].EnginesUtilization[0]").copied().unwrap_or_default();
    json!({
        "AvailablePages": whole("AvailablePages"),
        "CommitLimit": (PAGES * memory * 1.2) as u64,
        "CommittedPages": whole("CommittedPages"),
        "CpuLoad": whole("CpuLoad"),
        "IOOtherSpeed": 3692,
        "IOReadSpeed": whole("IOReadSpeed"),
        "IOWriteSpeed": whole("IOWriteSpeed"),
        "NonPagedPoolPages": whole("NonPagedPoolPages"),
        "PageSize": whole("PageSize"),
        "PagedPoolPages": whole("PagedPoolPages"),
        "TotalInstalledInKb": (PAGES * memory * PAGE / 1024.0) as u64,
        "TotalPages": (PAGES * memory) as u64,
        "GPUData": {"AvailableAdapters": [{
            "DedicatedMemory": 10_u64 << 30,
            "DedicatedMemoryUsed": whole("GPUData.AvailableAdapters[0].DedicatedMemoryUsed"),
            "Description": "ROOT\\SraKmd\\0000",
            "SystemMemory": 2_u64 << 30,
            "SystemMemoryUsed": 10_203_136,
            "EnginesUtilization": [busy, 0.0, 0.0, 0.0],
        }]},
        "NetworkingData": {
            "NetworkInBytes": whole("NetworkingData.NetworkInBytes"),
            "NetworkOutBytes": whole("NetworkingData.NetworkOutBytes"),
        },
    })
}

/// `/api/os/machinename`.
pub(super) fn machine_name(name: &str) -> Value {
    json!({"ComputerName": name})
}

/// `/api/os/info`.
pub(super) fn info(name: &str, firmware: &str, model: &str) -> Value {
    json!({
        "ComputerName": name,
        "Language": "en-US",
        "OsEdition": "SystemOS",
        "OsEditionId": 2_882_382_797_u32,
        "OsVersion": firmware,
        "Platform": model,
    })
}

/// `/api/os/devicefamily`.
pub(super) fn device_family() -> Value {
    json!({"DeviceType": "Windows.Xbox"})
}

/// `/api/resourcemanager/processes`: the system's own, and the game.
pub(super) fn processes(gauges: &Gauges) -> Value {
    let load = gauges.get("CpuLoad").copied().unwrap_or_default();
    let committed = gauges.get("CommittedPages").copied().unwrap_or_default() * PAGE;
    let process = |id: u32, image: &str, user: &str, load: f64, bytes: f64| {
        let bytes = bytes as u64;
        json!({
            "CPUUsage": load, "ImageName": image, "PageFileUsage": bytes, "PrivateWorkingSet": bytes, "ProcessId": id,
            "SessionId": 0, "UserName": user, "VirtualSize": bytes.saturating_mul(2), "WorkingSetSize": bytes,
        })
    };
    json!({"Processes": [
        process(0, "System Idle Process", "NT AUTHORITY\\SYSTEM", 100.0 - load, PAGE),
        process(4, "System", "NT AUTHORITY\\SYSTEM", 0.1 * load, 28_672.0),
        process(3264, "Game.exe", "TESTXBOX\\DefaultAccount", 0.9 * load, committed),
    ]})
}

const SETTINGS: [(&str, &str, &str, &str, &str); 4] = [
    ("AudioBitstreamFormat", "DTS", "Audio", "No", "Select"),
    ("ColorDepth", "24 bit", "Video", "Yes", "Select"),
    ("PowerMode", "Instant On", "Power", "No", "Select"),
    ("TVResolution", "1080p", "Video", "No", "Select"),
];

fn as_setting((name, value, category, reboot, kind): (&str, &str, &str, &str, &str)) -> Value {
    json!({
        "Name": name, "Value": value, "RequiresReboot": reboot, "Disabled": "No", "Category": category, "Type": kind,
        "OptionsVariable": "No", "Options": [value],
    })
}

/// `/ext/settings`.
pub(super) fn settings() -> Value {
    json!({"Settings": SETTINGS.map(as_setting)})
}

/// `/ext/settings/<name>`.
pub(super) fn setting(name: &str) -> Option<Value> {
    SETTINGS.into_iter().find(|setting| setting.0 == name).map(as_setting)
}

/// The form in which the portal tells of a failure.
pub(super) fn failure(reason: &str) -> Value {
    json!({"Code": -2_147_467_259_i64, "CodeText": "Unspecified error", "Reason": reason, "Success": false})
}
