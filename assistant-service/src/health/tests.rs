use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::watch;

use super::*;
use crate::backbone::{Change, Committed, Entry, EventFilter, Page, Position, Revision, Standing};
use crate::testing::Stage;

/// A store whose disk is full or, without an answer, hangs.
struct Broken {
    answer: Option<BackboneError>,
    commits: AtomicUsize,
}

impl Broken {
    fn over(answer: Option<BackboneError>) -> (Arc<Self>, Arc<dyn Backbone>) {
        let broken = Arc::new(Self { answer, commits: AtomicUsize::new(0) });
        (Arc::clone(&broken), broken)
    }
}

impl Backbone for Broken {
    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Committed, BackboneError>> {
        self.commits.fetch_add(1, Ordering::Relaxed);
        async move {
            match &self.answer {
                Some(error) if !batch.puts.is_empty() => Err(error.clone()),
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
        watch::channel(Standing::Current).1
    }
}

#[tokio::test(start_paused = true)]
async fn a_broken_disk_is_not_ready_and_a_flood_of_questions_costs_one_commit_a_second() {
    let (broken, backbone) = Broken::over(Some(BackboneError::Unavailable("disk I/O error".to_owned())));
    let readiness = Readiness::default();
    let answers = futures_util::future::join_all((0..100).map(|_| readiness.is_ready(&backbone))).await;
    assert!(answers.iter().all(|is_ready| !is_ready));
    assert_eq!(broken.commits.load(Ordering::Relaxed), 1);
    tokio::time::sleep(FRESH_FOR).await;
    assert!(!readiness.is_ready(&backbone).await);
    assert_eq!(broken.commits.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn a_full_store_is_ready_for_those_who_read() {
    let (_, backbone) = Broken::over(Some(BackboneError::Full));
    assert!(Readiness::default().is_ready(&backbone).await);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_is_not_ready_and_is_asked_once() {
    let (broken, backbone) = Broken::over(None);
    let readiness = Readiness::default();
    for _ in 0..3 {
        let begun = Instant::now();
        assert!(!readiness.is_ready(&backbone).await);
        assert_eq!(begun.elapsed(), PATIENCE);
    }
    assert_eq!(broken.commits.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_store_that_works_is_ready_time_and_again() {
    let stage = Stage::new();
    for _ in 0..3 {
        assert!(stage.state.readiness.is_ready(&stage.state.backbone).await);
        *stage.state.readiness.0.lock().await = None;
    }
}
