//! An endpoint that trains, as OpenAI's protocol has it: files, jobs, events, lists by pages, errors in its shape. It validates
//! what it is sent by code of its own, moves a job on each time it is asked for, and fails in the ways that a test tells it.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};

pub(crate) const KEY: &str = "key-of-the-trainer-0123456789";

/// How a call goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// 429 with `Retry-After` in seconds; nothing is done.
    TooMany(u64),
    /// 429 because the account is empty.
    NoQuota,
    /// 500 in OpenAI's shape; nothing is done.
    Failing,
    /// A page of a proxy with 502, after it was done.
    ProxyPage,
    /// The connection breaks, and nothing is done.
    CutBefore,
    /// It is done, and the connection breaks before the answer.
    CutAfter,
    /// It is done, and the answer comes after the client has gone.
    Slow,
    /// It is done, and the answer is no JSON.
    Garbage,
}

#[derive(Default)]
pub(crate) struct Book {
    pub(crate) files: Vec<Value>,
    contents: Vec<Vec<u8>>,
    pub(crate) jobs: Vec<Value>,
    events: Vec<(String, Value)>,
    /// Faults for calls, by method and path, each for one call.
    faults: VecDeque<(&'static str, Fault)>,
    /// Every call, by method and path.
    pub(crate) calls: Vec<String>,
    /// Jobs fail in the middle with this message.
    pub(crate) jobs_fail: Option<&'static str>,
    /// Answers leave out what a client can do without.
    pub(crate) is_terse: bool,
}

/// A running endpoint. It ends when it is dropped.
pub(crate) struct Trainer {
    pub(crate) url: String,
    book: Arc<Mutex<Book>>,
    _until_dropped: tokio::sync::oneshot::Sender<()>,
}

type Shared = State<Arc<Mutex<Book>>>;
type Pages = Query<std::collections::HashMap<String, String>>;

impl Trainer {
    pub(crate) fn start() -> Self {
        let book = Arc::<Mutex<Book>>::default();
        let app = Router::new()
            .route("/v1/files", post(upload).get(files))
            .route("/v1/fine_tuning/jobs", post(create).get(jobs))
            .route("/v1/fine_tuning/jobs/{id}", get(job))
            .route("/v1/fine_tuning/jobs/{id}/events", get(events))
            .route("/v1/fine_tuning/jobs/{id}/cancel", post(cancel))
            .layer(axum::extract::DefaultBodyLimit::disable())
            .layer(axum::middleware::from_fn_with_state(Arc::clone(&book), faults))
            .with_state(Arc::clone(&book));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let (until_dropped, dropped) = tokio::sync::oneshot::channel::<()>();
        // On a thread of its own: tests with and without a runtime start it.
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                tokio::select! {
                    _ = dropped => {}
                    ended = axum::serve(listener, app) => ended.unwrap(),
                }
            });
        });
        Self { url, book, _until_dropped: until_dropped }
    }

    pub(crate) fn book(&self) -> std::sync::MutexGuard<'_, Book> {
        self.book.lock().unwrap()
    }

    /// The next call of this method and path goes wrong; further ones as often as this is said.
    pub(crate) fn fails(&self, call: &'static str, fault: Fault) {
        self.book().faults.push_back((call, fault));
    }

    /// A file of somebody else.
    pub(crate) fn has_file(&self, name: &str) {
        let id = format!("file-{}", self.book().files.len());
        self.book()
            .files
            .push(json!({"id": id, "object": "file", "filename": name, "bytes": 1, "purpose": "fine-tune"}));
        self.book().contents.push(Vec::new());
    }

    /// A job of somebody else.
    pub(crate) fn has_job(&self) {
        let id = format!("ftjob-{}", self.book().jobs.len());
        self.book().jobs.push(json!({"id": id, "object": "fine_tuning.job", "status": "succeeded", "model": "m",
            "metadata": {"somebody": "else"}, "error": {}}));
    }

    /// How many files and jobs there are.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let book = self.book();
        (book.files.len(), book.jobs.len())
    }

    pub(crate) fn calls_of(&self, call: &str) -> usize {
        self.book().calls.iter().filter(|one| *one == call).count()
    }
}

async fn faults(State(book): Shared, request: axum::extract::Request, next: axum::middleware::Next) -> Response {
    let call = format!("{} {}", request.method(), request.uri().path().trim_start_matches("/v1"));
    let fault = {
        let mut book = book.lock().unwrap();
        book.calls.push(call.clone());
        let at = book.faults.iter().position(|(of, _)| *of == call);
        at.and_then(|at| book.faults.remove(at)).map(|(_, fault)| fault)
    };
    if request.headers().get(AUTHORIZATION).is_none_or(|value| *value != format!("Bearer {KEY}")) {
        return error(
            StatusCode::UNAUTHORIZED,
            "Incorrect API key provided",
            "invalid_request_error",
            "invalid_api_key",
        );
    }
    match fault {
        None => next.run(request).await,
        Some(Fault::TooMany(seconds)) => {
            let answer = error(StatusCode::TOO_MANY_REQUESTS, "Rate limit reached", "requests", "rate_limit_exceeded");
            ([(RETRY_AFTER, seconds.to_string())], answer).into_response()
        }
        Some(Fault::NoQuota) => {
            error(StatusCode::TOO_MANY_REQUESTS, "You exceeded your quota", "insufficient_quota", "insufficient_quota")
        }
        Some(Fault::Failing) => {
            error(StatusCode::INTERNAL_SERVER_ERROR, "The server had an error", "server_error", "internal")
        }
        Some(Fault::CutBefore) => cut(),
        Some(Fault::CutAfter) => {
            next.run(request).await;
            cut()
        }
        Some(Fault::ProxyPage) => {
            next.run(request).await;
            (StatusCode::BAD_GATEWAY, "<html><body>Bad gateway</body></html>").into_response()
        }
        Some(Fault::Garbage) => {
            next.run(request).await;
            "not JSON".into_response()
        }
        Some(Fault::Slow) => {
            let answer = next.run(request).await;
            tokio::time::sleep(Duration::from_secs(3600)).await;
            answer
        }
    }
}

/// An answer that breaks off before it is whole.
fn cut() -> Response {
    let pieces = futures_util::stream::iter([Ok(Bytes::from_static(b"{")), Err(std::io::Error::other("cut"))]);
    ([(CONTENT_TYPE, "application/json")], Body::from_stream(pieces)).into_response()
}

fn error(status: StatusCode, message: &str, kind: &str, code: &str) -> Response {
    let body = json!({"error": {"message": message, "type": kind, "param": null, "code": code}});
    (status, axum::Json(body)).into_response()
}

fn invalid(message: &str) -> Response {
    error(StatusCode::BAD_REQUEST, message, "invalid_request_error", "invalid_file_format")
}

async fn upload(State(book): Shared, headers: HeaderMap, body: Bytes) -> Response {
    let kind = headers[CONTENT_TYPE].to_str().unwrap().to_owned();
    let Some(boundary) = kind.strip_prefix("multipart/form-data; boundary=") else { return invalid("no form") };
    let parts = parts(&body, boundary);
    let Some(purpose) = parts.iter().find(|part| part.name == "purpose") else { return invalid("no purpose") };
    let Some(file) = parts.iter().find(|part| part.name == "file") else { return invalid("no file") };
    if purpose.bytes != b"fine-tune" || !file.filename.ends_with(".jsonl") {
        return invalid("only .jsonl files are for fine-tune");
    }
    for (at, line) in file.bytes.split(|byte| *byte == b'\n').enumerate() {
        if !line.is_empty() && serde_json::from_slice::<serde_json::Map<String, Value>>(line).is_err() {
            return invalid(&format!("Invalid file format. Line {} is not JSON", at + 1));
        }
    }
    let mut book = book.lock().unwrap();
    let id = format!("file-{}", book.files.len());
    let stored = if book.is_terse {
        json!({"id": id, "filename": file.filename})
    } else {
        json!({"id": id, "object": "file", "bytes": file.bytes.len(), "created_at": 1_800_000_000, "filename": file.filename,
            "purpose": "fine-tune", "status": "processed", "expires_at": null, "status_details": null})
    };
    book.files.push(stored.clone());
    book.contents.push(file.bytes.clone());
    axum::Json(stored).into_response()
}

struct Part {
    name: String,
    filename: String,
    bytes: Vec<u8>,
}

/// The parts of a form (RFC 7578).
fn parts(body: &[u8], boundary: &str) -> Vec<Part> {
    let find = |text: &[u8], what: &[u8]| text.windows(what.len()).position(|window| window == what);
    let (mut parts, delimiter) = (Vec::new(), format!("--{boundary}"));
    let mut rest = body;
    while let Some(at) = find(rest, delimiter.as_bytes()) {
        rest = &rest[at + delimiter.len()..];
        let Some(head_end) = find(rest, b"\r\n\r\n") else { break };
        let head = String::from_utf8_lossy(&rest[..head_end]).into_owned();
        let Some(end) = find(rest, format!("\r\n{delimiter}").as_bytes()) else { break };
        let value = |name: &str| {
            let after = head.split_once(&format!("{name}=\""))?.1;
            Some(after.split_once('"')?.0.to_owned())
        };
        let bytes = rest[head_end + 4..end].to_vec();
        parts.push(Part { name: value(" name").unwrap(), filename: value("filename").unwrap_or_default(), bytes });
        rest = &rest[end..];
    }
    parts
}

/// A page of two.
fn page(items: Vec<Value>, pages: &Pages, is_terse: bool) -> Response {
    const ITEMS: usize = 2;
    let begin = match pages.get("after") {
        Some(after) => items.iter().position(|item| item["id"] == **after).map_or(items.len(), |at| at + 1),
        None => 0,
    };
    let has_more = items.len() > begin + ITEMS;
    let data: Vec<_> = items.into_iter().skip(begin).take(ITEMS).collect();
    axum::Json(match is_terse && !has_more {
        true => json!({"data": data}),
        false => json!({"object": "list", "data": data, "has_more": has_more}),
    })
    .into_response()
}

async fn files(State(book): Shared, pages: Pages) -> Response {
    if pages.get("purpose").map(String::as_str) != Some("fine-tune") {
        return invalid("these are all for something else");
    }
    let book = book.lock().unwrap();
    page(book.files.clone(), &pages, book.is_terse)
}

async fn create(State(book): Shared, body: Bytes) -> Response {
    let request: Value = serde_json::from_slice(&body).unwrap();
    let mut book = book.lock().unwrap();
    for (name, required) in [("training_file", true), ("validation_file", false)] {
        let is_there = book.files.iter().any(|file| file["id"] == request[name]);
        if !is_there && (required || !request[name].is_null()) {
            return error(
                StatusCode::BAD_REQUEST,
                &format!("no such {name}"),
                "invalid_request_error",
                "file_not_found",
            );
        }
    }
    if request["model"].as_str().is_none_or(str::is_empty) {
        return error(StatusCode::BAD_REQUEST, "no such model", "invalid_request_error", "model_not_found");
    }
    let id = format!("ftjob-{}", book.jobs.len());
    let mut job = json!({"object": "fine_tuning.job", "id": id, "status": "validating_files", "created_at": 1_800_000_000,
        "error": {}, "fine_tuned_model": null, "finished_at": null, "trained_tokens": null, "organization_id": "org-1",
        "result_files": [], "seed": 7, "hyperparameters": {"n_epochs": "auto"}});
    for (name, value) in request.as_object().unwrap() {
        job[name] = value.clone();
    }
    book.jobs.insert(0, job.clone());
    say(&mut book, &id, "Created fine-tuning job");
    axum::Json(job).into_response()
}

async fn jobs(State(book): Shared, pages: Pages) -> Response {
    let book = book.lock().unwrap();
    page(book.jobs.clone(), &pages, book.is_terse)
}

fn no_job(id: &str) -> Response {
    let message = format!("Could not find fine tune: {id}");
    error(StatusCode::NOT_FOUND, &message, "invalid_request_error", "fine_tune_not_found")
}

async fn job(State(book): Shared, Path(id): Path<String>) -> Response {
    let mut book = book.lock().unwrap();
    let Some(at) = book.jobs.iter().position(|job| job["id"] == *id) else { return no_job(&id) };
    let now = book.jobs[at].clone();
    move_on(&mut book, at);
    axum::Json(now).into_response()
}

fn move_on(book: &mut Book, at: usize) {
    let mut job = book.jobs[at].clone();
    let id = job["id"].as_str().unwrap().to_owned();
    let fail = |job: &mut Value, code: &str, message: &str| {
        job["status"] = json!("failed");
        job["error"] = json!({"code": code, "message": message, "param": "training_file"});
    };
    match job["status"].as_str().unwrap() {
        "validating_files" => match unfit(book, &job) {
            Some(message) => fail(&mut job, "invalid_training_file", &message),
            None => job["status"] = json!("queued"),
        },
        "queued" => job["status"] = json!("running"),
        "running" if book.jobs_fail.is_some() => {
            fail(&mut job, "internal", book.jobs_fail.unwrap_or_default());
        }
        "running" if job["trained_tokens"].is_null() => {
            job["trained_tokens"] = json!(4096);
            say(book, &id, "Step 10/20: training loss=1.25, validation loss=1.50");
        }
        "running" => {
            let suffix = job["suffix"].as_str().unwrap_or_default();
            job["fine_tuned_model"] = json!(format!("ft:{}:org:{suffix}:abc", job["model"].as_str().unwrap()));
            job["status"] = json!("succeeded");
            say(book, &id, "The job has successfully completed");
        }
        _ => {}
    }
    book.jobs[at] = job;
}

/// OpenAI's check of a training file, as its guide tells it.
fn unfit(book: &Book, job: &Value) -> Option<String> {
    let at = book.files.iter().position(|file| file["id"] == job["training_file"])?;
    let lines: Vec<Value> = book.contents[at]
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    if lines.len() < 10 {
        return Some(format!("Training file has {} example(s), but must have at least 10 examples", lines.len()));
    }
    for line in lines {
        let messages = line["messages"].as_array().cloned().unwrap_or_default();
        if messages.last().is_none_or(|last| last["role"] != "assistant") {
            return Some("Last message must be from the assistant".to_owned());
        }
        if messages.iter().any(|message| !message["content"].is_string()) {
            return Some("Each message must have content".to_owned());
        }
    }
    None
}

fn say(book: &mut Book, id: &str, message: &str) {
    let event = json!({"object": "fine_tuning.job.event", "id": format!("ftevent-{}", book.events.len()),
        "created_at": 1_800_000_000, "level": "info", "message": message, "type": "message", "data": {}});
    book.events.insert(0, (id.to_owned(), event));
}

async fn events(State(book): Shared, Path(id): Path<String>, pages: Pages) -> Response {
    let book = book.lock().unwrap();
    if !book.jobs.iter().any(|job| job["id"] == *id) {
        return no_job(&id);
    }
    let of = book.events.iter().filter(|(job, _)| *job == id).map(|(_, event)| event.clone());
    page(of.collect(), &pages, book.is_terse)
}

async fn cancel(State(book): Shared, Path(id): Path<String>) -> Response {
    let mut book = book.lock().unwrap();
    let Some(job) = book.jobs.iter_mut().find(|job| job["id"] == *id) else { return no_job(&id) };
    job["status"] = json!("cancelled");
    axum::Json(job.clone()).into_response()
}
