//! Whole paths on a small lab of twelve devices: one row a second of three metrics.

mod causes;
mod clocks;
mod going_on;
mod lab;
mod limits;
mod merging;
mod silent;
