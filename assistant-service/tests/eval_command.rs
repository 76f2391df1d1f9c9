//! `watchgate eval`, as its caller sees it: the built program, the example company's questions, exit codes; and the same with
//! a real model behind `/v1/embeddings`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends where it cannot go on")]

mod program;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use program::{Ended, watchgate};
use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn path(path: &str) -> String {
    root().join(path).display().to_string()
}

fn eval(more: &[&str]) -> Ended {
    let [questions, documents, code] =
        ["questions.jsonl", "documents", "code"].map(|name| path(&format!("examples/company/{name}")));
    let mut words = vec!["eval", &questions, "--documents", &documents, "--documents", &code, "--part", "tune"];
    words.extend(more);
    watchgate(&words)
}

#[test]
fn figures_are_printed_and_judged() {
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("eval.json").display().to_string();
    let bounds = "recall5=0.85,precision=0.75,abstention=0.75,false-abstention=0.4";
    let ended = eval(&["--json", &json, "--at-least", bounds]);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    let kinds: Vec<_> = ended.stdout.lines().map(|line| line.split_whitespace().next().unwrap()).collect();
    assert_eq!(kinds, ["kind", "code", "plain", "two-documents", "typo", "unanswerable", "all"]);
    let report: Value = serde_json::from_slice(&fs::read(&json).unwrap()).unwrap();
    assert_eq!(report["questions"].as_array().unwrap().len(), 60);
    assert_eq!(report["figures"][5]["kind"], "all");
    assert!(report["figures"][5]["recall5"].as_f64().unwrap() >= 0.85, "{report}");
}

#[test]
fn figures_that_are_not_good_enough_and_files_that_hold_no_questions_have_their_exit_codes() {
    let ended = eval(&["--at-least", "recall5=1.01"]);
    assert!(ended.code == 1 && ended.stderr.contains("recall@5 is"), "{}", ended.stderr);
    let ended = eval(&["--part", "nowhere"]);
    assert_ne!(ended.code, 0, "a part is named twice");
    let (folder, documents) = (tempfile::tempdir().unwrap(), path("examples/company/code"));
    let file = folder.path().join("questions.jsonl");
    fs::write(&file, "{}\n").unwrap();
    let ended = watchgate(&["eval", file.to_str().unwrap(), "--documents", &documents]);
    assert!(ended.code == 2 && ended.stderr.contains("questions.jsonl:1"), "{}", ended.stderr);
    assert_eq!(eval(&["--at-least", "recall=1"]).code, 2);
}

/// The model's server; it ends with its standard input.
struct Server(Child, String);

impl Server {
    fn start() -> Self {
        let python = root().join(".tools/embedder/bin/python");
        let mut command = Command::new(&python);
        command.arg(root().join("tests/embedding-server/server.py")).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child =
            command.spawn().unwrap_or_else(|error| panic!("{}: {error}; run `make setup-tests`", python.display()));
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ").unwrap().to_owned();
        Self(child, address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

#[test]
fn what_is_asked_in_other_words_is_found_with_embeddings_and_not_without() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    fs::create_dir(file("wiki")).unwrap();
    for (name, text) in [
        ("animals.md", "# Kennel\n\nPuppies are fed at noon.\n"),
        ("money.md", "# Treasury\n\nInvoices are settled within a fortnight.\n"),
        ("weather.md", "# Forecast\n\nRain is expected over the hills.\n"),
        ("ships.md", "# Harbour\n\nFerries depart from the northern quay.\n"),
        ("music.md", "# Orchestra\n\nThe violinists rehearse in the hall.\n"),
        ("food.md", "# Bakery\n\nLoaves come out of the oven before dawn.\n"),
    ] {
        fs::write(file("wiki").join(name), text).unwrap();
    }
    let question = r#"{"id": "a", "part": "x", "kind": "plain", "question": "young dogs lunch?",
        "expected": [{"file": "animals.md", "heading": "Kennel"}], "holds": ["noon"]}"#;
    fs::write(file("questions.jsonl"), question.replace('\n', " ")).unwrap();
    let server = Server::start();
    let settings = format!(
        "embeddings: {{baseUrl: {}, model: minilm, questionTimeoutMilliseconds: 5000, allowedNetworks: [127.0.0.0/8]}}\n",
        server.1
    );
    fs::write(file("assistant.yaml"), settings).unwrap();
    let [questions, wiki, settings] =
        ["questions.jsonl", "wiki", "assistant.yaml"].map(|name| file(name).display().to_string());
    let ask = |more: &[&str]| {
        let words = ["eval", &questions, "--documents", &wiki, "--at-least", "recall5=1"];
        watchgate(&[&words, more].concat())
    };
    assert_eq!(ask(&[]).code, 1);
    let ended = ask(&["--assistant", &settings]);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    drop(server);
    assert_eq!(ask(&["--assistant", &settings]).code, 2, "nothing can be measured without the server");
}
