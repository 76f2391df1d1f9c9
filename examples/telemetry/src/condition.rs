//! What a fault can change about a console, the game on it, or its way to the network.

/// What holds at a moment; [`Condition::default`] is a healthy one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Condition {
    /// How much longer the GPU works on a frame.
    pub gpu: f64,
    /// How much longer the CPU works on a frame.
    pub cpu: f64,
    /// How much of the air still moves.
    pub cooling: f64,
    /// Pages that are lost in a second.
    pub leak: f64,
    /// The probability that a frame waits for something.
    pub hitches: f64,
    /// For how long it waits, in milliseconds, at least and at most.
    pub hitch: (f64, f64),
    /// How far frames are from where they should be shown, in milliseconds (one standard deviation).
    pub pace: f64,
    /// Milliseconds that a finished frame waits for the display beyond the usual.
    pub display: f64,
    /// How much of what is asked of the disk comes.
    pub disk: f64,
    /// How much of what is sent to the console arrives.
    pub received: f64,
    /// How much of what the console sends leaves.
    pub sent: f64,
    /// By how many seconds its telemetry is late, at most.
    pub late: f64,
    /// Pages of memory that the system's own parts hold and never page out, beyond the usual.
    pub system: f64,
    /// Whether the controller is there.
    pub is_connected: bool,
    /// Whether the game stands still.
    pub is_frozen: bool,
    /// Whether nothing is told at all.
    pub is_silent: bool,
    /// How much goes on, as a share of what goes on while somebody plays.
    pub activity: f64,
    /// How restless everything is.
    pub restless: f64,
}

impl Default for Condition {
    fn default() -> Self {
        Self {
            gpu: 1.0,
            cpu: 1.0,
            cooling: 1.0,
            leak: 0.0,
            hitches: 0.0005,
            hitch: (6.0, 22.0),
            pace: 0.25,
            display: 0.0,
            disk: 1.0,
            received: 1.0,
            sent: 1.0,
            late: 0.0,
            system: 0.0,
            is_connected: true,
            is_frozen: false,
            is_silent: false,
            activity: 1.0,
            restless: 1.0,
        }
    }
}

/// Where a fault may strike.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'trace> {
    /// Which device, by its place in the lab.
    pub device: usize,
    /// When, in seconds since the trace began.
    pub at: f64,
    /// What runs.
    pub build: &'trace str,
    /// Where in it.
    pub scene: &'trace str,
}

/// What strikes: it changes the condition of those whom it strikes when it does.
pub type Fault = Box<dyn Fn(&Moment<'_>, &mut Condition) + Send + Sync>;
