//! A console while it runs: what its parts do to each other from one step to the next.

use crate::condition::Condition;
use crate::dice::{Dice, Wander};
use crate::game::Scene;
use crate::lab::Device;

/// What a frame takes at 60 a second, in milliseconds.
pub const REFRESH: f64 = 1000.0 / 60.0;

/// Pages that a title can have on the larger model; the smaller one has less.
const TOTAL_PAGES: f64 = 3.4e6;

/// Pages that system and game need before there is a scene.
const BASE_PAGES: f64 = 1.25e6;

/// With fewer pages than these the system begins to page out, as a share of all.
const SCARCE: f64 = 0.03;

/// From this temperature on the clock is lowered, in degrees.
const HOTTEST: f64 = 90.0;

/// How long heat needs to come and go, in seconds.
const HEAT_MEMORY: f64 = 45.0;

/// The state of one console.
#[derive(Clone, Debug)]
pub struct Console {
    gpu_scale: f64,
    cpu_scale: f64,
    ambient: f64,
    load: Wander,
    streaming: Wander,
    reading: Wander,
    traffic: Wander,
    pools: Wander,
    leaked: f64,
    total: f64,
    memory: f64,
    /// Of the GPU, in degrees.
    pub temperature: f64,
    /// The GPU's clock, as a share of its usual one.
    pub clock: f64,
    /// Now.
    pub now: Now,
}

/// What follows from the state, the scene and the condition at this moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct Now {
    /// Milliseconds of the GPU for a frame.
    pub gpu: f64,
    /// Milliseconds of the CPU for a frame.
    pub cpu: f64,
    /// How busy the GPU is, from 0 to 1.
    pub gpu_load: f64,
    /// How busy the CPU is, from 0 to 1.
    pub cpu_load: f64,
    /// Pages that are promised.
    pub committed: f64,
    /// Pages that are free.
    pub available: f64,
    /// How much the system pages out and in, from 0 to 1.
    pub paging: f64,
    /// Bytes read in a second.
    pub read: f64,
    /// Bytes received in a second.
    pub received: f64,
    /// Bytes sent in a second.
    pub sent: f64,
    /// How far the sizes of the system's pools are from the usual (standard deviations).
    pub pools: f64,
}

impl Console {
    /// A console that was just switched on.
    pub fn new(device: &Device) -> Self {
        Self {
            gpu_scale: device.gpu,
            cpu_scale: device.cpu,
            ambient: device.ambient,
            load: Wander::default(),
            streaming: Wander::default(),
            reading: Wander::default(),
            traffic: Wander::default(),
            pools: Wander::default(),
            leaked: 0.0,
            total: TOTAL_PAGES * device.memory,
            memory: device.memory,
            temperature: device.ambient + 34.0,
            clock: 1.0,
            now: Now::default(),
        }
    }

    /// The game has ended, and for so many seconds there is only the dashboard: what the game had lost is free, and little is to be drawn.
    pub fn rest(&mut self, seconds: f64) {
        self.leaked = 0.0;
        let settles = self.ambient + 42.0;
        self.temperature = settles + (self.temperature - settles) * libm::exp(-seconds / HEAT_MEMORY);
    }

    /// How many pages there are in all.
    pub fn total(&self) -> f64 {
        self.total
    }

    /// Lets `step` seconds pass.
    pub fn step(&mut self, dice: &mut Dice, step: f64, scene: &Scene, condition: &Condition) {
        let restless = condition.restless;
        let load = 0.025 * restless * self.load.step(dice, step, 20.0);
        let streaming = 0.004 * restless * self.streaming.step(dice, step, 40.0);
        let reading = 0.35 * restless * self.reading.step(dice, step, 4.0);
        let traffic = 0.18 * restless * self.traffic.step(dice, step, 6.0);
        let active = if condition.is_frozen { 0.02 } else { condition.activity };
        let gpu = scene.gpu * self.gpu_scale * (1.0 + load) * condition.gpu * active / self.clock;
        let cpu = scene.cpu * self.cpu_scale * (1.0 + 0.7 * load) * condition.cpu * active;
        let frame = gpu.max(cpu).max(REFRESH);
        self.leaked += condition.leak * step;
        let wanted = (BASE_PAGES + scene.pages * (1.0 + streaming)) * self.memory + condition.system + self.leaked;
        let committed = wanted.min(self.total * 0.995);
        let available = self.total - committed;
        let paging = (1.0 - available / (self.total * SCARCE)).clamp(0.0, 1.0);
        self.now = Now {
            gpu,
            cpu,
            gpu_load: gpu / frame,
            // A game that stands still spins on one of eight cores.
            cpu_load: if condition.is_frozen { 0.125 } else { 0.08 + 0.55 * cpu / frame },
            committed,
            available,
            paging,
            read: scene.read * libm::exp(reading) * active * condition.disk + paging * 140e6,
            received: scene.received * libm::exp(traffic) * active * condition.received,
            sent: 0.3 * scene.received * libm::exp(0.7 * traffic) * active.max(0.2) * condition.sent,
            pools: self.pools.step(dice, step, 60.0),
        };
        self.heat(step, condition);
    }

    /// The GPU heats, the fan follows the temperature, and past the hottest the clock gives way.
    fn heat(&mut self, step: f64, condition: &Condition) {
        let power = 0.3 + 0.7 * self.now.gpu_load * self.clock * self.clock;
        let fan = (0.6 + (self.temperature - 70.0) / 14.0).clamp(0.3, 1.0);
        let carried = 0.12 + 0.88 * fan * condition.cooling;
        let settles = self.ambient + 36.0 * power / carried;
        // Where a step is long the fan has settled within it.
        let share = (1.0 - libm::exp(-step / HEAT_MEMORY)).min(0.3);
        self.temperature += share * (settles - self.temperature);
        let wanted = (1.0 - 0.05 * (self.temperature - HOTTEST)).clamp(0.5, 1.0);
        self.clock += (wanted - self.clock) * (1.0 - libm::exp(-step / 4.0));
    }
}
