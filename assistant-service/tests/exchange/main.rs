//! `watchgate exchange`, as Traefik sees it: the built program before a real HTTPS server in all its moods.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test ends where it cannot go on")]
#![expect(clippy::arithmetic_side_effects, reason = "tests count small numbers")]
#![expect(clippy::indexing_slicing, reason = "a JSON value answers null for a member that it has not")]

mod bounds;
mod credentials;
mod faults;
mod identity;
#[path = "../program/mod.rs"]
#[allow(dead_code, reason = "each test program uses a part of it")]
mod program;
#[path = "../provider/mod.rs"]
mod provider;
mod stage;
