use std::cell::{Cell, RefCell};
use std::sync::Arc;

use super::*;
use crate::progress::Progress;

/// How long `keep_alive` beats when heartbeat `n`, counted from 1, ends as `answer(n)`, and when each was begun.
async fn beats(answer: impl Fn(usize) -> Result<(), AgentError>) -> (Duration, Vec<u64>) {
    let begun = Instant::now();
    let sent = RefCell::new(Vec::new());
    let beat = |_| {
        sent.borrow_mut().push(begun.elapsed().as_secs());
        std::future::ready(answer(sent.borrow().len()))
    };
    let (_progress, reports) = watch::channel(Said::default());
    let (_working, ended) = oneshot::channel();
    keep_alive(beat, begun, reports, ended).await;
    (begun.elapsed(), sent.into_inner())
}

#[tokio::test(start_paused = true)]
async fn the_lease_is_given_up_when_no_heartbeat_has_arrived_for_as_long_as_it_stands() {
    let (lasted, sent) = beats(|number| if number == 2 { Ok(()) } else { Err(AgentError::Refused(503)) }).await;
    // The second, at 12 s, is the last that arrives.
    assert_eq!((lasted.as_secs(), &sent[..3]), (42, &[10, 12, 22][..]));
    assert!(sent.len() > 10, "there were more attempts in the last seconds than {sent:?}");
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_that_hangs_does_not_outlive_the_lease() {
    let (_progress, reports) = watch::channel(Said::default());
    let (_working, ended) = oneshot::channel();
    let begun = Instant::now();
    keep_alive(|_| pending(), begun, reports, ended).await;
    assert_eq!(begun.elapsed(), LEASE);
}

#[tokio::test(start_paused = true)]
async fn a_conflict_that_passes_is_not_a_lost_lease_and_a_lost_lease_ends_at_once() {
    let (lasted, _) =
        beats(|number| Err(if number < 3 { AgentError::Refused(409) } else { AgentError::LeaseLost })).await;
    assert_eq!(lasted.as_secs(), 14);
}

#[tokio::test(start_paused = true)]
async fn a_heartbeat_under_way_when_the_work_ends_is_finished_and_is_the_last() {
    let begun = Instant::now();
    let finished = Cell::new(0);
    let beat = |_| async {
        sleep(Duration::from_secs(3)).await;
        finished.set(finished.get() + 1);
        Ok(())
    };
    let (_progress, reports) = watch::channel(Said::default());
    let (working, ended) = oneshot::channel();
    let work = async {
        sleep(Duration::from_secs(11)).await;
        drop(working);
    };
    tokio::join!(keep_alive(beat, begun, reports, ended), work);
    assert_eq!((finished.get(), begun.elapsed().as_secs()), (1, 13));
}

#[tokio::test(start_paused = true)]
async fn of_a_flood_of_reports_one_a_second_goes_out_and_it_is_the_newest() {
    let sent = RefCell::new(Vec::new());
    let beat = |said: Said| {
        sent.borrow_mut().push(said.progress.unwrap().percent);
        std::future::ready(Ok(()))
    };
    let (newest, reports) = watch::channel(Said::default());
    let (_stop, stop_asked) = watch::channel(false);
    let progress = Progress::new(newest, Arc::default(), stop_asked);
    let (working, ended) = oneshot::channel();
    let work = async {
        for percent in 0..=30 {
            progress.report(percent, "");
            sleep(Duration::from_millis(100)).await;
        }
        drop(working);
    };
    tokio::join!(keep_alive(beat, Instant::now(), reports, ended), work);
    assert_eq!(sent.borrow().len(), 4, "{sent:?}");
    assert!(sent.borrow().is_sorted() && sent.borrow()[3] >= 29, "{sent:?}");
}
