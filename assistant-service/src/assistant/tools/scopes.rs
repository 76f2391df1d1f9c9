//! Which scope each tool asks of whoever asks. They are those of the gate's rules for the same things.

use trust_core::Mistake;

use super::Kind;
use crate::knowledge::{Audience, Scopes};
use crate::section::Section;

const KEYS: [&str; 5] = ["queryEvents", "incident", "listRunbooks", "proposeCommand", "commandStatus"];

/// For each tool, whoever may use it: holders of one of some scopes, or nobody.
#[derive(Clone, Debug)]
pub(in super::super) struct ToolScopes {
    query_events: Option<Audience>,
    incident: Option<Audience>,
    list_runbooks: Option<Audience>,
    propose_command: Option<Audience>,
    command_status: Option<Audience>,
}

impl Default for ToolScopes {
    fn default() -> Self {
        Self {
            query_events: Audience::of(&["events:read"]),
            incident: Audience::of(&["events:read"]),
            list_runbooks: Audience::of(&["runbooks:read"]),
            propose_command: Audience::of(&["commands:request"]),
            command_status: Audience::of(&["commands:request", "commands:approve"]),
        }
    }
}

impl ToolScopes {
    /// Reads the section `tools`. A tool whose list is empty is nobody's.
    pub(in super::super) fn read(section: &Section<'_>, mistakes: &mut Vec<Mistake>) -> Self {
        let mut scopes = Self::default();
        if !section.is_there() {
            return scopes;
        }
        section.only_keys(&KEYS, mistakes);
        let mut audience = |key: &str, default: Option<Audience>| {
            let here = section.at(key);
            if !here.is_there() {
                return default;
            }
            let texts = match here.as_text() {
                Some(text) => vec![text.to_owned()],
                None => section.texts(key, mistakes),
            };
            let read = Audience::of(&texts);
            if read.is_none() && !texts.is_empty() {
                here.mistake("a scope or a list of scopes was expected", mistakes);
            }
            read
        };
        scopes.query_events = audience("queryEvents", scopes.query_events);
        scopes.incident = audience("incident", scopes.incident);
        scopes.list_runbooks = audience("listRunbooks", scopes.list_runbooks);
        scopes.propose_command = audience("proposeCommand", scopes.propose_command);
        scopes.command_status = audience("commandStatus", scopes.command_status);
        scopes
    }

    pub(super) fn admit(&self, kind: Kind, scopes: &Scopes) -> bool {
        let audience = match kind {
            // What the one finds depends on the asker's scopes already, and the other takes from nothing else.
            Kind::SearchDocuments | Kind::RecommendCode => return true,
            Kind::QueryEvents => &self.query_events,
            Kind::Incident => &self.incident,
            Kind::ListRunbooks => &self.list_runbooks,
            Kind::ProposeCommand => &self.propose_command,
            Kind::CommandStatus => &self.command_status,
        };
        audience.as_ref().is_some_and(|audience| audience.admits(scopes))
    }
}
