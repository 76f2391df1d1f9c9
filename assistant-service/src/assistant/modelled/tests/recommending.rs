//! Code that a model recommends beside its answer.

use serde_json::json;

use super::*;
use crate::assistant::Citation;

const DRAIN: &str = "platformctl matchmaking drain --region eu-west";
const HOLDS: &str = "Draining takes as long as the longest match";

/// The id under which a section was shown that holds this.
fn id_of_section(prompt: &Prompt, code: &str) -> String {
    let contents = contents(prompt);
    let before = contents.split(code).next().unwrap();
    before.rsplit("\nid: ").next().unwrap().lines().next().unwrap().to_owned()
}

/// Recommends code of the section that holds `stands`, and then says something in which `ID` is that section.
fn recommending(stands: &'static str, code: &'static str, says: String) -> Arc<Scripted> {
    Scripted::new(move |prompt, turn| {
        let id = id_of_section(prompt, stands);
        if turn == 0 {
            let arguments = json!({"cite": id, "snippet": code, "change": "Name your region."});
            call("recommend_code", &arguments.to_string())
        } else {
            text(&says.replace("ID", &id))
        }
    })
}

async fn recommended(code: &'static str, says: String) -> Answer {
    let asking = asked("How do I drain the director before maintenance?", &[]);
    answered(recommending(DRAIN, code, says), asking).await.0.unwrap()
}

#[tokio::test]
async fn code_is_recommended_where_it_stands_and_cited() {
    let answer = recommended(DRAIN, format!("Drain it first [ID: \"{HOLDS}\"].")).await;
    let expected = json!({"snippet": DRAIN, "file": "matchmaking.md", "heading": "Matchmaking > Draining the director",
        "change": "Name your region."});
    assert_eq!(serde_json::to_value(&answer.recommendation).unwrap(), expected);
    assert_eq!((answer.confidence, answer.removed.len()), (Confidence::High, 0));
    assert_eq!(answer.citations.iter().map(Citation::quote).collect::<Vec<_>>(), [HOLDS, DRAIN]);
}

#[tokio::test]
async fn what_is_cited_already_is_not_cited_again() {
    let answer = recommended("platformctl matchmaking drain", format!("Drain it first [ID: \"{DRAIN}\"].")).await;
    assert_eq!(answer.recommendation.unwrap().snippet(), "platformctl matchmaking drain");
    assert_eq!(answer.citations.iter().map(Citation::quote).collect::<Vec<_>>(), [DRAIN]);
}

#[tokio::test]
async fn code_that_nobody_wrote_is_taken_out_and_not_forgotten() {
    let says = format!("Drain it first [ID: \"{HOLDS}\"].");
    let answer = recommended("platformctl matchmaking drain --all", says).await;
    assert!(answer.known && answer.recommendation.is_none());
    assert_eq!((answer.removed.len(), answer.removed[0].what), (1, "recommendation"));
    assert_eq!((answer.confidence, answer.citations.len()), (Confidence::Medium, 1));
}

#[tokio::test]
async fn an_answer_that_does_not_hold_has_no_code_beside_it() {
    let answer = recommended(DRAIN, "Nobody knows.".to_owned()).await;
    assert!(!answer.known && answer.recommendation.is_none() && answer.citations.is_empty());
}

/// By its citation it is counted among what the answer's event withholds.
#[tokio::test]
async fn code_of_a_restricted_document_is_a_restricted_citation_and_for_its_readers_alone() {
    let rotate = "keyctl-lf rotate --set player-tokens";
    let says = "The key is published first [ID: \"is published 15 minutes before\"].".to_owned();
    let model = recommending("keyctl-lf rotate", rotate, says);
    let question = "How do I rotate the signing key of player tokens?";
    let answer = answered(model.clone(), asked(question, &["documents:security"])).await.0.unwrap();
    assert_eq!(answer.recommendation.as_ref().map(|one| one.snippet()), Some(rotate), "{answer:?}");
    assert!(answer.citations.len() == 2 && answer.citations.iter().all(Citation::is_restricted), "{answer:?}");

    let answer = answered(model, asked(question, &[])).await.0.unwrap();
    assert!(answer.recommendation.is_none() && !format!("{answer:?}").contains("key-rotation"), "{answer:?}");
}
