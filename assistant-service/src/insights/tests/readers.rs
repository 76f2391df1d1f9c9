//! What of an answer becomes an event that many may read, and how sure it is said to be.

use super::*;
use crate::assistant::{Confidence, MadeBy, Proposal};
use crate::insights::finding::Finding;
use crate::knowledge::Scopes;
use crate::testing::COMPANY;

const RESTRICTED: &str = "How is the signing key of player tokens rotated ahead of time?";
const SECURITY: &str = "documents:security";

fn scopes(scopes: &[&str]) -> Scopes {
    scopes.iter().copied().collect()
}

#[tokio::test]
async fn what_only_the_watch_may_read_is_in_no_event() {
    let answer = COMPANY.0.quote(RESTRICTED, &scopes(&[SECURITY]));
    assert!(answer.known && answer.citations.iter().any(|citation| citation.is_restricted()), "{answer:?}");
    let secret = answer.citations.iter().find(|citation| citation.is_restricted()).unwrap().quote().to_owned();
    for (with_scopes, judgement, withheld) in [("", "unknown", 0), ("scopes: ['documents:security']", "likely", 1)] {
        let stage = Stage::new();
        let text = format!("name: test\nfilter: {{type: {TYPE}}}\nquestion: {RESTRICTED}\n{with_scopes}");
        let mut follower = follower(&stage.state, &Arc::new(watch::read(&text).unwrap())).await;
        send(&stage, [stuck(1, "mailer")]).await;
        catch_up(&mut follower).await;
        let said = said(&stage).await;
        let data = &said[0]["data"];
        assert_eq!(data["judgement"], judgement, "{data}");
        assert!(data["withheld_citations"].as_u64().unwrap_or(0) >= withheld, "{data}");
        assert_eq!((&data["short"], &data["citations"]), (&Value::Null, &json!([])), "{data}");
        let text = data.to_string();
        assert!(!text.contains(&secret) && !text.contains("key-rotation"), "{text}");
    }
}

#[test]
fn a_models_words_are_told_only_by_a_watch_that_reads_what_everybody_reads() {
    let mut answer = COMPANY.0.quote("How do I restart the mailer?", &Scopes::default());
    answer.made_by = MadeBy::Model { model: "large".to_owned() };
    let (short, proposals) = (answer.short.clone().unwrap(), answer.proposals.len());
    assert!(proposals > 0 && !answer.citations.is_empty());
    for (changes, is_told) in [("", true), ("scopes: [any]", false)] {
        let finding = json!(Finding::of(answer.clone(), &watch(changes), &*COMPANY.1));
        assert_eq!(finding["short"].is_string() && finding["proposal"].is_object(), is_told, "{finding}");
        assert_eq!(finding.to_string().contains(&short), is_told || finding["citations"].to_string().contains(&short));
        assert_eq!(finding["citations"].as_array().unwrap().len(), answer.citations.len(), "these anybody may read");
    }
}

#[test]
fn the_judgement_is_ours_and_needs_a_source() {
    let model = MadeBy::Model { model: "house".to_owned() };
    let documents = MadeBy::Documents { instead_of_model: None };
    for (known, is_cited, confidence, made_by, judgement, why) in [
        (true, true, Confidence::High, &model, "confirmed", None),
        (true, true, Confidence::Medium, &model, "likely", None),
        (true, true, Confidence::High, &documents, "likely", None),
        (true, true, Confidence::Medium, &documents, "likely", None),
        (true, true, Confidence::Low, &model, "unknown", Some("not_sure")),
        (true, true, Confidence::None, &documents, "unknown", Some("not_sure")),
        (true, false, Confidence::High, &model, "unknown", Some("not_cited")),
        (false, true, Confidence::High, &model, "unknown", Some("not_in_documents")),
    ] {
        let mut answer = COMPANY.0.quote("How do I restart the mailer?", &Scopes::default());
        (answer.known, answer.confidence, answer.made_by) = (known, confidence, made_by.clone());
        if !is_cited {
            answer.citations.clear();
        }
        let finding = json!(Finding::of(answer, &watch(""), &*COMPANY.1));
        assert_eq!((finding["judgement"].as_str(), finding["why_unknown"].as_str()), (Some(judgement), why));
    }
}

#[test]
fn only_a_runbook_of_the_catalogue_with_parameters_that_fit_is_proposed() {
    let proposal = |runbook: &str, parameters: Value| Proposal {
        runbook: runbook.to_owned(),
        title: "said by whoever answered".to_owned(),
        parameters: parameters.as_object().unwrap().clone(),
        why: String::new(),
    };
    let long = "x".repeat(501);
    for (proposals, expected) in [
        (vec![], Value::Null),
        (vec![proposal("drop-tables", json!({}))], Value::Null),
        (vec![proposal("restart-worker", json!({}))], Value::Null),
        (vec![proposal("restart-worker", json!({"worker": "gateway"}))], Value::Null),
        (vec![proposal("restart-worker", json!({"worker": "mailer", "reason": long}))], Value::Null),
        (vec![proposal("restart-worker", json!({"worker": "mailer", "force": true}))], Value::Null),
        (
            vec![proposal("drop-tables", json!({})), proposal("restart-worker", json!({"worker": "mailer"}))],
            json!({"runbook": "restart-worker", "title": "Restart a worker", "parameters": {"worker": "mailer"}}),
        ),
    ] {
        let mut answer = COMPANY.0.quote("How do I restart the mailer?", &Scopes::default());
        answer.proposals = proposals;
        assert_eq!(json!(Finding::of(answer, &watch(""), &*COMPANY.1))["proposal"], expected);
    }
}
