//! What the checks of one round have in common: the way to the gateway, and who comes.

use std::sync::{Arc, Mutex, PoisonError};

use super::attacks::Forger;
use super::credential::Token;
use super::gateway::Gateway;
use super::live::LiveSession;
use super::settings::Settings;
use crate::clock::Clock;

/// Longer than any leeway of a gate, in seconds.
const LEEWAY: i64 = 300;

/// Tokens that may still lapse; of a provider that gives one a minute, good for half an hour.
const MOST_EARLIER: usize = 64;

/// One round.
pub(super) struct Walk<'a> {
    pub(super) settings: &'a Settings,
    pub(super) clock: &'a dyn Clock,
    pub(super) gateway: &'a Gateway,
    pub(super) tokens: &'a Tokens,
    pub(super) forger: &'a Forger,
    /// The sessions of the probe's account, once somebody has looked.
    pub(super) sessions: &'a Mutex<Option<Vec<LiveSession>>>,
}

/// A token that the gate takes, and whose it is.
pub(super) struct Identity {
    pub(super) token: Arc<Token>,
    pub(super) principal: String,
}

/// The probe's own tokens: the newest, and those before it.
#[derive(Default)]
pub(super) struct Tokens(Mutex<Vec<Arc<Token>>>);

impl Tokens {
    /// Takes a new one.
    pub(super) fn add(&self, token: Token) -> Arc<Token> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = all.last().filter(|known| known.text == token.text) {
            return Arc::clone(known);
        }
        let token = Arc::new(token);
        all.push(Arc::clone(&token));
        if all.len() > MOST_EARLIER {
            all.remove(0);
        }
        token
    }

    /// The newest, however old.
    pub(super) fn known(&self) -> Option<Arc<Token>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).last().cloned()
    }

    /// The newest that still counts, by what it says of itself.
    pub(super) fn good(&self, now: i64) -> Option<Arc<Token>> {
        self.known().filter(|token| token.expires_at().is_some_and(|end| end > now))
    }

    /// One that no gate may take any more; those before it are forgotten.
    pub(super) fn lapsed(&self, now: i64) -> Option<Arc<Token>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let has_lapsed = |token: &Arc<Token>| token.expires_at().is_some_and(|end| end.saturating_add(LEEWAY) < now);
        let last = all.iter().rposition(has_lapsed)?;
        all.drain(..last);
        all.first().cloned()
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    use serde_json::json;
    use zeroize::Zeroizing;

    use super::*;

    fn until(end: i64) -> Token {
        let claims = BASE64_URL_SAFE_NO_PAD.encode(json!({"exp": end}).to_string());
        Token::of(Zeroizing::new(format!("e30.{claims}.c2ln")))
    }

    #[test]
    fn an_own_token_is_an_attack_once_no_leeway_saves_it() {
        let tokens = Tokens::default();
        for end in [600, 660, 2000] {
            tokens.add(until(end));
        }
        assert!(tokens.lapsed(900).is_none());
        assert_eq!(tokens.lapsed(901).unwrap().expires_at(), Some(600));
        assert_eq!(tokens.lapsed(1500).unwrap().expires_at(), Some(660));
        assert_eq!(tokens.good(1500).unwrap().expires_at(), Some(2000));
        assert!(tokens.good(2000).is_none());
    }

    #[test]
    fn the_same_token_read_again_is_one_token() {
        let tokens = Tokens::default();
        let first = tokens.add(until(600));
        assert!(Arc::ptr_eq(&first, &tokens.add(until(600))));
    }
}
