//! The two forms, each opened as the service opens it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use assistant_service::backbone::Backbone;
use assistant_service::backbone::jetstream::{CannotJoin, ConnectionSettings, JetStreamBackbone, StreamSettings, User};
use assistant_service::backbone::retention::Retention;
use assistant_service::backbone::sqlite::SqliteBackbone;
use assistant_service::clock::SystemClock;
use assistant_service::metrics::Metrics;
use programs::nats::{NatsOptions, NatsServer};
use tempfile::TempDir;

/// A form and what it stands on, which outlives each opening.
pub(crate) struct Form {
    folder: TempDir,
    log: Option<(Arc<NatsServer>, StreamSettings)>,
}

static SERVER: LazyLock<Arc<NatsServer>> = LazyLock::new(|| Arc::new(start(&NatsOptions::default())));
static STREAMS: AtomicUsize = AtomicUsize::new(0);

fn start(options: &NatsOptions) -> NatsServer {
    NatsServer::start(options).unwrap()
}

impl Form {
    /// One file.
    pub(crate) fn sqlite() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), log: None }
    }

    /// A log of its own on a server that all share.
    pub(crate) fn jetstream() -> Self {
        Self::on(Arc::clone(&SERVER))
    }

    /// A log on a server of its own.
    pub(crate) fn on_own_server(options: &NatsOptions) -> (Self, Arc<NatsServer>) {
        let server = Arc::new(start(options));
        (Self::on(Arc::clone(&server)), server)
    }

    fn on(server: Arc<NatsServer>) -> Self {
        let settings = settings(&server, &format!("TEST{}", STREAMS.fetch_add(1, Ordering::Relaxed)));
        Self { folder: tempfile::tempdir().unwrap(), log: Some((server, settings)) }
    }

    /// Another replica of the same log.
    pub(crate) fn replica(&self) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), log: self.log.clone() }
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    pub(crate) fn stream(&self) -> StreamSettings {
        self.log.clone().unwrap().1
    }

    pub(crate) async fn join(&self) -> JetStreamBackbone {
        self.try_join().await.unwrap()
    }

    pub(crate) async fn try_join(&self) -> Result<JetStreamBackbone, CannotJoin> {
        self.join_with(Retention::default()).await
    }

    pub(crate) async fn join_with(&self, retention: Retention) -> Result<JetStreamBackbone, CannotJoin> {
        let (clock, histogram) = (Arc::new(SystemClock), Metrics::default().jobs_per_commit);
        JetStreamBackbone::join(self.folder.path(), &self.stream(), retention, clock, histogram).await
    }

    /// Opens it; once at a time.
    pub(crate) async fn open(&self) -> Arc<dyn Backbone> {
        if self.log.is_some() {
            return Arc::new(self.join().await);
        }
        let histogram = Metrics::default().jobs_per_commit;
        let retention = Retention::default();
        Arc::new(SqliteBackbone::open(self.folder.path(), retention, Arc::new(SystemClock), histogram).unwrap())
    }
}

fn settings(server: &NatsServer, stream: &str) -> StreamSettings {
    let connection = ConnectionSettings {
        servers: vec![server.url().parse().unwrap()],
        ca: Some(server.ca()),
        certificate: Some((server.certificate(), server.key())),
        user: Some(User { name: server.user().to_owned(), password_file: server.password_file() }),
    };
    StreamSettings { connection, audit: None, stream: stream.to_owned(), replicas: 1 }
}
