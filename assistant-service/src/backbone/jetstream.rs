//! What the form of many replicas stands on: a connection to NATS, one stream, and what its servers promise of it.

mod applier;
mod arguments;
mod barrier;
mod carried;
mod connection;
mod follower;
mod form;
mod in_hand;
mod job;
mod moving;
mod promise;
mod publisher;
mod record;
mod retaining;
mod snapshot;
mod stream;

pub use arguments::{NatsArguments, StreamSettings};
pub use connection::{CannotConnect, Connection, ConnectionSettings, MAX_MESSAGE_BYTES, User, connect};
pub use form::{CannotJoin, JetStreamBackbone};
pub use moving::{CannotMove, Moved, migrate};
pub use promise::{Promise, Untold, server_times};
pub use stream::{CannotOpenStream, Difference, ensure_stream, subjects};
