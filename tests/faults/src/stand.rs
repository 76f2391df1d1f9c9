//! Where a worker's backbone stands: a folder for its store, and perhaps a log on NATS.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use assistant_service::backbone::Backbone;
use assistant_service::backbone::jetstream::{ConnectionSettings, JetStreamBackbone, StreamSettings, User};
use assistant_service::backbone::retention::Retention;
use assistant_service::backbone::sqlite::SqliteBackbone;
use assistant_service::clock::SystemClock;
use assistant_service::metrics::Metrics;
use programs::nats::NatsServer;

/// A log on a server, perhaps by a way that somebody stands in.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    pub(crate) server: Arc<NatsServer>,
    /// `tls://localhost:<port>`, of the server itself or of a relay before it.
    pub(crate) url: String,
}

impl Log {
    pub(crate) fn of(server: &Arc<NatsServer>) -> Self {
        Self { server: Arc::clone(server), url: server.url() }
    }

    pub(crate) fn arguments(&self) -> Vec<String> {
        let path = |path: PathBuf| path.display().to_string();
        let pairs = [
            ("--nats", self.url.clone()),
            ("--nats-ca", path(self.server.ca())),
            ("--nats-certificate", path(self.server.certificate())),
            ("--nats-key", path(self.server.key())),
            ("--nats-user", self.server.user().to_owned()),
            ("--nats-password-file", path(self.server.password_file())),
        ];
        pairs.into_iter().flat_map(|(name, value)| [name.to_owned(), value]).collect()
    }

    /// Always by the straight way.
    fn settings(&self) -> Result<StreamSettings> {
        let connection = ConnectionSettings {
            servers: vec![self.server.url().parse().context("no URL")?],
            ca: Some(self.server.ca()),
            certificate: Some((self.server.certificate(), self.server.key())),
            user: Some(User { name: self.server.user().to_owned(), password_file: self.server.password_file() }),
        };
        Ok(StreamSettings { connection, audit: None, stream: "WATCHGATE".to_owned(), replicas: 1 })
    }
}

/// Opens what is left, as the service would, in this process.
pub(crate) async fn open(folder: &Path, log: Option<&Log>) -> Result<Arc<dyn Backbone>> {
    let (retention, clock, histogram) =
        (Retention::default(), Arc::new(SystemClock), Metrics::default().jobs_per_commit);
    Ok(match log {
        None => Arc::new(SqliteBackbone::open(folder, retention, clock, histogram).context("the store does not open")?),
        Some(log) => {
            let joined = JetStreamBackbone::join(folder, &log.settings()?, retention, clock, histogram).await;
            Arc::new(joined.context("the log cannot be joined")?)
        }
    })
}
