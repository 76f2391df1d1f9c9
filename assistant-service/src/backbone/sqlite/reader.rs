//! What is read, as SQL.

use std::time::{Duration, Instant};

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};

use crate::backbone::{Entry, EventFilter, Order, Page, StoredEvent, TypeFilter};

/// A page ends with the event that passes this: an event may have a megabyte, and many pages are held at once.
const PAGE_BYTES: usize = 4 * 1024 * 1024;

/// Steps of SQLite's machine between two looks at the time: far less than a millisecond.
const STEPS_PER_LOOK: std::ffi::c_int = 1000;

pub(super) fn get(connection: &Connection, bucket: &str, key: &str) -> Result<Option<Entry>, rusqlite::Error> {
    connection
        .prepare_cached("SELECT key, value, revision FROM entries WHERE bucket = ?1 AND key = ?2")?
        .query_row(params![bucket, key], entry)
        .optional()
}

pub(super) fn list(
    connection: &Connection,
    bucket: &str,
    before: Option<&str>,
    limit: u32,
) -> Result<Vec<Entry>, rusqlite::Error> {
    connection
        .prepare_cached(
            "SELECT key, value, revision FROM entries
             WHERE bucket = ?1 AND (?2 IS NULL OR key < ?2) ORDER BY key DESC LIMIT ?3",
        )?
        .query_map(params![bucket, before, limit], entry)?
        .collect()
}

fn entry(row: &Row<'_>) -> Result<Entry, rusqlite::Error> {
    Ok(Entry { key: row.get(0)?, value: row.get(1)?, revision: row.get(2)? })
}

/// Queries, and gives up after `time`: no filter may keep a reader from those who wait for one.
pub(super) fn query_within(
    time: Duration,
    connection: &mut Connection,
    filter: &EventFilter,
) -> Result<Page, rusqlite::Error> {
    let begun = Instant::now();
    connection.progress_handler(STEPS_PER_LOOK, Some(move || begun.elapsed() >= time))?;
    let page = query(connection, filter);
    connection.progress_handler(0, None::<fn() -> bool>)?;
    page
}

/// One more than is given is read, to know whether there is a next page.
fn query(connection: &Connection, filter: &EventFilter) -> Result<Page, rusqlite::Error> {
    let (sql, values) = query_text(filter);
    let limit = usize::try_from(filter.limit).unwrap_or(usize::MAX);
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(values))?;
    let mut page = Page::default();
    let mut bytes = 0_usize;
    while let Some(row) = rows.next()? {
        if page.events.len() >= limit || bytes > PAGE_BYTES {
            page.next_after = page.events.last().map(|event| event.position);
            break;
        }
        let event = StoredEvent { position: row.get(0)?, json: row.get(1)? };
        bytes = bytes.saturating_add(event.json.len());
        page.events.push(event);
    }
    Ok(page)
}

fn query_text(filter: &EventFilter) -> (String, Vec<Value>) {
    let mut conditions: Vec<(&str, Value)> = Vec::new();
    match &filter.event_type {
        None => {}
        Some(TypeFilter::Exact(event_type)) => conditions.push(("type = ?", event_type.clone().into())),
        Some(TypeFilter::Below(prefix)) => {
            // All that begins with "prefix." and no more: '/' is the character after '.'. The plus keeps SQLite from
            // sorting everything of these types each time that a tail looks for what is new: it goes by position.
            let (above, below) = match filter.after {
                Some(_) => ("+type > ?", "+type < ?"),
                None => ("type > ?", "type < ?"),
            };
            conditions.push((above, format!("{prefix}.").into()));
            conditions.push((below, format!("{prefix}/").into()));
        }
    }
    for (condition, value) in [
        ("source = ?", &filter.source),
        ("subject = ?", &filter.subject),
        ("correlation_id = ?", &filter.correlation_id),
    ] {
        conditions.extend(value.clone().map(|value| (condition, value.into())));
    }
    let (beyond, direction) = match filter.order {
        Order::Ascending => ("position > ?", "ASC"),
        Order::Descending => ("position < ?", "DESC"),
    };
    // No position is larger than what SQLite can count.
    let after = filter.after.map(|after| i64::try_from(after).unwrap_or(i64::MAX));
    conditions.extend(after.map(|after| (beyond, after.into())));

    let mut sql = "SELECT position, json FROM events WHERE TRUE".to_owned();
    let mut values = Vec::new();
    for (condition, value) in conditions {
        sql.push_str(" AND ");
        sql.push_str(condition);
        values.push(value);
    }
    values.push(filter.limit.saturating_add(1).into());
    (format!("{sql} ORDER BY position {direction} LIMIT ?"), values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_filter_of_a_tail_makes_the_store_sort() {
        let folder = tempfile::tempdir().unwrap();
        let connection = Connection::open(folder.path().join("store")).unwrap();
        super::super::schema::prepare(&connection).unwrap();
        let tail = EventFilter { after: Some(7), limit: 9, ..EventFilter::default() };
        let text = || Some("x".to_owned());
        for filter in [
            tail.clone(),
            EventFilter { event_type: Some(TypeFilter::Exact("x".to_owned())), ..tail.clone() },
            EventFilter { event_type: Some(TypeFilter::Below("x".to_owned())), ..tail.clone() },
            EventFilter { source: text(), ..tail.clone() },
            EventFilter { subject: text(), ..tail.clone() },
            EventFilter { correlation_id: text(), ..tail.clone() },
            EventFilter { source: text(), subject: text(), correlation_id: text(), ..tail.clone() },
        ] {
            let (sql, values) = query_text(&filter);
            let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let plan = statement.query_map(params_from_iter(values), |row| row.get::<_, String>(3)).unwrap();
            let plan: Vec<_> = plan.map(Result::unwrap).collect();
            assert!(!plan.iter().any(|step| step.contains("TEMP B-TREE")), "{sql}: {plan:?}");
        }
    }
}
