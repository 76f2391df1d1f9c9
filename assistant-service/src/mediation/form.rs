//! What there is without a model: five questions, whose answers are put in order and not reworded, and an order of steps for two
//! people. It understands nothing, and says so.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::record::{Joint, MadeBy, ModelIs, Private, Restatement};
use super::{LONGEST_TEXT, new_id, said};
use crate::problem::Problem;

/// What the form asks, by the members of [`Answers`], and the heading of each answer.
pub(super) const QUESTIONS: [(&str, &str, &str); 5] = [
    ("what_happened", "What happened? Say what a camera would have seen.", "What happened"),
    ("what_it_cost", "What did it cost you: time, sleep, trust, something else?", "What it cost me"),
    ("what_you_need", "What do you need from now on?", "What I need"),
    ("what_you_offer", "What could you offer?", "What I could offer"),
    ("what_to_tell", "What would you like the other one to know?", "What I would like you to know"),
];

/// What the form says of itself.
pub(super) const HONESTLY: &str = "No model helps here: this is a form. It puts your own words in order and changes none of them. Read \
                                   them as the other one will read them, and change what is blame.";

/// What somebody tells by the form's questions; at least one of them is answered.
#[derive(Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Answers {
    /// What happened?
    what_happened: String,
    /// What did it cost you?
    what_it_cost: String,
    /// What do you need?
    what_you_need: String,
    /// What could you offer?
    what_you_offer: String,
    /// What would you like the other one to know?
    what_to_tell: String,
}

/// A question of the form.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Question {
    /// The member of `answers` that answers it.
    name: &'static str,
    /// The question.
    question: &'static str,
}

/// All of them.
pub(super) fn questions() -> Vec<Question> {
    QUESTIONS.into_iter().map(|(name, question, _)| Question { name, question }).collect()
}

impl Answers {
    /// One text of the answers under their headings.
    pub(super) fn together(&self) -> Result<String, Problem> {
        let answers =
            [&self.what_happened, &self.what_it_cost, &self.what_you_need, &self.what_you_offer, &self.what_to_tell];
        let parts = QUESTIONS.into_iter().zip(answers).filter(|(_, answer)| !answer.trim().is_empty());
        let parts: Vec<_> = parts.map(|((_, _, heading), answer)| format!("{heading}: {}", answer.trim())).collect();
        Ok(said("answers", &parts.join("\n\n"), LONGEST_TEXT)?)
    }
}

/// The party's own words.
pub(super) fn restatement(account: &str, instead_of_model: Option<ModelIs>) -> Restatement {
    Restatement { id: new_id(), text: Private::new(account.to_owned()), made_by: MadeBy::Form { instead_of_model } }
}

/// Steps for two people who have read each other's view.
pub(super) fn joint(topic: &str, first: &str, second: &str, instead_of_model: Option<ModelIs>) -> Joint {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    Joint {
        common: Vec::new(),
        open: texts(&[
            "Which of the two views say the same in other words? Mark it together.",
            "What does one of you need that the other has not heard before?",
        ]),
        next_steps: texts(&[
            "Each says the other's view in own words, until the other one says: yes, that is what I meant.",
            "Each names one thing that he or she needs, and one that he or she offers.",
            "Write down what you will do until when, propose it as an agreement, and look at it again on that day.",
        ]),
        first_draft: Some(draft(topic, first)),
        second_draft: Some(draft(topic, second)),
        made_by: MadeBy::Form { instead_of_model },
    }
}

fn draft(topic: &str, own: &str) -> String {
    format!(
        "I would like to talk with you about this: {topic}\n\nThis is how I see it:\n{own}\n\nI have read your view. When \
         would half an hour suit you?"
    )
}
