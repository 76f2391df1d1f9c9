//! What lets a device go on: lifetimes, and the form bodies of OAuth.

use std::collections::BTreeMap;

use axum::Form;
use axum::extract::rejection::FormRejection;
use serde::Serialize;
use utoipa::ToSchema;

use super::refusal::{OAuthError, Refusal};
use crate::problem::Problem;

/// How long a device and its person have, from its first call to the confirmation, and from there to the first token.
pub(super) const CONFIRMING_SECONDS: i64 = 600;

/// Between two questions of a device, and by how much more it must wait that asks faster (RFC 8628, section 3.5).
pub(super) const INTERVAL_SECONDS: u32 = 5;

const MAX_WORDS: usize = 80;

/// Parameters of a form, each once (RFC 6749, section 3.2).
pub(super) struct Parameters(BTreeMap<String, String>);

impl Parameters {
    pub(super) fn read(form: Result<Form<Vec<(String, String)>>, FormRejection>) -> Result<Self, Refusal> {
        let Form(pairs) = form.map_err(|rejection| match rejection {
            FormRejection::InvalidFormContentType(_) => Refusal::Problem(Problem::UnsupportedMediaType),
            _ => OAuthError::InvalidRequest.into(),
        })?;
        let mut parameters = BTreeMap::new();
        for (name, value) in pairs {
            if parameters.insert(name, value).is_some() {
                return Err(OAuthError::InvalidRequest.into());
            }
        }
        Ok(Self(parameters))
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    pub(super) fn required(&self, name: &str) -> Result<&str, Refusal> {
        self.get(name).ok_or_else(|| OAuthError::InvalidRequest.into())
    }
}

/// What a device says of itself, or a person of a session: shown to people, so without what would disturb other words.
pub(super) fn is_words(text: &str) -> bool {
    let is_hidden = |character: char| {
        character.is_control()
            || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    !text.trim().is_empty() && text.chars().count() <= MAX_WORDS && !text.chars().any(is_hidden)
}

/// What is said of words that are none.
pub(super) fn not_words() -> String {
    format!("must have 1 to {MAX_WORDS} characters that can be seen")
}

/// A device's tokens (RFC 6749, section 5.1).
#[derive(Serialize, ToSchema)]
pub(crate) struct TokenAnswer {
    pub(super) access_token: String,
    /// `DPoP` (RFC 9449, section 5).
    pub(super) token_type: &'static str,
    pub(super) expires_in: i64,
    pub(super) refresh_token: String,
    pub(super) scope: String,
}
