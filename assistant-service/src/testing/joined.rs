//! Replicas that share a log on a real NATS server.

use std::path::Path;
use std::sync::Arc;

use programs::nats::NatsServer;

use super::ManualClock;
use crate::backbone::Backbone;
use crate::backbone::jetstream::{ConnectionSettings, JetStreamBackbone, StreamSettings, User};
use crate::backbone::retention::Retention;
use crate::metrics::Metrics;

/// A replica's store in that folder, which follows the stream.
pub(crate) async fn join(
    server: &NatsServer,
    stream: &str,
    folder: &Path,
    clock: Arc<ManualClock>,
) -> Arc<dyn Backbone> {
    let connection = ConnectionSettings {
        servers: vec![server.url().parse().unwrap()],
        ca: Some(server.ca()),
        certificate: Some((server.certificate(), server.key())),
        user: Some(User { name: server.user().to_owned(), password_file: server.password_file() }),
    };
    let settings = StreamSettings { connection, audit: None, stream: stream.to_owned(), replicas: 1 };
    let histogram = Metrics::default().jobs_per_commit;
    Arc::new(JetStreamBackbone::join(folder, &settings, Retention::default(), clock, histogram).await.unwrap())
}
