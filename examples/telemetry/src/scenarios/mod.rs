//! The scenarios, by name: what the README says of each.

mod days;
mod devices;
mod healthy;
mod rollouts;
mod shared;
mod signs;

use crate::rate::Rate;
use crate::sketch::Sketch;
use crate::trace::Trace;

/// A scenario.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// Its name.
    pub name: &'static str,
    /// What happens, in one line.
    pub about: &'static str,
    /// Whether nothing is to be raised.
    pub is_healthy: bool,
    usual: Rate,
    sketch: fn(u64) -> Sketch,
}

impl Scenario {
    const fn of(name: &'static str, about: &'static str, sketch: fn(u64) -> Sketch) -> Self {
        Self { name, about, is_healthy: false, usual: Rate::SAMPLED, sketch }
    }

    const fn healthy(self) -> Self {
        Self { is_healthy: true, ..self }
    }

    const fn of_days(self) -> Self {
        Self { usual: Rate::FIVE_MINUTES, ..self }
    }

    /// Its trace; at its usual rate, or at another one.
    pub fn trace(&self, seed: u64, rate: Option<Rate>) -> Trace {
        (self.sketch)(seed).trace(rate.unwrap_or(self.usual))
    }

    /// Whether it is a trace of days, for which [`Rate::FIVE_MINUTES`] is meant.
    pub fn is_of_days(&self) -> bool {
        self.usual == Rate::FIVE_MINUTES
    }
}

/// All scenarios.
pub const SCENARIOS: &[Scenario] = &[
    Scenario::of("thermal-throttling", "a fan stops: one console grows hot and lowers its clock", devices::thermal),
    Scenario::of("bad-disk", "one console's disk reads slowly, and frames wait for it", devices::disk),
    Scenario::of("controller-drops", "one tester's controller disconnects again and again", devices::controller),
    Scenario::of("frozen-game", "the game stands still on one console", devices::frozen),
    Scenario::of("silent-device", "one console tells nothing any more", devices::silent),
    Scenario::of("memory-leak", "a new build loses memory until the system pages", rollouts::leak),
    Scenario::of(
        "shader-stutter",
        "an update throws away compiled shaders: frames hitch wherever it is",
        rollouts::stutter,
    ),
    Scenario::of("bad-build", "a new build is too slow in one scene of it", rollouts::slow_scene),
    Scenario::of("bad-firmware", "a new firmware shows every frame one refresh later", rollouts::firmware),
    Scenario::of("network-loss", "one site's network loses most of what is sent", shared::network),
    Scenario::of("pacing-jitter", "a graphics driver paces frames badly on one model: the mean stays", shared::pacing),
    Scenario::of("latency-drift", "on one firmware the picture comes later and later", shared::drift),
    Scenario::of("two-causes", "a fan stops at one site while another site's network fails", shared::two),
    Scenario::of("missing-soak", "the nightly soak test does not start at one site", days::missing).of_days(),
    Scenario::of("regular-soak", "nine days with a soak test each night", days::regular).of_days().healthy(),
    Scenario::of("noisy-day", "restless play, hitches here and there, a bad way to the gateway", healthy::noisy)
        .healthy(),
    Scenario::of("scene-changes", "short visits to all scenes, with loading screens between", healthy::scenes)
        .healthy(),
    Scenario::of("starts-and-ends", "short sessions that begin and end all the time", healthy::sessions).healthy(),
    Scenario::of("good-update", "a new build that is fine, on half of the consoles", healthy::update).healthy(),
    Scenario::of("short-hiccup", "a second and a half in which everything waits, everywhere", healthy::hiccup)
        .healthy(),
];
