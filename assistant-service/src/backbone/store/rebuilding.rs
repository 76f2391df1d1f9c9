//! Making again what a store keeps beside the events themselves: the columns that they are found by, the index, and the parts in
//! which they are let go. Each step is a commit that could be done twice, so that it may be cut off anywhere.

use rusqlite::{Connection, params};

use super::classes::{self, Classes};
use super::terms;
use crate::backbone::retention::DEFAULT_CLASS;
use crate::backbone::{InvalidEventJson, NewEvent, Position};

/// Rows of one commit.
const ROWS_AT_ONCE: usize = 2000;

/// What a rebuild has found.
#[derive(Debug, Default)]
pub(crate) struct Rebuilt {
    /// Events that were looked at.
    pub(crate) events: u64,
    /// Those of them that were not found by what they say.
    pub(crate) mended: u64,
    /// Those that cannot be read; they stay as they are.
    pub(crate) unreadable: Vec<(Position, InvalidEventJson)>,
}

struct Kept {
    position: Position,
    class: i64,
    json: String,
}

/// `progress` is told how many events have been looked at.
pub(super) fn rebuild(connection: &Connection, mut progress: impl FnMut(u64)) -> Result<Rebuilt, rusqlite::Error> {
    let (mut rebuilt, mut after) = (Rebuilt::default(), 0);
    // An event that is mended is not found by what it said before; cut off from here on, the index is made when the store is opened.
    terms::empty(connection)?;
    loop {
        let rows = rows(connection, after)?;
        let Some(last) = rows.last() else { break };
        after = last.position;
        let transaction = connection.unchecked_transaction()?;
        for row in rows {
            rebuilt.events = rebuilt.events.saturating_add(1);
            let position = row.position;
            match NewEvent::from_json(row.json) {
                Ok(event) if mend(&transaction, position, &event)? => rebuilt.mended = rebuilt.mended.saturating_add(1),
                Ok(_) => {}
                Err(reason) => rebuilt.unreadable.push((position, reason)),
            }
            if classes::name(&transaction, row.class)?.is_none() {
                reclass(&transaction, position)?;
            }
        }
        transaction.commit()?;
        progress(rebuilt.events);
    }
    connection.execute_batch("REINDEX")?;
    terms::make_again(connection)?;
    segments(connection)?;
    Ok(rebuilt)
}

fn rows(connection: &Connection, after: Position) -> Result<Vec<Kept>, rusqlite::Error> {
    connection
        .prepare_cached(
            "SELECT position, class, json FROM events NOT INDEXED WHERE position > ?1 ORDER BY position LIMIT ?2",
        )?
        .query_map(params![after, ROWS_AT_ONCE], |row| {
            Ok(Kept { position: row.get(0)?, class: row.get(1)?, json: row.get(2)? })
        })?
        .collect()
}

/// Whether there was anything to mend.
fn mend(connection: &Connection, position: Position, event: &NewEvent) -> Result<bool, rusqlite::Error> {
    let NewEvent { source, id, event_type, subject, correlation_id, principal, json: _ } = event;
    let changed = connection
        .prepare_cached(
            "UPDATE events SET source = ?2, id = ?3, type = ?4, subject = ?5, correlation_id = ?6, principal = ?7
             WHERE position = ?1 AND ((source, id, type) IS NOT (?2, ?3, ?4)
             OR (subject, correlation_id, principal) IS NOT (?5, ?6, ?7))",
        )?
        .execute(params![position, source, id, event_type, subject, correlation_id, principal])?;
    Ok(changed > 0)
}

/// An event of a class that nobody knows would be kept for ever.
fn reclass(connection: &Connection, position: Position) -> Result<(), rusqlite::Error> {
    connection.execute("INSERT OR IGNORE INTO classes (name) VALUES (?1)", [DEFAULT_CLASS])?;
    connection.execute(
        "UPDATE events SET class = (SELECT class FROM classes WHERE name = ?2) WHERE position = ?1",
        params![position, DEFAULT_CLASS],
    )?;
    Ok(())
}

/// Counts every event again as if it came now.
fn segments(connection: &Connection) -> Result<(), rusqlite::Error> {
    let transaction = connection.unchecked_transaction()?;
    transaction.execute("DELETE FROM segments", [])?;
    let mut counted = Classes::read(&transaction)?;
    let mut statement = transaction.prepare(
        "SELECT position, name, arrived, octet_length(json) FROM events NOT INDEXED JOIN classes USING (class)
         WHERE position > floor ORDER BY position",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let name: String = row.get(1)?;
        counted.count(&transaction, &name, (row.get(0)?, row.get(2)?, row.get(3)?))?;
    }
    drop(rows);
    drop(statement);
    counted.write(&transaction)?;
    transaction
        .execute("UPDATE stand SET position = max(position, (SELECT coalesce(max(position), 0) FROM events))", [])?;
    transaction.commit()
}
