//! A stage for tests: the whole service without a socket, a clock that the test moves, and a gate's keys.

pub(crate) mod dice;
pub(crate) mod joined;
#[path = "../tests/provider/mod.rs"]
pub(crate) mod provider;

use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use axum::response::Response;
use prometheus_client::metrics::histogram::Histogram;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::datetime;
use tower::ServiceExt;
use trust_core::gate_key::GateKeys;
use trust_core::transaction_token::{RequesterContext, TransactionClaims, TransactionContext, TransactionKeys};

use crate::app::app;
use crate::assistant::{Assistant, AwaitingDocuments, ExtractiveAssistant};
use crate::backbone::Backbone;
use crate::backbone::retention::Retention;
use crate::backbone::sqlite::SqliteBackbone;
use crate::chat::PassedOn;
use crate::clock::Clock;
use crate::commands::Commands;
use crate::events::{DeadLetters, EventSchemas};
use crate::gate::TransactionKeySource;
use crate::knowledge::{CurrentKnowledge, Knowledge};
use crate::mediation::Mediator;
use crate::metrics::Metrics;
use crate::runbooks::{FolderCatalogue, RunbookCatalogue};
use crate::state::AppState;
use crate::trust::TrustBook;
use crate::web::Console;

pub(crate) const HOST: &str = "localhost:8443";
pub(crate) const ISSUER: &str = "https://issuer.watchgate.test";
pub(crate) const TESTER: &str = "https://issuer.watchgate.test#tester-7";

pub(crate) const KEEP_REVOCATIONS_FOR: Duration = Duration::from_secs(90 * 24 * 60 * 60);

pub(crate) struct ManualClock(Mutex<(OffsetDateTime, Duration)>);

impl ManualClock {
    pub(crate) fn at(time: OffsetDateTime) -> Self {
        Self(Mutex::new((time, Duration::ZERO)))
    }

    /// Time passes.
    pub(crate) fn advance(&self, by: Duration) {
        let mut clock = self.0.lock().unwrap();
        *clock = (clock.0 + by, clock.1 + by);
    }

    /// Somebody sets the wall clock, forward or back; no time passes.
    pub(crate) fn step(&self, by: time::Duration) {
        self.0.lock().unwrap().0 += by;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> OffsetDateTime {
        self.0.lock().unwrap().0
    }

    fn elapsed(&self) -> Duration {
        self.0.lock().unwrap().1
    }
}

/// The example company: read once, since nothing changes it.
pub(crate) static COMPANY: LazyLock<(Arc<ExtractiveAssistant>, Arc<FolderCatalogue>)> = LazyLock::new(|| {
    let company = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/company");
    let knowledge = Arc::new(Knowledge::load(&company.join("documents")).unwrap());
    let runbooks = Arc::new(FolderCatalogue::load(&company.join("runbooks")).unwrap());
    (Arc::new(ExtractiveAssistant::new(knowledge, runbooks.clone())), runbooks)
});

pub(crate) struct FixedKeys(pub(crate) TransactionKeys);

impl TransactionKeySource for FixedKeys {
    fn keys(&self) -> Option<Arc<TransactionKeys>> {
        Some(Arc::new(self.0.clone()))
    }
}

pub(crate) fn keys(seed: u8, audience: &str) -> TransactionKeys {
    GateKeys::generate("test".to_owned(), [seed; 32], None).transaction_keys(audience)
}

/// The book as it is loaded at start; on a thread of its own, because tests set their stages without waiting.
fn trust_book(backbone: Arc<dyn Backbone>, clock: Arc<dyn Clock>, metrics: Arc<Metrics>) -> Arc<TrustBook> {
    let loading = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(TrustBook::load(backbone, clock, metrics, KEEP_REVOCATIONS_FOR)).unwrap()
    });
    Arc::new(loading.join().unwrap())
}

fn shared_folder() -> Arc<tempfile::TempDir> {
    Arc::new(tempfile::tempdir().unwrap())
}

fn noon() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(datetime!(2026-03-01 12:00:00 UTC)))
}

fn open(folder: &Path, clock: Arc<ManualClock>, jobs_per_commit: Histogram) -> SqliteBackbone {
    SqliteBackbone::open(folder, Retention::default(), clock, jobs_per_commit).unwrap()
}

pub(crate) struct Stage {
    pub(crate) state: AppState,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) keys: TransactionKeys,
    app: Router,
    folder: Arc<tempfile::TempDir>,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self::opened(shared_folder(), noon(), open)
    }

    /// The service ended and started again.
    pub(crate) fn restarted(self) -> Self {
        let Self { state, clock, app, folder, .. } = self;
        drop((state, app));
        Self::opened(folder, clock, open)
    }

    /// The service with a store whose every look through events ends as early as it can.
    pub(crate) fn short_of_time() -> Self {
        Self::opened(shared_folder(), noon(), |folder, clock, jobs_per_commit| {
            let mut store = open(folder, clock, jobs_per_commit);
            store.look_for(Duration::ZERO);
            store
        })
    }

    /// The service with a store whose writer has one of SQLite's settings changed.
    pub(crate) fn with_setting(name: &str, value: i64) -> Self {
        Self::opened(shared_folder(), noon(), |folder, clock, jobs_per_commit| {
            SqliteBackbone::open_with_setting(folder, (name, value), clock, jobs_per_commit)
        })
    }

    /// The service with a store that has no room for a further event, not even for a small one.
    pub(crate) async fn full() -> Self {
        let stage = Self::with_setting("max_page_count", 200);
        for bytes in [50_000, 300] {
            let mut status = 202;
            while status == 202 {
                status = Self::publish(&stage, bytes).await;
            }
            assert_eq!(status, 507);
        }
        stage
    }

    async fn publish(stage: &Self, bytes: usize) -> u16 {
        let event = json!({"specversion": "1.0", "id": uuid::Uuid::now_v7(), "type": "com.example.frame", "source": TESTER,
            "data": "x".repeat(bytes)});
        let request = stage.request("POST", "/v1/events").header("content-type", "application/cloudevents+json");
        let request = request.header("ce-correlationid", "gate-1").header("ce-type", "dev.watchgate.telemetry");
        request.body(event.to_string()).send().await.status.as_u16()
    }

    /// The service with its store in that folder, kept to `retention`.
    pub(crate) fn in_folder(folder: tempfile::TempDir, retention: Retention) -> Self {
        Self::opened(Arc::new(folder), noon(), |folder, clock, jobs_per_commit| {
            SqliteBackbone::open(folder, retention, clock, jobs_per_commit).unwrap()
        })
    }

    fn opened(
        folder: Arc<tempfile::TempDir>,
        clock: Arc<ManualClock>,
        open: impl FnOnce(&Path, Arc<ManualClock>, Histogram) -> SqliteBackbone,
    ) -> Self {
        let metrics = Arc::new(Metrics::default());
        let backbone = open(folder.path(), clock.clone(), metrics.jobs_per_commit.clone());
        Self::on(Arc::new(backbone), metrics, folder, clock)
    }

    /// Another replica of the service, on the same store and with the same clock.
    pub(crate) fn replica(&self) -> Self {
        self.replica_over(Arc::clone(&self.state.backbone))
    }

    /// The same, with what stands between it and the store.
    pub(crate) fn replica_over(&self, backbone: Arc<dyn Backbone>) -> Self {
        Self::on(backbone, Arc::default(), Arc::clone(&self.folder), Arc::clone(&self.clock))
    }

    fn on(
        backbone: Arc<dyn Backbone>,
        metrics: Arc<Metrics>,
        folder: Arc<tempfile::TempDir>,
        clock: Arc<ManualClock>,
    ) -> Self {
        let keys = keys(1, "assistant-service");
        let (assistant, runbooks) = COMPANY.clone();
        let keys_source = Arc::new(FixedKeys(keys.clone()));
        let trust = trust_book(Arc::clone(&backbone), clock.clone(), Arc::clone(&metrics));
        let state = AppState::new(backbone, clock.clone(), keys_source, assistant, runbooks, trust, metrics);
        Self { app: app(state.clone()), state, clock, keys, folder }
    }

    /// The same service, with schemas for the data of events.
    pub(crate) fn with_event_schemas(self, schemas: EventSchemas) -> Self {
        let state = self.state.with_event_schemas(schemas);
        Self { app: app(state.clone()), state, ..self }
    }

    /// The same service, with other runbooks.
    pub(crate) fn with_runbooks(self, runbooks: impl RunbookCatalogue + 'static) -> Self {
        let runbooks: Arc<dyn RunbookCatalogue> = Arc::new(runbooks);
        let AppState { backbone, clock, metrics, .. } = self.state.clone();
        let commands = Arc::new(Commands::new(backbone, clock, Arc::clone(&runbooks), metrics));
        let state = AppState { runbooks, commands, ..self.state };
        Self { app: app(state.clone()), state, ..self }
    }

    /// The same service, with another assistant.
    pub(crate) fn with_assistant(self, assistant: impl Assistant + 'static) -> Self {
        let state = AppState { assistant: Arc::new(assistant), ..self.state };
        Self { app: app(state.clone()), state, ..self }
    }

    /// The same service, with sessions as a file says it.
    pub(crate) fn with_file_of_sessions(self, file: &Path) -> Self {
        let state = self.state.with_file_of_sessions(file).unwrap();
        Self { app: app(state.clone()), state, ..self }
    }

    /// The same service, with a console.
    pub(crate) fn with_console(self, console: Console) -> Self {
        let state = self.state.with_console(console);
        Self { app: app(state.clone()), state, ..self }
    }

    /// The same service, with models that clients may talk to themselves.
    pub(crate) fn with_models(self, passed_on: PassedOn) -> Self {
        let state = self.state.with_models(passed_on);
        Self { app: app(state.clone()), state, ..self }
    }

    /// The same service, with another mediator.
    pub(crate) fn with_mediator(self, mediator: Mediator) -> Self {
        let state = self.state.with_mediator(mediator);
        Self { app: app(state.clone()), state, ..self }
    }

    /// The same service over documents that may still be read.
    pub(crate) fn with_documents(self, documents: CurrentKnowledge) -> Self {
        let assistant = AwaitingDocuments::new(documents.clone(), Arc::clone(&self.state.assistant));
        let state = AppState { assistant: Arc::new(assistant), ..self.state }.with_documents(documents);
        Self { app: app(state.clone()), state, ..self }
    }

    /// The same service, with other bounds for dead letters.
    pub(crate) fn with_dead_letters(self, dead_letters: DeadLetters) -> Self {
        let state = AppState { dead_letters: Arc::new(dead_letters), ..self.state };
        Self { app: app(state.clone()), state, ..self }
    }

    /// What the gate says of a request by tester-7.
    pub(crate) fn claims(&self, method: &str, target: &str) -> TransactionClaims {
        let now = u64::try_from(self.clock.now().unix_timestamp()).unwrap();
        TransactionClaims {
            iss: "watchgate".to_owned(),
            aud: "assistant-service".to_owned(),
            iat: now,
            exp: now + 30,
            txn: "transaction-1".to_owned(),
            sub: Some("tester-7".to_owned()),
            // What the example company's rights of runbooks ask for.
            scope: Some("commands:request commands:approve".to_owned()),
            tctx: TransactionContext {
                rule: "test".to_owned(),
                method: method.to_owned(),
                host: HOST.to_owned(),
                target: target.to_owned(),
                event_types: vec!["com.example.*".to_owned(), "dev.watchgate.telemetry".to_owned()],
            },
            rctx: RequesterContext {
                iss: Some(ISSUER.to_owned()),
                exp: Some(now + 600),
                ..RequesterContext::default()
            },
        }
    }

    /// A request with a good token of tester-7.
    pub(crate) fn request(&self, method: &str, target: &str) -> StagedRequest<'_> {
        StagedRequest {
            claims: self.claims(method, target),
            stage: self,
            request: Request::builder().method(method).uri(target).header("host", HOST),
            body: Vec::new(),
        }
    }

    pub(crate) fn get(&self, target: &str) -> StagedRequest<'_> {
        self.request("GET", target)
    }

    pub(crate) fn post(&self, target: &str, body: &Value) -> StagedRequest<'_> {
        self.request("POST", target).header("content-type", "application/json").body(body.to_string())
    }

    /// Sends `request` as it is.
    pub(crate) async fn send(&self, request: Request<Body>) -> Response {
        self.app.clone().oneshot(request).await.unwrap()
    }
}

pub(crate) struct StagedRequest<'a> {
    stage: &'a Stage,
    claims: TransactionClaims,
    request: axum::http::request::Builder,
    body: Vec<u8>,
}

impl StagedRequest<'_> {
    pub(crate) fn by(mut self, subject: &str) -> Self {
        self.claims.sub = Some(subject.to_owned());
        self
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    pub(crate) fn claiming(mut self, change: impl FnOnce(&mut TransactionClaims)) -> Self {
        change(&mut self.claims);
        self
    }

    pub(crate) async fn open(self) -> Response {
        let token = self.claims.sign(&self.stage.keys).unwrap();
        self.stage.send(self.request.header("txn-token", token).body(Body::from(self.body)).unwrap()).await
    }

    pub(crate) async fn send(self) -> Answer {
        Answer::of(self.open().await).await
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) json: Value,
}

/// The events of a stream of server-sent events that has ended: name and data of each.
pub(crate) async fn sent_events(response: Response) -> Vec<(String, String)> {
    let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let field = |event: &str, name: &str| {
        let lines = event.lines().filter_map(|line| line.strip_prefix(name)).map(str::trim_start);
        lines.collect::<Vec<_>>().join("\n")
    };
    let events = text.split("\n\n").filter(|event| event.lines().any(|line| !line.starts_with(':')));
    events.map(|event| (field(event, "event:"), field(event, "data:"))).collect()
}

impl Answer {
    pub(crate) async fn of(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        let json = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Self { status: parts.status, headers: parts.headers, json }
    }

    /// The names in a problem's `errors`.
    pub(crate) fn wrong_fields(&self) -> Vec<&str> {
        let errors = self.json["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        errors.iter().map(|error| error["field"].as_str().unwrap()).collect()
    }
}
