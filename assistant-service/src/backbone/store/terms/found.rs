//! An event as the columns by which it is found.

use rusqlite::Row;

use super::{Kind, Term, identity};
use crate::backbone::NewEvent;

/// The columns by which an event is found.
pub(in super::super) struct Found<'e> {
    source: &'e str,
    id: &'e str,
    event_type: &'e str,
    subject: Option<&'e str>,
    correlation_id: Option<&'e str>,
    principal: Option<&'e str>,
}

impl<'e> From<&'e NewEvent> for Found<'e> {
    fn from(event: &'e NewEvent) -> Self {
        Self {
            source: &event.source,
            id: &event.id,
            event_type: &event.event_type,
            subject: event.subject.as_deref(),
            correlation_id: event.correlation_id.as_deref(),
            principal: event.principal.as_deref(),
        }
    }
}

impl<'e> Found<'e> {
    pub(super) const COLUMNS: &'static str = "source, id, type, subject, correlation_id, principal";

    /// Of a row whose columns from `first` on are [`Self::COLUMNS`].
    pub(super) fn of(row: &'e Row<'_>, first: usize) -> Result<Self, rusqlite::Error> {
        let text =
            |column: usize| Ok::<_, rusqlite::Error>(row.get_ref(first.saturating_add(column))?.as_str_or_null()?);
        let some = |column| Ok::<_, rusqlite::Error>(text(column)?.unwrap_or_default());
        Ok(Self {
            source: some(0)?,
            id: some(1)?,
            event_type: some(2)?,
            subject: text(3)?,
            correlation_id: text(4)?,
            principal: text(5)?,
        })
    }

    pub(super) fn terms(&self) -> impl Iterator<Item = Term> {
        let Self { source, id, event_type, subject, correlation_id, principal } = *self;
        let always = [identity(source, id), Kind::Source.term(source), Kind::Type.term(event_type)];
        let some = [(Kind::Subject, subject), (Kind::Correlation, correlation_id), (Kind::Principal, principal)];
        always.into_iter().chain(some.into_iter().filter_map(|(kind, value)| Some(kind.term(value?))))
    }
}
