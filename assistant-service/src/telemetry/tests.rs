//! Against a collector that reads what comes as OTLP has it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::routing::post;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use trust_core::network::Network;

use super::*;
use crate::assistant::{Answer, Asked, Assistant, CannotAnswer, Progress};
use crate::model::{End, EndReason, Message, Model, ModelError, Piece, Prompt, ToolCall, Usage};
use crate::testing::COMPANY;

const QUESTION: &str = "what-nobody-else-may-read";
const ANSWER: &str = "what-is-answered-to-one";

#[derive(Default)]
struct Received {
    bodies: Vec<Bytes>,
    spans: Vec<Span>,
    metrics: Vec<ExportMetricsServiceRequest>,
}

struct Collector {
    url: String,
    received: Arc<Mutex<Received>>,
}

impl Collector {
    async fn start() -> Self {
        let received = Arc::<Mutex<Received>>::default();
        let app = Router::new().route("/v1/traces", post(traces)).route("/v1/metrics", post(metrics));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = app.with_state(Arc::clone(&received));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, received }
    }

    /// Everything has come when the telemetry is closed.
    async fn after(&self, telemetry: Telemetry) -> Received {
        tokio::task::spawn_blocking(move || telemetry.close()).await.unwrap();
        std::mem::take(&mut self.received.lock().unwrap())
    }
}

async fn traces(
    State(received): State<Arc<Mutex<Received>>>,
    headers: axum::http::HeaderMap,
    body: Bytes,
) -> StatusCode {
    assert_eq!(headers[CONTENT_TYPE], "application/x-protobuf");
    let request = ExportTraceServiceRequest::decode(body.clone()).unwrap();
    let mut received = received.lock().unwrap();
    received.bodies.push(body);
    for of_resource in request.resource_spans {
        assert_eq!(texts(&of_resource.resource.unwrap().attributes)["service.name"], "watchgate");
        received.spans.extend(of_resource.scope_spans.into_iter().flat_map(|of_scope| of_scope.spans));
    }
    StatusCode::OK
}

async fn metrics(State(received): State<Arc<Mutex<Received>>>, body: Bytes) -> StatusCode {
    let request = ExportMetricsServiceRequest::decode(body.clone()).unwrap();
    let mut received = received.lock().unwrap();
    received.bodies.push(body);
    received.metrics.push(request);
    StatusCode::OK
}

fn text(value: &AnyValue) -> String {
    match value.value.as_ref().unwrap() {
        Value::StringValue(text) => text.clone(),
        Value::IntValue(number) => number.to_string(),
        Value::BoolValue(is_so) => is_so.to_string(),
        Value::ArrayValue(list) => format!("{:?}", list.values.iter().map(text).collect::<Vec<_>>()),
        other => format!("{other:?}"),
    }
}

fn texts(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    attributes.iter().map(|one| (one.key.clone(), text(one.value.as_ref().unwrap()))).collect()
}

fn lines(attributes: &[KeyValue]) -> String {
    texts(attributes).iter().map(|(name, value)| format!("{name}={value}\n")).collect()
}

fn open(url: &str, content: bool) -> Telemetry {
    let settings = TelemetrySettings {
        endpoint: url.parse().unwrap(),
        content,
        ca_file: None,
        allowed_networks: vec![Network::parse("127.0.0.0/8").unwrap()],
    };
    let never = Duration::from_secs(3600);
    Telemetry::open(&settings, tokio::runtime::Handle::current(), Rhythm { spans: never, metrics: never }).unwrap()
}

fn named() -> Named {
    let server = Some(("models.example".to_owned(), 443));
    Named { provider: "openai".to_owned(), model: "fast".to_owned(), server }
}

/// A model that says what it was made with.
struct Scripted(Vec<Result<Piece, ModelError>>);

impl Model for Scripted {
    fn names(&self) -> Vec<String> {
        vec!["scripted".to_owned()]
    }

    fn complete(&self, _prompt: Prompt) -> BoxStream<'static, Result<Piece, ModelError>> {
        stream::iter(self.0.clone()).boxed()
    }
}

fn prompt() -> Prompt {
    Prompt {
        account: "https://issuer.example#account-7".to_owned(),
        messages: vec![
            Message::System("be brief".to_owned()),
            Message::User(QUESTION.to_owned()),
            Message::ToolResult { call: "call-1".to_owned(), content: QUESTION.to_owned() },
        ],
        tools: Vec::new(),
        max_output_tokens: Some(300),
        ..Prompt::default()
    }
}

fn whole_answer() -> Vec<Result<Piece, ModelError>> {
    let call = ToolCall { id: "call-2".to_owned(), name: "search".to_owned(), arguments: QUESTION.to_owned() };
    let usage = Usage { input_tokens: 1200, output_tokens: 34, is_estimate: false };
    let end = End { reason: EndReason::ToolCalls, usage, model: "fast-2".to_owned() };
    vec![Ok(Piece::Text(ANSWER.to_owned())), Ok(Piece::Call(call)), Ok(Piece::End(end))]
}

async fn ask(telemetry: &Telemetry, script: Vec<Result<Piece, ModelError>>) -> Vec<Result<Piece, ModelError>> {
    let traced = Traced::new(Arc::new(Scripted(script)), telemetry.clone(), vec![named()]);
    traced.complete(prompt()).collect().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_of_a_model_is_a_span_and_measures_by_the_conventions() {
    let collector = Collector::start().await;
    let telemetry = open(&collector.url, false);
    assert_eq!(ask(&telemetry, whole_answer()).await, whole_answer());
    let received = collector.after(telemetry).await;
    let [span] = &received.spans[..] else { panic!("{:?}", received.spans) };
    assert_eq!((span.name.as_str(), span.kind, span.status.as_ref().map_or(0, |one| one.code)), ("chat fast", 3, 0));
    let expected = "gen_ai.operation.name=chat\ngen_ai.provider.name=openai\ngen_ai.request.max_tokens=300\n\
        gen_ai.request.model=fast\ngen_ai.response.finish_reasons=[\"tool_calls\"]\ngen_ai.response.model=fast-2\n\
        gen_ai.usage.input_tokens=1200\ngen_ai.usage.output_tokens=34\nserver.address=models.example\nserver.port=443\n";
    assert_eq!(lines(&span.attributes), expected);

    let common = "gen_ai.operation.name=chat\ngen_ai.provider.name=openai\ngen_ai.request.model=fast\n\
        gen_ai.response.model=fast-2\n";
    let server = "server.address=models.example\nserver.port=443\n";
    let input = format!("{common}gen_ai.token.type=input\n{server}");
    let output = format!("{common}gen_ai.token.type=output\n{server}");
    let measures = measures(&received);
    assert_eq!(measures["gen_ai.client.token.usage {token}"], [(input, 1200.0), (output, 34.0)].into());
    let duration = &measures["gen_ai.client.operation.duration s"];
    assert_eq!(duration.keys().collect::<Vec<_>>(), [&format!("{common}{server}")]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spans_tell_the_model_that_was_wanted_and_the_server_of_the_one_that_answered() {
    let azure = Named {
        provider: "azure.ai.openai".to_owned(),
        model: "cloud".to_owned(),
        server: Some(("cloud.example".to_owned(), 8443)),
    };
    let answer_of = |model: &str| {
        let end = End {
            reason: EndReason::Stop,
            usage: Usage { input_tokens: 1, output_tokens: 2, is_estimate: false },
            model: model.to_owned(),
        };
        vec![Ok(Piece::End(end))]
    };
    for (wanted, answering, expected) in [
        (None, "cloud", "fast cloud azure.ai.openai cloud.example 8443"),
        (Some("cloud"), "cloud", "cloud cloud azure.ai.openai cloud.example 8443"),
        (None, "fast", "fast fast openai models.example 443"),
        (Some("made-up"), "fast", "unknown fast openai models.example 443"),
    ] {
        let collector = Collector::start().await;
        let telemetry = open(&collector.url, false);
        let model = Arc::new(Scripted(answer_of(answering)));
        let traced = Traced::new(model, telemetry.clone(), vec![named(), azure.clone()]);
        let prompt = Prompt { model: wanted.map(str::to_owned), ..prompt() };
        traced.complete(prompt).for_each(|_| std::future::ready(())).await;
        let received = collector.after(telemetry).await;
        let [span] = &received.spans[..] else { panic!("{:?}", received.spans) };
        let told = |attributes: &BTreeMap<String, String>| {
            let names = [
                "gen_ai.request.model",
                "gen_ai.response.model",
                "gen_ai.provider.name",
                "server.address",
                "server.port",
            ];
            names.map(|name| attributes[name].clone()).join(" ")
        };
        assert_eq!(told(&texts(&span.attributes)), expected);
        assert_eq!(texts(&span.attributes).len(), span.attributes.len(), "nothing is told twice");
        for measure in measures(&received).values().flat_map(BTreeMap::keys) {
            let attributes = measure.lines().map(|line| line.split_once('=').unwrap());
            assert_eq!(told(&attributes.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()), expected);
        }
    }
}

/// The sums of all histograms, by name and unit, then by attributes.
fn measures(received: &Received) -> BTreeMap<String, BTreeMap<String, f64>> {
    let mut all: BTreeMap<String, BTreeMap<String, f64>> = BTreeMap::new();
    let of_resources = received.metrics.iter().flat_map(|request| &request.resource_metrics);
    for metric in of_resources.flat_map(|one| &one.scope_metrics).flat_map(|one| &one.metrics) {
        let Some(Data::Histogram(histogram)) = &metric.data else { panic!("{metric:?}") };
        let points = all.entry(format!("{} {}", metric.name, metric.unit)).or_default();
        points.extend(histogram.data_points.iter().map(|point| (lines(&point.attributes), point.sum.unwrap())));
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_said_leaves_only_where_the_settings_say_so() {
    let secrets = [QUESTION, ANSWER, "be brief", "account-7"];
    let holds = |received: &Received, text: &str| {
        received.bodies.iter().any(|body| body.windows(text.len()).any(|window| window == text.as_bytes()))
    };
    let collector = Collector::start().await;
    let telemetry = open(&collector.url, false);
    ask(&telemetry, whole_answer()).await;
    for error in [ModelError::Unavailable(QUESTION.to_owned()), ModelError::Refused(ANSWER.to_owned())] {
        ask(&telemetry, vec![Ok(Piece::Text(ANSWER.to_owned())), Err(error)]).await;
    }
    answer(&telemetry).await;
    let received = collector.after(telemetry).await;
    assert!(received.spans.len() >= 4 && !received.metrics.is_empty());
    for secret in secrets {
        assert!(!holds(&received, secret), "{secret} has left");
    }

    let telemetry = open(&collector.url, true);
    ask(&telemetry, whole_answer()).await;
    let received = collector.after(telemetry).await;
    let attributes = texts(&received.spans[0].attributes);
    let input: serde_json::Value = serde_json::from_str(&attributes["gen_ai.input.messages"]).unwrap();
    assert_eq!(input[1], serde_json::json!({"role": "user", "parts": [{"type": "text", "content": QUESTION}]}));
    let output: serde_json::Value = serde_json::from_str(&attributes["gen_ai.output.messages"]).unwrap();
    assert_eq!(
        (&output[0]["parts"][0]["content"], &output[0]["finish_reason"]),
        (&ANSWER.into(), &"tool_calls".into())
    );
    // The account is nobody's business but the service's own.
    assert!(holds(&received, "be brief") && !holds(&received, "account-7"));
}

#[test]
fn the_content_of_one_span_is_bounded_by_what_is_written_and_the_last_turns_are_in_it() {
    let call = |text: &str| ToolCall { id: text.to_owned(), name: text.to_owned(), arguments: text.to_owned() };
    for character in ["a", "\u{1}", "\"", "é", "\u{7f}"] {
        let long = character.repeat(40 * 1024);
        let said = Message::Assistant { text: long.clone(), calls: vec![call(&long); 40] };
        let result = Message::ToolResult { call: long.clone(), content: long.clone() };
        let messages = [vec![said, result, Message::User(long.clone())], vec![Message::User(String::new()); 2000]];
        let mut messages = messages.concat();
        messages.extend([Message::System(long.clone()), Message::User(QUESTION.to_owned())]);
        let input = content::input(&messages);
        let output = content::output(&long, &vec![call(&long); 40], "tool_calls");
        assert!(input.len() + output.len() <= 64 * 1024, "{character:?}: {} + {}", input.len(), output.len());
        let told: serde_json::Value = serde_json::from_str(&input).unwrap();
        let told = told.as_array().unwrap();
        assert_eq!(told.last().unwrap()["parts"][0]["content"], QUESTION);
        assert!(told.len() > 10 && told.len() < 1000, "{}", told.len());
        let told: serde_json::Value = serde_json::from_str(&output).unwrap();
        assert!(told[0]["parts"][0]["content"].as_str().unwrap().len() > 2000);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_large_spans_leave_in_calls_of_a_bounded_size() {
    let collector = Collector::start().await;
    let telemetry = open(&collector.url, true);
    let traced = Traced::new(Arc::new(Scripted(whole_answer())), telemetry.clone(), vec![named()]);
    let long = Prompt { messages: vec![Message::User("a".repeat(1024 * 1024)); 64], ..prompt() };
    for _ in 0..100 {
        traced.complete(long.clone()).collect::<Vec<_>>().await;
    }
    let received = collector.after(telemetry).await;
    assert_eq!(received.spans.len(), 100);
    assert!(received.bodies.iter().all(|body| body.len() < 2 * 1024 * 1024));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_way_to_fail_has_a_name_of_its_own() {
    let collector = Collector::start().await;
    let telemetry = open(&collector.url, false);
    let failures = [
        (vec![Err(ModelError::TimedOut)], "timeout"),
        (vec![Err(ModelError::Unavailable("x".to_owned()))], "unavailable"),
        (vec![Ok(Piece::Text("a".to_owned())), Err(ModelError::CutOff)], "cut_off"),
        (vec![Ok(Piece::Text("a".to_owned()))], "cut_off"),
        (vec![Err(ModelError::OverBudget { retry_after: Duration::ZERO })], "over_budget"),
    ];
    for (script, _) in &failures {
        ask(&telemetry, script.clone()).await;
    }
    // Whoever goes before the end has cancelled it.
    let traced = Traced::new(Arc::new(Scripted(whole_answer())), telemetry.clone(), vec![named()]);
    assert!(traced.complete(prompt()).next().await.is_some());
    let received = collector.after(telemetry).await;
    let mut types: Vec<_> = received.spans.iter().map(|span| texts(&span.attributes)["error.type"].clone()).collect();
    let mut expected: Vec<_> = failures.iter().map(|(_, name)| *name).chain(["cancelled"]).collect();
    types.sort();
    expected.sort_unstable();
    assert_eq!(types, expected);
    let is_error = |span: &&Span| span.status.as_ref().is_some_and(|status| status.code == 2);
    assert_eq!(received.spans.iter().filter(is_error).count(), failures.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn estimates_are_told_as_such_and_not_measured() {
    let collector = Collector::start().await;
    let telemetry = open(&collector.url, false);
    let usage = Usage { input_tokens: 7, output_tokens: 8, is_estimate: true };
    let end = End { reason: EndReason::Stop, usage, model: "fast".to_owned() };
    ask(&telemetry, vec![Ok(Piece::End(end))]).await;
    let received = collector.after(telemetry).await;
    assert_eq!(texts(&received.spans[0].attributes)["watchgate.usage.is_estimate"], "true");
    assert_eq!(measures(&received).keys().collect::<Vec<_>>(), ["gen_ai.client.operation.duration s"]);
}

/// An assistant that asks a model and a tool.
struct Asking(Telemetry);

impl Assistant for Asking {
    fn answer(&self, asked: Asked, progress: Progress) -> BoxFuture<'_, Result<Answer, CannotAnswer>> {
        Box::pin(async move {
            ask(&self.0, whole_answer()).await;
            let tool = tool_span("search_documents", "call-2");
            tokio::task::yield_now().await;
            assert!(tool.is_some());
            drop(tool);
            embeddings_span(&self.0, &named()).end_with_usage(Usage { input_tokens: 5, ..Usage::default() });
            COMPANY.0.answer(asked, progress).await
        })
    }
}

async fn answer(telemetry: &Telemetry) -> Answer {
    let assistant = TracedAssistant::new(Arc::new(Asking(telemetry.clone())), telemetry.clone());
    let asked = Asked { question: QUESTION.to_owned(), ..Asked::default() };
    assistant.answer(asked, Progress::default()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn models_and_tools_stand_below_the_answer_that_they_are_for() {
    assert!(tool_span("search_documents", "call-1").is_none(), "nobody exports");
    let collector = Collector::start().await;
    let telemetry = open(&collector.url, false);
    answer(&telemetry).await;
    let received = collector.after(telemetry).await;
    let root = received.spans.iter().find(|span| span.name == "invoke_agent watchgate").unwrap();
    assert!(root.parent_span_id.is_empty());
    let below = received.spans.iter().filter(|span| span.parent_span_id == root.span_id);
    let mut names: Vec<_> = below.map(|span| span.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["chat fast", "embeddings fast", "execute_tool search_documents"]);
    let tool = received.spans.iter().find(|span| span.name.starts_with("execute_tool")).unwrap();
    let expected = "gen_ai.operation.name=execute_tool\ngen_ai.tool.call.id=call-2\n\
        gen_ai.tool.name=search_documents\ngen_ai.tool.type=function\n";
    assert_eq!(lines(&tool.attributes), expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_is_away_or_silent_hurts_no_answer() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent_url = format!("http://{}", silent.local_addr().unwrap());
    let away = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let away_url = format!("http://{}", away.local_addr().unwrap());
    drop(away);
    for url in [silent_url, away_url] {
        let settings = TelemetrySettings {
            endpoint: url.parse().unwrap(),
            content: false,
            ca_file: None,
            allowed_networks: vec![Network::parse("127.0.0.0/8").unwrap()],
        };
        let soon = Duration::from_millis(1);
        let rhythm = Rhythm { spans: soon, metrics: soon };
        let telemetry = Telemetry::open(&settings, tokio::runtime::Handle::current(), rhythm).unwrap();
        // More than the queue holds.
        let began = std::time::Instant::now();
        for _ in 0..5000 {
            assert_eq!(ask(&telemetry, whole_answer()).await, whole_answer());
        }
        let took = began.elapsed();
        println!("5000 answers beside a collector that does not answer: {took:?}");
        assert!(took < Duration::from_secs(9), "{took:?}: as long as one call of the collector may take");
        tokio::task::spawn_blocking(move || telemetry.close()).await.unwrap();
    }
}

#[test]
fn mistakes_in_the_section_are_told_at_their_places() {
    let read = crate::assistant::settings::Settings::read;
    assert!(read("{}").unwrap().telemetry.is_none());
    let settings = read("telemetry: {otlpEndpoint: 'https://otel.example:4318'}").unwrap().telemetry.unwrap();
    assert!(!settings.content);
    for (text, place) in [
        ("telemetry: {}", "telemetry.otlpEndpoint"),
        ("telemetry: {otlpEndpoint: collector}", "telemetry.otlpEndpoint"),
        ("telemetry: {otlpEndpoint: 'https://a', content: 'yes'}", "telemetry.content"),
        ("telemetry: {otlpEndpoint: 'https://a', contents: true}", "telemetry.contents"),
    ] {
        let mistakes = read(text).unwrap_err();
        assert_eq!(mistakes.iter().map(|one| one.mistake.place.as_str()).collect::<Vec<_>>(), [place], "{text}");
    }
}
