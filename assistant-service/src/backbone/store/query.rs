//! How events are found. One condition is looked up in the index of terms, or none is; the rest is held against each row that this
//! gives, so that it is always known how far the look has come: one that would take long ends early and says where to go on.

use std::time::{Duration, Instant};

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params_from_iter};
use time::OffsetDateTime;

use super::apply::millis;
use super::classes;
use super::terms::Kind;
use crate::backbone::{EventFilter, Order, Page, Position, StoredEvent, TypeFilter};

/// A page ends with the event that passes this: an event may have a megabyte, and many pages are held at once.
const PAGE_BYTES: usize = 4 * 1024 * 1024;

/// How long one look may take.
pub(super) const LOOK: Duration = Duration::from_millis(500);

/// Rows between two looks at the time.
const ROWS_PER_LOOK: u64 = 256;

/// Clocks are set back now and then; what came in within so long of a time is looked at one by one.
const CLOCK_STEP_MILLIS: i64 = 2 * 60 * 60 * 1000;

/// What matches, as far as a look of this time comes.
pub(super) fn query_within(
    time: Duration,
    connection: &Connection,
    filter: &EventFilter,
) -> Result<Page, rusqlite::Error> {
    let begun = Instant::now();
    // Up to where the index goes and what stands there, at one moment.
    let connection = connection.unchecked_transaction()?;
    let let_go = classes::being_erased(&connection)?;
    let limit = usize::try_from(filter.limit).unwrap_or(usize::MAX);
    let (mut page, mut bytes, mut looked_at, mut last) = (Page::default(), 0_usize, 0_u64, None);
    for Look { sql, values } in looks(&connection, filter)? {
        let mut statement = connection.prepare_cached(&sql)?;
        let mut rows = statement.query(params_from_iter(values))?;
        while let Some(row) = rows.next()? {
            looked_at = looked_at.saturating_add(1);
            if looked_at.is_multiple_of(ROWS_PER_LOOK) && begun.elapsed() >= time {
                page.next_after = last;
                return Ok(page);
            }
            let position: Position = row.get(0)?;
            let is_let_go = !let_go.is_empty() && let_go.get(&row.get(8)?).is_some_and(|floor| position <= *floor);
            if !is_let_go && matches(row, filter)? {
                if page.events.len() >= limit || bytes > PAGE_BYTES {
                    page.next_after = last;
                    return Ok(page);
                }
                let event = StoredEvent { position, json: row.get(7)? };
                bytes = bytes.saturating_add(event.json.len());
                page.events.push(event);
            }
            last = Some(position);
        }
    }
    Ok(page)
}

/// A statement that gives events in the order that is asked for.
struct Look {
    sql: String,
    values: Vec<Value>,
}

/// The looks that give, one after the other, all events that may match.
fn looks(connection: &Connection, filter: &EventFilter) -> Result<Vec<Look>, rusqlite::Error> {
    let (mut above, mut below) = match filter.order {
        Order::Ascending => (filter.after.unwrap_or_default(), None),
        Order::Descending => (0, filter.after),
    };
    if let Some(since) = filter.since {
        above = above.max(came_before(connection, earlier(since))?);
    }
    if let Some(until) = filter.until {
        let end = came_before(connection, later(until))?.saturating_add(1);
        below = Some(below.map_or(end, |below| below.min(end)));
    }
    // SQLite counts no further.
    let below = below.unwrap_or(Position::MAX).min(i64::MAX.unsigned_abs());
    let Some((kind, column, value)) = driving(filter) else {
        return Ok(Look::new("events NOT INDEXED WHERE", None, (above, below), filter.order).into_iter().collect());
    };
    let indexed: Position = connection.prepare_cached("SELECT indexed FROM stand")?.query_row([], |row| row.get(0))?;
    let known = Look::new(
        "terms CROSS JOIN events USING (position) WHERE term = ? AND",
        Some(kind.term(value).into()),
        (above, below.min(indexed.saturating_add(1))),
        filter.order,
    );
    let waiting = Look::new(
        &format!("events NOT INDEXED WHERE {column} = ? AND"),
        Some(value.to_owned().into()),
        (above.max(indexed), below),
        filter.order,
    );
    Ok(match filter.order {
        Order::Ascending => [known, waiting],
        Order::Descending => [waiting, known],
    }
    .into_iter()
    .flatten()
    .collect())
}

impl Look {
    /// Nothing when no position is between the bounds.
    fn new(from: &str, value: Option<Value>, (above, below): (Position, Position), order: Order) -> Option<Self> {
        if below <= above.saturating_add(1) {
            return None;
        }
        let direction = match order {
            Order::Ascending => "ASC",
            Order::Descending => "DESC",
        };
        let sql = format!(
            "SELECT position, arrived, source, type, subject, correlation_id, principal, json, class FROM {from}
             position > ? AND position < ? ORDER BY position {direction}"
        );
        let bounds = [above, below].map(|bound| i64::try_from(bound).unwrap_or(i64::MAX).into());
        Some(Self { sql, values: value.into_iter().chain(bounds).collect() })
    }
}

/// The condition that few events meet, as far as one can tell without looking, and the column that it is about.
fn driving(filter: &EventFilter) -> Option<(Kind, &'static str, &str)> {
    let exact_type = match &filter.event_type {
        Some(TypeFilter::Exact(event_type)) => Some(event_type.as_str()),
        Some(TypeFilter::Below(_)) | None => None,
    };
    let conditions = [
        (Kind::Correlation, filter.correlation_id.as_deref()),
        (Kind::Subject, filter.subject.as_deref()),
        (Kind::Source, filter.source.as_deref()),
        (Kind::Principal, filter.principal.as_deref()),
        (Kind::Type, exact_type),
    ];
    conditions.into_iter().find_map(|(kind, value)| Some((kind, kind.columns(), value?)))
}

fn matches(row: &Row<'_>, filter: &EventFilter) -> Result<bool, rusqlite::Error> {
    for (column, wanted) in
        [(2, &filter.source), (4, &filter.subject), (5, &filter.correlation_id), (6, &filter.principal)]
    {
        if let Some(wanted) = wanted
            && row.get_ref(column)?.as_str_or_null()? != Some(wanted)
        {
            return Ok(false);
        }
    }
    if let Some(wanted) = &filter.event_type {
        let event_type = row.get_ref(3)?.as_str()?;
        let is_wanted = match wanted {
            TypeFilter::Exact(wanted) => event_type == wanted,
            TypeFilter::Below(prefix) => {
                event_type.strip_prefix(prefix.as_str()).is_some_and(|rest| rest.starts_with('.'))
            }
        };
        if !is_wanted {
            return Ok(false);
        }
    }
    let arrived: i64 = row.get(1)?;
    if filter.since.is_some_and(|since| arrived < millis(since))
        || filter.until.is_some_and(|until| arrived >= millis(until))
    {
        return Ok(false);
    }
    match &filter.text {
        Some(text) => Ok(row.get_ref(7)?.as_str()?.contains(text.as_str())),
        None => Ok(true),
    }
}

/// In one statement without the inner ones SQLite would go through all events.
const BOUNDS: &str =
    "SELECT coalesce((SELECT min(position) FROM events), 0), coalesce((SELECT max(position) FROM events), 0)";
const NEXT: &str = "SELECT position, arrived FROM events WHERE position > ?1 ORDER BY position LIMIT 1";

/// The last position of an event that came in before a time, if clocks only went forward; 0 when there is none.
fn came_before(connection: &Connection, time: i64) -> Result<Position, rusqlite::Error> {
    let bounds = connection
        .prepare_cached(BOUNDS)?
        .query_row([], |row| Ok((row.get::<_, Position>(0)?, row.get::<_, Position>(1)?)))?;
    let (mut low, mut high) = (bounds.0.saturating_sub(1), bounds.1);
    let mut next = connection.prepare_cached(NEXT)?;
    // All up to `low` came before it, all beyond `high` did not.
    while low < high {
        let middle = low.midpoint(high);
        let found: Option<(Position, i64)> =
            next.query_row([middle], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        match found {
            Some((position, arrived)) if position <= high && arrived < time => low = position,
            _ => high = middle,
        }
    }
    Ok(low)
}

fn earlier(time: OffsetDateTime) -> i64 {
    millis(time).saturating_sub(CLOCK_STEP_MILLIS)
}

fn later(time: OffsetDateTime) -> i64 {
    millis(time).saturating_add(CLOCK_STEP_MILLIS)
}

#[cfg(test)]
mod tests {
    use super::super::{Durability, schema};
    use super::*;

    #[test]
    fn no_filter_makes_the_store_sort_or_look_at_all_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let connection = Connection::open(folder.path().join("store")).unwrap();
        schema::prepare(&connection, Durability::Truth).unwrap();
        connection.execute("UPDATE stand SET indexed = 20", []).unwrap();
        let is_searched = |sql: &str, values: Vec<Value>| {
            let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let steps = statement.query_map(params_from_iter(values), |row| row.get::<_, String>(3)).unwrap();
            let steps: Vec<_> = steps.map(Result::unwrap).collect();
            let is_short = |step: &String| {
                step.starts_with("SEARCH") || step.starts_with("SCALAR SUBQUERY") || step == "SCAN CONSTANT ROW"
            };
            assert!(steps.iter().all(is_short), "{sql}: {steps:?}");
        };
        is_searched(BOUNDS, Vec::new());
        is_searched(NEXT, vec![Value::Integer(7)]);
        let text = || Some("x".to_owned());
        let any = EventFilter { after: Some(7), limit: 9, ..EventFilter::default() };
        for order in [Order::Ascending, Order::Descending] {
            for filter in [
                any.clone(),
                EventFilter { event_type: Some(TypeFilter::Exact("x".to_owned())), ..any.clone() },
                EventFilter { event_type: Some(TypeFilter::Below("x".to_owned())), ..any.clone() },
                EventFilter { source: text(), ..any.clone() },
                EventFilter { principal: text(), text: text(), ..any.clone() },
                EventFilter { source: text(), subject: text(), correlation_id: text(), ..any.clone() },
            ] {
                let looks = looks(&connection, &EventFilter { order, ..filter }).unwrap();
                assert!(!looks.is_empty());
                looks.into_iter().for_each(|Look { sql, values }| is_searched(&sql, values));
            }
        }
    }

    #[test]
    fn a_look_that_takes_too_long_says_how_far_it_has_come() {
        let folder = tempfile::tempdir().unwrap();
        let connection = Connection::open(folder.path().join("store")).unwrap();
        schema::prepare(&connection, Durability::Truth).unwrap();
        connection
            .execute_batch(
                "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
                 INSERT INTO events SELECT i * 5, i, 1, 's', i, 't', NULL, NULL, NULL, '{}' FROM n",
            )
            .unwrap();
        let filter = EventFilter { text: Some("nowhere".to_owned()), limit: 9, ..EventFilter::default() };
        let page = query_within(Duration::ZERO, &connection, &filter).unwrap();
        assert_eq!(page, Page { events: Vec::new(), next_after: Some(255 * 5) });
        let rest = EventFilter { after: page.next_after, ..filter };
        assert_eq!(query_within(LOOK, &connection, &rest).unwrap(), Page::default());
    }

    #[test]
    fn a_time_is_found_in_the_log_between_whatever_stands_there() {
        let folder = tempfile::tempdir().unwrap();
        let connection = Connection::open(folder.path().join("store")).unwrap();
        schema::prepare(&connection, Durability::Truth).unwrap();
        assert_eq!(came_before(&connection, 7).unwrap(), 0);
        let arrivals = [(3, 10), (4, 20), (90, 20), (91, 30), (4000, 40)];
        for (position, arrived) in arrivals {
            let sql = "INSERT INTO events VALUES (?1, ?2, 1, 's', 'i', 't', NULL, NULL, NULL, '{}')";
            connection.execute(sql, [position, arrived]).unwrap();
        }
        for time in 0..50 {
            let before = arrivals.iter().filter(|(_, arrived)| *arrived < time).map(|(position, _)| *position).max();
            let found = came_before(&connection, time).unwrap();
            let next = arrivals.iter().find(|(position, _)| *position > i64::try_from(found).unwrap());
            assert!(i64::try_from(found).unwrap() >= before.unwrap_or(0), "{time}");
            assert!(next.is_none_or(|(_, arrived)| *arrived >= time), "{time}");
        }
    }
}
