//! The gateway as one more receiver: alerts become events of the platform itself, as soon as it takes some.

use std::sync::{Arc, Mutex};

use anyhow::Context;

use super::alerts::Notice;
use super::attacks::Forger;
use super::checks::event;
use super::deliver::Receiver;
use super::gateway::Gateway;
use super::notice::cloud_event;
use super::prober::Prober;
use super::settings::{GATEWAY, Settings};
use super::walk::{Identity, Tokens, Walk};
use crate::clock::Clock;

/// The way of the probe's own events.
pub(super) struct ThroughGateway {
    settings: Arc<Settings>,
    clock: Arc<dyn Clock>,
    tokens: Arc<Tokens>,
}

impl ThroughGateway {
    pub(super) fn new(prober: &Prober) -> Self {
        let (settings, clock, tokens) = (&prober.settings, &prober.clock, &prober.tokens);
        Self { settings: Arc::clone(settings), clock: Arc::clone(clock), tokens: Arc::clone(tokens) }
    }
}

impl Receiver for ThroughGateway {
    fn name(&self) -> &str {
        GATEWAY
    }

    async fn tell(&self, notice: &Notice) -> anyhow::Result<()> {
        let now = self.clock.now().unix_timestamp();
        let token = match self.tokens.good(now) {
            Some(token) => token,
            None => self.tokens.add(self.settings.token.obtain(now).await?),
        };
        let said = self.settings.source.clone().or_else(|| token.principal());
        let identity = Identity { token, principal: said.context("the token does not say whose it is")? };
        let (gateway, sessions) = (Gateway::open(&self.settings)?, Mutex::new(None));
        let (settings, clock, tokens) = (self.settings.as_ref(), self.clock.as_ref(), self.tokens.as_ref());
        let walk = Walk { settings, clock, gateway: &gateway, tokens, forger: &Forger::default(), sessions: &sessions };
        event::send(&walk, &identity, &cloud_event(notice, &identity.principal)).await
    }
}
