//! Reads many files on as many threads as there are processors: cutting and analysing a text takes far longer than the disk.

use std::sync::{Mutex, PoisonError};
use std::thread;

use super::progress::Progress;

/// For fewer files no thread is started.
const MANY_FILES: usize = 32;
const MOST_THREADS: usize = 8;

/// Does the work for each item, and gives what came of it in any order.
pub(super) fn each<Item: Send, Read: Send>(items: Vec<Item>, work: impl Fn(Item) -> Read + Sync) -> Vec<Read> {
    let count = items.len();
    let queue = Mutex::new((items.into_iter(), Progress::new("reading documents", count)));
    let worker = || {
        let mut done = Vec::new();
        loop {
            let next = {
                let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
                let (items, progress) = &mut *queue;
                items.next().inspect(|_| progress.step())
            };
            let Some(item) = next else { return done };
            done.push(work(item));
        }
    };
    let helpers = if count < MANY_FILES { 0 } else { thread::available_parallelism().map_or(1, usize::from) };
    thread::scope(|scope| {
        let started = (1..helpers.min(MOST_THREADS)).map(|_| scope.spawn(worker)).collect::<Vec<_>>();
        let mut done = worker();
        for helper in started {
            match helper.join() {
                Ok(more) => done.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done
    })
}
