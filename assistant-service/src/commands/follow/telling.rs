//! What a reader is told of a command, and what he knows already.

use axum::response::sse::Event;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{TYPES, event};
use crate::commands::command::Command;
use crate::commands::state::State;
use crate::problem::Problem;

/// Below [`TYPES`], the type of a piece of output.
const OUTPUT: &str = "output";

/// What was told last.
pub(super) struct Told {
    command: Value,
    state: State,
    /// How many states the log has told.
    states: u64,
}

/// As much of an event as must be read.
#[derive(Deserialize)]
struct Logged {
    #[serde(rename = "type")]
    event_type: String,
    data: Box<RawValue>,
}

impl Told {
    /// The command is what is to be told first.
    pub(super) fn nothing_of(command: Command) -> Result<Self, Problem> {
        let state = command.state;
        Ok(Self { command: serde_json::to_value(command).map_err(Problem::internal)?, state, states: 0 })
    }

    pub(super) fn first(&self) -> Event {
        event("command", &self.command)
    }

    pub(super) fn states(&self) -> u64 {
        self.states
    }

    /// What is told of an event in the log: a piece of output, or the command in a state; `is_known` if that was told before.
    pub(super) fn of_event(&mut self, json: &str, is_known: bool) -> Result<Option<Event>, Problem> {
        let Logged { event_type, data } = serde_json::from_str(json).map_err(Problem::internal)?;
        let name = event_type.strip_prefix(TYPES).and_then(|rest| rest.strip_prefix('.'));
        if name == Some(OUTPUT) {
            return Ok(Some(Event::default().event("output").data(data.get())));
        }
        let state = State::ALL.into_iter().find(|state| name == Some(state.name()));
        let Some(state) = state.filter(|_| !is_known) else { return Ok(None) };
        self.command = serde_json::from_str(data.get()).map_err(Problem::internal)?;
        self.state = state;
        self.states = self.states.saturating_add(1);
        Ok(Some(event("command", &self.command)))
    }

    /// A command as it is kept, unless it says nothing that was not told.
    pub(super) fn unless_told(&mut self, command: &Command) -> Result<Option<Event>, Problem> {
        let now = serde_json::to_value(command).map_err(Problem::internal)?;
        if news(&now) == news(&self.command) {
            return Ok(None);
        }
        (self.command, self.state) = (now, command.state);
        Ok(Some(event("command", &self.command)))
    }

    /// That the command has ended, if that was told.
    pub(super) fn end(&self) -> Option<Event> {
        self.state.is_final().then(|| event("end", &json!({"state": self.state.name()})))
    }
}

/// A command without what each sign of life and each piece of output changes.
fn news(command: &Value) -> Value {
    let mut news = command.clone();
    if let Some(members) = news.as_object_mut() {
        for name in ["updated_at", "lease", "output_bytes"] {
            members.remove(name);
        }
    }
    news
}
