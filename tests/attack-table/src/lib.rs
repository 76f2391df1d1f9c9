//! The attacks on the gate: a table of requests, with what must become of each and why.
//!
//! Whoever plays the table brings the gate: the real Traefik with the real plugin in `watchgate-tests`, and `trust-core`
//! itself in `native-gate`, where it takes a second. A row says nothing of who plays it.

pub mod forge;
pub mod forgery;
pub mod gates;
mod hash;
mod keys;
pub mod proof;
pub mod request;
pub mod row;
pub mod rows;

pub use forge::Forge;
pub use gates::GateName;
pub use request::Request;
pub use row::{Expected, Played, Revoked, Row, Seen, Spoiling, Step};
