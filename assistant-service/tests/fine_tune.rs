//! `watchgate fine-tune`: from documents and ratings to the model that is used, against an endpoint that keeps the protocol.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where it cannot go on")]
#![expect(clippy::arithmetic_side_effects, reason = "it counts small numbers")]

mod program;
mod trainer;

use std::path::Path;

use program::{Ended, watchgate};
use serde_json::{Value, json};
use trainer::{Fault, KEY, Trainer};

struct Bench {
    folder: tempfile::TempDir,
    trainer: Trainer,
}

impl Bench {
    fn new() -> Self {
        let bench = Self { folder: tempfile::tempdir().unwrap(), trainer: Trainer::start() };
        let key = bench.write("key", KEY);
        bench.write(
            "assistant.yml",
            &format!(
                "# ours\nmodels:\n  - name: small\n    model: small-1 # the base\n    baseUrl: {}\n    apiKeyFile: {key}\n    \
                 allowedNetworks: [127.0.0.0/8]\n",
                bench.trainer.url
            ),
        );
        bench
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, text: &str) -> String {
        std::fs::write(self.path(name), text).unwrap();
        self.path(name)
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    fn export(&self, more: &[&str]) -> Ended {
        let documents = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/company/documents");
        let out = self.path("export");
        let arguments = ["fine-tune", "export", "--documents", documents.to_str().unwrap(), "--out", &out];
        watchgate(&[&arguments, more].concat())
    }

    fn at_endpoint(&self, command: &str, more: &[&str]) -> Ended {
        let settings = self.path("assistant.yml");
        watchgate(&[&["fine-tune", command, "--assistant", &settings, "--model", "small"], more].concat())
    }
}

#[test]
fn documents_become_a_model_that_the_settings_name() {
    let bench = Bench::new();
    let rating = |answer: &str, data: Value| {
        json!({"specversion": "1.0", "type": "dev.watchgate.assistant.rated", "subject": answer,
            "authid": "https://issuer.example#ada", "data": data})
        .to_string()
    };
    let answered =
        json!({"type": "dev.watchgate.assistant.answered", "data": {"answer_id": "a-1", "withheld_citations": 0}});
    let ratings = [
        answered.to_string(),
        rating(
            "a-1",
            json!({"helpful": true, "question": "Who is on call today?", "answer": "Look into the rota, it says so."}),
        ),
        rating("a-2", json!({"helpful": false, "question": "And tomorrow?", "answer": "Nobody is, I believe."})),
        r#"{"watchgate":"end","next_after":null,"count":2}"#.to_owned(),
    ];
    let ratings = bench.write("ratings.jsonl", &ratings.join("\n"));
    let exported = bench.export(&["--ratings", &ratings]);
    assert_eq!(exported.code, 0, "{exported:?}");
    assert!(exported.stdout.contains("1 helpful answers") && !exported.stderr.contains("WARNING"), "{exported:?}");
    let report: Value = serde_json::from_str(&bench.read("export/report.json")).unwrap();
    assert_eq!((&report["ratings"], &report["opened_scopes"]), (&json!(2), &json!([])));
    let lines = bench.read("export/train.jsonl");
    assert_eq!(lines.lines().count() as u64, report["train"]["examples"].as_u64().unwrap());
    let (train, validation) = (bench.path("export/train.jsonl"), bench.path("export/validation.jsonl"));

    // Again is the same, letter for letter.
    assert_eq!(bench.export(&["--ratings", &ratings]).code, 0);
    assert_eq!(bench.read("export/train.jsonl"), lines);

    // The connection breaks after the job was made.
    bench.trainer.fails("POST /fine_tuning/jobs", Fault::CutAfter);
    let files = ["--train", &train, "--validation", &validation, "--suffix", "ours", "--epochs", "2"];
    let started = bench.at_endpoint("start", &files);
    assert_eq!((started.code, started.stdout.as_str()), (0, "ftjob-0\n"), "{started:?}");
    assert!(started.stderr.contains("looking whether it was done"), "{started:?}");
    assert_eq!(bench.at_endpoint("start", &files).stdout, "ftjob-0\n");
    assert_eq!(bench.trainer.counts(), (2, 1));

    let early = bench.at_endpoint("use", &["ftjob-0", "--write"]);
    assert_eq!(early.code, 2, "{early:?}");
    assert!(early.stderr.contains("the job is validating_files"), "{early:?}");
    let waited = bench.at_endpoint("status", &["ftjob-0", "--wait", "--json"]);
    assert_eq!(waited.code, 0, "{waited:?}");
    let job: Value = serde_json::from_str(&waited.stdout).unwrap();
    assert_eq!((&job["status"], &job["trained_tokens"]), (&json!("succeeded"), &json!(4096)));
    assert!(waited.stderr.contains("training loss=1.25"), "{waited:?}");

    let before = bench.read("assistant.yml");
    let used = bench.at_endpoint("use", &["ftjob-0"]);
    assert_eq!((used.code, bench.read("assistant.yml") == before), (0, true), "{used:?}");
    assert!(used.stdout.contains("model: \"ft:small-1:org:ours:abc\""), "{used:?}");
    assert_eq!(bench.at_endpoint("use", &["ftjob-0", "--write"]).code, 0);
    assert_eq!(bench.read("assistant.yml"), before.replace("model: small-1 #", "model: \"ft:small-1:org:ours:abc\" #"));
}

/// What the gateway answers: two pages of events, for whoever brings the token.
async fn events(
    headers: axum::http::HeaderMap,
    axum::extract::Query(query): axum::extract::Query<std::collections::HashMap<String, String>>,
) -> Result<axum::Json<Value>, axum::http::StatusCode> {
    if headers["authorization"] != "Bearer token-of-ada" || query["type"] != "dev.watchgate.assistant.*" {
        return Err(axum::http::StatusCode::FORBIDDEN);
    }
    let page = if query.contains_key("after") { 2 } else { 1 };
    let event = json!({"specversion": "1.0", "type": "dev.watchgate.assistant.rated", "subject": format!("a-{page}"),
        "authid": "https://issuer.example#ada",
        "data": {"helpful": true, "question": format!("What stands on page {page}?"), "answer": "What the gateway has sent."}});
    let answered = json!({"type": "dev.watchgate.assistant.answered",
        "data": {"answer_id": format!("a-{page}"), "withheld_citations": 0}});
    let next_after = if page == 1 { json!(7) } else { Value::Null };
    Ok(axum::Json(
        json!({"events": [{"position": page, "event": answered}, {"position": page + 1, "event": event}], "next_after": next_after}),
    ))
}

#[test]
fn ratings_come_through_the_gateway_page_by_page() {
    let bench = Bench::new();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let gateway = format!("http://{}", listener.local_addr().unwrap());
    let app = axum::Router::new().route("/v1/events", axum::routing::get(events));
    runtime.spawn(async move { axum::serve(listener, app).await });
    let token = bench.write("token", "token-of-ada\n");
    let exported = bench.export(&["--rated", "--gateway", &gateway, "--token-file", &token]);
    assert!(exported.code == 0 && exported.stdout.contains("2 ratings"), "{exported:?}");
    let learnt = [bench.read("export/train.jsonl"), bench.read("export/validation.jsonl")].concat();
    assert!(learnt.contains("What stands on page 1?") && learnt.contains("What stands on page 2?"));

    let before = bench.read("export/report.json");
    let token = bench.write("token", "token-of-bob");
    let failed = bench.export(&["--rated", "--gateway", &gateway, "--token-file", &token]);
    assert!(failed.code == 2 && failed.stderr.contains("403"), "{failed:?}");
    assert_eq!(bench.read("export/report.json"), before);
    let failed = bench.export(&["--rated"]);
    assert!(failed.code == 2 && failed.stderr.contains("--rated needs --gateway and --token-file"), "{failed:?}");
}

#[test]
fn opening_restricted_documents_is_said_loudly() {
    let bench = Bench::new();
    let closed = bench.export(&[]);
    let opened = bench.export(&["--scope", "security:read"]);
    assert!(closed.stdout.contains("not for everybody (open with --scope)"), "{closed:?}");
    assert!(opened.stderr.contains("WARNING: documents that are only for holders of security:read"), "{opened:?}");
}

#[test]
fn what_cannot_be_done_is_said_in_a_sentence_and_ends_with_two() {
    let bench = Bench::new();
    std::fs::create_dir(bench.path("few")).unwrap();
    bench.write("few/a.md", "# A\n\n## What is this?\n\nA single short document.\n");
    let (few, out) = (bench.path("few"), bench.path("out"));
    let failed = watchgate(&["fine-tune", "export", "--documents", &few, "--out", &out]);
    assert_eq!(failed.code, 2, "{failed:?}");
    assert!(failed.stderr.contains("it has 1 examples, and the least is 10"), "{failed:?}");
    assert!(!Path::new(&out).exists());
    let failed = bench.at_endpoint("status", &["ftjob-7"]);
    assert_eq!(failed.code, 2, "{failed:?}");
    assert!(failed.stderr.contains("(404)"), "{failed:?}");
    bench.write("key", "wrong-key");
    let failed = bench.at_endpoint("status", &[]);
    assert!(failed.code == 2 && failed.stderr.contains("(401)") && !failed.stderr.contains("wrong-key"), "{failed:?}");
}

#[test]
fn a_job_that_failed_ends_with_one_and_says_why_without_what_a_terminal_obeys() {
    let bench = Bench::new();
    assert_eq!(bench.export(&[]).code, 0);
    bench.trainer.book().jobs_fail = Some("diverged\u{1b}[2J");
    assert_eq!(bench.at_endpoint("start", &["--train", &bench.path("export/train.jsonl")]).code, 0);
    let failed = bench.at_endpoint("status", &["ftjob-0", "--wait"]);
    assert_eq!(failed.code, 1, "{failed:?}");
    assert!(failed.stdout.contains("failed") && failed.stdout.contains("diverged"), "{failed:?}");
    assert!(!failed.stdout.contains('\u{1b}') && !failed.stderr.contains('\u{1b}'), "{failed:?}");
}
