//! The whole table, row by row.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use attack_table::{Expected, Forge, Row, gates, rows};

use crate::stage::{AUTHORITY, NOW, Stage};
use crate::{Failure, transactions};

/// What came of the table.
#[derive(Clone, Debug, Default)]
pub struct Played {
    /// Rows that were played.
    pub rows: usize,
    /// Rows that only Go's HTTP server can refuse.
    pub left_to_traefik: usize,
    /// Reasons that some row expects.
    pub reasons: BTreeSet<&'static str>,
    /// Rows that came out otherwise than expected.
    pub failures: Vec<Failure>,
}

/// The words for reasons, where they are given out.
const CODES: &str = include_str!("../../../trust-core/src/denial/code.rs");

/// Plays every row. A reason that no row expects is a failure, too.
pub fn play_all() -> Result<Played> {
    let forge = Forge::new(NOW)?;
    let files: BTreeMap<_, _> = gates::trust_files(&forge).into_iter().collect();
    let mut played = Played::default();
    let mut shared = Stage::new(&forge, &files);
    for row in rows::all(&forge, AUTHORITY)? {
        match row.expected {
            Expected::RefusedByServer { .. } => {
                played.left_to_traefik = played.left_to_traefik.saturating_add(1);
                continue;
            }
            Expected::Denied { reason, .. } => drop(played.reasons.insert(reason)),
            Expected::AnsweredByGate | Expected::Passes(_) => {}
        }
        played.rows = played.rows.saturating_add(1);
        // What comes before one row must not reach another.
        let is_alone = row.before.is_empty();
        let wrong = if is_alone { wrong(&mut shared, &row) } else { wrong(&mut Stage::new(&forge, &files), &row) };
        played.failures.extend(wrong.map(|outcome| Failure { row: row.name, outcome }));
    }
    for (row, reason, outcome) in transactions::play()? {
        played.rows = played.rows.saturating_add(1);
        played.reasons.extend(reason);
        played.failures.extend(outcome.map(|outcome| Failure { row: row.to_owned(), outcome }));
    }
    let unexpected = every_reason().filter(|reason| !played.reasons.contains(reason));
    let missing = unexpected.map(|reason| Failure { row: reason.to_owned(), outcome: "no row expects it".to_owned() });
    played.failures.extend(missing);
    Ok(played)
}

fn wrong(stage: &mut Stage<'_>, row: &Row) -> Option<String> {
    match stage.play(row) {
        Ok(became) => became.held_against(&row.expected),
        Err(error) => Some(format!("{error:#}")),
    }
}

/// Every reason that there is, by its word.
fn every_reason() -> impl Iterator<Item = &'static str> {
    let denials = CODES.lines().filter_map(|line| line.split_once("=> \"")?.1.split('"').next());
    denials.chain(transactions::REASONS)
}
