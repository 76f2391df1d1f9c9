//! What holds of whole parts of the core, tried with cases that nobody has thought of: 256 of each in a test run, and
//! as many as there is time for with `make properties`.

mod cache;
mod path;
mod rules;
mod token;
