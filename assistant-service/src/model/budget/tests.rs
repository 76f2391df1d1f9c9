use futures_util::future::join_all;

use super::*;
use crate::backbone::sqlite::SqliteBackbone;
use crate::testing::{ManualClock, Stage};

const ANNA: &str = "https://issuer.example.com#anna";
const BEN: &str = "https://issuer.example.com#ben";

fn budgets(stage: &Stage, requests: Option<u64>, tokens: Option<u64>) -> Budgets {
    let settings = BudgetSettings { requests_per_day: requests, tokens_per_day: tokens };
    let clock: Arc<ManualClock> = Arc::clone(&stage.clock);
    Budgets::open(settings, Arc::clone(&stage.state.backbone), clock).unwrap()
}

fn is_over(reserved: &Result<Reserved, ModelError>) -> bool {
    matches!(reserved, Err(ModelError::OverBudget { .. }))
}

#[tokio::test]
async fn an_account_has_so_many_requests_in_a_day_and_others_have_their_own() {
    let stage = Stage::new();
    let budgets = budgets(&stage, Some(2), None);
    for _ in 0..2 {
        budgets.reserve(ANNA, 1_000_000).await.unwrap();
    }
    stage.clock.advance(Duration::from_secs(3600));
    let over = budgets.reserve(ANNA, 1).await;
    // The stage begins at noon.
    assert_eq!(over.unwrap_err(), ModelError::OverBudget { retry_after: Duration::from_secs(11 * 3600) });
    budgets.reserve(BEN, 1).await.unwrap();
    stage.clock.advance(Duration::from_secs(11 * 3600 - 1));
    assert!(is_over(&budgets.reserve(ANNA, 1).await), "it is not midnight yet");
    stage.clock.advance(Duration::from_secs(1));
    budgets.reserve(ANNA, 1).await.unwrap();
}

#[tokio::test]
async fn tokens_are_taken_before_and_what_was_not_needed_is_given_back() {
    let stage = Stage::new();
    let budgets = budgets(&stage, None, Some(1000));
    let first = budgets.reserve(ANNA, 900).await.unwrap();
    assert!(is_over(&budgets.reserve(ANNA, 101).await), "the first may need it all");
    budgets.settle(first, Used { requests: 1, tokens: 300 }).await;
    let second = budgets.reserve(ANNA, 700).await.unwrap();
    // A model may take more than it was to; the day then has that much less.
    budgets.settle(second, Used { requests: 1, tokens: 900 }).await;
    assert!(is_over(&budgets.reserve(ANNA, 1).await));
    drop(budgets);
    let again = Budgets::open(
        BudgetSettings { tokens_per_day: Some(1000), requests_per_day: None },
        Arc::clone(&stage.state.backbone),
        stage.clock.clone(),
    );
    assert!(is_over(&again.unwrap().reserve(ANNA, 1).await), "it is kept beyond a restart");
}

#[tokio::test]
async fn what_is_settled_after_midnight_counts_for_its_own_day() {
    let stage = Stage::new();
    let budgets = budgets(&stage, None, Some(1000));
    let yesterdays = budgets.reserve(ANNA, 1000).await.unwrap();
    stage.clock.advance(Duration::from_secs(13 * 3600));
    let todays = budgets.reserve(ANNA, 600).await.unwrap();
    budgets.settle(yesterdays, Used { requests: 1, tokens: 1000 }).await;
    budgets.settle(todays, Used { requests: 1, tokens: 600 }).await;
    budgets.reserve(ANNA, 400).await.unwrap();
}

#[tokio::test]
async fn replicas_count_together_whatever_they_do_at_once() {
    let stage = Stage::new();
    let replicas: Vec<_> = (0..3).map(|_| budgets(&stage, Some(30), Some(3000))).collect();
    let requests = (0..60).map(|number: usize| {
        let replica = &replicas[number % replicas.len()];
        async move {
            // Whoever lost too often is refused, and may come again.
            loop {
                match replica.reserve(ANNA, 100).await {
                    Err(ModelError::Unavailable(_)) => {}
                    reserved => return reserved,
                }
            }
        }
    });
    let (reserved, over): (Vec<_>, Vec<_>) = join_all(requests).await.into_iter().partition(Result::is_ok);
    assert_eq!((reserved.len(), over.len()), (30, 30));
    assert!(over.iter().all(is_over), "{over:?}");
}

#[tokio::test]
async fn a_store_that_fails_or_holds_something_else_refuses() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Stage::new().clock);
    let jobs = crate::metrics::Metrics::default().jobs_per_commit;
    let store = SqliteBackbone::open_with_setting(folder.path(), ("query_only", 1), clock.clone(), jobs);
    let settings = BudgetSettings { requests_per_day: Some(1000), tokens_per_day: None };
    let refused = Budgets::open(settings, Arc::new(store), clock).unwrap().reserve(ANNA, 1).await;
    assert!(matches!(refused, Err(ModelError::Unavailable(_))), "{refused:?}");

    let stage = Stage::new();
    let budgets = budgets(&stage, Some(1000), None);
    let reserved = budgets.reserve(ANNA, 1).await.unwrap();
    let entry = stage.state.backbone.get(BUDGETS, reserved.key.clone()).await.unwrap().unwrap();
    let put = Put {
        bucket: BUDGETS,
        key: reserved.key,
        value: Some(b"nothing".to_vec()),
        expected_revision: Some(entry.revision),
        expires_at: None,
    };
    stage.state.backbone.commit(Batch { events: Vec::new(), puts: vec![put] }).await.unwrap();
    assert!(matches!(budgets.reserve(ANNA, 1).await, Err(ModelError::Unavailable(_))));
}

#[tokio::test]
async fn the_store_learns_no_name_and_forgets_the_day() {
    let stage = Stage::new();
    budgets(&stage, Some(9), None).reserve(ANNA, 1).await.unwrap();
    let kept = stage.state.backbone.list(BUDGETS, None, 10).await.unwrap();
    assert!(kept.len() == 1 && !kept[0].key.contains("anna"), "{kept:?}");
    stage.clock.advance(Duration::from_secs(3 * 24 * 3600));
    assert!(stage.state.backbone.list(BUDGETS, None, 10).await.unwrap().is_empty());
}

#[test]
fn without_a_limit_nothing_is_kept() {
    let stage = Stage::new();
    assert!(Budgets::open(BudgetSettings::default(), stage.state.backbone, stage.clock).is_none());
}
