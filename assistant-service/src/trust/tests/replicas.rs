//! Several books over one store: what one is told all enforce and tell, and one that is cut off does not pretend to.

use futures_util::future::BoxFuture;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::*;
use crate::backbone::{
    Backbone, BackboneError, Batch, Change, Committed, Entry as Stored, EventFilter, Page, Position, Revision, Standing,
};

const LEASE: &str = "/v1/services/tester-7/commands:lease";

fn follow(stage: &Stage) -> JoinHandle<()> {
    let trust = Arc::clone(&stage.state.trust);
    tokio::spawn(async move { trust.follow_for_ever().await })
}

fn cursor(said: &Value) -> String {
    said["cursor"].as_str().unwrap().to_owned()
}

fn names(said: &Value) -> Vec<&str> {
    said["revocations"].as_array().unwrap().iter().map(|entry| entry["jti"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn what_is_revoked_through_one_replica_is_enforced_and_told_by_the_other_at_once() {
    let stage = Stage::new();
    let other = stage.replica();
    let following = follow(&other);
    let query = format!("?after={}&wait=25", cursor(&feed(&other, "").await));
    let lease = other.post(LEASE, &json!({"wait_seconds": 30}));
    let lease = lease.claiming(|claims| claims.rctx.jti = Some("one".to_owned())).send();
    let revoking = async {
        while other.state.metrics.long_polls.get() == 0 {
            tokio::task::yield_now().await;
        }
        let begun = Instant::now();
        assert_eq!(revoke(&stage, &format!("iss={ISSUER}&jti=one")).await, 200);
        begun
    };
    let (leased, told, begun) = tokio::join!(lease, feed(&other, &query), revoking);
    assert_eq!(leased.status, StatusCode::UNAUTHORIZED);
    assert_eq!(names(&told), ["one"]);
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    following.abort();
}

#[tokio::test]
async fn a_cursor_of_one_replica_misses_nothing_at_the_other() {
    let stage = Stage::new();
    let other = stage.replica();
    let first = cursor(&feed(&stage, "").await);
    assert_eq!(revoke(&stage, &format!("iss={ISSUER}&jti=one")).await, 200);
    // The other one has not heard of it, and must not give a cursor beyond it with what it is told itself.
    assert_eq!(revoke(&other, &format!("iss={ISSUER}&jti=two")).await, 200);
    let told = feed(&other, &format!("?after={first}")).await;
    assert_eq!((&told["complete"], names(&told)), (&json!(false), vec!["one", "two"]));
    // Nor has the first one heard of that cursor, and it is a good one all the same.
    let told = feed(&stage, &format!("?after={}", cursor(&told))).await;
    assert_eq!((&told["complete"], names(&told)), (&json!(false), vec![]));
    assert_eq!(revoke(&stage, &format!("iss={ISSUER}&jti=three")).await, 200);
    assert_eq!(names(&feed(&other, "").await), ["one", "two", "three"], "what is called complete is");
    // A rotation that stands on what the other one knows.
    let old = gate_keys("old", None);
    assert_eq!(rotate(&stage, None, &old).await, 204);
    assert_eq!(rotate(&other, None, &gate_keys("x", None)).await, 409);
    assert_eq!(rotate(&other, Some("old"), &gate_keys("new", Some(&old))).await, 204);
}

#[tokio::test]
async fn of_two_replicas_that_forget_at_once_both_forget() {
    let stage = Stage::new();
    let other = stage.replica();
    for jti in ["one", "two"] {
        assert_eq!(revoke(&stage, &format!("iss={ISSUER}&jti={jti}")).await, 200);
    }
    assert_eq!(names(&feed(&other, "").await), ["one", "two"]);
    stage.clock.advance(KEEP_REVOCATIONS_FOR + Duration::from_secs(2 * 24 * 60 * 60));
    let (one, two) = tokio::join!(stage.state.trust.sweep(), other.state.trust.sweep());
    one.unwrap();
    two.unwrap();
    for stage in [&stage, &other] {
        assert_eq!(names(&feed(stage, "").await).len(), 0);
        assert_eq!(stage.state.metrics.revocations_kept.get(), 0);
    }
}

/// A store whose replica can be cut off from the others.
struct Cut(Arc<dyn Backbone>, watch::Sender<Standing>);

impl Backbone for Cut {
    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Committed, BackboneError>> {
        self.0.commit(batch)
    }

    fn get(&self, bucket: &'static str, key: String) -> BoxFuture<'_, Result<Option<Stored>, BackboneError>> {
        self.0.get(bucket, key)
    }

    fn list(
        &self,
        bucket: &'static str,
        before: Option<String>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Stored>, BackboneError>> {
        self.0.list(bucket, before, limit)
    }

    fn changes(
        &self,
        bucket: &'static str,
        after: Revision,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Change>, BackboneError>> {
        self.0.changes(bucket, after, limit)
    }

    fn query(&self, filter: EventFilter) -> BoxFuture<'_, Result<Page, BackboneError>> {
        self.0.query(filter)
    }

    fn newest_position(&self) -> watch::Receiver<Position> {
        self.0.newest_position()
    }

    fn newest_revision(&self) -> watch::Receiver<Revision> {
        self.0.newest_revision()
    }

    fn standing(&self) -> watch::Receiver<Standing> {
        self.1.subscribe()
    }
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_is_cut_off_tells_keepers_nothing_and_ends_what_nobody_could_revoke() {
    let stage = Stage::new();
    let cut = Arc::new(Cut(Arc::clone(&stage.state.backbone), watch::Sender::new(Standing::Current)));
    let other = stage.replica_over(cut.clone());
    let following = follow(&other);
    let target = format!("/v1/trust?after={}&wait=25", cursor(&feed(&other, "").await));
    let stream = other.get("/v1/events").header("accept", "text/event-stream").open().await.into_body();
    cut.1.send_replace(Standing::Behind);
    let begun = tokio::time::Instant::now();
    let waiting = async {
        let answer = ask(&other, "GET", &target, &Value::Null).await;
        (answer.status, begun.elapsed().as_secs())
    };
    let lease = async {
        let answer = other.post(LEASE, &json!({"wait_seconds": 30})).send().await;
        (answer.status, begun.elapsed().as_secs())
    };
    let stream = async {
        axum::body::to_bytes(stream, usize::MAX).await.unwrap();
        begun.elapsed().as_secs()
    };
    let (waiting, lease, stream) = tokio::join!(waiting, lease, stream);
    assert_eq!(waiting, (StatusCode::SERVICE_UNAVAILABLE, 5));
    assert_eq!((lease, stream), ((StatusCode::SERVICE_UNAVAILABLE, 10), 10));
    // Whoever comes later gets no time of his own.
    assert_eq!(ask(&other, "GET", "/v1/trust", &Value::Null).await.status, StatusCode::SERVICE_UNAVAILABLE);
    let late = other.post(LEASE, &json!({"wait_seconds": 30})).send().await;
    assert_eq!((late.status, begun.elapsed().as_secs()), (StatusCode::SERVICE_UNAVAILABLE, 10));

    tokio::time::resume();
    assert_eq!(revoke(&stage, &format!("iss={ISSUER}&jti=meanwhile")).await, 200);
    cut.1.send_replace(Standing::Current);
    let known = tokio::time::timeout(Duration::from_secs(5), async {
        loop {
            let answer = ask(&other, "GET", "/v1/trust", &Value::Null).await;
            if answer.status == StatusCode::OK {
                return answer.json;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    assert_eq!(names(&known.await.unwrap()), ["meanwhile"]);
    following.abort();
}
