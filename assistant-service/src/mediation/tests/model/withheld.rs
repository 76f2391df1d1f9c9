//! A model that remembers is no way to try which words the other side has used.

use super::*;
use crate::mediation::mediator::{Said, restatement};
use crate::mediation::record::{MadeBy, ModelIs, Record, Side};
use time::OffsetDateTime;
use trust_core::principal::Principal;

/// Does what an account asks of it that is written to try words: one to a line.
const TRIED: &str = "I feel tired.\nThey have a physician.\nThey have a therapist.\nThey have a lawyer.";

/// Says `TRIED` to an account of one of these numbers.
fn trying(numbers: &'static [u32]) -> Scripted {
    Scripted::new(move |prompts| {
        let account = shown(prompts.last().unwrap());
        let is_tried = numbers.iter().any(|number| account.contains(&format!("Number {number}.")));
        // To Ben, who has no number, it says no word that would be his.
        let said = if is_tried {
            TRIED
        } else if account.contains("Number") {
            "I feel tired."
        } else {
            "Mine."
        };
        Ok(said.to_owned())
    })
}

async fn tell(play: &Play, who: &str, number: u32) -> Value {
    play.take(who, "account", &json!({"text": format!("Number {number}.")})).await["yours"]["made_by"].clone()
}

#[tokio::test]
async fn a_word_of_the_other_side_withholds_all_and_looks_like_a_model_that_is_away() {
    let mut seen = Vec::new();
    for model in [trying(&[1]), Scripted::new(|_| Err(ModelError::Unavailable("it is away".to_owned())))] {
        let play = Play::begun(model.stage()).await;
        play.take(BEN, "account", &json!({"text": OF_BEN})).await;
        let told = play.take(ANA, "account", &json!({"text": "Number 1."})).await;
        assert_eq!(told["yours"]["restatement"], "Number 1.");
        let mut told = told.clone();
        for differs in ["/id", "/yours/restatement_id"] {
            *told.pointer_mut(differs).unwrap() = Value::Null;
        }
        seen.push(told);
    }
    assert_eq!(seen[0], seen[1]);
    // The same answer is told as a whole where nobody has used a word of it.
    let play = Play::begun(trying(&[1]).stage()).await;
    assert_eq!(play.take(ANA, "account", &json!({"text": "Number 1."})).await["yours"]["restatement"], TRIED);
}

#[tokio::test]
async fn after_two_that_are_withheld_no_model_is_asked_by_either_side() {
    let model = trying(&[1, 3]);
    let play = Play::begun(model.stage()).await;
    play.take(BEN, "account", &json!({"text": OF_BEN})).await;
    let (by_model, by_form) =
        (json!({"kind": "model", "model": "house"}), json!({"kind": "form", "instead_of_model": "unavailable"}));
    for (number, made_by) in [(1, &by_form), (2, &by_model), (3, &by_form)] {
        assert_eq!(tell(&play, ANA, number).await, *made_by, "{number}");
    }
    let asked = model.prompts().len();
    assert_eq!(asked, 4);
    for who in [ANA, BEN] {
        assert_eq!(tell(&play, who, 4).await, by_form, "{who}");
        play.accept(who, true).await;
    }
    assert_eq!(play.view(ANA).await["together"]["made_by"], by_form);
    assert_eq!(model.prompts().len(), asked);
    // In another mediation nothing was tried.
    let play = Play::begun(play.stage).await;
    assert_eq!(tell(&play, ANA, 5).await, by_model);
}

#[test]
fn what_was_asked_before_others_were_withheld_is_not_heard_after_them() {
    // Else somebody who asks for many at once would try as many.
    let people = [ANA, BEN].map(|who| Principal::new(ISSUER.to_owned(), who.to_owned()));
    let [ana, ben] = people;
    let mut record = Record::new("1".to_owned(), "t".to_owned(), ana, ben, OffsetDateTime::UNIX_EPOCH);
    let said = Said::ByModel { said: "I feel tired.".to_owned(), model: "house".to_owned() };
    let made_by = |record: &mut Record| restatement(record, Side::First, "I sleep badly.", &said).made_by;
    record.withhold();
    assert_eq!(made_by(&mut record), MadeBy::Model { model: "house".to_owned() });
    record.withhold();
    assert_eq!(made_by(&mut record), MadeBy::Form { instead_of_model: Some(ModelIs::Unavailable) });
}

#[tokio::test]
async fn one_word_in_what_is_seen_in_both_withholds_all_of_it() {
    let model = Scripted::new(|prompts| {
        Ok(if shown(prompts.last().unwrap()).contains("JSON object") {
            json!({"common": ["Both talk."], "open": ["When?"], "next_steps": ["Meet."],
                "second_draft": "I get reviews at night, says the therapist."})
            .to_string()
        } else {
            "I feel tired.".to_owned()
        })
    });
    let play = Play::shared(model.stage()).await;
    let together = play.view(ANA).await["together"].clone();
    assert_eq!(together["made_by"], json!({"kind": "form", "instead_of_model": "unavailable"}));
    assert_eq!(together["common"], json!([]), "not a part of it either");
}
