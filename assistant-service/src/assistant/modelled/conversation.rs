//! The loop: a model says something or calls for something, and is given it, a few times at most.

use std::collections::BTreeMap;

use serde_json::Map;

use super::ModelledAssistant;
use super::hearing::{Ear, Heard, Turn, Unheard};
use super::marker::Marker;
use super::prompt;
use crate::assistant::defences::Defence;
use crate::assistant::redaction::Redacted;
use crate::assistant::tools::Findings;
use crate::assistant::{Asked, Asker, Progress, Step};
use crate::model::{Message, Prompt, ToolCall};
use crate::telemetry;

/// How often a model is given what it called for.
const MOST_STEPS: usize = 8;
/// Where nothing ends a model that never comes to an end, this does.
const MOST_TURNS_EVER: usize = 16;
/// A call that was made so often already ends the calling.
const MOST_REPEATS: usize = 2;
/// Of all that tools give, a model is shown no more.
const LONGEST_RESULTS_BYTES: usize = 96 * 1024;
const REPEATED: &str = "this was called before; what it gave stands above";
const NO_ROOM: &str = "there is no room for more; answer from what stands above";

/// One question's conversation with a model.
pub(super) struct Conversation<'a> {
    assistant: &'a ModelledAssistant,
    asker: &'a Asker,
    marker: Marker,
    messages: Vec<Message>,
    made: BTreeMap<(String, String), usize>,
    results_bytes: usize,
}

impl<'a> Conversation<'a> {
    pub(super) fn about(assistant: &'a ModelledAssistant, asked: &'a Asked, evidence: &Redacted) -> Self {
        let marker = Marker::draw(&assistant.toolbox.defences);
        let messages = prompt::messages(asked, evidence, assistant.redactor(), &marker);
        Self { assistant, asker: &asked.asker, marker, messages, made: BTreeMap::new(), results_bytes: 0 }
    }

    /// Goes on until the model says something without calling for anything.
    pub(super) async fn hold(mut self, findings: &mut Findings, progress: &Progress) -> Result<Heard, Unheard> {
        let is_bounded = self.assistant.toolbox.defences.has(Defence::Steps);
        let most = if is_bounded { MOST_STEPS } else { MOST_TURNS_EVER };
        let mut may_call = true;
        for step in 0..=most {
            may_call &= step < most;
            let turn = self.turn(findings, progress, may_call).await?;
            if turn.calls.is_empty() {
                return Ok(turn.heard);
            }
            if turn.was_told {
                progress.tell(Step::Anew).await;
            }
            if !may_call {
                break;
            }
            may_call = self.give(turn, findings, progress).await || !is_bounded;
        }
        Err(Unheard::NeverAnswered)
    }

    async fn turn(&self, findings: &Findings, progress: &Progress, may_call: bool) -> Result<Turn, Unheard> {
        let toolbox = &self.assistant.toolbox;
        let prompt = Prompt {
            account: self.asker.principal.clone(),
            model: None,
            messages: self.messages.clone(),
            tools: if may_call { toolbox.offered(self.asker) } else { Vec::new() },
            max_output_tokens: None,
            is_private: false,
            options: Map::new(),
        };
        let ear = Ear {
            model: &*self.assistant.model,
            hosts: &toolbox.hosts,
            defences: &toolbox.defences,
            shown: &findings.shown,
            progress,
        };
        ear.hear(prompt).await
    }

    /// Gives the model what it called for. Whether it may call again.
    async fn give(&mut self, turn: Turn, findings: &mut Findings, progress: &Progress) -> bool {
        let Turn { said, calls, .. } = turn;
        self.messages.push(Message::Assistant { text: said, calls: calls.clone() });
        let mut may_call = true;
        for call in calls {
            let times = self.times(&call);
            let is_bounded = self.assistant.toolbox.defences.has(Defence::Steps);
            let content = if times > 0 && is_bounded {
                may_call &= times < MOST_REPEATS;
                REPEATED.to_owned()
            } else if self.results_bytes >= LONGEST_RESULTS_BYTES && is_bounded {
                may_call = false;
                NO_ROOM.to_owned()
            } else {
                let _span = telemetry::tool_span(&known_name(&call), &call.id);
                let given = self.assistant.toolbox.call(&call, self.asker, findings).await;
                progress.tell(Step::Used { tool: known_name(&call) }).await;
                self.results_bytes = self.results_bytes.saturating_add(given.as_str().len());
                self.marker.around(&given)
            };
            self.messages.push(Message::ToolResult { call: call.id, content });
        }
        may_call
    }

    /// How often just this was called before.
    fn times(&mut self, call: &ToolCall) -> usize {
        // The same call is the same however its arguments are laid out.
        let arguments = serde_json::from_str::<serde_json::Value>(&call.arguments).map(|mut value| {
            value.sort_all_objects();
            value.to_string()
        });
        let arguments = arguments.unwrap_or_else(|_| call.arguments.clone());
        let times = self.made.entry((call.name.clone(), arguments)).or_default();
        let before = *times;
        *times = times.saturating_add(1);
        before
    }
}

/// A tool's name as whoever listens is told it: a model may call for things whose names are its own.
fn known_name(call: &ToolCall) -> String {
    let is_name = call.name.len() <= 32 && call.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    if is_name { call.name.clone() } else { "unknown".to_owned() }
}
