use std::collections::BTreeMap;

use tokio::sync::mpsc::{Sender, channel};
use tokio::task::JoinHandle;

use super::*;
use crate::reading::{Context, Reading};
use crate::spool::LEAST_BYTES;
use crate::testing::voice;

struct Kept {
    inputs: Sender<Input>,
    store: Store,
    tally: Arc<Tally>,
    said: tokio::sync::mpsc::UnboundedReceiver<String>,
    give_up: watch::Sender<bool>,
    task: JoinHandle<()>,
    _folder: tempfile::TempDir,
}

fn kept(prepare: impl FnOnce(&mut Spool)) -> Kept {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(folder.path(), LEAST_BYTES).unwrap();
    prepare(&mut spool);
    let ((inputs, read), store, tally) = (channel(10), Store::new(spool), Arc::<Tally>::default());
    let ((voice, said), (give_up, is_given_up)) = (voice(), watch::channel(false));
    let batching = Batching::new("d".to_owned(), BTreeMap::new(), Context::default());
    let task = tokio::spawn(keep(read, batching, store.clone(), (Arc::clone(&tally), voice), is_given_up));
    Kept { inputs, store, tally, said, give_up, task, _folder: folder }
}

fn line(time: Millis) -> Input {
    let reading = Reading { time, values: vec![("FrameTime".into(), 16.0)] };
    Input::Game { reading, context: Context::default(), place: None }
}

async fn waiting(store: &Store) -> u64 {
    store.with(|spool| Ok(spool.waiting())).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_value_is_in_the_spool_200_ms_after_it_came_however_many_follow_it() {
    let kept = kept(|_| {});
    for round in 1..4 {
        let begun = Instant::now();
        let flushed = kept.store.filled.notified();
        tokio::pin!(flushed);
        let mut time = 0;
        loop {
            time += 30;
            kept.inputs.send(line(time)).await.unwrap();
            tokio::select! {
                () = &mut flushed => break,
                () = sleep(Duration::from_millis(30)) => {}
            }
        }
        assert!(begun.elapsed() <= FLUSH_AFTER + Duration::from_millis(31), "{:?}", begun.elapsed());
        assert!(begun.elapsed() >= Duration::from_millis(150), "{:?}", begun.elapsed());
        assert_eq!(waiting(&kept.store).await, round);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_in_the_making_at_the_end_is_kept_too_and_that_it_is_the_end() {
    let kept = kept(|_| {});
    kept.inputs.send(line(1)).await.unwrap();
    drop(kept.inputs);
    kept.task.await.unwrap();
    assert_eq!((waiting(&kept.store).await, kept.tally.progress().waiting), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_is_told_and_nothing_is_lost_until_somebody_gives_up() {
    let mut kept = kept(Spool::fill_disk);
    kept.inputs.send(line(1)).await.unwrap();
    let said = kept.said.recv().await.unwrap();
    assert!(said.contains("cannot be written: No space left on device"), "{said}");
    kept.store
        .with(|spool| {
            spool.empty_disk();
            Ok(())
        })
        .await
        .unwrap();
    kept.store.filled.notified().await;
    assert_eq!((waiting(&kept.store).await, kept.tally.progress().lost), (1, 0));

    kept.store
        .with(|spool| {
            spool.fill_disk();
            Ok(())
        })
        .await
        .unwrap();
    kept.inputs.send(line(2)).await.unwrap();
    drop(kept.inputs);
    kept.give_up.send_replace(true);
    kept.task.await.unwrap();
    // And the word that the session ends.
    assert_eq!(kept.tally.progress().lost, 2);
}
