//! The walk of a token through the exchange: known, or asked about once, however many clients wait for it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use super::credential::Credential;
use super::introspection::{ActiveToken, NotGood};
use super::metrics::{Found, Metrics};
use super::phantom::{Origin, PhantomTerms, digest};
use super::phantoms::{Known, Phantoms, TokenKey};
use super::provider::{NoAnswer, Provider};
use super::refusal::Refusal;
use super::settings::Settings;
use super::signing_key::{SigningKey, SigningKeyFile};
use crate::clock::Clock;
use crate::rate::OverBound;

/// An exchange that can answer.
pub(crate) struct Exchange {
    terms: PhantomTerms,
    signing_key: SigningKeyFile,
    providers: Vec<Provider>,
    phantoms: Phantoms,
    clock: Arc<dyn Clock>,
    pub(crate) metrics: Metrics,
}

impl Exchange {
    /// Reads every file that the settings name, and says which one does not do.
    pub(crate) fn open(settings: Settings, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let signing_key = SigningKeyFile::open(settings.key_file)?;
        let mut providers = Vec::new();
        for settings in settings.providers {
            let name = settings.name.clone();
            let opened = Provider::open(settings, Arc::clone(&clock));
            providers.push(opened.map_err(|error| anyhow::Error::new(error).context(format!("provider {name}")))?);
        }
        let phantoms = Phantoms::new();
        Ok(Self { terms: settings.terms, signing_key, providers, phantoms, clock, metrics: Metrics::new() })
    }

    /// Whether there is a key to sign with.
    pub(crate) fn is_ready(&self) -> bool {
        self.signing_key.key().is_some()
    }

    /// The provider of this name, and its place.
    pub(crate) fn provider(&self, name: &str) -> Option<(usize, &Provider)> {
        self.providers.iter().enumerate().find(|(_, provider)| provider.name == name)
    }

    /// The phantom in a token's place.
    pub(crate) async fn phantom(
        &self,
        (place, provider): (usize, &Provider),
        credential: &Credential<'_>,
        source: Option<IpAddr>,
    ) -> Result<Arc<Known>, Refusal> {
        let key = (place, digest(credential.token));
        let known = match self.known(&provider.name, &key).await {
            Some(known) => known?,
            None => {
                let asked = self.phantoms.known.try_get_with(key, self.ask(provider, key, credential.token, source));
                asked.await.map_err(|refusal| *refusal)?
            }
        };
        if known.scheme == credential.scheme { Ok(known) } else { Err(Refusal::WrongScheme) }
    }

    async fn known(&self, provider: &str, key: &TokenKey) -> Option<Result<Arc<Known>, Refusal>> {
        if let Some(known) = self.phantoms.known.get(key).await {
            if known.is_fresh(self.clock.now()) {
                self.metrics.looked_up(provider, Found::Phantom);
                return Some(Ok(known));
            }
            self.phantoms.known.invalidate(key).await;
        }
        let refusal = self.phantoms.refused.get(key).await;
        self.metrics.looked_up(provider, if refusal.is_some() { Found::Refusal } else { Found::Nothing });
        refusal.map(Err)
    }

    /// Runs once for all who wait for the same token.
    async fn ask(
        &self,
        provider: &Provider,
        key: TokenKey,
        token: &str,
        source: Option<IpAddr>,
    ) -> Result<Arc<Known>, Refusal> {
        // Somebody may have been told "no" since we looked.
        if let Some(refusal) = self.phantoms.refused.get(&key).await {
            return Err(refusal);
        }
        if !self.phantoms.good_lately.contains_key(&key) {
            let over_bound = |OverBound { retry_after_seconds }| Refusal::OverBound { retry_after_seconds };
            provider.count(source).map_err(over_bound)?;
        }
        // Before the question: its answer would be of no use.
        let signing_key = self.signing_key.key().ok_or(Refusal::NoKey)?;
        let began = Instant::now();
        let answer = provider.introspect(token).await;
        let refusal = match answer {
            Ok(Ok(active)) => {
                self.metrics.asked(&provider.name, "active", began.elapsed());
                self.phantoms.good_lately.insert(key, ()).await;
                return self.sign(&signing_key, provider, key, active);
            }
            // No question was asked, and the next one may be.
            Err(NoAnswer::Busy) => return Err(Refusal::Busy),
            Ok(Err(reason)) => self.not_good(provider, reason, began),
            Err(error) => self.no_answer(provider, error, began),
        };
        self.phantoms.refused.insert(key, refusal).await;
        Err(refusal)
    }

    fn not_good(&self, provider: &Provider, reason: NotGood, began: Instant) -> Refusal {
        self.metrics.asked(&provider.name, "not_good", began.elapsed());
        tracing::debug!(provider = provider.name, %reason, "a token was refused");
        Refusal::NotGood(reason)
    }

    fn no_answer(&self, provider: &Provider, error: NoAnswer, began: Instant) -> Refusal {
        self.metrics.asked(&provider.name, "no_answer", began.elapsed());
        let cause = format!("{:#}", anyhow::Error::new(error));
        tracing::warn!(provider = provider.name, cause, "a provider gave no answer that can be believed");
        Refusal::NoAnswer
    }

    fn sign(
        &self,
        signing_key: &SigningKey,
        provider: &Provider,
        key: TokenKey,
        active: ActiveToken,
    ) -> Result<Arc<Known>, Refusal> {
        let scheme = active.scheme();
        let known_since = self.clock.now();
        let origin = Origin { issuer: provider.issuer(), digest: key.1 };
        let phantom =
            self.terms.phantom(signing_key, &origin, active, known_since.unix_timestamp()).map_err(|error| {
                tracing::error!(%error, "a phantom token could not be signed");
                Refusal::NoKey
            })?;
        Ok(Arc::new(Known { phantom, scheme, known_since }))
    }
}

#[cfg(test)]
mod tests;
