//! What one side may see of a mediation. There is no other way from a record to an answer.

use serde::Serialize;
use time::OffsetDateTime;
use trust_core::principal::Principal;
use utoipa::ToSchema;

use super::form::{HONESTLY, Question, questions};
use super::record::{Joint, MOST_TURNS, MadeBy, Outcome, Private, Record, Side, State};

/// A person as the gate knows them.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Person {
    /// The issuer of their tokens.
    pub(super) issuer: String,
    /// Their subject there.
    pub(super) subject: String,
}

impl Person {
    fn of(principal: &Principal) -> Self {
        Self { issuer: principal.issuer().to_owned(), subject: principal.subject().to_owned() }
    }
}

/// A mediation as one of the two sees it.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct MediationView {
    id: String,
    topic: String,
    state: State,
    /// The other one.
    with: Person,
    /// Whether the caller began it.
    begun_by_you: bool,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// When anything was changed that the caller may see.
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
    /// How many texts of the caller's are still taken.
    turns_left: u32,
    /// What the caller has said; nobody else sees it.
    yours: Yours,
    theirs: Theirs,
    /// What comes of both views; there once both are shared.
    #[serde(skip_serializing_if = "Option::is_none")]
    together: Option<Together>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agreement: Option<AgreementView>,
    /// Whether it is time to say if the agreement held.
    asks_whether_it_held: bool,
    /// What the form asks, as long as the caller has told nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    form: Vec<Question>,
    /// What should be known of how this was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'static str>,
}

/// One's own side.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Yours {
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    /// How it would be said to the other one.
    #[serde(skip_serializing_if = "Option::is_none")]
    restatement: Option<String>,
    /// By which that is accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    restatement_id: Option<String>,
    /// Who wrote that.
    #[serde(skip_serializing_if = "Option::is_none")]
    made_by: Option<MadeBy>,
    /// What the other one may read once both have shared.
    #[serde(skip_serializing_if = "Option::is_none")]
    shared: Option<String>,
    /// What the caller could write to the other one.
    #[serde(skip_serializing_if = "Option::is_none")]
    draft: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    held: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

/// The other side, as far as it wants to be seen.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Theirs {
    has_left: bool,
    /// Whether it has shared something.
    has_shared: bool,
    /// That; there once both have.
    #[serde(skip_serializing_if = "Option::is_none")]
    shared: Option<String>,
    /// What it says of the agreement; there once both have said something.
    #[serde(skip_serializing_if = "Option::is_none")]
    held: Option<bool>,
}

/// What comes of what both have shared.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Together {
    common: Vec<String>,
    open: Vec<String>,
    next_steps: Vec<String>,
    made_by: MadeBy,
}

/// An agreement or a proposal of one.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct AgreementView {
    /// By which it is accepted.
    id: String,
    text: String,
    #[serde(with = "time::serde::rfc3339")]
    follow_up_at: OffsetDateTime,
    proposed_by: Person,
    #[serde(with = "time::serde::rfc3339")]
    proposed_at: OffsetDateTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    accepted_by: Option<Person>,
    #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    accepted_at: Option<OffsetDateTime>,
}

impl MediationView {
    /// What `side` sees of it.
    pub(super) fn of(record: &Record, side: Side, now: OffsetDateTime) -> Self {
        let (own, other) = (record.party(side), record.party(side.other()));
        let is_told = own.account.is_some() || record.state.is_final();
        let made_by = own.restatement.as_ref().map(|restatement| &restatement.made_by);
        let joint = record.joint.as_ref().filter(|_| record.shared_by_both().is_some());
        let is_form = [made_by, joint.map(|joint| &joint.made_by)].into_iter().flatten().any(is_form);
        Self {
            id: record.id.clone(),
            topic: record.topic.clone(),
            state: record.state,
            with: Person::of(&other.principal),
            begun_by_you: side == Side::First,
            created_at: record.created_at,
            updated_at: own.updated_at,
            turns_left: MOST_TURNS.saturating_sub(own.turns),
            yours: Yours::of(record, side, joint),
            theirs: Theirs::of(record, side),
            together: joint.map(Together::of),
            agreement: AgreementView::of(record),
            asks_whether_it_held: record.asks_whether_it_held(now) && own.outcome.is_none(),
            form: if is_told { Vec::new() } else { questions() },
            note: is_form.then_some(HONESTLY),
        }
    }
}

fn is_form(made_by: &MadeBy) -> bool {
    matches!(made_by, MadeBy::Form { .. })
}

impl Yours {
    fn of(record: &Record, side: Side, joint: Option<&Joint>) -> Self {
        let own = record.party(side);
        let text = |private: &Private| private.text().to_owned();
        let draft = joint.and_then(|joint| match side {
            Side::First => joint.first_draft.clone(),
            Side::Second => joint.second_draft.clone(),
        });
        let restated = own.restatement.as_ref();
        Self {
            account: own.account.as_ref().map(text),
            restatement: restated.map(|restated| text(&restated.text)),
            restatement_id: restated.map(|restated| restated.id.clone()),
            made_by: restated.map(|restated| restated.made_by.clone()),
            shared: own.shared.as_ref().map(text),
            draft,
            held: own.outcome.as_ref().map(|outcome| outcome.held),
            note: own.outcome.as_ref().and_then(|outcome| outcome.note.as_ref()).map(text),
        }
    }
}

impl Theirs {
    fn of(record: &Record, side: Side) -> Self {
        let (own, other) = (record.party(side), record.party(side.other()));
        let shared = other.shared.as_ref().filter(|_| record.shared_by_both().is_some());
        let held = |outcome: &Outcome| outcome.held;
        Self {
            has_left: other.has_left,
            has_shared: other.shared.is_some(),
            shared: shared.map(|shared| shared.text().to_owned()),
            held: own.outcome.as_ref().and(other.outcome.as_ref()).map(held),
        }
    }
}

impl Together {
    fn of(joint: &Joint) -> Self {
        let Joint { common, open, next_steps, made_by, .. } = joint.clone();
        Self { common, open, next_steps, made_by }
    }
}

impl AgreementView {
    fn of(record: &Record) -> Option<Self> {
        let agreement = record.agreement.as_ref()?;
        let person = |side: Side| Person::of(&record.party(side).principal);
        Some(Self {
            id: agreement.id.clone(),
            text: agreement.text.clone(),
            follow_up_at: agreement.follow_up_at,
            proposed_by: person(agreement.proposed_by),
            proposed_at: agreement.proposed_at,
            accepted_by: agreement.is_accepted().then(|| person(agreement.proposed_by.other())),
            accepted_at: agreement.accepted_at,
        })
    }
}

/// A mediation in a list.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Summary {
    id: String,
    topic: String,
    state: State,
    with: Person,
    begun_by_you: bool,
    /// When anything was changed that the caller may see.
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
    /// Whether it is time to say if the agreement held, and the caller has not.
    asks_whether_it_held: bool,
}

impl Summary {
    pub(super) fn of(record: &Record, side: Side, now: OffsetDateTime) -> Self {
        let (own, other) = (record.party(side), record.party(side.other()));
        Self {
            id: record.id.clone(),
            topic: record.topic.clone(),
            state: record.state,
            with: Person::of(&other.principal),
            begun_by_you: side == Side::First,
            updated_at: own.updated_at,
            asks_whether_it_held: record.asks_whether_it_held(now) && own.outcome.is_none(),
        }
    }
}
