//! What every handler may use: ports, each in the form that start-up or a test chose.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use tokio::sync::{Semaphore, watch};

use crate::assistant::Assistant;
use crate::backbone::Backbone;
use crate::chat::PassedOn;
use crate::clock::Clock;
use crate::commands::Commands;
use crate::consumers::Consumers;
use crate::events::{DeadLetters, EventSchemas};
use crate::gate::{Requester, TransactionKeySource};
use crate::health::Readiness;
use crate::insights::Watches;
use crate::knowledge::{CurrentKnowledge, is_followed};
use crate::layers::room_for_bodies;
use crate::mediation::Mediator;
use crate::metrics::Metrics;
use crate::problem::Problem;
use crate::runbooks::RunbookCatalogue;
use crate::seats::Seats;
use crate::sessions::Sessions;
use crate::telemetry::Traces;
use crate::trust::TrustBook;
use crate::web::Console;

/// Long polls at once. Open streams are counted by themselves: they last longer.
const WAITING_SEATS: usize = 1024;

/// Open streams at once, and of one reader: enough for many windows.
const TAIL_SEATS: (usize, usize) = (512, 16);

/// Questions that are being answered at once, and of one caller: a model may take its time over each.
const ANSWER_SEATS: (usize, usize) = (512, 128);

/// Pictures that are made, or wait for that, at once, and of one caller: each reads thousands of events.
const PICTURE_SEATS: (usize, usize) = (32, 8);

/// The service's ports.
#[derive(Clone)]
pub struct AppState {
    /// Events and entries.
    pub backbone: Arc<dyn Backbone>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The gate's keys.
    pub transaction_keys: Arc<dyn TransactionKeySource>,
    /// What answers questions.
    pub assistant: Arc<dyn Assistant>,
    /// The stored procedures.
    pub runbooks: Arc<dyn RunbookCatalogue>,
    /// What the data of events must be.
    pub event_schemas: Arc<EventSchemas>,
    /// What could not be taken.
    pub dead_letters: Arc<DeadLetters>,
    /// The commands.
    pub commands: Arc<Commands>,
    /// Places in the log that outlive whoever reads from them.
    pub consumers: Arc<Consumers>,
    /// What somebody wants to know of as soon as it happens.
    pub watches: Arc<Watches>,
    /// What restates what people in a conflict say.
    pub(crate) mediator: Arc<Mediator>,
    /// What is revoked, and what keepers bring to the gates.
    pub trust: Arc<TrustBook>,
    /// The counters.
    pub metrics: Arc<Metrics>,
    /// Where spans of requests go, if anywhere.
    pub(crate) traces: Option<Traces>,
    /// Tells those who wait that the service ends.
    pub ending: Arc<watch::Sender<bool>>,
    /// One for each long poll that may wait at once.
    pub(crate) waiting_seats: Arc<Semaphore>,
    /// One for each byte of a body that is held.
    pub(crate) room_for_bodies: Seats<Option<Requester>>,
    /// One for each open stream.
    pub(crate) tail_seats: Seats,
    /// One for each question that is being answered.
    pub(crate) answer_seats: Seats,
    /// One for each picture that is asked for.
    pub(crate) picture_seats: Seats,
    /// The models that clients may talk to themselves, where there are any.
    pub(crate) passed_on: Option<Arc<PassedOn>>,
    /// The sessions, where there are any.
    pub(crate) sessions: Option<Arc<Sessions>>,
    /// What the console is told, where there is one.
    pub(crate) console: Option<Arc<Console>>,
    /// Whether the store takes changes.
    pub(crate) readiness: Arc<Readiness>,
    /// The documents, where the service is not to be ready before they are read.
    pub(crate) documents: Option<CurrentKnowledge>,
}

impl AppState {
    /// Puts the ports together.
    pub fn new(
        backbone: Arc<dyn Backbone>,
        clock: Arc<dyn Clock>,
        transaction_keys: Arc<dyn TransactionKeySource>,
        assistant: Arc<dyn Assistant>,
        runbooks: Arc<dyn RunbookCatalogue>,
        trust: Arc<TrustBook>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let commands =
            Commands::new(Arc::clone(&backbone), Arc::clone(&clock), Arc::clone(&runbooks), Arc::clone(&metrics));
        let dead_letters = DeadLetters::new(Arc::clone(&backbone), Arc::clone(&clock), Arc::clone(&metrics));
        let dead_letters = Arc::new(dead_letters);
        let consumers =
            Consumers::new(Arc::clone(&backbone), Arc::clone(&clock), Arc::clone(&metrics), Arc::clone(&dead_letters));
        let waiting_seats = Arc::new(Semaphore::new(WAITING_SEATS));
        Self {
            backbone,
            clock,
            transaction_keys,
            assistant,
            runbooks,
            event_schemas: Arc::default(),
            dead_letters,
            commands: Arc::new(commands),
            consumers: Arc::new(consumers),
            watches: Arc::default(),
            mediator: Arc::default(),
            trust,
            metrics,
            traces: None,
            ending: Arc::default(),
            waiting_seats,
            room_for_bodies: room_for_bodies(),
            tail_seats: Seats::new(TAIL_SEATS.0, TAIL_SEATS.1),
            answer_seats: Seats::new(ANSWER_SEATS.0, ANSWER_SEATS.1),
            picture_seats: Seats::new(PICTURE_SEATS.0, PICTURE_SEATS.1),
            passed_on: None,
            sessions: None,
            console: None,
            readiness: Arc::default(),
            documents: None,
        }
    }

    /// The same, with schemas for the data of events.
    #[must_use]
    pub fn with_event_schemas(self, event_schemas: EventSchemas) -> Self {
        Self { event_schemas: Arc::new(event_schemas), ..self }
    }

    /// The same, with models that clients may talk to themselves.
    #[must_use]
    pub fn with_models(self, passed_on: PassedOn) -> Self {
        Self { passed_on: Some(Arc::new(passed_on)), ..self }
    }

    /// The same, with sessions of further devices.
    #[must_use]
    pub fn with_sessions(self, sessions: Sessions) -> Self {
        Self { sessions: Some(Arc::new(sessions)), ..self }
    }

    /// The same, with sessions as a file says it.
    pub(crate) fn with_file_of_sessions(self, file: &Path) -> anyhow::Result<Self> {
        let (backbone, clock, trust) = (&self.backbone, &self.clock, &self.trust);
        let sessions = Sessions::open(file, Arc::clone(backbone), Arc::clone(clock), Arc::clone(trust))?;
        Ok(self.with_sessions(sessions.with_context(|| format!("{} has mistakes", file.display()))?))
    }

    /// The sessions; without settings for them there is nothing of the kind.
    pub(crate) fn sessions(&self) -> Result<&Sessions, Problem> {
        self.sessions.as_deref().ok_or(Problem::NotFound)
    }

    /// The same, and requests and commands are told as spans.
    #[must_use]
    pub(crate) fn with_traces(self, traces: Traces) -> Self {
        self.commands.tell_spans_to(traces.clone());
        Self { traces: Some(traces), ..self }
    }

    /// The same, with a console.
    #[must_use]
    pub fn with_console(self, console: Console) -> Self {
        Self { console: Some(Arc::new(console)), ..self }
    }

    /// What the console is told; without that there is none.
    pub(crate) fn console(&self) -> Result<&Console, Problem> {
        self.console.as_deref().ok_or(Problem::NotFound)
    }

    /// The same, with watches over the events.
    #[must_use]
    pub fn with_watches(self, watches: Watches) -> Self {
        Self { watches: Arc::new(watches), ..self }
    }

    /// The same, with what restates what people in a conflict say.
    #[must_use]
    pub(crate) fn with_mediator(self, mediator: Mediator) -> Self {
        Self { mediator: Arc::new(mediator), ..self }
    }

    /// The same, and not ready before these documents are read.
    #[must_use]
    pub fn with_documents(self, documents: CurrentKnowledge) -> Self {
        Self { documents: Some(documents), ..self }
    }

    /// Whether there are no documents that are still to be read, or that nobody looks at any more.
    pub(crate) fn documents_are_read(&self) -> bool {
        self.documents.as_ref().is_none_or(|documents| documents.borrow().is_read() && is_followed(documents))
    }

    /// Returns when there are no documents that are still to be read.
    pub(crate) async fn documents_are_there(&self) {
        if let Some(mut documents) = self.documents.clone() {
            // Nobody reads them any more when the service ends, and then nobody waits for this either.
            let _ = documents.wait_for(|documents| documents.is_read()).await;
        }
    }

    /// Returns when the service ends.
    pub(crate) async fn ended(&self) {
        // The sender is a part of `self`, so it is there.
        let _ = self.ending.subscribe().wait_for(|is_ending| *is_ending).await;
    }
}
