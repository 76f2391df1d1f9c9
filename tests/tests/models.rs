//! The configured models against a mock by somebody else, which knows nothing of what we expect: odd dialects, slow, cut and
//! failing streams. There is no hung request, and no answer that looks whole but is not.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use assistant_service::backbone::retention::Retention;
use assistant_service::backbone::sqlite::SqliteBackbone;
use assistant_service::clock::SystemClock;
use assistant_service::metrics::Metrics;
use assistant_service::model::{
    End, EndReason, Message, Model, ModelError, ModelsSettings, OpenAiModels, Piece, Prompt, ToolCall,
};
use futures_util::StreamExt;
use tokio::time::timeout;
use watchgate_tests::model_mock::ModelMock;

/// Of a model; nothing of it may take much longer.
const TIMEOUT_SECONDS: u64 = 4;
const PATIENCE: Duration = Duration::from_secs(3 * TIMEOUT_SECONDS);

const WHOLE: &str = "The mailer is restarted by its runbook.";

#[derive(Debug)]
struct Heard {
    text: String,
    calls: Vec<ToolCall>,
    end: Result<End, ModelError>,
}

/// The models of a mock, one for each base address, as if the service had just begun.
struct Models {
    models: OpenAiModels,
    _folder: tempfile::TempDir,
}

impl Models {
    fn at(urls: &[String], lines: &str) -> Result<Self> {
        let mut text = String::from("models:\n");
        for (number, url) in urls.iter().enumerate() {
            text += &format!(
                "  - {{name: model-{number}, baseUrl: '{url}', model: m, allowedNetworks: [127.0.0.0/8],
     firstPieceSeconds: 2, idleSeconds: 1, timeoutSeconds: {TIMEOUT_SECONDS}{lines}}}\n"
            );
        }
        let (folder, metrics) = (tempfile::tempdir()?, Metrics::default());
        let jobs = metrics.jobs_per_commit.clone();
        let backbone = SqliteBackbone::open(folder.path(), Retention::default(), Arc::new(SystemClock), jobs)?;
        let settings = ModelsSettings::read(&text)?;
        let models = OpenAiModels::open(settings, Arc::new(backbone), Arc::new(SystemClock), &metrics)?;
        Ok(Self { models, _folder: folder })
    }

    async fn ask(&self, question: &str) -> Result<Heard> {
        let messages = vec![Message::System("Be brief.".to_owned()), Message::User(question.to_owned())];
        let prompt = Prompt { account: "https://issuer.example.com#anna".to_owned(), messages, ..Prompt::default() };
        let mut pieces = self.models.complete(prompt);
        let (mut text, mut calls) = (String::new(), Vec::new());
        let whole = async {
            loop {
                match pieces.next().await {
                    Some(Ok(Piece::Text(more))) => text += &more,
                    Some(Ok(Piece::Call(call))) => calls.push(call),
                    Some(Ok(Piece::End(end))) => return Ok(Ok(end)),
                    Some(Err(error)) => return Ok(Err(error)),
                    None => bail!("an end that is not said"),
                }
            }
        };
        let end = timeout(PATIENCE, whole).await.with_context(|| format!("{question}: a hung request"))??;
        ensure!(pieces.next().await.is_none(), "{question}: something after the end");
        Ok(Heard { text, calls, end })
    }
}

fn ended(heard: &Heard, reason: EndReason) -> bool {
    heard.end.as_ref().is_ok_and(|end| end.reason == reason)
}

#[tokio::test]
async fn whole_answers_are_whole_in_every_dialect() -> Result<()> {
    let mock = ModelMock::start().await?;
    let azure = ", azure: {deployment: ours, apiVersion: '2024-10-21'}";
    let dialects = [("v1", ""), ("api/v1", ""), ("api/v3", ""), ("", azure)];
    for (dialect, lines) in dialects {
        let models = Models::at(&[mock.url(dialect)], lines)?;
        let spellings = [
            "plain",
            "counted",
            "letter by letter",
            "slow but whole",
            "processing comments",
            "thoughtful",
            "invented reason",
        ];
        for question in spellings {
            let heard = models.ask(question).await?;
            ensure!(heard.text == WHOLE && heard.calls.is_empty(), "{dialect} {question}: {heard:?}");
            ensure!(ended(&heard, EndReason::Stop), "{dialect} {question}: {heard:?}");
        }
        let counted = models.ask("counted").await?.end?.usage;
        ensure!((counted.input_tokens, counted.output_tokens, counted.is_estimate) == (21, 9, false), "{counted:?}");
        ensure!(ended(&models.ask("too long").await?, EndReason::Length), "{dialect}");
        ensure!(ended(&models.ask("filtered").await?, EndReason::ContentFilter), "{dialect}");
    }
    Ok(())
}

#[tokio::test]
async fn calls_are_whole_and_tell_each_other_apart() -> Result<()> {
    let mock = ModelMock::start().await?;
    let models = Models::at(&[mock.url("v1")], "")?;
    for (question, names) in [
        ("one call", &["search_documents"][..]),
        ("two calls", &["search_documents", "list_runbooks"]),
        ("call, then words", &["search_documents"]),
    ] {
        let heard = models.ask(question).await?;
        let called: Vec<_> = heard.calls.iter().map(|call| call.name.as_str()).collect();
        ensure!(called == names && ended(&heard, EndReason::ToolCalls), "{question}: {heard:?}");
        ensure!(heard.calls.iter().any(|call| call.arguments == r#"{"query":"mailer"}"#), "{question}: {heard:?}");
        if let [first, second] = &heard.calls[..] {
            ensure!(first.id != second.id, "{heard:?}");
        }
    }
    let cut = models.ask("cut call").await?;
    ensure!(cut.calls.is_empty() && cut.end == Err(ModelError::CutOff), "half a call: {cut:?}");
    Ok(())
}

/// What a model does, and whether the mock says some of its text before.
const FAILING: [(&str, bool); 13] = [
    ("cut after some", true),
    ("cut in time", true),
    ("stalls", true),
    ("late", false),
    ("sleeps", false),
    ("dropped", false),
    ("malformed", false),
    ("disconnected", false),
    ("rate limited", false),
    ("busy for an hour", false),
    ("no key", false),
    ("overloaded", false),
    ("no fixture fits this", false),
];

#[tokio::test]
async fn no_request_hangs_and_nothing_that_failed_looks_whole() -> Result<()> {
    let mock = ModelMock::start().await?;
    for (question, has_begun) in FAILING {
        let began = Instant::now();
        let heard = Models::at(&[mock.url("v1")], "")?.ask(question).await?;
        ensure!(heard.end.is_err() && heard.calls.is_empty(), "{question}: {heard:?}");
        ensure!(WHOLE.starts_with(&heard.text) && heard.text != WHOLE, "{question}: {heard:?}");
        ensure!(heard.text.is_empty() != has_begun, "{question}: {heard:?}");
        println!("{question}: {:?} after {:?}", heard.end, began.elapsed());
    }
    let refused = Models::at(&[mock.url("v1")], "")?.ask("bad request").await?;
    ensure!(refused.end == Err(ModelError::Refused("context length exceeded".to_owned())), "{refused:?}");
    let patient = Models::at(&[mock.url("v1")], "")?.ask("busy for a second").await?;
    ensure!(patient.text == WHOLE && ended(&patient, EndReason::Stop), "{patient:?}");
    Ok(())
}

#[tokio::test]
async fn another_model_answers_for_one_that_failed_before_it_said_anything() -> Result<()> {
    let mock = ModelMock::start().await?;
    // The same fixture would fail in every dialect: the first model is at an address where nobody answers.
    let gone = format!("http://127.0.0.1:{}/v1", programs::ports::free()?);
    let models = Models::at(&[gone, mock.url("v1")], "")?;
    let heard = models.ask("plain").await?;
    ensure!(heard.text == WHOLE && heard.end?.model == "model-1");
    Ok(())
}

#[tokio::test]
async fn by_chance_an_answer_is_whole_or_an_error_and_never_anything_between() -> Result<()> {
    let mock = ModelMock::start().await?;
    let (mut whole, mut failed) = (0_usize, 0_usize);
    for _ in 0..200 {
        // Models of their own, since one that failed would rest.
        let heard = Models::at(&[mock.url("v1")], "")?.ask("any of these").await?;
        match &heard.end {
            Ok(end) => {
                ensure!(heard.text == WHOLE && end.reason == EndReason::Stop, "{heard:?}");
                whole = whole.saturating_add(1);
            }
            Err(_) => failed = failed.saturating_add(1),
        }
    }
    println!("of 200 answers {whole} were whole and {failed} failed");
    ensure!(whole > 20 && failed > 20, "{whole} whole, {failed} failed: chance does not do that");
    Ok(())
}
