//! What both agree on, who proposed and who accepted it and when, and whether it held.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{Outcome, Record, Side, State};
use crate::problem::Problem;

/// An agreement, or a proposal of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct Agreement {
    /// Of this very text: whoever accepts says which text they have read.
    pub(in super::super) id: String,
    pub(in super::super) text: String,
    #[serde(with = "time::serde::rfc3339")]
    pub(in super::super) follow_up_at: OffsetDateTime,
    pub(in super::super) proposed_by: Side,
    #[serde(with = "time::serde::rfc3339")]
    pub(in super::super) proposed_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    pub(in super::super) accepted_at: Option<OffsetDateTime>,
}

impl Agreement {
    pub(in super::super) fn is_accepted(&self) -> bool {
        self.accepted_at.is_some()
    }
}

impl Record {
    /// A side proposes; what was proposed before, by whomever, is no proposal any more. Whether anything changes.
    pub(in super::super) fn propose(&mut self, proposal: Agreement) -> Result<bool, Problem> {
        let is_the_same = |before: &Agreement| {
            before.text == proposal.text
                && before.proposed_by == proposal.proposed_by
                && before.follow_up_at == proposal.follow_up_at
        };
        if self.agreement.as_ref().is_some_and(is_the_same) {
            return Ok(false);
        }
        if self.state != State::Shared {
            return Err(Problem::MediationState(
                "An agreement is proposed once both have shared, and before there is one.",
            ));
        }
        self.has_turns_left(proposal.proposed_by)?;
        let party = self.party_mut(proposal.proposed_by);
        party.turns = party.turns.saturating_add(1);
        self.agreement = Some(proposal);
        Ok(true)
    }

    /// A side accepts what the other has proposed, by its id. Whether anything changes.
    pub(in super::super) fn accept(&mut self, side: Side, id: &str, now: OffsetDateTime) -> Result<bool, Problem> {
        let is_shared = self.state == State::Shared;
        let proposal = self.agreement.as_mut().filter(|proposal| proposal.id == id);
        let proposal = proposal.ok_or(Problem::MediationState("This is not what is proposed now; read it again."))?;
        if proposal.proposed_by == side {
            return Err(Problem::MediationState("The other side accepts what you have proposed."));
        }
        if proposal.is_accepted() {
            return Ok(false);
        }
        if !is_shared {
            return Err(Problem::MediationState(
                "One side does not share its view any more, so nothing can be accepted.",
            ));
        }
        proposal.accepted_at = Some(now);
        self.state = State::Agreed;
        Ok(true)
    }

    /// Whether it is time to ask whether the agreement held.
    pub(in super::super) fn asks_whether_it_held(&self, now: OffsetDateTime) -> bool {
        let is_due = |agreement: &Agreement| agreement.is_accepted() && agreement.follow_up_at <= now;
        matches!(self.state, State::Agreed | State::FollowUp) && self.agreement.as_ref().is_some_and(is_due)
    }

    /// A side says once whether the agreement held. Whether anything changes.
    pub(in super::super) fn conclude(
        &mut self,
        side: Side,
        outcome: Outcome,
        now: OffsetDateTime,
    ) -> Result<bool, Problem> {
        match &self.party(side).outcome {
            Some(before) if *before == outcome => return Ok(false),
            Some(_) => return Err(Problem::MediationState("You have said whether it held, which is said once.")),
            None if self.asks_whether_it_held(now) => {}
            None => return Err(Problem::MediationState("Whether an agreement held is said from its follow_up_at on.")),
        }
        self.party_mut(side).outcome = Some(outcome);
        let is_said_by_both = self.first.outcome.is_some() && self.second.outcome.is_some();
        self.state = if is_said_by_both { State::Closed } else { State::FollowUp };
        Ok(true)
    }
}
