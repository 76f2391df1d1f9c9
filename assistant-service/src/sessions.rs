//! Sessions of further devices: a code that is shown on one screen lets another device in, for the same person and with less rights.
//!
//! ```text
//! link:   offer ▶ redeem (proof) ▶ number ▶ confirmation ▶ token (proof) ▶ refresh …
//! code:   device (proof) ▶ join  ▶          confirmation ▶ token (proof) ▶ refresh …
//! ```
//!
//! The service is one more issuer of the gate here (docs/decisions/0024-sessions.md).

mod access_token;
mod book;
pub(crate) mod confirm;
pub(crate) mod device;
mod grant;
pub(crate) mod offer;
mod owned;
pub(crate) mod picture;
mod proofs;
mod record;
pub(crate) mod redeem;
mod refusal;
mod secrets;
mod settings;
mod telling;
pub(crate) mod token;
mod waiting;

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use trust_core::dpop::token_request::TokenRequests;
use trust_core::principal::Principal;

use crate::backbone::Backbone;
use crate::clock::Clock;
use crate::exchange::signing_key::SigningKeyFile;
use crate::rate::Rate;
use crate::trust::TrustBook;
use secrets::Secrets;
use settings::Settings;

/// Codes that one person may try in a minute.
const JOINS_PER_MINUTE: u32 = 10;

/// Codes that devices whom nobody knows may ask for in a minute, at this replica.
const STRANGERS_PER_MINUTE: u32 = 600;

/// The same of one source, where the gate knows it.
const STRANGERS_PER_SOURCE: u32 = 20;

/// Questions of one session for tokens, in a minute and at this replica: more than twice as many as its interval lets it ask.
const QUESTIONS_PER_MINUTE: u32 = 30;

/// Sessions, and all that they are made with.
pub struct Sessions {
    backbone: Arc<dyn Backbone>,
    clock: Arc<dyn Clock>,
    trust: Arc<TrustBook>,
    settings: Settings,
    signing_key: SigningKeyFile,
    secrets: Secrets,
    requests: TokenRequests,
    rates: Rates,
}

/// How often something may be tried, at this replica.
struct Rates {
    joins: Rate<Principal>,
    strangers: Rate<()>,
    sources: Rate<IpAddr>,
    questions: Rate<String>,
}

impl Sessions {
    /// Reads the settings, and the files that they name. Nothing where the settings have mistakes, which are printed.
    ///
    /// # Errors
    /// When a file cannot be used.
    pub fn open(
        file: &Path,
        backbone: Arc<dyn Backbone>,
        clock: Arc<dyn Clock>,
        trust: Arc<TrustBook>,
    ) -> anyhow::Result<Option<Self>> {
        let Some(settings) = crate::config_file::load(file, Settings::read)? else { return Ok(None) };
        let origins: Vec<_> = settings.origins().cloned().collect();
        let requests = TokenRequests::new(&origins)
            .ok_or_else(|| anyhow::anyhow!("{}: an origin is such as https://gw.example.com", file.display()))?;
        let signing_key = SigningKeyFile::open(settings.key_file.clone())?;
        let secrets = Secrets::read(&settings.handle_key_file)?;
        let (joins, strangers) = (Rate::new(JOINS_PER_MINUTE), Rate::new(STRANGERS_PER_MINUTE));
        let (sources, questions) = (Rate::new(STRANGERS_PER_SOURCE), Rate::new(QUESTIONS_PER_MINUTE));
        let rates = Rates { joins, strangers, sources, questions };
        Ok(Some(Self { backbone, clock, trust, settings, signing_key, secrets, requests, rates }))
    }
}

#[cfg(test)]
mod tests;
