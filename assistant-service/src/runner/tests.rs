//! A runner without a gateway: commands are handed to it, and what it tells is written down.

mod agents;
mod checks;
pub(super) mod hostile;
mod journals;
mod metrics;
mod phases;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rcgen::KeyPair;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::carry_out::Runner;
use super::journal::Journal;
use super::kinds::Kinds;
use super::metrics::Metrics;
use super::webhook::Webhooks;
use super::work::{Ending, StopAsked, Telling, Work};
use crate::runbooks::FolderCatalogue;
use crate::testing::provider::{Answer, Provider, http};

/// What a command told.
#[derive(Default)]
pub(super) struct Told {
    pub(super) lines: Mutex<Vec<String>>,
    stop: watch::Sender<bool>,
}

impl Told {
    pub(super) fn text(&self) -> String {
        self.lines.lock().unwrap().concat()
    }

    pub(super) fn ask_to_stop(&self) {
        self.stop.send_replace(true);
    }
}

impl Telling for Told {
    fn report(&self, percent: u8, line: &str) {
        self.lines.lock().unwrap().push(format!("[{percent}% {line}]\n"));
    }

    fn output(&self, text: &str) {
        self.lines.lock().unwrap().push(text.to_owned());
    }

    fn verifying(&self) {
        self.lines.lock().unwrap().push("[verifying]\n".to_owned());
    }

    fn rolling_back(&self) {
        self.lines.lock().unwrap().push("[rolling back]\n".to_owned());
    }

    fn stop_asked(&self) -> StopAsked<'_> {
        let mut stop = self.stop.subscribe();
        Box::pin(async move {
            stop.wait_for(|asked| *asked).await.unwrap();
        })
    }
}

/// A runner with the runbooks of these texts, and its folders.
pub(super) struct Stage {
    pub(super) runner: Runner,
    pub(super) folder: tempfile::TempDir,
}

impl Stage {
    pub(super) fn new(runbooks: &[String]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let books = folder.path().join("runbooks");
        fs::create_dir(&books).unwrap();
        for (number, text) in runbooks.iter().enumerate() {
            fs::write(books.join(format!("{number}.yaml")), text).unwrap();
        }
        let catalogue = FolderCatalogue::load(&books).unwrap();
        let journal = Journal::open(&folder.path().join("state")).unwrap();
        let (kinds, metrics) = (Kinds::default(), Metrics::default());
        Self { runner: Runner { catalogue: Arc::new(catalogue), kinds, journal, metrics }, folder }
    }

    /// With a way to a service on this host.
    pub(super) fn with_webhooks(mut self, service: &Provider) -> Self {
        let webhooks = webhooks(self.folder.path(), service, &["localhost"]);
        self.runner.kinds.webhook = Some(webhooks);
        self
    }

    pub(super) fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    pub(super) fn work(&self, runbook: &str, parameters: Value) -> Work {
        Work {
            id: uuid::Uuid::now_v7().to_string(),
            fence: 7,
            runbook: runbook.to_owned(),
            runbook_digest: self.runner.catalogue.get(runbook).unwrap().digest.clone(),
            parameters,
            timeout_seconds: 60,
            dry_run: false,
            attempt: 1,
        }
    }

    pub(super) async fn run(&self, runbook: &str, parameters: Value) -> (Ending, String) {
        self.carry_out(&self.work(runbook, parameters)).await
    }

    pub(super) async fn carry_out(&self, work: &Work) -> (Ending, String) {
        let told = Told::default();
        let ending = self.runner.carry_out(work, &told).await;
        (ending, told.text())
    }

    /// What this process has written down and would tell late.
    pub(super) async fn truths(&self) -> Vec<super::late::Truth> {
        let mut truths = Vec::new();
        for kept in self.runner.journal.left().unwrap() {
            truths.extend(super::late::truth(&self.runner.journal, &kept, None).await);
        }
        truths
    }
}

/// A runbook of the runner with these further members.
pub(super) fn runbook(name: &str, rest: &str) -> String {
    format!(
        "name: {name}\ntitle: A test\ndescription: Tests.\ntarget: {{service: runner}}\nrisk: change\n\
         approval: {{needed: false, not_requester: false}}\ntimeout_seconds: 60\ndry_run: true\n\
         parameters: {{type: object, properties: {{value: {{}}}}}}\n{rest}"
    )
}

/// The way to a service, with a fresh key in the folder.
pub(super) fn webhooks(folder: &Path, service: &Provider, allowed: &[&str]) -> Webhooks {
    let key = folder.join("webhook.pem");
    fs::write(&key, KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap().serialize_pem()).unwrap();
    let ca = folder.join("ca.pem");
    fs::write(&ca, &service.ca_pem).unwrap();
    let allowed = allowed.iter().map(|host| host.parse().unwrap()).collect();
    Webhooks::open(&key, Some(ca), allowed).unwrap()
}

pub(super) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

/// A service that answers with the status that stands in its path, and writes down what it was sent.
pub(super) fn service() -> (Provider, Arc<Mutex<Vec<String>>>) {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&heard);
    let provider = Provider::https(move |path, request| {
        log.lock().unwrap().push(request.to_owned());
        match path {
            "/silence" => Answer::Silence(Vec::new()),
            "/fails" => http("500 Internal Server Error", &[], b"{}"),
            "/elsewhere" => http("307 Temporary Redirect", &["Location: https://localhost/"], b""),
            _ => http("200 OK", &[], b"{\"ok\":true}"),
        }
    });
    (provider, heard)
}

/// A step that posts the parameter `value`.
pub(super) fn post(service: &Provider, path: &str) -> String {
    let port = service.address.port();
    format!(
        "- {{name: 'tell {path}', webhook: {{url: 'https://localhost:{port}{path}', body: {{value: {{parameter: value}}}}}}}}\n"
    )
}

pub(super) fn failed(ending: &Ending) -> &str {
    match ending {
        Ending::Failed(why) => why,
        other => panic!("{other:?}"),
    }
}

pub(super) fn body_of(request: &str) -> Value {
    serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap_or(json!(null))
}
