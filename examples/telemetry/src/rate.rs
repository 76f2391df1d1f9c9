//! How often consoles tell.

/// How often consoles tell, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// From one row of the game (a frame, the input) to the next; 0 is each frame.
    pub frames: f64,
    /// From one row of the portal to the next.
    pub gauges: f64,
    /// From one flush to the next; no batch holds more than that.
    pub flush: f64,
}

impl Rate {
    /// One row a second of each: one frame of sixty, as it comes. Means, spreads and tails are those of all frames.
    pub const SAMPLED: Self = Self { frames: 1.0, gauges: 1.0, flush: 1.0 };

    /// Each frame, flushed five times a second, as a collector sends them.
    pub const EACH_FRAME: Self = Self { frames: 0.0, gauges: 1.0, flush: 0.2 };

    /// A row every five minutes, for traces of days.
    pub const FIVE_MINUTES: Self = Self { frames: 300.0, gauges: 300.0, flush: 300.0 };
}
