//! The process that is broken: a real form of the backbone, and writers that each await every answer before the next operation.

mod clock;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use assistant_service::backbone::Backbone;
use assistant_service::backbone::jetstream::JetStreamBackbone;
use assistant_service::backbone::retention::Retention;
use assistant_service::backbone::sqlite::SqliteBackbone;
use assistant_service::clock::{Clock, SystemClock};
use assistant_service::metrics::Metrics;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::journal::{Journal, Line};
use crate::operation::Operation;
use crate::options::Work;
use clock::StepClock;
use writer::Writer;

/// Works until SIGTERM, or until the backbone says that it cannot go on.
pub(crate) fn run(work: Work) -> Result<()> {
    tracing_subscriber::fmt().with_env_filter("info").with_writer(std::io::stderr).init();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(write(work))
}

async fn write(work: Work) -> Result<()> {
    let mut terminated = signal(SignalKind::terminate())?;
    let journal = Arc::new(Journal::open(&work.journal).context("no journal")?);
    let clock: Arc<dyn Clock> = match work.clock_step_millis {
        Some(every) => Arc::new(StepClock { every: Duration::from_millis(every) }),
        None => Arc::new(SystemClock),
    };
    let (retention, histogram) = (Retention::default(), Metrics::default().jobs_per_commit);
    let (store, failed): (Arc<dyn Backbone>, _) = match work.nats.clone().settings() {
        None => (Arc::new(SqliteBackbone::open(&work.data, retention, clock, histogram)?), None),
        Some(settings) => {
            let replica = JetStreamBackbone::join(&work.data, &settings, retention, clock, histogram).await?;
            let failed = replica.failed();
            (Arc::new(replica), Some(failed))
        }
    };
    journal.put_down(&Line::Ready);
    let (end, ending) = watch::channel(false);
    let mut writers = JoinSet::new();
    for (writer, number) in work.writers {
        let writer = Writer {
            store: Arc::clone(&store),
            journal: Arc::clone(&journal),
            next: Operation { writer, number },
            pause: Duration::from_millis(work.pause_millis),
            padding: work.padding,
            ending: ending.clone(),
        };
        writers.spawn(writer.run());
    }
    let failed = async {
        match failed {
            Some(failed) => failed.await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = terminated.recv() => {}
        why = failed => {
            journal.put_down(&Line::Ended(why));
            return Ok(());
        }
    }
    end.send_replace(true);
    while writers.join_next().await.is_some() {}
    Ok(())
}
