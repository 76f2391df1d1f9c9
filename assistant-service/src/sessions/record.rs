//! A session as it is kept: no token and no code of it, so that whoever reads the store can be nobody.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use trust_core::principal::Principal;
use utoipa::ToSchema;

use crate::clock::{millis, time_of};

/// How far a session has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// A link is shown, and nobody has redeemed it.
    Offered,
    /// A device has redeemed it and shows a number.
    Redeemed,
    /// A device shows a code, and nobody has typed it.
    Waiting,
    /// Somebody has typed it.
    Joined,
    /// The person has let the device in, which has not fetched a token.
    Confirmed,
    /// The device has tokens.
    Active,
    /// Over, before its time.
    Ended,
}

/// Whose a session is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Owner {
    pub(super) person: Principal,
    /// The session with the issuer in which this one was opened: when that is shut out, this one is.
    pub(super) opened_in: Option<String>,
}

/// The device, in its own words, and the thumbprint of its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Device {
    pub(super) words: String,
    pub(super) thumbprint: String,
    /// Since when it waits, in milliseconds.
    pub(super) since: i64,
}

/// A session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) id: String,
    pub(super) state: State,
    /// Until when it stays like that, in milliseconds; that of a session that has ended is until when it is remembered.
    pub(super) until: i64,
    pub(super) owner: Option<Owner>,
    pub(super) label: Option<String>,
    /// Where the device comes from.
    pub(super) origin: String,
    /// What it may do; for a device that waits, what it has asked for, which may be nothing.
    pub(super) scopes: Vec<String>,
    pub(super) created_at: i64,
    /// What a handle must name.
    pub(super) nonce: String,
    pub(super) device: Option<Device>,
    /// What the device shows, where it came by a link.
    pub(super) number: Option<String>,
    pub(super) wrong_numbers: u8,
    /// What the device shows, where nobody has shown it a link.
    pub(super) user_code: Option<String>,
    /// Unix seconds.
    pub(super) confirmed_at: Option<i64>,
    pub(super) polled_at: Option<i64>,
    /// How many refresh tokens there have been; the last one is good.
    pub(super) generation: u32,
    /// When the last one was given out, in milliseconds.
    #[serde(default)]
    pub(super) given_at: i64,
}

impl Record {
    /// A new one, of nobody and without a device.
    pub(super) fn new(state: State, now: OffsetDateTime, seconds: i64, origin: String) -> Self {
        Self {
            id: uuid::Uuid::now_v7().to_string(),
            state,
            until: in_seconds(now, seconds),
            owner: None,
            label: None,
            origin,
            scopes: Vec::new(),
            created_at: millis(now),
            nonce: super::secrets::random_text::<16>(),
            device: None,
            number: None,
            wrong_numbers: 0,
            user_code: None,
            confirmed_at: None,
            polled_at: None,
            generation: 0,
            given_at: 0,
        }
    }

    /// Whether its time is over, whatever it was.
    pub(super) fn is_over(&self, now: OffsetDateTime) -> bool {
        self.state == State::Ended || millis(now) >= self.until
    }

    /// Whether its device may have tokens, now or soon.
    pub(super) fn is_let_in(&self) -> bool {
        matches!(self.state, State::Confirmed | State::Active)
    }

    pub(super) fn until_time(&self) -> OffsetDateTime {
        time_of(self.until)
    }
}

/// So many seconds from `now`, in milliseconds.
pub(super) fn in_seconds(now: OffsetDateTime, seconds: i64) -> i64 {
    millis(now).saturating_add(seconds.saturating_mul(1000))
}
