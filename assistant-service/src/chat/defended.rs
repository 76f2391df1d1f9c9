//! The assistant's own defences, around conversations that clients lead themselves.

use serde_json::Value;

use super::guard::{Filter, Guard};
use crate::assistant::links::{AllowedHosts, json::without_foreign_addresses};
use crate::assistant::redaction::Redactor;
use crate::assistant::words::{NoMarks, Words};
use crate::assistant::{Defences, settings::Settings};

/// No secret leaves, and no link comes back that leads elsewhere than the settings say.
pub(crate) struct Defended {
    redactor: Redactor,
    hosts: AllowedHosts,
}

impl Defended {
    pub(crate) fn by(settings: &Settings) -> Self {
        Self { redactor: settings.redaction().clone(), hosts: settings.links().clone() }
    }
}

impl Guard for Defended {
    fn may_leave(&self, text: &str) -> String {
        self.redactor.text(text).as_str().to_owned()
    }

    fn json_may_leave(&self, value: Value) -> Value {
        self.redactor.json(value)
    }

    fn filter(&self) -> Box<dyn Filter> {
        Box::new(Passing(Some(Words::new(self.hosts.clone(), Defences::default(), NoMarks))))
    }

    fn json_may_come(&self, value: Value) -> Value {
        without_foreign_addresses(value, &self.hosts)
    }
}

/// An answer on its way out, until it is at its end.
struct Passing(Option<Words<NoMarks>>);

impl Filter for Passing {
    fn pass(&mut self, piece: &str) -> String {
        self.0.as_mut().map(|words| words.push(piece)).unwrap_or_default()
    }

    fn rest(&mut self) -> String {
        self.0.take().map(|words| words.finish().0).unwrap_or_default()
    }
}
