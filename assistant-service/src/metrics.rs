//! What the service counts, in the text form that Prometheus reads.

use axum::extract;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::commands::State;
use crate::events::Reason;
use crate::gate::Caller;
use crate::incidents::metrics::IncidentMetrics;
use crate::insights::metrics::InsightMetrics;
use crate::model::ModelMetrics;
use crate::problem::Problem;
use crate::state::AppState;
use crate::telemetry;

/// All counters, and the registry that writes them down.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// Answered requests.
    pub requests: Family<RequestLabels, Counter>,
    /// Requests that were refused because there is too much to do, by reason.
    pub requests_shed: Family<ReasonLabel, Counter>,
    /// Requests that were refused because the store has no room.
    pub store_full: Counter,
    /// Events that were new.
    pub events_stored: Counter,
    /// Events that had been stored before.
    pub events_duplicate: Counter,
    /// What could not be taken and was kept as a dead letter, by reason.
    pub dead_letters: Family<ReasonLabel, Counter>,
    /// Dead letters that became events.
    pub dead_letters_replayed: Counter,
    /// Events that consumers handed out for the first time.
    pub consumer_deliveries: Counter,
    /// Events that consumers handed out again.
    pub consumer_redeliveries: Counter,
    /// Events that consumers gave up, by reason.
    pub consumer_give_ups: Family<ReasonLabel, Counter>,
    /// Events beyond a consumer's place, counted up to 1000. The names of some consumers, never of their owners.
    pub consumer_lag: Family<ConsumerLabel, Gauge>,
    /// Changes of the runbooks that were not taken because of mistakes.
    pub runbook_reloads_failed: Counter,
    /// Steps of commands, by the state that they led to.
    pub command_steps: Family<StateLabel, Counter>,
    /// Commands that are not at their end, by state.
    pub open_commands: Family<StateLabel, Gauge>,
    /// How long services waited for a command, in seconds.
    pub lease_wait_seconds: Histogram,
    /// How many jobs shared one commit of the store.
    pub jobs_per_commit: Histogram,
    /// Revocations that were new, by kind.
    pub revocations: Family<KindLabel, Counter>,
    /// Revocations that are remembered.
    pub revocations_kept: Gauge,
    /// Requests that a gate let through and whose caller's token was revoked.
    pub revoked_callers: Counter,
    /// Streams and long polls that ended because their caller's token was revoked.
    pub revoked_streams: Counter,
    /// Long polls that wait now.
    pub long_polls: Gauge,
    /// Spans that never reached a collector, by reason.
    pub spans_dropped: Family<ReasonLabel, Counter>,
    /// What came of requests to models.
    pub models: ModelMetrics,
    pub(crate) insights: InsightMetrics,
    pub(crate) incidents: IncidentMetrics,
}

/// What a request is counted under. The route is the pattern, never the path: paths hold identifiers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    /// The HTTP method, `other` when it is none of HTTP's own.
    pub method: &'static str,
    /// The route's pattern, `none` when no route fits.
    pub route: String,
    /// The HTTP status.
    pub status: u16,
}

/// Why a request was refused before it was looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shed {
    /// All seats of its routes are taken.
    Seats,
    /// Its caller has the share that one may have.
    Share,
    /// As much is held of bodies as is held at once.
    Bodies,
}

impl Shed {
    const ALL: [Self; 3] = [Self::Seats, Self::Share, Self::Bodies];

    fn name(self) -> &'static str {
        match self {
            Self::Seats => "seats",
            Self::Share => "share",
            Self::Bodies => "bodies",
        }
    }
}

impl Metrics {
    /// Counts a request that is refused.
    pub(crate) fn shed(&self, why: Shed) {
        self.requests_shed.get_or_create(&ReasonLabel { reason: why.name() }).inc();
    }
}

/// A consumer, or `other` for those beyond the first fifty names.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ConsumerLabel {
    /// Its name. Consumers of one name of several owners are one, the one that is most behind.
    pub consumer: String,
}

/// Why something is a dead letter, or was given up.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ReasonLabel {
    /// Its name on the wire.
    pub reason: &'static str,
}

/// A kind of revocation.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct KindLabel {
    /// The parameter that names what is revoked.
    pub kind: &'static str,
}

/// A state of commands.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct StateLabel {
    /// Its name on the wire.
    pub state: &'static str,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("watchgate");
        let requests = Family::default();
        registry.register("requests", "Answered requests", requests.clone());
        let requests_shed = Family::<ReasonLabel, Counter>::default();
        registry.register("requests_shed", "Requests refused for want of room, by reason", requests_shed.clone());
        let store_full = Counter::default();
        registry.register("store_full", "Requests refused because the store has no room", store_full.clone());
        let events_stored = Counter::default();
        registry.register("events_stored", "Events stored", events_stored.clone());
        let events_duplicate = Counter::default();
        registry.register("events_duplicate", "Events that had been stored before", events_duplicate.clone());
        let dead_letters = Family::<ReasonLabel, Counter>::default();
        registry.register("dead_letters", "Events that became dead letters, by reason", dead_letters.clone());
        let dead_letters_replayed = Counter::default();
        registry.register("dead_letters_replayed", "Dead letters that became events", dead_letters_replayed.clone());
        let consumer_deliveries = Counter::default();
        let help = "Events handed out for the first time";
        registry.register("consumer_deliveries", help, consumer_deliveries.clone());
        let consumer_redeliveries = Counter::default();
        registry.register("consumer_redeliveries", "Events handed out again", consumer_redeliveries.clone());
        let consumer_give_ups = Family::default();
        registry.register("consumer_give_ups", "Events given up, by reason", consumer_give_ups.clone());
        let consumer_lag = Family::default();
        registry.register("consumer_lag_events", "Events beyond a consumer's place, up to 1000", consumer_lag.clone());
        let runbook_reloads_failed = Counter::default();
        let help = "Changes of the runbooks that were not taken because of mistakes";
        registry.register("runbook_reloads_failed", help, runbook_reloads_failed.clone());
        let command_steps = Family::<StateLabel, Counter>::default();
        registry.register("command_steps", "Steps of commands, by the state they led to", command_steps.clone());
        let open_commands = Family::default();
        registry.register("open_commands", "Commands that are not at their end", open_commands.clone());
        let lease_wait_seconds = Histogram::new([0.01, 0.1, 1.0, 5.0, 10.0, 20.0, 30.0]);
        registry.register("lease_wait_seconds", "How long services waited for a command", lease_wait_seconds.clone());
        let jobs_per_commit = Histogram::new([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0]);
        registry.register("store_jobs_per_commit", "Jobs that shared one commit", jobs_per_commit.clone());
        let revocations = Family::default();
        registry.register("revocations", "Revocations that were new, by kind", revocations.clone());
        let revocations_kept = Gauge::default();
        registry.register("revocations_kept", "Revocations that are remembered", revocations_kept.clone());
        let revoked_callers = Counter::default();
        registry.register("revoked_callers", "Requests whose caller's token was revoked", revoked_callers.clone());
        let revoked_streams = Counter::default();
        let help = "Streams and long polls that ended because their caller's token was revoked";
        registry.register("revoked_streams", help, revoked_streams.clone());
        let long_polls = Gauge::default();
        registry.register("long_polls", "Long polls that wait now", long_polls.clone());
        let spans_dropped = Family::<ReasonLabel, Counter>::default();
        registry.register("spans_dropped", "Spans that never reached a collector, by reason", spans_dropped.clone());
        // A counter that is not there before its first step hides that step from whoever looks at what it grew by.
        for state in State::ALL {
            drop(command_steps.get_or_create(&StateLabel { state: state.name() }));
        }
        for reason in Reason::ALL {
            drop(dead_letters.get_or_create(&ReasonLabel { reason: reason.name() }));
        }
        for why in Shed::ALL {
            drop(requests_shed.get_or_create(&ReasonLabel { reason: why.name() }));
        }
        for reason in telemetry::WHY_DROPPED {
            drop(spans_dropped.get_or_create(&ReasonLabel { reason }));
        }
        let models = ModelMetrics::register(&mut registry);
        let insights = InsightMetrics::register(&mut registry);
        let incidents = IncidentMetrics::register(&mut registry);
        Self {
            registry,
            requests,
            requests_shed,
            store_full,
            events_stored,
            events_duplicate,
            dead_letters,
            dead_letters_replayed,
            consumer_deliveries,
            consumer_redeliveries,
            consumer_give_ups,
            consumer_lag,
            runbook_reloads_failed,
            command_steps,
            open_commands,
            lease_wait_seconds,
            jobs_per_commit,
            revocations,
            revocations_kept,
            revoked_callers,
            revoked_streams,
            long_polls,
            spans_dropped,
            models,
            insights,
            incidents,
        }
    }
}

/// Counters in OpenMetrics' text form.
#[utoipa::path(get, path = "/metrics", tag = "operation",
    responses((status = OK, description = "All counters", content_type = "application/openmetrics-text")))]
pub(crate) async fn metrics(
    extract::State(state): extract::State<AppState>,
    caller: Caller,
) -> Result<Response, Problem> {
    caller.require_principal()?;
    let mut text = String::new();
    encode(&mut text, &state.metrics.registry).map_err(Problem::internal)?;
    Ok(([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text).into_response())
}

#[cfg(test)]
mod tests;
