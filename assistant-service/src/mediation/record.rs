//! One mediation: both sides of it, and what may happen to it next. Pure: times are arguments, and nothing here reaches out.

mod agreement;
mod party;

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};
use trust_core::principal::Principal;
use utoipa::ToSchema;

pub(super) use agreement::Agreement;
pub(super) use party::{Joint, MadeBy, ModelIs, Outcome, Party, Private, Restatement};

use crate::problem::Problem;

/// As many texts are taken of each side of a mediation: what is not settled by then is for a room with people in it.
pub(super) const MOST_TURNS: u32 = 15;

/// After as many answers of models that had words of the other side in them, no model is asked any more.
const MOST_WITHHELD: u32 = 2;

/// How long a mediation is kept in which nothing happens, or after the day on which it is asked whether the agreement held.
pub(super) const IDLE_KEPT_FOR: Duration = Duration::days(90);

/// How long it is kept after its end.
pub(super) const ENDED_KEPT_FOR: Duration = Duration::days(30);

/// Where a mediation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// At least one side has not shared its view.
    Open,
    /// Both have, and may read each other's.
    Shared,
    /// Both have agreed on something.
    Agreed,
    /// It is time to say whether the agreement held.
    FollowUp,
    /// Both have said so.
    Closed,
    /// One of them has left.
    Left,
}

impl State {
    /// Its name on the wire.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Shared => "shared",
            Self::Agreed => "agreed",
            Self::FollowUp => "follow_up",
            Self::Closed => "closed",
            Self::Left => "left",
        }
    }

    /// Whether nothing comes any more.
    pub(super) fn is_final(self) -> bool {
        matches!(self, Self::Closed | Self::Left)
    }
}

/// One of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Side {
    /// Whoever began it.
    First,
    /// Whom they want to settle it with.
    Second,
}

impl Side {
    pub(super) const BOTH: [Self; 2] = [Self::First, Self::Second];

    pub(super) fn other(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }
}

/// Everything of one mediation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) id: String,
    /// What it is about, in words that both read.
    pub(super) topic: String,
    pub(super) state: State,
    #[serde(with = "time::serde::rfc3339")]
    pub(super) created_at: OffsetDateTime,
    /// When anything was changed, which a side may not know; what it may know of is in [`Party::updated_at`].
    #[serde(with = "time::serde::rfc3339")]
    pub(super) updated_at: OffsetDateTime,
    /// How many answers of models had words in them that their readers may not know.
    pub(super) withheld: u32,
    pub(super) first: Party,
    pub(super) second: Party,
    /// What comes of what both have shared.
    pub(super) joint: Option<Joint>,
    pub(super) agreement: Option<Agreement>,
}

impl Record {
    pub(super) fn new(id: String, topic: String, first: Principal, second: Principal, now: OffsetDateTime) -> Self {
        Self {
            id,
            topic,
            state: State::Open,
            created_at: now,
            updated_at: now,
            withheld: 0,
            first: Party::of(first, now),
            second: Party::of(second, now),
            joint: None,
            agreement: None,
        }
    }

    /// Which side somebody is on. Whoever is on none, or has left, is told no more than that there is nothing.
    pub(super) fn side_of(&self, who: &Principal) -> Result<Side, Problem> {
        let mut own =
            Side::BOTH.into_iter().filter(|side| self.party(*side).principal == *who && !self.party(*side).has_left);
        own.next().ok_or(Problem::NotFound)
    }

    pub(super) fn party(&self, side: Side) -> &Party {
        match side {
            Side::First => &self.first,
            Side::Second => &self.second,
        }
    }

    pub(super) fn party_mut(&mut self, side: Side) -> &mut Party {
        match side {
            Side::First => &mut self.first,
            Side::Second => &mut self.second,
        }
    }

    /// What both have shared, once both have.
    pub(super) fn shared_by_both(&self) -> Option<(&str, &str)> {
        Some((self.first.shared.as_ref()?.text(), self.second.shared.as_ref()?.text()))
    }

    /// From when on it counts as absent.
    pub(super) fn kept_until(&self) -> Option<OffsetDateTime> {
        if self.state.is_final() {
            return self.updated_at.checked_add(ENDED_KEPT_FOR);
        }
        let asked_at = self.agreement.as_ref().filter(|agreement| agreement.is_accepted()).map(|one| one.follow_up_at);
        asked_at.unwrap_or(self.updated_at).max(self.updated_at).checked_add(IDLE_KEPT_FOR)
    }

    /// Whether a further text of a side would be taken.
    pub(super) fn may_still_speak(&self, side: Side) -> Result<(), Problem> {
        self.is_still_spoken_in()?;
        self.has_turns_left(side)
    }

    fn is_still_spoken_in(&self) -> Result<(), Problem> {
        if !matches!(self.state, State::Open | State::Shared) {
            return Err(Problem::MediationState("Nothing is told or restated any more after an agreement or an end."));
        }
        Ok(())
    }

    fn has_turns_left(&self, side: Side) -> Result<(), Problem> {
        if self.party(side).turns >= MOST_TURNS {
            return Err(Problem::MediationState(
                "All your 15 turns are used. Accept what is proposed, leave, or go on with people in a room.",
            ));
        }
        Ok(())
    }

    /// Whether what a model says is of any use here still.
    pub(super) fn hears_models(&self) -> bool {
        self.withheld < MOST_WITHHELD
    }

    /// A model's answer had words in it that its readers may not know.
    pub(super) fn withhold(&mut self) {
        self.withheld = self.withheld.saturating_add(1);
    }

    /// A side tells what it is about for it. What it has shared before stays shared until it shares something else.
    pub(super) fn tell(&mut self, side: Side, account: Private, restatement: Restatement) -> Result<(), Problem> {
        self.may_still_speak(side)?;
        let party = self.party_mut(side);
        party.turns = party.turns.saturating_add(1);
        party.account = Some(account);
        party.restatement = Some(restatement);
        Ok(())
    }

    /// A side settles on how its view is said, and whether the other side may read that; what both share changes with it.
    pub(super) fn settle(&mut self, side: Side, restatement: Restatement, is_shared: bool) -> Result<(), Problem> {
        self.may_still_speak(side)?;
        let party = self.party_mut(side);
        party.turns = party.turns.saturating_add(1);
        party.shared = is_shared.then(|| restatement.text.clone());
        party.restatement = Some(restatement);
        self.joint = None;
        self.state = if self.shared_by_both().is_some() { State::Shared } else { State::Open };
        Ok(())
    }

    /// A side takes back what it shares. It costs no turn: whoever has used them all can do so still. Whether anything changes.
    pub(super) fn take_back(&mut self, side: Side) -> Result<bool, Problem> {
        if self.party(side).shared.is_none() {
            return Ok(false);
        }
        self.is_still_spoken_in()?;
        self.party_mut(side).shared = None;
        self.joint = None;
        self.state = State::Open;
        Ok(true)
    }

    /// A side goes, and its words with it, and what was made of them. An agreement of both stays the other's as well.
    pub(super) fn leave(&mut self, side: Side) {
        self.party_mut(side).forget();
        self.joint = None;
        self.agreement = self.agreement.take().filter(Agreement::is_accepted);
        self.state = State::Left;
    }

    /// Whether somebody has left, and nobody is left who has said anything.
    pub(super) fn is_empty(&self) -> bool {
        let has_words = |side: &Side| self.party(*side).private_words().next().is_some();
        self.state == State::Left && !Side::BOTH.iter().any(has_words)
    }
}
