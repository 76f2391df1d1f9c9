//! A mediation with a model: what it is shown, what of its words is told, and one that tries to tell all that it was ever shown.

mod telling;
mod withheld;

use std::sync::{Arc, Mutex};

use futures_util::stream::{self, BoxStream, StreamExt};

use super::*;
use crate::assistant::redaction::Redactor;
use crate::mediation::Mediator;
use crate::model::{End, EndReason, Message, Model, ModelError, Piece, Prompt, Usage};

type Speaker = Box<dyn Fn(&[Prompt]) -> Result<String, ModelError> + Send + Sync>;

/// A model that says what a function of all prompts gives, the last one being that of the moment.
#[derive(Clone)]
struct Scripted {
    speak: Arc<Speaker>,
    prompts: Arc<Mutex<Vec<Prompt>>>,
}

impl Scripted {
    fn new(speak: impl Fn(&[Prompt]) -> Result<String, ModelError> + Send + Sync + 'static) -> Self {
        Self { speak: Arc::new(Box::new(speak)), prompts: Arc::default() }
    }

    fn stage(&self) -> Stage {
        Stage::new().with_mediator(Mediator::new(Arc::new(self.clone()), Redactor::default()))
    }

    fn prompts(&self) -> Vec<Prompt> {
        self.prompts.lock().unwrap().clone()
    }
}

impl Model for Scripted {
    fn complete(&self, prompt: Prompt) -> BoxStream<'static, Result<Piece, ModelError>> {
        let mut prompts = self.prompts.lock().unwrap();
        prompts.push(prompt);
        let pieces = match (self.speak)(&prompts) {
            Ok(said) => {
                let end = End { reason: EndReason::Stop, usage: Usage::default(), model: "house".to_owned() };
                vec![Ok(Piece::Text(said)), Ok(Piece::End(end))]
            }
            Err(error) => vec![Err(error)],
        };
        stream::iter(pieces).boxed()
    }

    fn names(&self) -> Vec<String> {
        vec!["house".to_owned()]
    }
}

/// What a prompt shows.
fn shown(prompt: &Prompt) -> String {
    let text = |message: &Message| match message {
        Message::System(text) | Message::User(text) => text.clone(),
        other => panic!("{other:?}"),
    };
    prompt.messages.iter().map(text).collect::<Vec<_>>().join("\n")
}

/// Restates alike for everybody, and sees a little in both views.
fn helpful() -> Scripted {
    Scripted::new(|prompts| {
        Ok(if shown(prompts.last().unwrap()).contains("JSON object") {
            let seen = json!({"common": ["Both talk about reviews."], "open": ["When?"], "next_steps": ["Agree on hours."],
                "first_draft": "I wait for reviews. [Look](https://evil.example/x)", "second_draft": "I get reviews at night."});
            format!("Here it is:\n```json\n{seen}\n```")
        } else {
            "I feel ignored.".to_owned()
        })
    })
}

#[tokio::test]
async fn a_model_restates_each_side_from_its_own_words_and_looks_at_what_both_share() {
    let model = helpful();
    let play = Play::begun(model.stage()).await;
    let told = play.take(ANA, "account", &json!({"text": OF_ANA})).await;
    assert_eq!(told["yours"]["restatement"], "I feel ignored.");
    assert_eq!(told["yours"]["made_by"], json!({"kind": "model", "model": "house"}));
    assert!(told.get("note").is_none(), "{told}");
    play.take(BEN, "account", &json!({"text": OF_BEN})).await;
    play.take(ANA, "restatement", &json!({"text": "I wait for reviews.", "share": true})).await;
    let seen = play.take(BEN, "restatement", &json!({"text": "I get reviews at night.", "share": true})).await;
    let together = &seen["together"];
    assert_eq!(together["common"], json!(["Both talk about reviews."]));
    assert_eq!((&together["open"], &together["made_by"]["model"]), (&json!(["When?"]), &json!("house")));
    assert_eq!(seen["yours"]["draft"], "I get reviews at night.");
    let draft = play.view(ANA).await["yours"]["draft"].to_string();
    assert!(draft.contains("I wait for reviews.") && !draft.contains("evil.example"), "{draft}");

    let prompts = model.prompts();
    assert_eq!(prompts.len(), 3);
    let accounts: Vec<_> = prompts.iter().map(|prompt| prompt.account.rsplit('#').next().unwrap()).collect();
    assert_eq!(accounts, [ANA, BEN, BEN]);
    let [of_ana, of_ben, of_both] = [0, 1, 2].map(|index| Value::from(shown(&prompts[index])));
    assert_eq!((tells(&of_ana, OF_BEN), tells(&of_ben, OF_ANA)), (Vec::new(), Vec::new()));
    assert!(!tells(&of_ana, OF_ANA).is_empty() && !tells(&of_ben, OF_BEN).is_empty());
    assert_eq!(tells(&of_both, &format!("{OF_ANA} {OF_BEN}")), [""; 0]);
    assert!(
        of_both.to_string().contains("I wait for reviews.") && of_both.to_string().contains("at night"),
        "{of_both}"
    );
    assert!(prompts.iter().all(|prompt| prompt.is_private && !shown(prompt).contains("Who reviews whose code")));
}

#[tokio::test]
async fn the_same_said_again_asks_no_model() {
    let model = helpful();
    let play = Play::shared(model.stage()).await;
    let asked = model.prompts().len();
    play.take(ANA, "account", &json!({"text": OF_ANA})).await;
    play.take(BEN, "restatement", &json!({"text": "I get reviews at night.", "share": true})).await;
    assert_eq!(model.prompts().len(), asked);
}

#[tokio::test]
async fn when_a_model_gives_nothing_the_form_stands_in_and_says_so_in_one_word() {
    for said in [
        Err(ModelError::Unavailable("it is away".to_owned())),
        Err(ModelError::TimedOut),
        Ok(String::new()),
        Ok("a ".repeat(4001)),
        Ok("a".repeat(64 * 1024 + 1)),
    ] {
        let model = Scripted::new(move |_| said.clone());
        let play = Play::begun(model.stage()).await;
        let told = play.take(ANA, "account", &json!({"text": OF_ANA})).await;
        assert_eq!(told["yours"]["made_by"], json!({"kind": "form", "instead_of_model": "unavailable"}));
        assert_eq!(told["yours"]["restatement"], OF_ANA);
        assert!(told["note"].is_string(), "{told}");
    }
    let play = Play::shared(Scripted::new(|_| Ok("I see.".to_owned())).stage()).await;
    let made_by = play.view(ANA).await["together"]["made_by"].clone();
    assert_eq!(made_by, json!({"kind": "form", "instead_of_model": "unavailable"}));
}
