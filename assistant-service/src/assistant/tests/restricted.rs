//! Whoever lacks a scope is answered as if the documents that it opens were not there.

use std::path::PathBuf;
use std::sync::LazyLock;

use super::*;
use crate::knowledge::QuestionVector;

/// A file, the scope that it needs, and a question that it answers.
const RESTRICTED: [(&str, &str, &str); 2] = [
    ("cost-and-capacity.md", "documents:finance", "What do we pay a month?"),
    ("security/key-rotation.md", "documents:security", "How do I rotate the signing key of player tokens?"),
];

fn company() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/company")
}

fn copy(from: &Path, to: &Path, without: &[&str]) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, name) = entry.map(|entry| (entry.path(), entry.file_name())).unwrap();
        if path.is_dir() {
            copy(&path, &to.join(name), without);
        } else if !without.iter().any(|left_out| path.ends_with(left_out)) {
            fs::copy(&path, to.join(name)).unwrap();
        }
    }
}

/// The assistant over the company's documents but these.
fn assistant_without(left_out: &[&str]) -> ExtractiveAssistant {
    let folder = tempfile::tempdir().unwrap();
    copy(&company().join("documents"), folder.path(), left_out);
    let knowledge = Arc::new(Knowledge::load(folder.path()).unwrap());
    knowledge.embed_by(letters);
    ExtractiveAssistant::new(knowledge, COMPANY.1.clone())
}

/// Near are texts with the same pairs of letters.
fn letters(text: &str) -> Vec<f32> {
    let mut counts = vec![0.1_f32; 96];
    for pair in text.to_lowercase().as_bytes().windows(2) {
        counts[(usize::from(pair[0]) * 31 + usize::from(pair[1])) % 96] += 1.0;
    }
    counts
}

/// The second and the third letter of each long word change places.
fn mistyped(question: &str) -> String {
    let mistyped = |word: &str| {
        let mut letters: Vec<char> = word.chars().collect();
        if letters.len() > 4 {
            letters.swap(1, 2);
        }
        letters.into_iter().collect::<String>()
    };
    question.split(' ').map(mistyped).collect::<Vec<_>>().join(" ")
}

/// Answers by words, by words that are mistyped, and by meaning.
fn answers(assistant: &ExtractiveAssistant, question: &str, scopes: &Scopes) -> [String; 3] {
    let parts = crate::assistant::clauses::clauses(question);
    let texts = [question].into_iter().chain(parts.iter().map(String::as_str));
    let vectors: Vec<_> = texts.map(|text| QuestionVector::of(&letters(text))).collect();
    let by_meaning = assistant.quote_by(question, scopes, &vectors).0;
    [assistant.quote(question, scopes), assistant.quote(&mistyped(question), scopes), by_meaning]
        .map(|answer| serde_json::to_string(&answer).unwrap())
}

static QUESTIONS: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let lines = fs::read_to_string(company().join("questions.jsonl")).unwrap();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
});

fn questions() -> impl Iterator<Item = &'static str> {
    let asked = QUESTIONS.iter().map(|question| question["question"].as_str().unwrap());
    asked.chain(RESTRICTED.map(|(.., question)| question))
}

#[test]
fn without_the_scope_every_answer_is_the_one_without_the_document() {
    let whole = assistant_without(&[]);
    let [finance, security] = RESTRICTED;
    for (scopes, left_out) in [
        (vec![], vec![finance.0, security.0]),
        (vec![finance.1], vec![security.0]),
        (vec![security.1, "documents"], vec![finance.0]),
    ] {
        let without = assistant_without(&left_out);
        let mut known_by = [0; 3];
        let scopes: Scopes = scopes.into_iter().collect();
        assert!(questions().count() >= 160);
        for question in questions() {
            let [one, other] = [&whole, &without].map(|assistant| answers(assistant, question, &scopes));
            assert_eq!(one, other, "{question}");
            known_by = [0, 1, 2].map(|way| known_by[way] + usize::from(one[way].starts_with("{\"known\":true")));
        }
        // Each way finds something, or it would not have been tried.
        assert!(known_by.iter().all(|known| *known > 20), "{known_by:?}");
    }
}

/// Without this the test above would hold as well if nobody could read them.
#[test]
fn with_the_scope_the_document_is_cited_and_counted() {
    for (file, scope, question) in RESTRICTED {
        let answer = COMPANY.0.quote(question, &[scope].into_iter().collect());
        let is_restricted = |citation: &Citation| citation.file() == file && citation.is_restricted();
        assert!(answer.known && answer.citations.iter().all(is_restricted), "{answer:?}");
        assert_eq!(answer.searched.documents, 23);
    }
}

#[tokio::test]
async fn a_caller_is_answered_by_the_scopes_of_the_token_and_events_hold_nothing_restricted() {
    let stage = Stage::new();
    let body = json!({"question": RESTRICTED[1].2});
    let ask = async |scope: Option<&str>| {
        let scope = scope.map(str::to_owned);
        stage.post("/v1/ask", &body).claiming(|claims| claims.scope = scope).send().await.json
    };
    for scope in [None, Some("assistant:ask"), Some("documents:securitys documents")] {
        let answer = ask(scope).await;
        assert!(!answer.to_string().contains("key-rotation"), "{answer}");
        assert_eq!(answer["searched"]["documents"], 22);
    }
    let answer = ask(Some("assistant:ask documents:security")).await;
    assert_eq!(answer["citations"][0]["file"], "security/key-rotation.md", "{answer}");
    assert!(answer["citations"][0].get("is_restricted").is_none());
    assert_eq!(answer["recommendation"]["file"], "security/key-rotation.md");
    assert_eq!(answer["searched"]["documents"], 23);

    let events = stage.get("/v1/events?type=dev.watchgate.assistant.answered&limit=1&order=desc").send().await.json;
    let data = &events["events"][0]["event"]["data"];
    assert_eq!((&data["known"], &data["citations"]), (&json!(true), &json!([])));
    assert_eq!(data["withheld_citations"], answer["citations"].as_array().unwrap().len());
    assert!(!events.to_string().contains("key-rotation"));
}
