//! Metrics that move together, so that either may be seen first.

use diagnosis::detector::Kind;

/// Of a frame that takes longer.
pub(super) const SLOW_FRAMES: [&str; 12] = [
    "FrameTime",
    "DisplayedTime",
    "CPUBusy",
    "CPUWait",
    "GPULatency",
    "GPUTime",
    "GPUBusy",
    "GPUWait",
    "DisplayLatency",
    "ClickToPhotonLatency",
    "AnimationError",
    "GPUData.AvailableAdapters[0].EnginesUtilization[0]",
];

/// Of frames that come late now and then.
pub(super) const HITCHES: [&str; 6] =
    ["FrameTime", "DisplayedTime", "CPUBusy", "CPUWait", "DisplayLatency", "AnimationError"];

/// Of what is waited for between input and picture.
pub(super) const LATENCY: [&str; 2] = ["DisplayLatency", "ClickToPhotonLatency"];

/// Of the network.
pub(super) const NETWORK: [&str; 2] = ["NetworkingData.NetworkInBytes", "NetworkingData.NetworkOutBytes"];

/// Of heat.
pub(super) const HEAT: [&str; 2] = ["GPUTemperature", "CPUTemperature"];

/// Of memory.
pub(super) const MEMORY: [&str; 2] = ["CommittedPages", "AvailablePages"];

/// To another level, at once or bit by bit: where a series that was not told of for a while goes on, the one looks like the other.
pub(super) const ELSEWHERE: [Kind; 3] = [Kind::LevelShift, Kind::Drift, Kind::Spike];

/// Now and then far off.
pub(super) const NOW_AND_THEN: [Kind; 3] = [Kind::Spike, Kind::Variance, Kind::LevelShift];
