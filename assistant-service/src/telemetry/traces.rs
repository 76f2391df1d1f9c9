//! Requests and commands as spans, by OTLP over HTTP: one for each request, below the gateway's own, and for a command one until it is
//! taken and one until it ends, in the trace of whoever asked for it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::http::StatusCode;
use clap::Args;
use opentelemetry::trace::{Link, SpanKind, Status, TraceContextExt as _, Tracer as _, TracerProvider as _};
use opentelemetry::{Context, InstrumentationScope, KeyValue};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider, SpanExporter as _};
use reqwest::Url;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use trust_core::network::Network;

use super::LAST_EXPORT;
use super::export::{CannotExport, Carrier, EXPORT_TIMEOUT, MAX_ANSWER_BYTES, MAX_EXPORT_BYTES, below, resource};
use super::queue::{Dropped, SPANS_IN_QUEUE, queue};
use super::trace_parent::parent_of;
use crate::outbound::{Outbound, OutboundSettings};

/// Where spans go, on a command line.
#[derive(Clone, Debug, Default, Args)]
pub struct TraceArguments {
    /// A collector of traces (OTLP over HTTP, Protobuf), such as http://127.0.0.1:4318: each request and each command becomes spans there.
    /// Without TLS only on this host.
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "URL")]
    otlp_endpoint: Option<Url>,
    /// The authorities that signed the collector's certificate, as PEM; without it, those of the system.
    #[arg(long, env = "OTEL_EXPORTER_OTLP_CERTIFICATE", value_name = "FILE", requires = "otlp_endpoint")]
    otlp_ca: Option<PathBuf>,
}

/// Spans of requests and of commands.
#[derive(Clone, Debug)]
pub struct Traces(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    tracer: SdkTracer,
    // Its spans are let go when it goes.
    _provider: SdkTracerProvider,
    closing: watch::Sender<bool>,
}

/// A command's way, as far as spans tell it.
#[derive(Clone, Debug)]
pub(crate) struct CommandSpan<'a> {
    /// What is done, in few words.
    pub(crate) name: &'static str,
    /// In which trace: the `traceparent` of the request that asked for it.
    pub(crate) traceparent: Option<&'a str>,
    pub(crate) began: SystemTime,
    pub(crate) ended: SystemTime,
    pub(crate) id: &'a str,
    pub(crate) runbook: &'a str,
    pub(crate) service: &'a str,
    pub(crate) state: &'static str,
    pub(crate) attempt: u32,
    /// Whether it came to another end than it should.
    pub(crate) failed: bool,
}

impl TraceArguments {
    /// Begins to export, where somebody collects.
    pub(crate) fn open(&self, dropped: &Dropped) -> Result<Option<(Traces, JoinHandle<()>)>, CannotExport> {
        let open =
            |endpoint| Traces::open(endpoint, self.otlp_ca.clone(), Duration::from_secs(2), SPANS_IN_QUEUE, dropped);
        self.otlp_endpoint.as_ref().map(open).transpose()
    }
}

impl Traces {
    /// Begins to export. What is given beside it ends when everything is sent after [`Traces::close`].
    pub(super) fn open(
        endpoint: &Url,
        ca_file: Option<PathBuf>,
        every: Duration,
        room: usize,
        dropped: &Dropped,
    ) -> Result<(Self, JoinHandle<()>), CannotExport> {
        // Whoever starts the service says where the collector is; nobody else can.
        let anywhere = ["0.0.0.0/0", "::/0"].iter().filter_map(|network| Network::parse(network).ok()).collect();
        let outbound = Outbound::new(&OutboundSettings {
            timeout: EXPORT_TIMEOUT,
            max_bytes: MAX_ANSWER_BYTES,
            allowed_networks: anywhere,
            ca_file,
            client_identity: None,
        })?;
        let carrier = Carrier { outbound, runtime: Handle::current() };
        let mut exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(carrier)
            .with_max_request_body_size(MAX_EXPORT_BYTES)
            .with_protocol(Protocol::HttpBinary)
            .with_timeout(EXPORT_TIMEOUT)
            .with_endpoint(below(endpoint, "traces")?)
            .build()?;
        exporter.set_resource(&resource());
        let (closing, closed) = watch::channel(false);
        let (queue, sending) = queue(exporter, every, room, dropped.clone(), closed);
        let provider = SdkTracerProvider::builder()
            .with_resource(resource())
            // A client must not choose to leave no trace, and the gate's own `traceparent` says that nobody has recorded anything yet.
            .with_sampler(Sampler::AlwaysOn)
            .with_span_processor(queue)
            .build();
        let scope = InstrumentationScope::builder("watchgate").with_version(env!("CARGO_PKG_VERSION")).build();
        let tracer = provider.tracer_with_scope(scope);
        Ok((Self(Arc::new(Parts { tracer, _provider: provider, closing })), tokio::spawn(sending.run())))
    }

    /// Takes no more time than the last export may: see [`close`].
    pub(crate) fn close(&self) {
        self.0.closing.send_replace(true);
    }

    /// Begins the span of a request below `parent`. The route is the pattern, never the path: paths hold identifiers.
    pub(crate) fn request(&self, parent: &Context, method: &'static str, route: &str) -> Context {
        let attributes =
            vec![KeyValue::new("http.request.method", method), KeyValue::new("http.route", route.to_owned())];
        let builder = self.0.tracer.span_builder(format!("{method} {route}"));
        let span =
            builder.with_kind(SpanKind::Server).with_attributes(attributes).start_with_context(&self.0.tracer, parent);
        parent.with_span(span)
    }

    /// Tells a part of a command's way that is over.
    pub(crate) fn command(&self, told: &CommandSpan<'_>) {
        let context = told.traceparent.and_then(parent_of);
        let parent = context.map_or_else(Context::new, |parent| Context::new().with_remote_span_context(parent));
        let here = Context::current().span().span_context().clone();
        let links = if here.is_valid() { vec![Link::new(here, Vec::new(), 0)] } else { Vec::new() };
        let attributes = vec![
            KeyValue::new("watchgate.command.id", told.id.to_owned()),
            KeyValue::new("watchgate.command.runbook", told.runbook.to_owned()),
            KeyValue::new("watchgate.command.service", told.service.to_owned()),
            KeyValue::new("watchgate.command.state", told.state),
            KeyValue::new("watchgate.command.attempt", i64::from(told.attempt)),
        ];
        let builder = self.0.tracer.span_builder(told.name).with_kind(SpanKind::Internal);
        let builder = builder.with_start_time(told.began).with_attributes(attributes).with_links(links);
        let span = parent.with_span(builder.start_with_context(&self.0.tracer, &parent));
        if told.failed {
            span.span().set_status(Status::error(told.state));
        }
        span.span().end_with_timestamp(told.ended);
    }
}

/// The request has its answer. An answer that goes on, such as a stream, ends its span when it begins.
pub(crate) fn answered(request: &Context, status: StatusCode) {
    let span = request.span();
    span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status.as_u16())));
    if status.is_server_error() {
        span.set_attribute(KeyValue::new("error.type", status.as_str().to_owned()));
        span.set_status(Status::error(""));
    }
    span.end();
}

/// Sends what is still in the queue, for as long as the end of the service may take.
pub(crate) async fn close(traces: &Traces, sending: JoinHandle<()>) {
    traces.close();
    if tokio::time::timeout(LAST_EXPORT, sending).await.is_err() {
        tracing::warn!("the last spans did not reach the collector");
    }
}

#[cfg(test)]
mod tests;
