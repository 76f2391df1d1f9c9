use std::sync::Mutex as StdMutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::watch;

use super::*;
use crate::backbone::{Change, Committed, Entry, EventFilter, Page, Position, Revision, Standing};
use crate::knowledge::Knowledge;
use crate::testing::Stage;

/// A store that answers every commit in this way or, without an answer, hangs.
struct Fake {
    answer: StdMutex<Option<Result<(), BackboneError>>>,
    commits: AtomicUsize,
    standing: watch::Sender<Standing>,
}

impl Fake {
    fn answering(answer: Option<Result<(), BackboneError>>) -> (Arc<Self>, Arc<dyn Backbone>) {
        let (answer, commits) = (StdMutex::new(answer), AtomicUsize::new(0));
        let fake = Arc::new(Self { answer, commits, standing: watch::Sender::new(Standing::Current) });
        (Arc::clone(&fake), fake)
    }

    fn commits(&self) -> usize {
        self.commits.load(Ordering::Relaxed)
    }
}

impl Backbone for Fake {
    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Committed, BackboneError>> {
        self.commits.fetch_add(1, Ordering::Relaxed);
        let answer = self.answer.lock().unwrap().clone();
        async move {
            match answer {
                Some(Err(error)) if !batch.puts.is_empty() => Err(error),
                Some(_) => Ok(Committed { events: Vec::new(), revisions: Vec::new() }),
                None => std::future::pending().await,
            }
        }
        .boxed()
    }

    fn get(&self, _: &'static str, _: String) -> BoxFuture<'_, Result<Option<Entry>, BackboneError>> {
        async { Ok(None) }.boxed()
    }

    fn list(&self, _: &'static str, _: Option<String>, _: u32) -> BoxFuture<'_, Result<Vec<Entry>, BackboneError>> {
        async { Ok(Vec::new()) }.boxed()
    }

    fn query(&self, _: EventFilter) -> BoxFuture<'_, Result<Page, BackboneError>> {
        async { Ok(Page::default()) }.boxed()
    }

    fn changes(&self, _: &'static str, _: Revision, _: u32) -> BoxFuture<'_, Result<Vec<Change>, BackboneError>> {
        async { Ok(Vec::new()) }.boxed()
    }

    fn newest_position(&self) -> watch::Receiver<Position> {
        watch::channel(0).1
    }

    fn newest_revision(&self) -> watch::Receiver<Revision> {
        watch::channel(0).1
    }

    fn standing(&self) -> watch::Receiver<Standing> {
        self.standing.subscribe()
    }
}

async fn flood(readiness: &Readiness, backbone: &Arc<dyn Backbone>, is_ready: bool) {
    let answers = futures_util::future::join_all((0..100).map(|_| readiness.is_ready(backbone))).await;
    assert!(answers.iter().all(|answer| *answer == is_ready));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_works_is_asked_to_commit_once_in_five_seconds_however_many_ask() {
    let (fake, backbone) = Fake::answering(Some(Ok(())));
    let readiness = Readiness::default();
    for second in 0..FRESH_FOR.as_secs() * 2 {
        flood(&readiness, &backbone, true).await;
        assert_eq!(fake.commits(), if second < FRESH_FOR.as_secs() { 1 } else { 2 }, "after {second} s");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_broken_disk_is_not_ready_and_a_flood_of_questions_costs_one_commit_a_second() {
    let (fake, backbone) = Fake::answering(Some(Err(BackboneError::Unavailable("disk I/O error".to_owned()))));
    let readiness = Readiness::default();
    flood(&readiness, &backbone, false).await;
    assert_eq!(fake.commits(), 1);
    tokio::time::sleep(AGAIN_AFTER).await;
    flood(&readiness, &backbone, false).await;
    assert_eq!(fake.commits(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_breaks_is_told_after_five_seconds_and_one_that_works_again_after_one() {
    let (fake, backbone) = Fake::answering(Some(Ok(())));
    let readiness = Readiness::default();
    flood(&readiness, &backbone, true).await;
    *fake.answer.lock().unwrap() = Some(Err(BackboneError::Unavailable("disk I/O error".to_owned())));
    tokio::time::sleep(FRESH_FOR).await;
    assert!(!readiness.is_ready(&backbone).await);
    flood(&readiness, &backbone, false).await;
    *fake.answer.lock().unwrap() = Some(Ok(()));
    tokio::time::sleep(AGAIN_AFTER).await;
    flood(&readiness, &backbone, true).await;
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_is_cut_off_is_not_ready_at_once_and_shows_afterwards_what_it_can_do() {
    let (fake, backbone) = Fake::answering(Some(Ok(())));
    let readiness = Readiness::default();
    flood(&readiness, &backbone, true).await;
    fake.standing.send_replace(Standing::Behind);
    flood(&readiness, &backbone, false).await;
    assert_eq!(fake.commits(), 1, "it was asked although it is cut off");
    fake.standing.send_replace(Standing::Current);
    flood(&readiness, &backbone, true).await;
    assert_eq!(fake.commits(), 2, "what was before the cut counted after it");
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_leaves_is_not_ready_and_asks_its_store_nothing_any_more() {
    let (fake, backbone) = Fake::answering(Some(Ok(())));
    let readiness = Readiness::default();
    flood(&readiness, &backbone, true).await;
    readiness.leave();
    tokio::time::sleep(FRESH_FOR).await;
    flood(&readiness, &backbone, false).await;
    assert_eq!(fake.commits(), 1);
}

#[tokio::test]
async fn the_listener_for_health_tells_of_health_alone() {
    let stage = Stage::new();
    let routes = routes(stage.state.clone());
    for (path, status) in [
        ("/healthz", StatusCode::OK),
        ("/readyz", StatusCode::OK),
        ("/metrics", StatusCode::NOT_FOUND),
        ("/v1/events", StatusCode::NOT_FOUND),
        ("/v1/trust", StatusCode::NOT_FOUND),
    ] {
        let request = axum::http::Request::get(path).body(axum::body::Body::empty()).unwrap();
        let answer = tower::ServiceExt::oneshot(routes.clone(), request).await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
    }
    stage.state.readiness.leave();
    for (path, status) in [("/healthz", StatusCode::OK), ("/readyz", StatusCode::SERVICE_UNAVAILABLE)] {
        let request = axum::http::Request::get(path).body(axum::body::Body::empty()).unwrap();
        let answer = tower::ServiceExt::oneshot(routes.clone(), request).await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_store_is_ready_for_those_who_read() {
    let (_, backbone) = Fake::answering(Some(Err(BackboneError::Full)));
    assert!(Readiness::default().is_ready(&backbone).await);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_is_not_ready_and_is_asked_once() {
    let (fake, backbone) = Fake::answering(None);
    let readiness = Readiness::default();
    for _ in 0..3 {
        let begun = Instant::now();
        assert!(!readiness.is_ready(&backbone).await);
        assert_eq!(begun.elapsed(), PATIENCE);
    }
    assert_eq!(fake.commits(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_asks_while_another_one_looks_again_hears_what_was_found_last_and_not_for_long() {
    let (fake, backbone) = Fake::answering(Some(Ok(())));
    let readiness = Readiness::default();
    flood(&readiness, &backbone, true).await;
    *fake.answer.lock().unwrap() = None;
    tokio::time::sleep(FRESH_FOR).await;
    let begun = Instant::now();
    let others = async {
        tokio::task::yield_now().await;
        flood(&readiness, &backbone, true).await;
        assert_eq!(begun.elapsed(), Duration::ZERO);
    };
    let (looked, ()) = tokio::join!(readiness.is_ready(&backbone), others);
    assert!(!looked && begun.elapsed() == PATIENCE);
    flood(&readiness, &backbone, false).await;
    assert_eq!(fake.commits(), 2);
}

#[tokio::test]
async fn a_store_that_works_is_ready_time_and_again() {
    let stage = Stage::new();
    for _ in 0..3 {
        assert!(stage.state.readiness.is_ready(&stage.state.backbone).await);
        *stage.state.readiness.last.lock().unwrap() = None;
    }
}

#[tokio::test]
async fn nothing_is_ready_or_answered_before_the_documents_are_read() {
    let (sender, documents) = watch::channel(Arc::<Knowledge>::default());
    let stage = Stage::new().with_documents(documents);
    let question = serde_json::json!({"question": "How large may an event be?"});
    for (is_read, status) in [(false, StatusCode::SERVICE_UNAVAILABLE), (true, StatusCode::OK)] {
        if is_read {
            let folder = tempfile::tempdir().unwrap();
            sender.send_replace(Arc::new(Knowledge::load(folder.path()).unwrap()));
        }
        let asked = stage.post("/v1/ask", &question).send().await;
        assert_eq!((stage.get("/readyz").send().await.status, asked.status), (status, status), "{:?}", asked.json);
        assert_eq!(asked.headers.contains_key("retry-after"), !is_read);
        assert_eq!(stage.get("/healthz").send().await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn nothing_is_ready_or_answered_when_nobody_looks_at_the_documents_any_more() {
    let folder = tempfile::tempdir().unwrap();
    let (sender, documents) = watch::channel(Arc::new(Knowledge::load(folder.path()).unwrap()));
    let stage = Stage::new().with_documents(documents);
    let question = serde_json::json!({"question": "How large may an event be?"});
    assert_eq!(stage.get("/readyz").send().await.status, StatusCode::OK);
    assert_eq!(stage.post("/v1/ask", &question).send().await.status, StatusCode::OK);
    drop(sender);
    assert_eq!(stage.get("/readyz").send().await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(stage.post("/v1/ask", &question).send().await.status, StatusCode::SERVICE_UNAVAILABLE);
}
