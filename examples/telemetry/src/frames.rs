//! What the game tells: a frame, in PresentMon's columns, and the controller, in those of W3C's Gamepad.

use crate::condition::Condition;
use crate::console::{Console, REFRESH};
use crate::dice::{Dice, Wander};

/// PresentMon's columns (`--v2_metrics`), in milliseconds; no click, no `ClickToPhotonLatency`.
pub const FRAME: [&str; 11] = [
    "FrameTime",
    "CPUBusy",
    "CPUWait",
    "GPULatency",
    "GPUTime",
    "GPUBusy",
    "GPUWait",
    "DisplayLatency",
    "DisplayedTime",
    "AnimationError",
    "ClickToPhotonLatency",
];

/// W3C's Gamepad: sticks from -1 to 1, buttons from 0 to 1; what is not connected has no values.
pub const PAD: [&str; 5] =
    ["gamepad.connected", "gamepad.axes[0]", "gamepad.axes[1]", "gamepad.buttons[0].value", "gamepad.buttons[7].value"];

/// How long a frame took, and what is told of it.
pub fn frame(dice: &mut Dice, console: &Console, condition: &Condition, clicked: bool) -> (f64, Vec<Option<f64>>) {
    let now = &console.now;
    let gpu = now.gpu * (1.0 + 0.015 * dice.normal());
    let waits_for_pages = dice.chance(0.2 * now.paging);
    let hitch = if dice.chance(condition.hitches) { dice.between(condition.hitch.0, condition.hitch.1) } else { 0.0 };
    let stall = if waits_for_pages { dice.between(60.0, 220.0) } else { 0.0 };
    let cpu = now.cpu * (1.0 + 0.03 * dice.normal()) + hitch + stall;
    let off = (condition.pace * dice.normal()).clamp(-10.0, 10.0);
    let time = (cpu + 0.3).max(gpu + 0.3).max(REFRESH) + off;
    let busy = gpu * (0.95 + 0.008 * dice.normal());
    let display = cpu.min(40.0) + 0.9 * gpu + 0.8 * REFRESH + condition.display + 0.7 * dice.normal();
    let shown = (time + 0.15 * dice.normal()).max(0.5);
    // What moved on the screen was made for a frame of the usual length.
    let error = 0.12 * dice.normal() + (time - now.cpu.max(now.gpu).max(REFRESH)) * dice.between(0.5, 1.0);
    let told = [
        Some(time),
        Some(cpu),
        Some((time - cpu).max(0.0)),
        Some(1.2 + 0.35 * now.cpu + 0.2 * dice.normal()),
        Some(gpu),
        Some(busy),
        Some(gpu - busy),
        Some(display),
        Some(shown),
        Some(error),
        clicked.then(|| display + 8.0 + 2.0 * dice.share()),
    ];
    (time, told.into_iter().map(|value| value.map(|value| rounded(value, 1e3))).collect())
}

/// A tester's hands.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hands {
    stick: [Wander; 2],
    /// Whether they rest, and until when.
    rests: (bool, f64),
}

impl Hands {
    /// What the controller tells, `step` seconds after it was asked last, and whether its first button was pressed.
    pub fn play(&mut self, dice: &mut Dice, at: f64, step: f64, condition: &Condition) -> (bool, Vec<Option<f64>>) {
        let stick = [self.stick[0].step(dice, step, 1.5), self.stick[1].step(dice, step, 1.5)];
        if at >= self.rests.1 {
            let rests = !self.rests.0;
            self.rests = (rests, at + if rests { dice.between(2.0, 10.0) } else { dice.between(10.0, 45.0) });
        }
        if !condition.is_connected {
            return (false, vec![Some(0.0), None, None, None, None]);
        }
        let (pressed, pull) = (dice.chance(0.35), dice.share());
        if self.rests.0 || condition.activity < 0.1 {
            // A stick that nobody touches is never quite at rest.
            let still = |dice: &mut Dice| Some(rounded(0.004 * dice.normal(), 1e3));
            return (false, vec![Some(1.0), still(dice), still(dice), Some(0.0), Some(0.0)]);
        }
        let pulled = if pull < 0.5 { 0.0 } else { (2.0 * pull - 1.0).clamp(0.0, 1.0) };
        let axis = |value: f64| Some(rounded((0.6 * value).clamp(-1.0, 1.0), 1e3));
        let told =
            [Some(1.0), axis(stick[0]), axis(stick[1]), Some(f64::from(u8::from(pressed))), Some(rounded(pulled, 1e3))];
        (pressed, told.to_vec())
    }
}

/// A value with as many digits as its source tells.
pub(crate) fn rounded(value: f64, digits: f64) -> f64 {
    let rounded = libm::round(value * digits) / digits;
    // No minus before a zero.
    if rounded == 0.0 { 0.0 } else { rounded }
}
