//! What the device's portal tells once a second, and what its sensors say.

use crate::condition::Condition;
use crate::console::Console;
use crate::dice::Dice;
use crate::frames::rounded;
use crate::game::Scene;

/// The members of `/api/resourcemanager/systemperf`, and PresentMon's names for sensors.
pub const GAUGES: [&str; 15] = [
    "CpuLoad",
    "AvailablePages",
    "CommittedPages",
    "PageSize",
    "IOReadSpeed",
    "IOWriteSpeed",
    "NonPagedPoolPages",
    "PagedPoolPages",
    "NetworkingData.NetworkInBytes",
    "NetworkingData.NetworkOutBytes",
    "GPUData.AvailableAdapters[0].DedicatedMemoryUsed",
    "GPUData.AvailableAdapters[0].EnginesUtilization[0]",
    "GPUFrequency",
    "GPUTemperature",
    "CPUTemperature",
];

/// The GPU's usual clock, in MHz.
const CLOCK: f64 = 1825.0;

/// The bytes of a page.
const PAGE: f64 = 4096.0;

/// One row of [`GAUGES`].
pub fn gauges(dice: &mut Dice, console: &Console, scene: &Scene, condition: &Condition) -> Vec<Option<f64>> {
    let now = &console.now;
    let whole = |value: f64| Some(libm::round(value.max(0.0)));
    let written =
        if dice.chance(0.04 * condition.activity) { dice.between(0.5e6, 4e6) } else { dice.between(4e3, 60e3) };
    vec![
        whole((100.0 * now.cpu_load + 1.2 * dice.normal()).min(100.0)),
        whole(now.available + 900.0 * dice.normal()),
        whole(now.committed + 700.0 * dice.normal()),
        Some(PAGE),
        whole(now.read),
        whole(written),
        whole(42_500.0 + 60.0 * now.pools + 12.0 * dice.normal() + condition.system),
        whole(30_700.0 + 90.0 * now.pools + 25.0 * dice.normal()),
        whole(now.received * (1.0 + 0.06 * dice.normal())),
        whole(now.sent * (1.0 + 0.06 * dice.normal())),
        whole((0.9e9 + 0.9 * scene.pages * PAGE) * console.total() / 3.4e6 + 4e6 * dice.normal()),
        Some(rounded((100.0 * now.gpu_load + 0.8 * dice.normal()).clamp(0.0, 100.0), 1e3)),
        whole(CLOCK * console.clock + 1.5 * dice.normal()),
        Some(rounded(console.temperature + 0.25 * dice.normal(), 10.0)),
        Some(rounded(0.8 * console.temperature + 12.0 * now.cpu_load + 0.4 * dice.normal(), 10.0)),
    ]
}
