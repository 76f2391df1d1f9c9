//! What one look at what is left has found.

mod commands;

use std::fmt::{self, Display};

pub(crate) use commands::Commands;

/// Counts, and everything that breaks a promise.
#[derive(Clone, Debug, Default)]
pub(crate) struct Verdict {
    /// Operations that were acknowledged.
    pub(crate) acknowledged: u64,
    /// Events that are stored.
    pub(crate) stored: u64,
    /// Operations that nobody acknowledged and that may be there, and how many of them are.
    pub(crate) in_doubt: u64,
    pub(crate) in_doubt_stored: u64,
    pub(crate) lost: u64,
    pub(crate) twice: u64,
    pub(crate) out_of_order: u64,
    pub(crate) half: u64,
    pub(crate) never_asked_for: u64,
    /// The counter, and the bounds it must be in.
    pub(crate) counter: (u64, u64, u64),
    /// Answers that a second offer got.
    pub(crate) offered_twice: u64,
    pub(crate) replicas: u64,
    /// What holders had in their hands, where there were any.
    pub(crate) leases: Option<Leases>,
    /// What was found of commands, where they are all that there is.
    pub(crate) commands: Option<Commands>,
    /// Sentences, for whoever has to find out why.
    pub(crate) violations: Vec<String>,
}

/// Leases of a consumer's holders, and what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Leases {
    pub(crate) taken: u64,
    /// Holders that were ended or fell silent, and what they held then.
    pub(crate) died: u64,
    pub(crate) died_holding: u64,
    /// Of those that were taken, the ones that somebody had had before.
    pub(crate) handed_out_again: u64,
    /// Hand-outs whose answer nobody heard.
    pub(crate) unheard: u64,
    /// Words under a fence that was outdated.
    pub(crate) refused_late: u64,
    /// Events whose word has no answer, and that nobody was handed after it.
    pub(crate) in_doubt: u64,
    pub(crate) lost: u64,
    pub(crate) twice: u64,
    pub(crate) out_of_order: u64,
    pub(crate) early: u64,
}

impl Display for Leases {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { taken, died, died_holding, handed_out_again, unheard, refused_late, in_doubt, .. } = self;
        let Self { lost, twice, out_of_order, early, .. } = self;
        write!(
            out,
            "{taken} leases, {died} holders died with {died_holding} of them, {handed_out_again} handed out again, {unheard} \
             unheard of, {refused_late} late acks refused, {in_doubt} in doubt; lost {lost}, twice {twice}, out of order \
             {out_of_order}, too early {early}"
        )
    }
}

impl Verdict {
    pub(crate) fn violate(&mut self, sentence: String) {
        self.violations.push(sentence);
    }

    fn tell_of_replicas(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.replicas > 1 {
            write!(out, "; {} replicas that know the same", self.replicas)?;
        }
        Ok(())
    }
}

impl Display for Verdict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(commands) = &self.commands {
            write!(out, "{commands}")?;
            return self.tell_of_replicas(out);
        }
        let (counter, least, most) = self.counter;
        write!(
            out,
            "acknowledged {} operations, in doubt {} ({} of them stored), stored {} events; lost {}, twice {}, out of order {}, \
             half there {}, never asked for {}; counter {counter} within {least}..={most}; offered again {}",
            self.acknowledged,
            self.in_doubt,
            self.in_doubt_stored,
            self.stored,
            self.lost,
            self.twice,
            self.out_of_order,
            self.half,
            self.never_asked_for,
            self.offered_twice,
        )?;
        self.tell_of_replicas(out)?;
        if let Some(leases) = self.leases {
            write!(out, "; {leases}")?;
        }
        Ok(())
    }
}
