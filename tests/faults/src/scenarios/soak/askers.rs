//! People who ask questions, and look whether the sources that they are given are there.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;
use watchgate_tests::client::Caller;
use watchgate_tests::{Stage, artifacts};

use super::super::door::heard;
use super::super::posting::caller;
use super::AGAIN_AFTER;
use crate::times::{Kind, Times};

/// Between two questions of one.
const EVERY: Duration = Duration::from_secs(1);

/// After this a question counts as failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// Questions about the example company, and the file that an answer must name; none where nobody knows.
const QUESTIONS: [(&str, Option<&str>); 3] = [
    ("How do I restart the mailer?", Some("checkout.md")),
    ("What caused the receipts delay in February?", Some("incident-2026-02-checkout.md")),
    ("How many moons does Jupiter have?", None),
];

pub(super) struct Askers {
    asking: JoinSet<Result<Asked>>,
    over: watch::Sender<bool>,
}

/// What came of all questions.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) answered: u64,
    pub(super) violations: Vec<String>,
}

impl Askers {
    pub(super) fn begin(stage: &Stage, count: u32, times: &Arc<Times>) -> Result<Self> {
        let folder = artifacts::root().join("examples/company/documents");
        let mut documents = BTreeMap::new();
        for (_, file) in QUESTIONS {
            let Some(file) = file else { continue };
            documents.insert(file, fs::read_to_string(folder.join(file))?);
        }
        let documents = Arc::new(documents);
        let (over, is_over) = watch::channel(false);
        let mut asking = JoinSet::new();
        for number in 0..count {
            let caller = caller(stage, &format!("asker-{number}"), "assistant:ask")?;
            let asker = Asker { caller, times: Arc::clone(times), documents: Arc::clone(&documents) };
            asking.spawn(asker.ask(is_over.clone()));
        }
        Ok(Self { asking, over })
    }

    /// Ends the play where one of them met what must not be.
    pub(super) async fn look(&mut self) -> Result<()> {
        match self.asking.try_join_next() {
            Some(ended) => ended?.and_then(|_| bail!("an asker ended before it was over")),
            None => Ok(()),
        }
    }

    pub(super) async fn end(mut self) -> Result<Asked> {
        self.over.send_replace(true);
        let mut all = Asked::default();
        while let Some(asked) = self.asking.join_next().await {
            let asked = asked??;
            all.answered += asked.answered;
            all.violations.extend(asked.violations);
        }
        Ok(all)
    }
}

struct Asker {
    caller: Caller,
    times: Arc<Times>,
    documents: Arc<BTreeMap<&'static str, String>>,
}

impl Asker {
    async fn ask(self, over: watch::Receiver<bool>) -> Result<Asked> {
        let mut asked = Asked::default();
        for (question, file) in QUESTIONS.iter().cycle() {
            if *over.borrow() {
                break;
            }
            let answer = self.insist(question).await?;
            asked.answered += 1;
            if let Some(wrong) = self.wrong_with(&answer, *file) {
                asked.violations.push(format!("{question} {wrong}: {answer}"));
            }
            sleep(EVERY).await;
        }
        Ok(asked)
    }

    async fn insist(&self, question: &str) -> Result<Value> {
        let begun = Instant::now();
        loop {
            match heard(self.caller.post("/v1/ask", &json!({"question": question}))).await? {
                Ok((200, answer)) => {
                    self.times.took(Kind::Ask, begun);
                    return Ok(answer);
                }
                Ok((status, said)) => bail!("a question was answered {status}: {said}"),
                Err(none) => self.times.unanswered(Kind::Ask, &none.0),
            }
            if begun.elapsed() > PATIENCE {
                bail!("a question was not answered for {} s", PATIENCE.as_secs());
            }
            sleep(AGAIN_AFTER).await;
        }
    }

    fn wrong_with(&self, answer: &Value, file: Option<&str>) -> Option<String> {
        let citations = answer["citations"].as_array().map_or(&[][..], Vec::as_slice);
        let Some(file) = file else {
            let is_silent = answer["known"] == false && citations.is_empty();
            return (!is_silent).then(|| "is known, and nobody can know it".to_owned());
        };
        let text = self.documents.get(file)?;
        let of_it: Vec<_> = citations.iter().filter(|citation| citation["file"] == file).collect();
        let are_there =
            of_it.iter().all(|citation| citation["quote"].as_str().is_some_and(|quote| text.contains(quote)));
        match (of_it.is_empty(), are_there) {
            (true, _) => Some(format!("does not cite {file}")),
            (false, false) => Some(format!("quotes what {file} does not hold")),
            (false, true) => (answer["known"] != true).then(|| "is not known".to_owned()),
        }
    }
}
