//! OTLP over HTTP in Protobuf, by the service's own client of foreign addresses.

use std::pin::Pin;
use std::time::Duration;

use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{
    ExporterBuildError, MetricExporter, Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider};
use reqwest::Url;
use thiserror::Error;
use tokio::runtime::Handle;

use super::{Telemetry, TelemetrySettings};
use crate::outbound::{Outbound, OutboundError, OutboundSettings};

pub(super) const EXPORT_TIMEOUT: Duration = Duration::from_secs(10);
pub(super) const MAX_ANSWER_BYTES: usize = 256 * 1024;
/// Spans beyond these are dropped: they are worth less than memory.
const SPANS_IN_QUEUE: usize = 2048;
const SPANS_AT_ONCE: usize = 256;
/// Where content leaves too, one span has up to some 70 KiB.
const SPANS_WITH_CONTENT_IN_QUEUE: usize = 256;
const SPANS_WITH_CONTENT_AT_ONCE: usize = 32;
pub(super) const MAX_EXPORT_BYTES: usize = 4 * 1024 * 1024;

/// How often something is sent.
#[derive(Clone, Copy, Debug)]
pub struct Rhythm {
    /// Spans, unless there are many.
    pub spans: Duration,
    /// Metrics.
    pub metrics: Duration,
}

impl Default for Rhythm {
    fn default() -> Self {
        Self { spans: Duration::from_secs(5), metrics: Duration::from_secs(60) }
    }
}

/// Why nothing can be exported.
#[derive(Debug, Error)]
pub enum CannotExport {
    /// The settings name what cannot be used.
    #[error("the collector cannot be asked: {0}")]
    Outbound(#[from] OutboundError),
    /// The exporter does not take its settings.
    #[error("spans or metrics cannot be exported: {0}")]
    Exporter(#[from] ExporterBuildError),
    /// Nothing can stand below the address.
    #[error("telemetry.otlpEndpoint is no address that has paths")]
    Endpoint,
}

impl Telemetry {
    /// Begins to export. The calls run on `runtime`; the queues have threads of their own.
    pub fn open(settings: &TelemetrySettings, runtime: Handle, rhythm: Rhythm) -> Result<Self, CannotExport> {
        let outbound = Outbound::new(&OutboundSettings {
            timeout: EXPORT_TIMEOUT,
            max_bytes: MAX_ANSWER_BYTES,
            allowed_networks: settings.allowed_networks.clone(),
            ca_file: settings.ca_file.clone(),
            client_identity: None,
        })?;
        let carrier = Carrier { outbound, runtime };
        let spans = SpanExporter::builder().with_http().with_http_client(carrier.clone());
        let spans = spans
            .with_max_request_body_size(MAX_EXPORT_BYTES)
            .with_protocol(Protocol::HttpBinary)
            .with_timeout(EXPORT_TIMEOUT)
            .with_endpoint(below(&settings.endpoint, "traces")?)
            .build()?;
        let metrics = MetricExporter::builder().with_http().with_http_client(carrier);
        let metrics = metrics
            .with_protocol(Protocol::HttpBinary)
            .with_timeout(EXPORT_TIMEOUT)
            .with_endpoint(below(&settings.endpoint, "metrics")?)
            .build()?;
        let (in_queue, at_once) = if settings.content {
            (SPANS_WITH_CONTENT_IN_QUEUE, SPANS_WITH_CONTENT_AT_ONCE)
        } else {
            (SPANS_IN_QUEUE, SPANS_AT_ONCE)
        };
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(in_queue)
            .with_max_export_batch_size(at_once)
            .with_scheduled_delay(rhythm.spans);
        let batches = BatchSpanProcessor::builder(spans).with_batch_config(batches.build()).build();
        let metrics = PeriodicReader::builder(metrics).with_interval(rhythm.metrics).build();
        let spans = SdkTracerProvider::builder()
            .with_sampler(Sampler::AlwaysOn)
            .with_resource(resource())
            .with_span_processor(batches)
            .build();
        let metrics = SdkMeterProvider::builder().with_resource(resource()).with_reader(metrics).build();
        Ok(Self::over(spans, metrics, settings.content))
    }
}

/// Who tells it. Nothing of the environment, where somebody may have written what is not to leave.
pub(super) fn resource() -> Resource {
    Resource::builder_empty().with_service_name("watchgate").build()
}

pub(super) fn below(endpoint: &Url, signal: &str) -> Result<String, CannotExport> {
    let mut url = endpoint.clone();
    url.path_segments_mut().map_err(|()| CannotExport::Endpoint)?.pop_if_empty().extend(["v1", signal]);
    Ok(url.into())
}

/// Exporters run on threads that know no runtime.
#[derive(Clone, Debug)]
pub(super) struct Carrier {
    pub(super) outbound: Outbound,
    pub(super) runtime: Handle,
}

impl HttpClient for Carrier {
    fn send_bytes<'this, 'call>(
        &'this self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'call>>
    where
        'this: 'call,
        Self: 'call,
    {
        let outbound = self.outbound.clone();
        let call = self.runtime.spawn(async move {
            let (parts, body) = request.into_parts();
            let url = Url::parse(&parts.uri.to_string())?;
            let answer = outbound.call(parts.method, &url, parts.headers, body.to_vec()).await?;
            let mut response = Response::new(Bytes::from(answer.body));
            *response.status_mut() = answer.status;
            *response.headers_mut() = answer.headers;
            Ok(response)
        });
        Box::pin(async move { call.await? })
    }
}
