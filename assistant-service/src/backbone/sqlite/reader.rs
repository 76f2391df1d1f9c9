//! The readers: a few read-only connections, used off the async threads.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};
use tokio::sync::Semaphore;

use crate::backbone::{BackboneError, Entry, EventFilter, Order, Page, StoredEvent, TypeFilter};

/// SQLite readers work side by side in WAL mode; more of them than cores only hold memory.
const READERS: usize = 4;

/// The pool. There are as many permits as connections, so whoever has a permit finds a connection.
pub(super) struct Readers {
    permits: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<Connection>>>,
}

impl Readers {
    pub(super) fn open(open: impl Fn() -> Result<Connection, rusqlite::Error>) -> Result<Self, rusqlite::Error> {
        let idle = (0..READERS).map(|_| open()).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { permits: Arc::new(Semaphore::new(READERS)), idle: Arc::new(Mutex::new(idle)) })
    }

    /// Closes the connections that nobody uses.
    pub(super) fn close(&self) {
        lock(&self.idle).clear();
    }

    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, rusqlite::Error> + Send + 'static,
    ) -> Result<T, BackboneError> {
        let gone = |what: &str| BackboneError::Unavailable(what.to_owned());
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| gone("its readers have ended"))?;
        let idle = Arc::clone(&self.idle);
        let done = tokio::task::spawn_blocking(move || {
            let taken = lock(&idle).pop();
            let connection = taken.ok_or_else(|| BackboneError::Unavailable("a reader was lost".to_owned()))?;
            let outcome = work(&connection);
            lock(&idle).push(connection);
            drop(permit);
            outcome.map_err(BackboneError::from)
        });
        done.await.map_err(|_| gone("a read was cut off"))?
    }
}

fn lock(idle: &Mutex<Vec<Connection>>) -> std::sync::MutexGuard<'_, Vec<Connection>> {
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}

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

/// One more than asked for is read, to know whether there is a next page.
pub(super) fn query(connection: &Connection, filter: &EventFilter) -> Result<Page, rusqlite::Error> {
    let (sql, values) = query_text(filter);
    let mut events = connection
        .prepare_cached(&sql)?
        .query_map(params_from_iter(values), |row| Ok(StoredEvent { position: row.get(0)?, json: row.get(1)? }))?
        .collect::<Result<Vec<_>, _>>()?;
    let limit = usize::try_from(filter.limit).unwrap_or(usize::MAX);
    let has_more = events.len() > limit;
    events.truncate(limit);
    let next_after = if has_more { events.last().map(|event| event.position) } else { None };
    Ok(Page { events, next_after })
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
        let connection = Connection::open_in_memory().unwrap();
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
