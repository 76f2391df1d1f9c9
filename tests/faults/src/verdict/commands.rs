//! What was found of commands.

use std::collections::BTreeMap;
use std::fmt::{self, Display};

/// Counts of one play.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Commands {
    /// That were asked for and acknowledged, and how they ended.
    pub(crate) asked: u64,
    pub(crate) ends: BTreeMap<String, u64>,
    /// Changes of state in the log.
    pub(crate) changes: u64,
    pub(crate) leases: u64,
    /// Leases whose holder did not begin, and attempts that were followed by another.
    pub(crate) leases_lost: u64,
    pub(crate) tried_again: u64,
    /// Results that count, and those that came too late and are events.
    pub(crate) results: u64,
    pub(crate) late_results: u64,
    /// Handlers of the library that came to their end.
    pub(crate) handlers: u64,
    pub(crate) unanswered: u64,
    pub(crate) died: u64,
    pub(crate) lost: u64,
    pub(crate) twice: u64,
    pub(crate) off_the_table: u64,
    pub(crate) early: u64,
}

impl Display for Commands {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { asked, changes, leases, leases_lost, tried_again, results, late_results, handlers, .. } = self;
        let ends: Vec<_> = self.ends.iter().map(|(state, count)| format!("{state} {count}")).collect();
        write!(
            out,
            "{asked} commands, all ended: {}; {changes} changes, {leases} leases ({leases_lost} lost before the beginning), tried again \
             {tried_again}; {results} results that count, {late_results} too late, {handlers} told by the library; {} calls without an \
             answer, {} holders died; lost {}, twice {}, not in the table {}, too early {}",
            ends.join(", "),
            self.unanswered,
            self.died,
            self.lost,
            self.twice,
            self.off_the_table,
            self.early,
        )
    }
}
