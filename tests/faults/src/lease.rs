//! What holders put down of their leases: who asked, what was handed to whom under which fence, what was said of it and answered.

use std::fmt::{self, Display};
use std::time::Duration;

use crate::operation::Operation;

/// How long a holder may be silent: the least that a consumer takes.
pub(crate) const ACK_WAIT: Duration = Duration::from_secs(1);

/// What a holder asks for at once. So many hand-outs stay unseen when the answer to one question is lost.
pub(crate) const AT_ONCE: u64 = 3;

/// An event in somebody's hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Lease {
    pub(crate) position: u64,
    pub(crate) fence: u64,
}

/// One line of a holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LeaseLine {
    /// About to ask for events.
    Asked,
    /// Was handed this one.
    Handed(HandOut),
    /// All that the answer held stands above.
    Heard,
    /// About to say that it is done.
    Acking(Lease),
    /// That counted.
    Taken(Lease),
    /// That changed nothing.
    Stale(Lease),
    /// Was ended in the middle of whatever it did.
    Killed,
    /// Says no word of what it holds, until others have it.
    Silent,
}

/// An event as it was handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HandOut {
    pub(crate) lease: Lease,
    /// How often it had been handed out, this time included.
    pub(crate) attempt: u64,
    /// Who posted it.
    pub(crate) operation: Operation,
    /// When it was asked for and when it came, by one clock for all holders: it was handed out between the two.
    pub(crate) asked_millis: u64,
    pub(crate) heard_millis: u64,
}

impl Display for LeaseLine {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = |out: &mut fmt::Formatter<'_>, verb, Lease { position, fence }: &Lease| {
            write!(out, "{verb} {position} {fence}")
        };
        match self {
            Self::Asked => write!(out, "asked"),
            Self::Handed(HandOut { lease, attempt, operation, asked_millis, heard_millis }) => {
                said(out, "handed", lease)?;
                let Operation { writer, number } = operation;
                write!(out, " {attempt} {writer} {number} {asked_millis} {heard_millis}")
            }
            Self::Heard => write!(out, "heard"),
            Self::Acking(lease) => said(out, "acking", lease),
            Self::Taken(lease) => said(out, "taken", lease),
            Self::Stale(lease) => said(out, "stale", lease),
            Self::Killed => write!(out, "killed"),
            Self::Silent => write!(out, "silent"),
        }
    }
}

impl LeaseLine {
    /// Reads the words behind the holder's number.
    pub(crate) fn parse<'w>(mut words: impl Iterator<Item = &'w str>) -> Option<Self> {
        let verb = words.next()?;
        Some(match verb {
            "asked" => Self::Asked,
            "handed" => Self::Handed(HandOut {
                lease: lease(&mut words)?,
                attempt: number(&mut words)?,
                operation: Operation { writer: u32::try_from(number(&mut words)?).ok()?, number: number(&mut words)? },
                asked_millis: number(&mut words)?,
                heard_millis: number(&mut words)?,
            }),
            "heard" => Self::Heard,
            "acking" => Self::Acking(lease(&mut words)?),
            "taken" => Self::Taken(lease(&mut words)?),
            "stale" => Self::Stale(lease(&mut words)?),
            "killed" => Self::Killed,
            "silent" => Self::Silent,
            _ => return None,
        })
    }
}

fn lease<'w>(words: &mut impl Iterator<Item = &'w str>) -> Option<Lease> {
    Some(Lease { position: number(words)?, fence: number(words)? })
}

fn number<'w>(words: &mut impl Iterator<Item = &'w str>) -> Option<u64> {
    words.next()?.parse().ok()
}
