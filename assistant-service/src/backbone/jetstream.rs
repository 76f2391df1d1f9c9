//! What the form of many replicas stands on: a connection to NATS, one stream, and what its servers promise of it.

mod arguments;
mod connection;
mod promise;
mod stream;

pub use arguments::{NatsArguments, StreamSettings};
pub use connection::{CannotConnect, Connection, ConnectionSettings, MAX_MESSAGE_BYTES, User, connect};
pub use promise::{Promise, Untold};
pub use stream::{CannotOpenStream, Difference, ensure_stream, subjects};
