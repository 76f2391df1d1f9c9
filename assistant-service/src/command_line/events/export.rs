//! `watchgate events export`: events as lines of JSON, in the form that the service exports too.

use std::io::{BufWriter, Write};
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::progress::Progress;
use crate::backbone::{EventFilter, Order, Position, StoreReader, TypeFilter};
use crate::events::LastLine;

const EVENTS_AT_ONCE: u32 = 1000;

/// Which events.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The service's data folder.
    #[arg(long, env = "WATCHGATE_DATA_DIR")]
    data_dir: PathBuf,
    /// Of this type, or with `prefix.*` of all types below one.
    #[arg(long = "type", value_name = "TYPE")]
    event_type: Option<String>,
    /// Of this source.
    #[arg(long)]
    source: Option<String>,
    /// About this subject.
    #[arg(long)]
    subject: Option<String>,
    /// Belonging to this.
    #[arg(long, value_name = "ID")]
    correlation_id: Option<String>,
    /// That this principal made happen: an `authid`.
    #[arg(long, value_name = "URI")]
    principal: Option<String>,
    /// With this text somewhere in their JSON.
    #[arg(long)]
    text: Option<String>,
    /// That came in at this time or later (RFC 3339).
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<OffsetDateTime>,
    /// That came in before this time (RFC 3339).
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<OffsetDateTime>,
    /// Beyond this position.
    #[arg(long, value_name = "POSITION")]
    after: Option<Position>,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let folder = &arguments.data_dir;
    let store = StoreReader::open(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let (mut progress, mut count) = (Progress::begin(), 0_u64);
    let mut out = BufWriter::new(std::io::stdout().lock());
    // What comes in meanwhile is left for another time, or beside a busy service this had no end.
    let newest = store.newest_position()?;
    let mut filter = filter(arguments);
    loop {
        let page = store.query(&filter)?;
        for stored in page.events.iter().filter(|stored| stored.position <= newest) {
            out.write_all(stored.json.as_bytes())?;
            out.write_all(b"\n")?;
            count = count.saturating_add(1);
        }
        let place = page.next_after.unwrap_or(newest);
        progress.tell(|| format!("{count} events, up to position {place} of {newest}"));
        if page.next_after.is_none_or(|next| next >= newest) {
            break;
        }
        filter.after = page.next_after;
    }
    serde_json::to_writer(&mut out, &LastLine::new(None, count))?;
    out.write_all(b"\n")?;
    out.flush()?;
    progress.end();
    eprintln!("{count} events");
    Ok(true)
}

fn filter(arguments: &Arguments) -> EventFilter {
    EventFilter {
        event_type: arguments.event_type.as_deref().map(TypeFilter::of),
        source: arguments.source.clone(),
        subject: arguments.subject.clone(),
        correlation_id: arguments.correlation_id.clone(),
        principal: arguments.principal.clone(),
        text: arguments.text.clone(),
        since: arguments.since,
        until: arguments.until,
        after: arguments.after,
        limit: EVENTS_AT_ONCE,
        order: Order::Ascending,
        ..EventFilter::default()
    }
}

fn time(text: &str) -> Result<OffsetDateTime, String> {
    OffsetDateTime::parse(text, &Rfc3339).map_err(|_| "a time such as 2026-03-01T12:00:00Z was expected".to_owned())
}
