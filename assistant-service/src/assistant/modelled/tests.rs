//! The walk from a question to an answer, with models that say what the test wants.

mod recommending;

use std::path::Path;
use std::sync::{LazyLock, Mutex};

use futures_util::stream::{self, BoxStream, StreamExt};
use tokio::sync::{mpsc, watch};

use super::*;
use crate::assistant::{Asker, Removed, Turn};
use crate::knowledge::{Knowledge, Scopes};
use crate::model::{End, EndReason, Message, Piece, Prompt, ToolCall, Usage};
use crate::testing::{COMPANY, Stage};

type Said = Vec<Result<Piece, ModelError>>;
type Speaker = Box<dyn Fn(&Prompt, usize) -> Said + Send + Sync>;

/// A model that says what a function of the prompt gives, and keeps the prompts.
struct Scripted {
    speak: Speaker,
    prompts: Mutex<Vec<Prompt>>,
}

impl Scripted {
    fn new(speak: impl Fn(&Prompt, usize) -> Said + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { speak: Box::new(speak), prompts: Mutex::default() })
    }

    fn prompts(&self) -> Vec<Prompt> {
        self.prompts.lock().unwrap().clone()
    }
}

impl Model for Scripted {
    fn complete(&self, prompt: Prompt) -> BoxStream<'static, Result<Piece, ModelError>> {
        let mut prompts = self.prompts.lock().unwrap();
        let said = (self.speak)(&prompt, prompts.len());
        prompts.push(prompt);
        stream::iter(said).boxed()
    }

    fn names(&self) -> Vec<String> {
        vec!["scripted".to_owned()]
    }
}

fn text(words: &str) -> Said {
    let mut said: Said = words.split_inclusive(' ').map(|piece| Ok(Piece::Text(piece.to_owned()))).collect();
    said.push(end(EndReason::Stop));
    said
}

fn call(name: &str, arguments: &str) -> Said {
    let call = ToolCall { id: "call-1".to_owned(), name: name.to_owned(), arguments: arguments.to_owned() };
    vec![Ok(Piece::Text("Let me look. ".to_owned())), Ok(Piece::Call(call)), end(EndReason::ToolCalls)]
}

fn end(reason: EndReason) -> Result<Piece, ModelError> {
    Ok(Piece::End(End { reason, usage: Usage::default(), model: "scripted".to_owned() }))
}

fn contents(prompt: &Prompt) -> String {
    let content = |message: &Message| match message {
        Message::System(text) | Message::User(text) | Message::Assistant { text, .. } => text.clone(),
        Message::ToolResult { content, .. } => content.clone(),
    };
    prompt.messages.iter().map(content).collect::<Vec<_>>().join("\n")
}

/// The id under which a section of a file was shown.
fn id_of(prompt: &Prompt, file: &str) -> String {
    let contents = contents(prompt);
    let before = contents.split(&format!("\nfile: {file}\n")).next().unwrap();
    before.rsplit("id: ").next().unwrap().to_owned()
}

static KNOWLEDGE: LazyLock<Arc<Knowledge>> = LazyLock::new(|| {
    let documents = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/company/documents");
    Arc::new(Knowledge::load(&documents).unwrap())
});

fn assistant(stage: &Stage, model: Arc<dyn Model>, settings: &str) -> ModelledAssistant {
    let knowledge = watch::channel(KNOWLEDGE.clone()).1;
    let runbooks: Arc<dyn RunbookCatalogue> = COMPANY.1.clone();
    let extractive = ExtractiveAssistant::following(knowledge.clone(), runbooks.clone());
    let backbone = Arc::clone(&stage.state.backbone);
    ModelledAssistant::new(
        Parts { knowledge, runbooks, backbone, model, extractive },
        &Settings::read(settings).unwrap(),
    )
}

fn asked(question: &str, scopes: &[&str]) -> Asked {
    let asker = Asker { principal: "urn:ada".to_owned(), scopes: scopes.iter().copied().collect::<Scopes>() };
    Asked { question: question.to_owned(), earlier: Vec::new(), asker }
}

async fn answered(model: Arc<dyn Model>, asked: Asked) -> (Result<Answer, CannotAnswer>, Vec<Step>) {
    let stage = Stage::new();
    let (listener, mut steps) = mpsc::channel(1);
    let listening = tokio::spawn(async move {
        let mut all = Vec::new();
        while let Some(step) = steps.recv().await {
            all.push(step);
        }
        all
    });
    let answer = assistant(&stage, model, "{}").answer(asked, Progress::to(listener)).await;
    (answer, listening.await.unwrap())
}

fn words(steps: &[Step]) -> String {
    let mut words = String::new();
    for step in steps {
        match step {
            Step::Words(more) => words.push_str(more),
            Step::Anew => words.clear(),
            Step::Searched { .. } | Step::Used { .. } => {}
        }
    }
    words
}

const QUESTION: &str = "How do I restart the mailer?";
const HELD: &str = "restart-worker";

fn quoting(prompt: &Prompt) -> String {
    format!("Use the runbook for workers [{}: \"{HELD}\"].", id_of(prompt, "checkout.md"))
}

#[tokio::test]
async fn an_answer_is_told_as_it_comes_and_cites_what_stands_there() {
    let model = Scripted::new(|prompt, _| text(&quoting(prompt)));
    let (answer, steps) = answered(model.clone(), asked(QUESTION, &[])).await;
    let answer = answer.unwrap();
    assert_eq!(answer.answer.as_deref(), Some("Use the runbook for workers [1]."));
    assert_eq!(answer.short.as_deref(), Some("Use the runbook for workers [1]."));
    assert_eq!((answer.known, answer.confidence), (true, Confidence::High));
    assert_eq!((answer.citations[0].file(), answer.citations[0].quote()), ("checkout.md", HELD));
    assert_eq!(answer.made_by, MadeBy::Model { model: "scripted".to_owned() });
    assert_eq!(words(&steps), "Use the runbook for workers [1].");
    assert!(matches!(&steps[0], Step::Searched { query, sections } if query == QUESTION && *sections > 0));
    assert_eq!((answer.searched.documents, answer.searched.queries.as_slice()), (22, &[QUESTION.to_owned()][..]));
    let prompts = model.prompts();
    assert_eq!((prompts.len(), prompts[0].account.as_str()), (1, "urn:ada"));
    assert!(!contents(&prompts[0]).contains("urn:ada"), "an account is nobody's business");
}

#[tokio::test]
async fn what_does_not_hold_is_not_known_and_says_whom_to_ask() {
    for said in [
        "Nobody knows that here.",
        "It is so [c1: \"the moon is made of cheese\"].",
        "It is so [c77: \"restart-worker\"].",
    ] {
        let (answer, steps) = answered(Scripted::new(move |_, _| text(said)), asked(QUESTION, &[])).await;
        let answer = answer.unwrap();
        assert_eq!(
            (answer.known, answer.confidence, &answer.answer, &answer.short),
            (false, Confidence::None, &None, &None)
        );
        assert!(answer.citations.is_empty());
        assert_eq!(steps.last(), Some(&Step::Anew), "{said}");
        assert_eq!(answer.removed.len(), usize::from(said.contains('[')), "{said}: {:?}", answer.removed);
    }
}

#[tokio::test]
async fn every_failure_of_a_model_ends_in_quotes_that_say_so() {
    let upstream = "upstream says: password hunter2";
    let half = || vec![Ok(Piece::Text("Half an answer and ".to_owned()))];
    let then = |last: Result<Piece, ModelError>| {
        let mut said = half();
        said.push(last);
        said
    };
    let cases: Vec<(&str, Said)> = vec![
        ("unavailable", vec![Err(ModelError::Unavailable(upstream.to_owned()))]),
        ("unavailable", vec![Err(ModelError::NotConfigured)]),
        ("timed_out", then(Err(ModelError::TimedOut))),
        ("cut_off", then(Err(ModelError::CutOff))),
        ("cut_off", half()),
        ("cut_off", vec![]),
        ("cut_off", then(end(EndReason::Length))),
        ("refused", then(end(EndReason::ContentFilter))),
        ("refused", vec![Err(ModelError::Refused(upstream.to_owned()))]),
        ("malformed", then(Err(ModelError::Malformed(upstream.to_owned())))),
        ("too_large", then(Err(ModelError::TooLarge))),
        ("too_large", vec![Ok(Piece::Text("a ".repeat(40_000))), end(EndReason::Stop)]),
    ];
    for (word, said) in cases {
        let (answer, steps) = answered(Scripted::new(move |_, _| said.clone()), asked(QUESTION, &[])).await;
        let answer = answer.unwrap();
        assert_eq!(answer.made_by, MadeBy::Documents { instead_of_model: Some(word.to_owned()) });
        assert!(answer.known && answer.citations[0].file() == "checkout.md", "{word}");
        assert!(!serde_json::to_string(&answer).unwrap().contains("hunter2"));
        assert_eq!((steps.last(), words(&steps).as_str()), (Some(&Step::Anew), ""), "{word}");
    }
}

#[tokio::test]
async fn whoever_has_no_budget_left_is_told_when_there_is_some() {
    let retry_after = Duration::from_secs(7);
    let model = Scripted::new(move |_, _| vec![Err(ModelError::OverBudget { retry_after })]);
    let (answer, _) = answered(model, asked(QUESTION, &[])).await;
    assert!(matches!(answer, Err(CannotAnswer::OverBudget { retry_after: told }) if told == retry_after));
}

#[tokio::test]
async fn a_tool_is_used_and_what_it_gives_can_be_cited() {
    let model = Scripted::new(|prompt, turn| match turn {
        0 => call("search_documents", r#"{"query": "receipts delay in February"}"#),
        1 => call(
            "propose_command",
            r#"{"runbook": "restart-worker", "parameters": {"worker": "mailer"}, "why": "it is <b>stuck</b>"}"#,
        ),
        2 => call("propose_command", r#"{"runbook": "wipe-disks", "parameters": {}, "why": "so"}"#),
        _ => text(&format!(
            "It was the mailer [{}: \"mailer\" ]. {}",
            id_of(prompt, "incident-2026-02-checkout.md"),
            quoting(prompt)
        )),
    });
    let (answer, steps) = answered(model.clone(), asked(QUESTION, &["commands:request"])).await;
    let answer = answer.unwrap();
    assert_eq!(answer.searched.queries, [QUESTION, "receipts delay in February"]);
    assert_eq!(answer.proposals.len(), 1);
    let proposal = &answer.proposals[0];
    assert_eq!((proposal.runbook.as_str(), proposal.why.as_str()), ("restart-worker", "it is &lt;b>stuck&lt;/b>"));
    let removed = Removed { what: "proposal", why: "the catalogue has no such runbook".to_owned() };
    assert!(answer.removed.contains(&removed), "{:?}", answer.removed);
    assert_eq!(answer.confidence, Confidence::Medium, "what was taken out is not forgotten");
    let used: Vec<&str> = steps
        .iter()
        .filter_map(|step| match step {
            Step::Used { tool } => Some(tool.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(used, ["search_documents", "propose_command", "propose_command"]);
    assert_eq!(Some(words(&steps)), answer.answer, "what was said before a call is void");
    let offered: Vec<String> = model.prompts()[0].tools.iter().map(|tool| tool.name.clone()).collect();
    assert_eq!(offered, ["search_documents", "recommend_code", "propose_command", "command_status"]);
}

#[tokio::test]
async fn a_model_that_never_stops_calling_is_stopped() {
    let eager = |arguments: fn(usize) -> String| {
        Scripted::new(move |prompt, turn| {
            if prompt.tools.is_empty() { text(&quoting(prompt)) } else { call("search_documents", &arguments(turn)) }
        })
    };
    for (arguments, asked_times) in [
        ((|turn| format!(r#"{{"query": "mailer {turn}"}}"#)) as fn(usize) -> String, 9),
        (|turn| format!(r#"{{{}"query": "mailer"}}"#, " ".repeat(turn)), 4),
    ] {
        let model = eager(arguments);
        let (answer, _) = answered(model.clone(), asked(QUESTION, &[])).await;
        assert!(answer.unwrap().known);
        assert_eq!(model.prompts().len(), asked_times);
    }
    let deaf = Scripted::new(|_, turn| call("search_documents", &format!(r#"{{"query": "mailer {turn}"}}"#)));
    let (answer, _) = answered(deaf.clone(), asked(QUESTION, &[])).await;
    assert_eq!(answer.unwrap().made_by, MadeBy::Documents { instead_of_model: Some("malformed".to_owned()) });
    assert_eq!(deaf.prompts().len(), 9);
}

#[tokio::test]
async fn what_a_model_is_told_is_redacted_bounded_and_marked() {
    let model = Scripted::new(|prompt, turn| {
        if turn == 0 { call("search_documents", r#"{"query": "mailer"}"#) } else { text(&quoting(prompt)) }
    });
    let mut asking = asked("How do I restart the mailer? My password=hunter2 does not do.", &[]);
    let turn = |number| format!("{number} token=abcdef123456 {}", "a".repeat(9000));
    asking.earlier = (0..15).flat_map(|number| [Turn::Asked(turn(number)), Turn::Answered(turn(number))]).collect();
    answered(model.clone(), asking.clone()).await.0.unwrap();
    let prompts = model.prompts();
    let told = contents(&prompts[1]);
    assert!(!told.contains("hunter2") && !told.contains("abcdef123456") && told.contains("[redacted:"), "{told}");
    assert_eq!(prompts[0].messages.len(), 14, "the rules, twelve turns, the question");
    assert!(told.len() < 100_000);
    let word =
        |prompt: &Prompt| contents(prompt).split("[begin ").nth(1).unwrap().split(']').next().unwrap().to_owned();
    let marker = word(&prompts[0]);
    assert_eq!(marker.len(), 32);
    for (at, prompt) in prompts.iter().enumerate() {
        for message in &prompt.messages {
            let (Message::ToolResult { content, .. } | Message::User(content)) = message else { continue };
            let is_data = content.contains("file: ");
            assert_eq!(
                content.matches(&format!("[begin {marker}]\n")).count(),
                usize::from(is_data),
                "{at}: {content}"
            );
        }
    }
    answered(model.clone(), asking).await.0.unwrap();
    assert_ne!(word(&model.prompts()[2]), marker, "the next question has another one");
}

#[tokio::test]
async fn our_own_share_until_the_first_words_is_small() {
    let model = Scripted::new(|prompt, _| text(&quoting(prompt)));
    let stage = Stage::new();
    let assistant = assistant(&stage, model, "{}");
    assistant.answer(asked(QUESTION, &[]), Progress::default()).await.unwrap();
    let begun = std::time::Instant::now();
    for _ in 0..10 {
        assistant.answer(asked(QUESTION, &[]), Progress::default()).await.unwrap();
    }
    println!("a whole answer without the model's own time: {:?} (not optimised)", begun.elapsed() / 10);
}
