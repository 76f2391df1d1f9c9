//! The programs that tests and benches run: where they lie, how they are started, watched and ended.

pub mod artifacts;
pub mod guardian;
pub mod ports;
pub mod process;
pub mod usage;
