//! One who takes events from the consumer, works on them for a moment, and says that they are done.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::super::door::Door;
use super::super::posting::AGAIN_AFTER;
use super::CONSUMER;
use crate::dice::Dice;
use crate::journal::{Journal, Line};
use crate::lease::{AT_ONCE, HandOut, Lease, LeaseLine};
use crate::operation::Operation;

/// Work on what was handed out takes less than this.
const WORK_MILLIS: u64 = 40;

const PATIENCE: Duration = Duration::from_secs(60);

/// What a holder shall do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Work,
    /// Say no more of the next ones.
    Silence,
    End,
}

#[derive(Clone)]
pub(super) struct Holder {
    pub(super) number: u32,
    pub(super) door: Door,
    pub(super) journal: Arc<Journal>,
    /// When all of them began.
    pub(super) begun: Instant,
}

impl Holder {
    /// Works until its fate is another one; gives what it still holds and has said nothing of.
    pub(super) async fn hold(self, fate: watch::Receiver<Fate>, mut dice: Dice) -> Result<Vec<Lease>> {
        let mut turn = usize::try_from(self.number)?;
        while *fate.borrow() != Fate::End {
            self.put_down(LeaseLine::Asked);
            let asked_millis = self.millis();
            let path = format!("{CONSUMER}/events:fetch");
            let question = json!({"max": AT_ONCE, "wait_seconds": 1});
            let Some(answer) = answer(self.door.by(turn, self.door.caller.post(&path, &question))).await? else {
                turn += 1;
                sleep(AGAIN_AFTER).await;
                continue;
            };
            let events = answer.get("events").and_then(Value::as_array).context("no events")?;
            let handed: Vec<_> = events.iter().map(|event| self.handed(event, asked_millis)).collect::<Result<_>>()?;
            for hand_out in &handed {
                self.put_down(LeaseLine::Handed(*hand_out));
            }
            self.put_down(LeaseLine::Heard);
            let leases: Vec<_> = handed.iter().map(|hand_out| hand_out.lease).collect();
            if leases.is_empty() {
                continue;
            }
            if *fate.borrow() == Fate::Silence {
                self.put_down(LeaseLine::Silent);
                return Ok(leases);
            }
            sleep(Duration::from_millis(dice.below(WORK_MILLIS))).await;
            self.acknowledge(&leases).await?;
        }
        Ok(Vec::new())
    }

    /// Says that they are done, until that is answered.
    pub(super) async fn acknowledge(&self, leases: &[Lease]) -> Result<()> {
        let claim = |lease: &Lease| json!({"position": lease.position, "fence": lease.fence});
        let settlement = json!({"ack": leases.iter().map(claim).collect::<Vec<_>>()});
        let path = format!("{CONSUMER}/events:settle");
        let saying = async {
            let mut turn = usize::try_from(self.number)?;
            loop {
                for lease in leases {
                    self.put_down(LeaseLine::Acking(*lease));
                }
                let request = self.door.by(turn, self.door.caller.post(&path, &settlement));
                if let Some(settled) = answer(request).await? {
                    return Ok::<_, anyhow::Error>(settled);
                }
                turn += 1;
                sleep(AGAIN_AFTER).await;
            }
        };
        let settled = timeout(PATIENCE, saying).await.context("what is done was never answered")??;
        let stale = settled.get("stale").and_then(Value::as_array).context("nothing about stale ones")?;
        let mut taken = 0_u64;
        for lease in leases {
            if stale.contains(&claim(lease)) {
                self.put_down(LeaseLine::Stale(*lease));
            } else {
                taken += 1;
                self.put_down(LeaseLine::Taken(*lease));
            }
        }
        ensure!(settled.get("taken") == Some(&json!(taken)), "{leases:?} were answered {settled}");
        Ok(())
    }

    fn handed(&self, delivered: &Value, asked_millis: u64) -> Result<HandOut> {
        let number =
            |name| delivered.get(name).and_then(Value::as_u64).with_context(|| format!("no {name}: {delivered}"));
        let id = delivered.pointer("/event/id").and_then(Value::as_str).context("an event without an id")?;
        let (operation, _) = Operation::of_id(id).context("an id of nobody")?;
        Ok(HandOut {
            lease: Lease { position: number("position")?, fence: number("fence")? },
            attempt: number("attempt")?,
            operation,
            asked_millis,
            heard_millis: self.millis(),
        })
    }

    fn put_down(&self, line: LeaseLine) {
        self.journal.put_down(&Line::Lease(self.number, line));
    }

    fn millis(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// Nothing when no promise was made: the service is away, or replicas met too often.
async fn answer(request: RequestBuilder) -> Result<Option<Value>> {
    let Ok(answer) = request.send().await else { return Ok(None) };
    let status = answer.status();
    if status.is_server_error() || status.as_u16() == 409 {
        return Ok(None);
    }
    if status.as_u16() != 200 {
        bail!("the consumer answered {status}: {}", answer.text().await?);
    }
    Ok(answer.json().await.ok())
}
