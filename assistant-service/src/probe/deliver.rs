//! Tells receivers, each in its own row and in order, as often as it takes.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::Value;
use service_agent::Backoff;
use zeroize::Zeroizing;

use super::alerts::Notice;
use super::metrics::Metrics;
use super::notice::{Wire, cloud_event};
use super::outbox::Outbox;
use super::settings::{Form, ReceiverSettings};
use crate::outbound::Outbound;

/// Once in five minutes is enough for a receiver that has been away for long, and soon enough for one that is back.
const LONGEST_WAIT: Duration = Duration::from_secs(300);

pub(super) const CLOUD_EVENT: &str = "application/cloudevents+json";

/// Somebody who can be told.
pub(super) trait Receiver: Send + Sync {
    /// Its name in the file, and its row's.
    fn name(&self) -> &str;

    /// Tells it; done when it has said that it has it.
    fn tell(&self, notice: &Notice) -> impl Future<Output = anyhow::Result<()>> + Send;
}

/// A receiver of the file.
pub(super) struct Webhook {
    settings: ReceiverSettings,
    wire: Arc<Wire>,
    /// Whose the alerts are, for receivers of CloudEvents.
    source: String,
}

impl Webhook {
    pub(super) fn new(settings: ReceiverSettings, wire: Arc<Wire>, source: String) -> Self {
        Self { settings, wire, source }
    }
}

impl Receiver for Webhook {
    fn name(&self) -> &str {
        &self.settings.name
    }

    async fn tell(&self, notice: &Notice) -> anyhow::Result<()> {
        let ReceiverSettings { name, form, url, token_file, reach } = &self.settings;
        let (content_type, body) = match form {
            Form::Alertmanager => ("application/json", self.wire.alertmanager(notice, name)),
            Form::CloudEvents => (CLOUD_EVENT, cloud_event(notice, &self.source)),
        };
        let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(content_type))]);
        if let Some(file) = token_file {
            let token = tokio::fs::read_to_string(file).await;
            let token = Zeroizing::new(token.with_context(|| format!("{} cannot be read", file.display()))?);
            let mut value = HeaderValue::from_str(&format!("Bearer {}", token.trim())).context("no token")?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        // Made for each delivery, of which there are few: files of authorities may have changed.
        let answer =
            Outbound::new(reach)?.call(Method::POST, url, headers, Value::to_string(&body).into_bytes()).await?;
        ensure!(answer.status.is_success(), "it answered with {}", answer.status);
        Ok(())
    }
}

/// Delivers to one receiver, for ever.
pub(super) async fn deliver(receiver: &impl Receiver, outbox: &Outbox, metrics: &Metrics) {
    let mut backoff = Backoff::up_to(LONGEST_WAIT);
    let mut is_away = false;
    loop {
        let notice = outbox.next(receiver.name()).await;
        match receiver.tell(&notice).await {
            Ok(()) => {
                outbox.delivered(receiver.name(), &notice).await;
                metrics.delivered(receiver.name(), "delivered");
                if is_away {
                    tracing::info!(receiver = receiver.name(), "takes notices again");
                }
                is_away = false;
                backoff.reset();
            }
            Err(error) => {
                metrics.delivered(receiver.name(), "failed");
                if !is_away {
                    tracing::warn!(receiver = receiver.name(), "cannot be told, and is told again: {error:#}");
                }
                is_away = true;
                tokio::time::sleep(backoff.wait()).await;
            }
        }
    }
}

#[cfg(test)]
mod tests;
