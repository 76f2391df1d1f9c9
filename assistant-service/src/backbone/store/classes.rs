//! Classes of events, which are kept for different times: how much of each there is, and below which position it is let go.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, params};

use crate::backbone::Position;

/// A part of a class that is let go as one: small enough to come close to what is asked for, large enough to be few.
const SEGMENT_BYTES: u64 = 8 * 1024 * 1024;
const SEGMENT_MILLIS: i64 = 10 * 60 * 1000;

/// Events of one class that came in one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::backbone) struct Segment {
    /// The name of the class.
    pub(in crate::backbone) class: String,
    /// Where its last event stands.
    pub(in crate::backbone) last: Position,
    /// When its last event came in, in Unix milliseconds.
    pub(in crate::backbone) newest: i64,
    /// The bytes of its events' JSON.
    pub(in crate::backbone) bytes: u64,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    first: Position,
    last: Position,
    begun: i64,
    newest: i64,
    events: u64,
    bytes: u64,
    is_written: bool,
}

#[derive(Clone, Copy, Debug)]
struct Class {
    number: i64,
    open: Option<Open>,
}

/// What the writer knows of all classes.
#[derive(Clone, Debug, Default)]
pub(super) struct Classes {
    by_name: HashMap<String, Class>,
    floors: HashMap<i64, Position>,
}

impl Classes {
    pub(super) fn read(connection: &Connection) -> Result<Self, rusqlite::Error> {
        let mut classes = Self::default();
        let mut statement = connection.prepare("SELECT name, class, floor FROM classes")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            classes.floors.insert(row.get(1)?, row.get(2)?);
            classes.by_name.insert(row.get(0)?, Class { number: row.get(1)?, open: None });
        }
        Ok(classes)
    }

    /// Whether an event that stands there has been let go.
    pub(super) fn is_let_go(&self, class: i64, position: Position) -> bool {
        self.floors.get(&class).is_some_and(|floor| position <= *floor)
    }

    /// Counts an event; gives its class's number.
    pub(super) fn count(
        &mut self,
        connection: &Connection,
        name: &str,
        (position, arrived, bytes): (Position, i64, usize),
    ) -> Result<i64, rusqlite::Error> {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let class = self.class(connection, name)?;
        if let Some(open) = &mut class.open
            && open.bytes < SEGMENT_BYTES
            && arrived.saturating_sub(open.begun).abs() < SEGMENT_MILLIS
        {
            open.last = position;
            open.newest = open.newest.max(arrived);
            open.events = open.events.saturating_add(1);
            open.bytes = open.bytes.saturating_add(bytes);
            open.is_written = false;
        } else {
            write(connection, class)?;
            class.open = Some(Open {
                first: position,
                last: position,
                begun: arrived,
                newest: arrived,
                events: 1,
                bytes,
                is_written: false,
            });
        }
        Ok(class.number)
    }

    /// Writes down what was counted, before a commit.
    pub(super) fn write(&mut self, connection: &Connection) -> Result<(), rusqlite::Error> {
        self.by_name.values_mut().try_for_each(|class| write(connection, class))
    }

    /// Lets go of a class up to a position. From now on such an event is no first one for another.
    pub(super) fn let_go(
        &mut self,
        connection: &Connection,
        name: &str,
        floor: Position,
    ) -> Result<(), rusqlite::Error> {
        let class = self.class(connection, name)?;
        // One that has grown beyond the floor since somebody chose it is kept, and written again with its new end.
        class.open.take_if(|open| open.last <= floor);
        if let Some(open) = &mut class.open {
            open.is_written = false;
        }
        let number = class.number;
        let kept = self.floors.entry(number).or_default();
        *kept = floor.max(*kept);
        connection
            .prepare_cached("UPDATE classes SET floor = max(floor, ?2) WHERE class = ?1")?
            .execute(params![number, floor])?;
        connection
            .prepare_cached("DELETE FROM segments WHERE class = ?1 AND last <= ?2")?
            .execute(params![number, floor])?;
        Ok(())
    }

    fn class(&mut self, connection: &Connection, name: &str) -> Result<&mut Class, rusqlite::Error> {
        if !self.by_name.contains_key(name) {
            let number = connection
                .prepare_cached("INSERT INTO classes (name) VALUES (?1) RETURNING class")?
                .query_row([name], |row| row.get(0))?;
            self.by_name.insert(name.to_owned(), Class { number, open: None });
        }
        self.by_name.get_mut(name).ok_or(rusqlite::Error::QueryReturnedNoRows)
    }
}

fn write(connection: &Connection, class: &mut Class) -> Result<(), rusqlite::Error> {
    if let Some(open) = class.open.as_mut().filter(|open| !open.is_written) {
        connection
            .prepare_cached("INSERT OR REPLACE INTO segments VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
            .execute(params![class.number, open.first, open.last, open.newest, open.events, open.bytes])?;
        open.is_written = true;
    }
    Ok(())
}

/// A part of a class that was let go and is to be erased.
pub(super) struct ToErase {
    pub(super) class: i64,
    pub(super) above: Position,
    pub(super) up_to: Position,
}

/// The next part to erase, which lies among so many rows.
pub(super) fn part_to_erase(connection: &Connection, row_count: u32) -> Result<Option<ToErase>, rusqlite::Error> {
    let next: Option<(i64, Position, Position)> = connection
        .prepare_cached("SELECT class, floor, erased FROM classes WHERE erased < floor LIMIT 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((class, floor, above)) = next else { return Ok(None) };
    // Positions have gaps: a step goes as far as so many rows of any class do.
    let up_to: Option<Position> = connection
        .prepare_cached(
            "SELECT position FROM events WHERE position > ?1 AND position <= ?2 ORDER BY position LIMIT 1 OFFSET ?3",
        )?
        .query_row(params![above, floor, row_count], |row| row.get(0))
        .optional()?;
    Ok(Some(ToErase { class, above, up_to: up_to.unwrap_or(floor) }))
}

/// Erases a part.
pub(super) fn erase(connection: &Connection, ToErase { class, above, up_to }: &ToErase) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached("DELETE FROM events WHERE position > ?1 AND position <= ?2 AND class = ?3")?
        .execute(params![above, up_to, class])?;
    connection.prepare_cached("UPDATE classes SET erased = ?2 WHERE class = ?1")?.execute(params![class, up_to])?;
    Ok(())
}

/// The name of a class, if there is such a one.
pub(super) fn name(connection: &Connection, class: i64) -> Result<Option<String>, rusqlite::Error> {
    connection
        .prepare_cached("SELECT name FROM classes WHERE class = ?1")?
        .query_row([class], |row| row.get(0))
        .optional()
}

/// The classes of which something was let go and is not yet erased, and up to where.
pub(super) fn being_erased(connection: &Connection) -> Result<HashMap<i64, Position>, rusqlite::Error> {
    connection
        .prepare_cached("SELECT class, floor FROM classes WHERE erased < floor")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

/// Every segment that is kept, of each class the oldest first.
pub(super) fn segments(connection: &Connection) -> Result<Vec<Segment>, rusqlite::Error> {
    connection
        .prepare_cached(
            "SELECT name, last, newest, bytes FROM segments JOIN classes USING (class) ORDER BY class, first",
        )?
        .query_map([], |row| {
            Ok(Segment { class: row.get(0)?, last: row.get(1)?, newest: row.get(2)?, bytes: row.get(3)? })
        })?
        .collect()
}
