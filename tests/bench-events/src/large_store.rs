//! A store of many events, made once and kept: filled through the port, batches of a thousand from many at once, so that its pages lie
//! as a service leaves them.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use assistant_service::backbone::{Backbone, Batch, NewEvent};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use crate::bare_sqlite::open;
use crate::event::{Event, SOURCE, TYPE};

const BATCH: u64 = 1000;

/// How a store was filled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Filled {
    pub(crate) events: u64,
    pub(crate) seconds: f64,
}

/// Fills the embedded form below a folder, from where it stands.
pub(crate) fn fill(folder: &Path, events: u64) -> Result<Filled> {
    let store = open(folder)?;
    let stands = *store.newest_position().borrow();
    if stands >= events {
        return Ok(Filled { events: 0, seconds: 0.0 });
    }
    println!("filling {} from {stands} to {events} events", folder.display());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(append(&store, stands, events, 64))
}

/// Appends the events from one number up to another, so many batches at once.
pub(crate) async fn append(store: &dyn Backbone, from: u64, to: u64, at_once: usize) -> Result<Filled> {
    let begun = Instant::now();
    let batches = (from..to).step_by(BATCH as usize).map(|first| {
        let events = (first..to.min(first + BATCH)).map(new_event).collect();
        async move {
            store.commit(Batch { events, puts: Vec::new() }).await.context("a batch was not kept")?;
            anyhow::Ok(())
        }
    });
    stream::iter(batches).buffer_unordered(at_once).try_collect::<()>().await?;
    Ok(Filled { events: to - from, seconds: begun.elapsed().as_secs_f64() })
}

fn new_event(number: u64) -> NewEvent {
    let event = Event(number);
    NewEvent {
        source: SOURCE.to_owned(),
        id: event.id(),
        event_type: TYPE.to_owned(),
        subject: Some(event.subject()),
        correlation_id: Some(event.correlation_id()),
        principal: Some(SOURCE.to_owned()),
        json: event.kept(),
    }
}
