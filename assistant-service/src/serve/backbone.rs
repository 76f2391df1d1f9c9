//! Which form of the backbone a service stands on: opened at its start, closed in order at its end.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::runtime::Runtime;

use crate::backbone::Backbone;
use crate::backbone::jetstream::{JetStreamBackbone, NatsArguments, Promise};
use crate::backbone::sqlite::SqliteBackbone;
use crate::clock::SystemClock;
use crate::metrics::Metrics;
use crate::retention_file;

/// Where events and entries are kept.
#[derive(Debug, Args)]
pub(super) struct BackboneArguments {
    /// Folder of the event store; made when it is not there. With `--nats` it holds what this replica has read of the log.
    #[arg(long, env = "WATCHGATE_DATA_DIR")]
    data_dir: PathBuf,
    /// File that says how long and how much of the events is kept; without one all of them are.
    #[arg(long, env = "WATCHGATE_RETENTION", value_name = "FILE")]
    retention: Option<PathBuf>,
    #[command(flatten)]
    nats: NatsArguments,
}

/// The form of the backbone that was asked for; what comes with it ends with the reason when the service cannot go on with it.
pub(super) async fn open(
    arguments: &BackboneArguments,
    metrics: &Metrics,
) -> anyhow::Result<(Arc<dyn Backbone>, BoxFuture<'static, String>)> {
    let retention = arguments.retention.as_deref().map(retention_file::load).transpose()?.unwrap_or_default();
    let (clock, histogram) = (Arc::new(SystemClock), metrics.jobs_per_commit.clone());
    let folder = &arguments.data_dir;
    let about_folder = || format!("cannot use the data folder {}", folder.display());
    match arguments.nats.clone().settings() {
        None => {
            let backbone = SqliteBackbone::open(folder, retention, clock, histogram).with_context(about_folder)?;
            Ok((Arc::new(backbone), std::future::pending().boxed()))
        }
        Some(settings) => {
            Promise::ask(settings.audit.as_ref(), settings.replicas).await.log();
            let backbone = JetStreamBackbone::join(folder, &settings, retention, clock, histogram).await;
            let backbone = backbone.with_context(|| format!("cannot join the log {}", settings.stream))?;
            let failed = backbone.failed().boxed();
            Ok((Arc::new(backbone), failed))
        }
    }
}

/// Closes the store in order, on this thread, unless somebody holds it even now.
pub(super) fn close(runtime: Runtime, backbone: Arc<dyn Backbone>) -> bool {
    // Ends every task that is left, connections that were cut off among them, and waits for reads that are under way.
    drop(runtime);
    let is_ours_alone = Arc::strong_count(&backbone) == 1;
    drop(backbone);
    is_ours_alone
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backbone::retention::Retention;
    use crate::backbone::{Batch, EventFilter};

    #[test]
    fn the_store_is_closed_in_order_although_tasks_and_reads_still_hold_it() {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let store = SqliteBackbone::open(
            folder.path(),
            Retention::default(),
            Arc::new(SystemClock),
            Metrics::default().jobs_per_commit,
        )
        .unwrap();
        let store: Arc<dyn Backbone> = Arc::new(store);
        runtime.block_on(store.commit(Batch::default())).unwrap();
        for _ in 0..8 {
            let held = Arc::clone(&store);
            runtime.spawn(async move {
                loop {
                    held.query(EventFilter { limit: 1, ..EventFilter::default() }).await.unwrap();
                }
            });
        }
        assert!(close(runtime, store));
        assert!(!folder.path().join("watchgate.sqlite-wal").exists());
    }
}
