//! How long events are kept: by class, which is a name for some types. A class is let go from its oldest end.

use std::time::Duration;

use time::OffsetDateTime;

use super::store::{Classed, Segment};
use super::{NewEvent, Position};

/// The class of everything that no other one takes.
pub const DEFAULT_CLASS: &str = "default";

/// All classes. Without any, everything is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// In this order; the first whose types fit counts.
    pub classes: Vec<Class>,
    /// For all other types.
    pub rest: Limits,
}

/// Some types, and how long they are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Class {
    /// Its name; the events that are kept carry it.
    pub name: String,
    /// Types, and `prefix.*` for all below one.
    pub types: Vec<String>,
    /// How long, how much.
    pub limits: Limits,
}

/// What is kept of a class; without a limit all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// No longer than this.
    pub max_age: Option<Duration>,
    /// No more than so many bytes of JSON.
    pub max_bytes: Option<u64>,
}

/// That a class is let go up to a position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Floor {
    pub(super) class: String,
    pub(super) position: Position,
}

impl Retention {
    /// The name of a type's class.
    #[must_use]
    pub fn class_of(&self, event_type: &str) -> &str {
        let class = self.classes.iter().find(|class| class.types.iter().any(|pattern| takes(pattern, event_type)));
        class.map_or(DEFAULT_CLASS, |class| &class.name)
    }

    /// Whether nothing is kept for ever.
    pub(super) fn lets_all_go(&self) -> bool {
        let mut limits = self.classes.iter().map(|class| class.limits).chain([self.rest]);
        limits.all(|limits| limits.max_age.is_some() || limits.max_bytes.is_some())
    }

    pub(super) fn classed<'b>(&'b self, event: &'b NewEvent) -> Classed<'b> {
        Classed { event, class: self.class_of(&event.event_type) }
    }

    /// A class that is not known here is somebody else's to let go: another replica may know it.
    fn limits_of(&self, class: &str) -> Limits {
        match self.classes.iter().find(|known| known.name == class) {
            Some(known) => known.limits,
            None if class == DEFAULT_CLASS => self.rest,
            None => Limits::default(),
        }
    }

    /// What is to be let go of the segments that are kept, which come by class, old ones first. The newest segment of a class
    /// is never too much: it is still being written.
    pub(super) fn overdue(&self, segments: &[Segment], now: OffsetDateTime) -> Vec<Floor> {
        let now = i64::try_from(now.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX);
        let mut floors = Vec::new();
        for of_one in segments.chunk_by(|one, next| one.class == next.class) {
            let Some(class) = of_one.first().map(|segment| &segment.class) else { continue };
            let Limits { max_age, max_bytes } = self.limits_of(class);
            let mut bytes = of_one.iter().fold(0_u64, |sum, segment| sum.saturating_add(segment.bytes));
            let mut floor = None;
            let newest = of_one.last().map(|segment| segment.last);
            for segment in of_one {
                let age = u128::try_from(now.saturating_sub(segment.newest)).unwrap_or_default();
                let is_old = max_age.is_some_and(|max_age| age > max_age.as_millis());
                let is_too_much = max_bytes.is_some_and(|max_bytes| bytes > max_bytes) && Some(segment.last) != newest;
                if !is_old && !is_too_much {
                    break;
                }
                bytes = bytes.saturating_sub(segment.bytes);
                floor = Some(segment.last);
            }
            floors.extend(floor.map(|position| Floor { class: class.clone(), position }));
        }
        floors
    }
}

fn takes(pattern: &str, event_type: &str) -> bool {
    match pattern.strip_suffix("*") {
        Some(prefix) => prefix.is_empty() || (prefix.ends_with('.') && event_type.starts_with(prefix)),
        None => pattern == event_type,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(name: &str, types: &[&str], max_age: Option<u64>, max_bytes: Option<u64>) -> Class {
        let limits = Limits { max_age: max_age.map(Duration::from_secs), max_bytes };
        Class { name: name.to_owned(), types: types.iter().map(|&text| text.to_owned()).collect(), limits }
    }

    fn segment(class: &str, last: Position, newest: i64, bytes: u64) -> Segment {
        Segment { class: class.to_owned(), last, newest, bytes }
    }

    #[test]
    fn the_first_class_that_takes_a_type_counts() {
        let retention = Retention {
            classes: vec![class("exact", &["a.b"], None, None), class("below", &["a.*", "c"], None, None)],
            rest: Limits::default(),
        };
        for (event_type, name) in [
            ("a.b", "exact"),
            ("a.b.c", "below"),
            ("a.c", "below"),
            ("a", "default"),
            ("ab.c", "default"),
            ("c", "below"),
        ] {
            assert_eq!(retention.class_of(event_type), name, "{event_type}");
        }
    }

    #[test]
    fn each_class_is_let_go_by_its_own_age_and_size_and_never_out_of_order() {
        let retention = Retention {
            classes: vec![class("small", &["s"], None, Some(100)), class("short", &["t"], Some(10), None)],
            rest: Limits::default(),
        };
        let segments = [
            segment("default", 1, 0, 1_000_000),
            segment("short", 2, 1_000, 1),
            // A clock that was set back: older than the one before it, yet it comes after it.
            segment("short", 5, 15_000, 1),
            segment("short", 6, 2_000, 1),
            segment("small", 3, 0, 60),
            segment("small", 7, 0, 60),
            segment("small", 8, 0, 30),
        ];
        let floors = retention.overdue(&segments, OffsetDateTime::UNIX_EPOCH + Duration::from_secs(20));
        let floor = |class: &str, position| Floor { class: class.to_owned(), position };
        assert_eq!(floors, [floor("short", 2), floor("small", 3)]);
    }
}
