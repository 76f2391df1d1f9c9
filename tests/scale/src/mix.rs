//! What is asked for, in which shares, and how soon it must be answered.

/// A kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// To another service, which the gate lets through.
    Passed,
    /// One event.
    Event,
    /// The last events of a subject.
    Query,
    /// A question that is answered from documents.
    Ask,
    /// A call of a command's life: asked for, leased, begun, done.
    CommandCall,
}

/// A kind, its share of all requests, and how soon 99 of a hundred must be answered, in seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    pub(crate) kind: Kind,
    pub(crate) share: f64,
    pub(crate) p99_within: f64,
}

const fn part(kind: Kind, share: f64, p99_within: f64) -> Part {
    Part { kind, share, p99_within }
}

/// A platform whose requests mostly go to its other services.
pub(crate) const MIX: [Part; 5] = [
    part(Kind::Passed, 0.892, 0.010),
    part(Kind::Event, 0.080, 0.050),
    part(Kind::Query, 0.012, 0.050),
    part(Kind::Ask, 0.008, 0.100),
    part(Kind::CommandCall, 0.008, 0.050),
];

/// Tails that show each event.
pub(crate) const TAILS_OF_AN_EVENT: f64 = 2.0;

/// Requests that are open, tails and long polls, for each request a second; and the share of tails among them.
pub(crate) const OPEN_FOR_EACH: f64 = 0.5;
pub(crate) const TAILS_OF_OPEN: f64 = 0.1;

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed on",
            Self::Event => "event",
            Self::Query => "query",
            Self::Ask => "question",
            Self::CommandCall => "command call",
        }
    }

    /// Whether it is a job for the log.
    pub(crate) fn commits(self) -> bool {
        matches!(self, Self::Event | Self::Ask | Self::CommandCall)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_one_whole() {
        assert!((MIX.iter().map(|part| part.share).sum::<f64>() - 1.0).abs() < 1e-9);
    }
}
