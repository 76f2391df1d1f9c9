//! One trace through everything: Traefik, the service and the agent that carries out what was asked for, at a collector of OTLP.

use std::io::Read as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_ENCODING;
use axum::routing::post;
use flate2::read::GzDecoder;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Said;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use serde_json::{Value, json};
use service_agent::{Agent, Gateway, Outcome, TokenSource};
use tokio::sync::oneshot;
use watchgate_tests::client::expect_json;
use watchgate_tests::wait::until;
use watchgate_tests::{Stage, StageOptions};

/// Spans leave both sides every few seconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// A span and whose it is.
#[derive(Clone, Debug)]
struct Told {
    service: String,
    span: Span,
}

#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<Told>>>);

impl Collector {
    async fn start() -> Result<(String, Collector)> {
        let collector = Collector::default();
        let routes = Router::new().route("/v1/traces", post(take)).with_state(collector.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Ok((url, collector))
    }

    fn spans_of(&self, trace: &[u8]) -> Vec<Told> {
        let told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.iter().filter(|told| told.span.trace_id == trace).cloned().collect()
    }
}

/// Traefik packs what it sends.
fn unpacked(headers: &HeaderMap, body: &Bytes) -> Result<Vec<u8>> {
    let mut whole = Vec::new();
    match headers.get(CONTENT_ENCODING) {
        Some(encoding) if encoding == "gzip" => GzDecoder::new(body.as_ref()).read_to_end(&mut whole).map(drop)?,
        _ => whole.extend_from_slice(body),
    }
    Ok(whole)
}

async fn take(State(collector): State<Collector>, headers: HeaderMap, body: Bytes) {
    let Ok(body) = unpacked(&headers, &body) else { return };
    let Ok(request) = ExportTraceServiceRequest::decode(body.as_slice()) else { return };
    for resource in request.resource_spans {
        let attributes = resource.resource.map(|resource| resource.attributes).unwrap_or_default();
        let name = attributes.into_iter().find(|attribute| attribute.key == "service.name");
        let service = match name.and_then(|name| name.value?.value) {
            Some(Said::StringValue(name)) => name,
            _ => String::new(),
        };
        let spans = resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
        let told = spans.map(|span| Told { service: service.clone(), span });
        collector.0.lock().unwrap_or_else(PoisonError::into_inner).extend(told);
    }
}

fn bytes(hexadecimal: &str) -> Vec<u8> {
    let pairs = hexadecimal.as_bytes().chunks(2).filter_map(|pair| std::str::from_utf8(pair).ok());
    pairs.filter_map(|pair| u8::from_str_radix(pair, 16).ok()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_asks_for_is_one_trace_until_an_agent_has_done_it() -> Result<()> {
    let (url, collector) = Collector::start().await?;
    let stage = Stage::start(StageOptions { tracing: Some(url), ..StageOptions::default() }).await?;
    let ana = stage.caller("ana", "commands:request events:read")?;
    let (trace, client) = ("5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174");
    let call = json!({"runbook": "restart-worker", "parameters": {"worker": "mailer"}, "reason": "a test"});
    let asked = ana.post("/v1/commands", &call).header("traceparent", format!("00-{trace}-{client}-01"));
    let command = expect_json(201, asked).await?;
    let path = format!("/v1/commands/{}", command["id"].as_str().context("no id")?);
    let approval = json!({"decision": "approve", "digest": command["digest"]});
    let ben = stage.caller("ben", "commands:approve")?;
    expect_json(200, ben.post(&format!("{path}/approval"), &approval)).await?;

    let token = TokenSource::Fixed(stage.mint("sample-service", "commands:lease")?);
    let gateway = Gateway::connect(&stage.base_url(), token, Some(&std::fs::read(stage.ca())?))?;
    let (done, stop) = oneshot::channel::<()>();
    let heard = Arc::new(Mutex::new(None));
    let hearing = Arc::clone(&heard);
    let carry_out = move |command: service_agent::Command, _| {
        *hearing.lock().unwrap_or_else(PoisonError::into_inner) = command.traceparent;
        async move { Outcome::Succeeded(Value::Null) }
    };
    let agent = Agent::new(gateway, "sample-service");
    let working = tokio::spawn(async move { agent.run(carry_out, async { drop(stop.await) }).await });
    until("the command ends", PATIENCE, async || {
        let now = expect_json(200, ana.get(&path)).await?;
        Ok((now["state"] == "succeeded").then_some(()))
    })
    .await?;
    drop(done);
    working.await?;
    let told = heard.lock().unwrap_or_else(PoisonError::into_inner).clone().context("the agent heard of no trace")?;
    ensure!(told.contains(trace), "the agent works in another trace: {told}");

    let (trace, client) = (bytes(trace), bytes(client));
    let wanted = [
        ("traefik", ""),
        ("watchgate", "POST /v1/commands"),
        ("watchgate", "command wait"),
        ("watchgate", "command run"),
        // The agent's own word about it, through the gateway.
        ("watchgate", "POST /v1/commands/{id}/result"),
    ];
    let is_there = |spans: &[Told], (service, name): (&str, &str)| {
        spans.iter().any(|told| told.service == service && (name.is_empty() || told.span.name == name))
    };
    let spans = until("every span has come", PATIENCE, async || {
        let spans = collector.spans_of(&trace);
        Ok(wanted.iter().all(|one| is_there(&spans, *one)).then_some(spans))
    })
    .await
    .with_context(|| format!("{:?}", collector.spans_of(&trace)))?;
    let named = |service: &str, name: &str| {
        let found = spans.iter().find(|told| told.service == service && told.span.name == name);
        found.map(|told| &told.span).with_context(|| format!("no span {name} of {service}"))
    };
    let request = named("watchgate", "POST /v1/commands")?;
    // From the service's span upwards: Traefik's, and from the last of those the client's.
    let mut above = &request.parent_span_id;
    let mut traefiks = 0_usize;
    while let Some(told) = spans.iter().find(|told| told.span.span_id == *above) {
        ensure!(told.service == "traefik", "{told:?} stands above the service");
        above = &told.span.parent_span_id;
        traefiks = traefiks.saturating_add(1);
    }
    ensure!(traefiks > 0 && *above == client, "{traefiks} spans of Traefik, and then {above:?}: {spans:?}");
    for name in ["command wait", "command run"] {
        let span = named("watchgate", name)?;
        ensure!(span.parent_span_id == request.span_id, "{name} is not below the request: {span:?}");
        ensure!(span.links.len() == 1, "{name} is not linked with who took or ended it: {span:?}");
    }
    Ok(())
}
