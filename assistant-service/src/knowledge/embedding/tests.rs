use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::cache::Cache;
use super::vectors::{nearest as nearest_among, quantised};
use super::*;
use crate::knowledge::document::Document;
use crate::knowledge::kind::Kind;
use crate::knowledge::words::Analyzer;
use crate::knowledge::{Knowledge, Scopes};

/// How the server of a test answers.
#[derive(Clone, Copy, PartialEq)]
enum Dialect {
    Plain,
    /// The last text first, with indexes.
    Shuffled,
    /// No index, and fields that nobody asked for.
    Bare,
    Refusing,
    TooFew,
    NotFinite,
    TooLarge,
    Hanging,
}

/// Counts letters: near are texts with the same ones.
fn letters(text: &str) -> Vec<f32> {
    let count = |letter| text.to_lowercase().chars().filter(|other| *other == letter).count();
    ('a'..='z').map(|letter| u16::try_from(count(letter)).unwrap().into()).chain([0.1]).collect()
}

async fn embed(
    State((dialect, asked)): State<(Dialect, Arc<AtomicUsize>)>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> (StatusCode, Json<Value>) {
    asked.fetch_add(1, Ordering::SeqCst);
    assert_eq!((headers["authorization"].to_str().unwrap(), &body["model"]), ("Bearer secret", &json!("letters")));
    let texts: Vec<&str> = body["input"].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
    let item = |(at, text): (usize, &&str)| json!({"index": at, "embedding": letters(text), "object": "embedding"});
    let mut data: Vec<Value> = texts.iter().enumerate().map(item).collect();
    match dialect {
        Dialect::Plain => {}
        Dialect::Shuffled => data.reverse(),
        Dialect::Bare => data = texts.iter().map(|text| json!({"embedding": letters(text), "tokens": null})).collect(),
        Dialect::Refusing => return (StatusCode::TOO_MANY_REQUESTS, Json(json!({"error": {}}))),
        Dialect::TooFew => drop(data.pop()),
        Dialect::NotFinite => data[0]["embedding"] = json!([1e39]),
        Dialect::TooLarge => data[0]["padding"] = json!("x".repeat(20_000_000)),
        Dialect::Hanging => std::future::pending().await,
    }
    (StatusCode::OK, Json(json!({ "data": data })))
}

struct Stage {
    settings: EmbeddingSettings,
    asked: Arc<AtomicUsize>,
    folder: tempfile::TempDir,
}

impl Stage {
    async fn speaking(dialect: Dialect) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::<AtomicUsize>::default();
        let app = Router::new().route("/v1/embeddings", post(embed)).with_state((dialect, Arc::clone(&asked)));
        tokio::spawn(async { axum::serve(listener, app).await });
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("key"), "secret\n").unwrap();
        let settings = EmbeddingSettings {
            base_url: format!("http://{address}/v1/").parse().unwrap(),
            model: "letters".to_owned(),
            api_key_file: Some(folder.path().join("key")),
            query_prefix: String::new(),
            passage_prefix: String::new(),
            batch_size: 2,
            timeout: Duration::from_secs(5),
            question_timeout: Duration::from_secs(5),
            cache_file: Some(folder.path().join("vectors")),
            allowed_networks: vec![trust_core::network::Network::parse("127.0.0.0/8").unwrap()],
            ca_file: None,
        };
        Self { settings, asked, folder }
    }

    fn embeddings(&self) -> Embeddings {
        Embeddings::open(self.settings.clone()).unwrap()
    }
}

fn documents() -> Knowledge {
    let folder = tempfile::tempdir().unwrap();
    let open = "# Animals\n\nA zebra grazes. Dogs bark.\n\n# Numbers\n\nSeven and eight.\n";
    fs::write(folder.path().join("open.md"), open).unwrap();
    fs::write(folder.path().join("closed.md"), "---\naudience: zoo\n---\n# Closed\n\nQuagga quizzes.\n").unwrap();
    Knowledge::load(folder.path()).unwrap()
}

fn nearest(knowledge: &Knowledge, vector: &QuestionVector, scopes: &[&str]) -> Vec<String> {
    let readable = knowledge.for_reader(&scopes.iter().copied().collect::<Scopes>());
    let question = readable.question("");
    let found = readable.find(&question, std::slice::from_ref(vector), 9).unwrap();
    found.into_iter().map(|found| found.section.section.heading.clone()).collect()
}

#[tokio::test]
async fn whatever_the_dialect_each_text_gets_its_own_vector() {
    for dialect in [Dialect::Plain, Dialect::Shuffled, Dialect::Bare] {
        let stage = Stage::speaking(dialect).await;
        let embeddings = stage.embeddings();
        let knowledge = documents();
        embeddings.fill(&knowledge, || false).await.unwrap();
        let vectors = embeddings.of_question(&["Zebra grazes".to_owned(), "Eight and seven".to_owned()]).await;
        assert_eq!(vectors.len(), 2);
        assert_eq!(nearest(&knowledge, &vectors[0], &[])[0], "Animals");
        assert_eq!(nearest(&knowledge, &vectors[1], &[])[0], "Numbers");
    }
}

#[tokio::test]
async fn what_a_reader_may_not_read_is_not_found_by_meaning_either() {
    let stage = Stage::speaking(Dialect::Plain).await;
    let (embeddings, knowledge) = (stage.embeddings(), documents());
    embeddings.fill(&knowledge, || false).await.unwrap();
    let vector = &embeddings.of_question(&["quagga quizzes".to_owned()]).await[0];
    assert_eq!(nearest(&knowledge, vector, &["zoo"])[0], "Closed");
    assert!(nearest(&knowledge, vector, &[]).iter().all(|heading| heading != "Closed"));
}

#[tokio::test]
async fn what_was_embedded_once_is_not_embedded_again_even_after_a_restart_and_a_torn_write() {
    let stage = Stage::speaking(Dialect::Plain).await;
    stage.embeddings().fill(&documents(), || false).await.unwrap();
    let asked = stage.asked.load(Ordering::SeqCst);
    assert!(asked >= 2, "{asked}");
    let file = stage.folder.path().join("vectors");
    let whole = fs::read(&file).unwrap();
    fs::write(&file, [whole.as_slice(), &[7; 11]].concat()).unwrap();
    stage.embeddings().fill(&documents(), || false).await.unwrap();
    assert_eq!(stage.asked.load(Ordering::SeqCst), asked);
    assert_eq!(fs::read(&file).unwrap(), whole);
    // What another model made is of no use.
    let other = EmbeddingSettings { passage_prefix: "passage: ".to_owned(), ..stage.settings.clone() };
    Embeddings::open(other).unwrap().fill(&documents(), || false).await.unwrap();
    assert!(stage.asked.load(Ordering::SeqCst) > asked);
}

#[test]
fn a_file_that_is_no_cache_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("notes");
    fs::write(&file, "These are somebody's notes, and no vectors.").unwrap();
    assert!(Cache::open(Some(&file)).is_err());
    assert!(fs::read_to_string(&file).unwrap().starts_with("These"));
}

#[tokio::test]
async fn an_answer_that_is_none_gives_no_vector() {
    for dialect in [Dialect::Refusing, Dialect::TooFew, Dialect::NotFinite, Dialect::TooLarge] {
        let stage = Stage::speaking(dialect).await;
        let knowledge = documents();
        assert!(stage.embeddings().fill(&knowledge, || false).await.is_err());
        let mut documents = knowledge.shelves.iter().flat_map(|shelf| &shelf.documents);
        assert!(documents.all(|document| document.vectors.get().is_none()));
        assert_eq!(stage.embeddings().of_question(&["a".to_owned()]).await.len(), 0);
    }
}

#[tokio::test]
async fn nobody_waits_longer_for_a_hanging_server_than_told_and_the_next_ones_not_at_all() {
    let stage = Stage::speaking(Dialect::Hanging).await;
    let settings = EmbeddingSettings { question_timeout: Duration::from_millis(20), ..stage.settings.clone() };
    let embeddings = Embeddings::open(settings).unwrap();
    for _ in 0..3 {
        assert_eq!(embeddings.of_question(&["a".to_owned()]).await.len(), 0);
    }
    assert!(stage.asked.load(Ordering::SeqCst) <= 1);
}

/// Numbers that look random and are the same in every run.
fn random_vectors(count: usize, dimensions: usize) -> Vec<Vec<f32>> {
    let mut state = 42_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f32::from(u16::try_from(state >> 48).unwrap()) / 32_768.0 - 1.0
    };
    (0..count).map(|_| (0..dimensions).map(|_| next()).collect()).collect()
}

fn cosine(one: &[f32], other: &[f32]) -> f32 {
    let dot = |one: &[f32], other: &[f32]| one.iter().zip(other).map(|(one, other)| one * other).sum::<f32>();
    dot(one, other) / (dot(one, one) * dot(other, other)).sqrt()
}

#[test]
fn of_many_vectors_the_nearest_is_found_as_if_all_were_compared() {
    let vectors = random_vectors(6000, 128);
    let analyzer = Analyzer::default();
    // Two sections in each document.
    let document = |(at, vectors): (usize, &[Vec<f32>])| {
        let text = "# One\n\nText.\n\n# Other\n\nText.\n".to_owned();
        let document = Document::read(format!("{at}.md"), Kind::Markdown, text, &analyzer).unwrap();
        let sections = vectors.iter().map(|vector| vec![quantised(vector).into()]).collect();
        document.vectors.set(DocumentVectors::of(sections)).unwrap();
        Arc::new(document)
    };
    let documents: Vec<Arc<Document>> = vectors.chunks(2).enumerate().map(document).collect();
    let ranked = |question: &QuestionVector| {
        let number = |document: &Document| document.file.strip_suffix(".md").unwrap().parse::<usize>().unwrap();
        let mut ranked: Vec<(f32, usize)> = nearest_among(&documents, question, 12)
            .into_iter()
            .map(|(similarity, document, section)| (similarity, number(document) * 2 + section))
            .collect();
        ranked.sort_by(|one, other| other.0.total_cmp(&one.0));
        ranked
    };
    let mut right = 0;
    for asked in (0..6000).step_by(300) {
        // Near to one of them, and not it.
        let noise = &vectors[(asked + 17) % 6000];
        let question: Vec<f32> = vectors[asked].iter().zip(noise).map(|(one, noise)| one + 0.5 * noise).collect();
        let found = ranked(&QuestionVector::of(&question));
        assert!((found[0].0 - cosine(&question, &vectors[found[0].1])).abs() < 0.02);
        right += usize::from(found[0].1 == asked);
    }
    assert_eq!(right, 20);
    let other = QuestionVector::of(&[1.0; 64]);
    let similarities = documents[0].vectors.get().unwrap().similarities(&other, 0);
    assert!(ranked(&other).is_empty() && similarities.is_none());
}
