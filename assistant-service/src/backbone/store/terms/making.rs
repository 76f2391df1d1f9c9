//! Making the index at once, for very many events: SQLite sorts the terms of each kind and writes them in their order.

use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;

use super::{Kind, term};
use crate::backbone::Position;

/// So many are sorted by SQLite, which uses files for that, and each kind for itself.
pub(in super::super) const MANY_EVENTS: u64 = 64 * 1024;

/// Brings in all events that wait, if they are too many for memory.
pub(in super::super) fn catch_up(connection: &Connection, many: u64) -> Result<(), rusqlite::Error> {
    let waiting: u64 = connection.query_row(
        "SELECT count(*) FROM (SELECT 1 FROM events WHERE position > (SELECT indexed FROM stand) LIMIT ?1)",
        [many],
        |row| row.get(0),
    )?;
    if waiting < many { Ok(()) } else { make_again(connection) }
}

/// Empties the index: until it is made again, looks go through all events.
pub(in super::super) fn empty(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.execute_batch("BEGIN IMMEDIATE; UPDATE stand SET indexed = 0; DELETE FROM terms; COMMIT")
}

/// Makes the whole index again. Cut off anywhere, it is begun again by [`catch_up`].
pub(in super::super) fn make_again(connection: &Connection) -> Result<(), rusqlite::Error> {
    connection.create_scalar_function("term", -1, FunctionFlags::SQLITE_DETERMINISTIC, |values| {
        let parts = (1..values.len()).map(|index| values.get_raw(index).as_str());
        Ok(term(values.get(0)?, parts.collect::<Result<Vec<_>, _>>()?))
    })?;
    empty(connection)?;
    let newest: Position =
        connection.query_row("SELECT coalesce(max(position), 0) FROM events", [], |row| row.get(0))?;
    for kind in Kind::ALL {
        let (number, columns) = (kind.number(), kind.columns());
        // The others are never null.
        let last = columns.rsplit(", ").next().unwrap_or(columns);
        tracing::info!(?kind, "indexing all events");
        connection.execute(
            &format!(
                "INSERT INTO terms SELECT term({number}, {columns}), position FROM events NOT INDEXED
                 WHERE position <= ?1 AND {last} IS NOT NULL ORDER BY 1, 2"
            ),
            [newest],
        )?;
    }
    connection.execute("UPDATE stand SET indexed = ?1", [newest])?;
    Ok(())
}
