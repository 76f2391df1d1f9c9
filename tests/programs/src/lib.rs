//! The programs that tests and benches run: where they lie, how they are started, watched and ended.

pub mod artifacts;
pub mod guardian;
pub mod keys;
pub mod nats;
pub mod ports;
pub mod process;
pub mod shipped;
pub mod usage;
