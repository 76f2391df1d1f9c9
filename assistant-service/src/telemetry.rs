//! What models, tools and answers take, as OpenTelemetry's conventions for generative AI have it: spans and metrics by OTLP.
//!
//! What people ask and what is answered does not leave unless the settings say so. Exporting has a queue with a bound and a
//! thread of its own: a collector that is slow or away costs spans, never an answer.

mod answers;
mod content;
mod export;
mod operation;
mod queue;
mod room;
mod settings;
pub(crate) mod trace_parent;
mod traced;
pub(crate) mod traces;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::metrics::{Histogram, MeterProvider as _};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{Context, InstrumentationScope};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};

pub use answers::TracedAssistant;
pub use export::{CannotExport, Rhythm};
pub use operation::{Named, Operation};
pub(crate) use queue::WHY_DROPPED;
pub use settings::TelemetrySettings;
pub use traced::Traced;
pub use traces::{TraceArguments, Traces};

/// The conventions' own boundaries, for tokens and for seconds.
const TOKENS: [f64; 14] = [
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1024.0,
    4096.0,
    16384.0,
    65536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];
const SECONDS: [f64; 14] = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];

/// How long the end of the service waits for what is still in the queue.
const LAST_EXPORT: Duration = Duration::from_secs(3);

/// Where spans and metrics go.
#[derive(Clone, Debug)]
pub struct Telemetry(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    tracer: SdkTracer,
    token_usage: Histogram<u64>,
    duration: Histogram<f64>,
    /// Whether what is said leaves too.
    content: bool,
    tracer_provider: SdkTracerProvider,
    meter_provider: SdkMeterProvider,
}

impl Telemetry {
    fn over(tracer_provider: SdkTracerProvider, meter_provider: SdkMeterProvider, content: bool) -> Self {
        let scope = InstrumentationScope::builder("watchgate").with_version(env!("CARGO_PKG_VERSION")).build();
        let meter = meter_provider.meter_with_scope(scope.clone());
        let token_usage = meter.u64_histogram("gen_ai.client.token.usage").with_unit("{token}");
        let duration = meter.f64_histogram("gen_ai.client.operation.duration").with_unit("s");
        Self(Arc::new(Parts {
            tracer: tracer_provider.tracer_with_scope(scope),
            token_usage: token_usage.with_boundaries(TOKENS.to_vec()).build(),
            duration: duration.with_boundaries(SECONDS.to_vec()).build(),
            content,
            tracer_provider,
            meter_provider,
        }))
    }

    /// Sends what is in the queue, and nothing more after it. It blocks, for a few seconds at most.
    pub fn close(&self) {
        for ended in [
            self.0.tracer_provider.shutdown_with_timeout(LAST_EXPORT),
            self.0.meter_provider.shutdown_with_timeout(LAST_EXPORT),
        ] {
            if let Err(error) = ended {
                tracing::warn!(%error, "the last spans or metrics did not reach the collector");
            }
        }
    }
}

/// Begins the span of a tool's call, below the answer that is being made; nothing where nobody exports. It ends when it is
/// dropped. Neither what the tool is given nor what it gives is in it.
pub fn tool_span(name: &str, call: &str) -> Option<Operation> {
    let context = Context::current();
    let telemetry = context.get::<Telemetry>()?.clone();
    Some(Operation::of_tool(telemetry, &context, name, call))
}

/// Begins the span of a call for embeddings. It ends with [`Operation::end_with_usage`], or when it is dropped.
pub fn embeddings_span(telemetry: &Telemetry, named: &Named) -> Operation {
    Operation::of_embeddings(telemetry.clone(), named)
}
