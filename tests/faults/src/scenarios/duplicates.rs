//! A thousand posts of one event at once.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use assistant_service::backbone::Backbone;
use programs::nats::NatsOptions;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::server;
use crate::judge::Stored;
use crate::operation::Operation;
use crate::report::Report;
use crate::stand::{Log, open};
use crate::verdict::Verdict;

const POSTS: u64 = 1000;

pub(super) async fn at_once() -> Result<Report> {
    let mut verdict = Verdict { replicas: 1, ..Verdict::default() };
    let folders = [tempfile::tempdir()?, tempfile::tempdir()?, tempfile::tempdir()?];
    let [embedded, one, other] = &folders;
    let embedded = open(embedded.path(), None).await?;
    post(&[embedded], 0, async { Ok(()) }, &mut verdict).await?;

    let server = server(&NatsOptions::default())?;
    let log = Log::of(&server);
    let replicas = [open(one.path(), Some(&log)).await?, open(other.path(), Some(&log)).await?];
    post(&replicas, 0, async { Ok(()) }, &mut verdict).await?;
    let kill = async {
        sleep(Duration::from_millis(30)).await;
        server.restart()
    };
    post(&replicas, 4, kill, &mut verdict).await?;
    let injected = format!(
        "{POSTS} posts of one event at once: embedded, to two replicas, and to two replicas while their server is killed"
    );
    Ok(Report { injected, verdict, notes: Vec::new() })
}

async fn post(
    stores: &[Arc<dyn Backbone>],
    number: u64,
    meanwhile: impl Future<Output = Result<()>>,
    verdict: &mut Verdict,
) -> Result<()> {
    let operation = Operation { writer: 0, number };
    let mut posts = JoinSet::new();
    for (_, store) in (0..POSTS).zip(stores.iter().cycle()) {
        let store = Arc::clone(store);
        posts.spawn(async move { store.commit(operation.batch(10)).await });
    }
    meanwhile.await?;
    let (mut positions, mut firsts, mut answered) = (BTreeSet::new(), 0, 0);
    while let Some(answer) = posts.join_next().await {
        // No answer is no promise.
        let Ok(committed) = answer? else { continue };
        answered += 1;
        for event in committed.events {
            positions.insert(event.position);
            firsts += u64::from(!event.is_duplicate);
        }
    }
    ensure!(answered > 0, "no post was answered");
    for store in stores {
        let stored = Stored::read(&**store).await?;
        let id = format!("\"{}-{number}-0\"", operation.writer);
        let kept: Vec<_> = stored.events.iter().filter(|event| event.json.contains(&id)).collect();
        verdict.stored += kept.len() as u64;
        verdict.twice += (kept.len() as u64).saturating_sub(1);
        let places: BTreeSet<_> = kept.iter().map(|event| event.position).collect();
        if places.len() != 1 || positions != places || firsts > 1 {
            verdict.violate(format!("of {answered} answers {firsts} were first, told {positions:?}, kept {places:?}"));
        }
    }
    verdict.acknowledged += answered;
    Ok(())
}
