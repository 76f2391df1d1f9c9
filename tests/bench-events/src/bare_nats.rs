//! What NATS itself can do: the same events published to a file stream of a server that syncs always, each a message of its own,
//! a hundred under way before their acknowledgements are awaited.

use std::future::IntoFuture as _;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use assistant_service::backbone::jetstream::connect;
use async_nats::jetstream::Context as JetStream;
use async_nats::jetstream::context::ContextBuilder;
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::{Config, StorageType};
use bytes::Bytes;
use futures_util::future::try_join_all;
use programs::nats::NatsServer;
use tokio::runtime::Runtime;

use crate::event::{BATCH, Event};
use crate::service::settings;

const SUBJECT: &str = "bare.events";

/// A stream of its own, beside the service's.
pub(crate) struct BareStream {
    runtime: Runtime,
    jetstream: JetStream,
    next: u64,
}

impl BareStream {
    pub(crate) fn make(server: &NatsServer) -> Result<BareStream> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let settings = settings(server)?;
        let jetstream = runtime.block_on(async {
            let connection = connect(&settings.connection).await?;
            let jetstream = ContextBuilder::new().timeout(Duration::from_secs(60)).build(connection.client);
            let subjects = vec![SUBJECT.to_owned()];
            let config = Config { name: "BARE".to_owned(), subjects, storage: StorageType::File, ..Config::default() };
            jetstream.create_stream(config).await?;
            anyhow::Ok(jetstream)
        })?;
        Ok(BareStream { runtime, jetstream, next: 0 })
    }

    /// Publishes so many events from so many publishers at once; gives how many in a second. Messages are made before the
    /// clock runs.
    pub(crate) fn publish(&mut self, events: u64, publishers: usize) -> Result<f64> {
        let messages: Vec<Bytes> = (self.next..self.next + events).map(|number| Event(number).kept().into()).collect();
        self.next += events;
        let batches: Vec<&[Bytes]> = messages.chunks(BATCH as usize).collect();
        let shares = batches.chunks(batches.len().div_ceil(publishers).max(1));
        let begun = Instant::now();
        self.runtime.block_on(try_join_all(shares.map(|share| publish_all(&self.jetstream, share))))?;
        Ok(events as f64 / begun.elapsed().as_secs_f64())
    }
}

async fn publish_all(jetstream: &JetStream, batches: &[&[Bytes]]) -> Result<()> {
    for batch in batches {
        let mut acknowledged = Vec::with_capacity(batch.len());
        for message in *batch {
            let message = PublishMessage::build().payload(message.clone());
            acknowledged.push(jetstream.send_publish(SUBJECT, message).await?.into_future());
        }
        try_join_all(acknowledged).await.context("an event was not acknowledged")?;
    }
    Ok(())
}
