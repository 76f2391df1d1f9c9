//! What must be noticed, how soon, and how often nothing is cried over.

mod bounds;
mod kinds;
mod noise;
mod quiet;
