//! Questions at a fixed rate, whose time counts from when each should have been sent, however late it was; or as many as are
//! answered. One thread and one event loop for all connections, as a load generator costs least.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use anyhow::Result;
use futures_util::future::try_join_all;
use measuring::client::Client;
use measuring::gate_word::GateWord;
use measuring::statistics::Sample;

use crate::ask;

/// More than can be under way at once: at 200 questions a second that is a third of a second's worth.
const CONNECTIONS: usize = 64;
const CONNECTIONS_AT_MOST: usize = 8;

/// Who is asked what.
#[derive(Clone, Copy)]
pub(crate) struct Load<'a> {
    pub(crate) port: u16,
    pub(crate) word: &'a GateWord,
    pub(crate) questions: &'a [String],
}

impl Load<'_> {
    /// At a fixed rate; each answer's time in milliseconds.
    pub(crate) async fn paced(self, rate: u32, seconds: f64) -> Result<Sample> {
        let count = (f64::from(rate) * seconds) as usize;
        let (next, times) = (Cell::new(0_usize), RefCell::new(Vec::with_capacity(count)));
        let begin = tokio::time::Instant::now() + Duration::from_millis(50);
        let connections = (0..CONNECTIONS).map(|_| async {
            let mut client = Client::connect(self.word, self.port).await?;
            while next.get() < count {
                let number = next.replace(next.get() + 1);
                let due = begin + Duration::from_secs_f64(number as f64 / f64::from(rate));
                tokio::time::sleep_until(due).await;
                ask(&mut client, &self.questions[number % self.questions.len()]).await?;
                times.borrow_mut().push(due.elapsed().as_secs_f64() * 1e3);
            }
            anyhow::Ok(())
        });
        try_join_all(connections).await?;
        Ok(Sample::of(times.into_inner()))
    }

    /// Each connection asks its next question when it has the answer to the last one; gives how many in a second.
    pub(crate) async fn at_most(self, seconds: f64) -> Result<f64> {
        let next = Cell::new(0_usize);
        let begun = Instant::now();
        let connections = (0..CONNECTIONS_AT_MOST).map(|_| async {
            let mut client = Client::connect(self.word, self.port).await?;
            while begun.elapsed().as_secs_f64() < seconds {
                let number = next.replace(next.get() + 1);
                ask(&mut client, &self.questions[number % self.questions.len()]).await?;
            }
            anyhow::Ok(())
        });
        try_join_all(connections).await?;
        Ok(next.get() as f64 / begun.elapsed().as_secs_f64())
    }
}

/// An event loop for a load.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}
