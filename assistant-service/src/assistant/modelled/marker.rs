//! What parts data from everything else in a prompt.

use rand_core::{OsRng, RngCore};

use crate::assistant::defences::{Defence, Defences};
use crate::assistant::redaction::Redacted;

/// A word that nobody who writes documents or events can know: it is drawn for each question.
pub(super) struct Marker(String);

impl Marker {
    pub(super) fn draw(defences: &Defences) -> Self {
        if !defences.has(Defence::Marker) {
            return Self("data".to_owned());
        }
        let mut random = [0; 16];
        OsRng.fill_bytes(&mut random);
        Self(random.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// What the model is told about it.
    pub(super) fn explanation(&self) -> String {
        let Self(word) = self;
        format!("Data stands between a line [begin {word}] and a line [end {word}].")
    }

    /// Data between its lines. A model may have said the word where others could write it down meanwhile, so it never
    /// stands within.
    pub(super) fn around(&self, data: &Redacted) -> String {
        let Self(word) = self;
        let data = data.as_str();
        let data = if word == "data" { data.to_owned() } else { data.replace(word.as_str(), "") };
        format!("[begin {word}]\n{data}\n[end {word}]")
    }
}
